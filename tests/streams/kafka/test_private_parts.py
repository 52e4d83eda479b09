"""What the engine relies on in Faust 0.15 and aiokafka 0.14 beyond their documented parts. A failure here after an upgrade says
which of our overrides to look at before anything else; `transport.py` and `app.py` in streams/kafka are meant by "ours"."""

import inspect
import textwrap
from importlib import metadata
from types import SimpleNamespace

import aiokafka
import faust
import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import subscription_state
from aiokafka.consumer.fetcher import Fetcher, FetchResult
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.producer.transaction_manager import TransactionManager
from faust import streams as faust_streams
from faust.app.base import App, BootStrategy
from faust.transport import consumer as faust_consumer
from faust.transport.drivers import aiokafka as driver
from mode.threads import QueueServiceThread

from streams.kafka import transport

TP = TopicPartition("t", 0)


def parameters(function) -> list[str]:
    return list(inspect.signature(function).parameters)


def source(thing) -> str:
    return textwrap.dedent(inspect.getsource(thing))


def relies(condition: object, why: str) -> None:
    assert condition, f"changed by an upgrade: {why}"


def test_the_versions_are_those_that_this_was_read_in():
    assert metadata.version("faust-streaming").startswith("0.15."), "read transport.py and app.py against the new Faust"
    assert metadata.version("aiokafka").startswith("0.14."), "read transport.py and shard.py against the new aiokafka"


def test_the_compiled_iterator_is_there():
    relies(
        getattr(faust_streams, "_CStreamIterator", None),
        "Faust without its Cython part acknowledges messages that it skips; app.py refuses to start without it",
    )


# the consumer's thread


def test_the_thread_makes_its_consumer_by_a_method_that_we_replace():
    thread = driver.AIOKafkaConsumerThread
    relies(parameters(thread._create_worker_consumer) == ["self", "transport"], "ours reads read_committed instead")
    relies("self._create_worker_consumer(transport)" in source(thread._create_consumer), "who calls it")
    relies("self._consumer = self._create_consumer(" in source(thread.on_start), "who calls that")
    relies("_assignor" in source(thread), "ours sets the sticky assignor there")


@pytest.mark.parametrize(
    "name",
    [
        "group_instance_id",
        "partition_assignment_strategy",
        "isolation_level",
        "enable_auto_commit",
        "auto_offset_reset",
        "max_poll_records",
        "max_poll_interval_ms",
        "fetch_max_wait_ms",
        "request_timeout_ms",
        "session_timeout_ms",
        "heartbeat_interval_ms",
        "rebalance_timeout_ms",
    ],
)
def test_aiokafkas_consumer_takes_what_we_give_it(name):
    relies(name in parameters(aiokafka.AIOKafkaConsumer.__init__), f"the consumer's setting {name}")


@pytest.mark.parametrize("name", ["transactional_id", "transaction_timeout_ms", "retry_backoff_ms", "max_batch_size"])
def test_aiokafkas_producer_takes_what_we_give_it(name):
    relies(name in parameters(aiokafka.AIOKafkaProducer.__init__), f"the producer's setting {name}")


def test_the_sticky_assignor_is_an_assignor():
    relies(StickyPartitionAssignor.name == "sticky", "partitions that stay must not be read anew")


def test_polling_goes_through_one_method_that_we_wrap():
    fetch = driver.AIOKafkaConsumerThread._fetch_records
    relies(
        parameters(fetch) == ["self", "consumer", "active_partitions", "timeout", "max_records"],
        "ours wraps _fetch_records to know where a batch starts",
    )
    relies("self._fetch_records" in source(driver.AIOKafkaConsumerThread.getmany), "who polls")
    text = source(fetch)
    relies("fetcher.fetched_records(" in text, "the one place where positions move by a poll")
    relies(text.count("await ") == 1, "nothing may wait between the taking of records and our look at the positions")


def test_a_commit_of_fausts_goes_through_one_method_that_we_make_do_nothing():
    thread = driver.AIOKafkaConsumerThread
    relies(parameters(thread._commit) == ["self", "offsets"], "ours commits nothing: offsets go in the transactions")
    relies("self._commit" in source(thread.commit), "who calls it")
    relies(source(thread).count("consumer.commit(") == 1, "and there is no other way to commit")
    relies("tp_last_committed_at" in source(thread), "ours sets it, else Faust reports a livelock")


def test_the_thread_takes_calls_from_outside():
    relies(hasattr(QueueServiceThread, "call_thread"), "ours seeks in the polling thread by call_thread")
    relies(issubclass(driver.AIOKafkaConsumerThread, QueueServiceThread), "the same")
    relies(hasattr(driver.AIOKafkaConsumerThread, "_ensure_consumer"), "ours seeks on that consumer")


# what Faust's consumer does with polled records


def test_polled_records_are_taken_by_a_method_that_we_replace():
    consumer = faust_consumer.Consumer
    relies(parameters(consumer.getmany) == ["self", "timeout"], "ours yields whole batches instead")
    relies(inspect.isasyncgenfunction(consumer.getmany), "the same")
    relies(parameters(consumer._wait_next_records) == ["self", "timeout"], "ours polls by it")
    text = source(consumer.getmany)
    for part in (
        "self.flow_active",
        "self.app.consumer_generation_id",
        "self._buffered_partitions",
        "self.should_stop",
    ):
        relies(part in text, f"ours stops handing over by {part}, as the original does")
    relies("records, active_partitions = await self._wait_next_records(timeout)" in text, "what a poll gives")


def test_a_message_that_faust_believes_to_have_read_is_dropped_unless_we_forget_the_offset():
    text = source(faust_consumer.Consumer._drain_messages)
    relies("r_offset = get_read_offset(tp)" in text, "ours sets _read_offset to None with each batch")
    relies("if r_offset is None or offset >= r_offset" in text, "None lets every message through")
    relies("self.getmany(timeout=" in text or "getmany(" in text, "who calls our getmany")


def test_a_seek_goes_through_a_method_that_we_replace():
    relies(parameters(faust_consumer.Consumer._seek) == ["self", "partition", "offset"], "ours seeks in the thread")
    relies("await self._seek(partition, offset)" in source(faust_consumer.Consumer.seek), "who calls it")


def test_faust_makes_thread_and_message_by_methods_that_we_use():
    relies(parameters(driver.Consumer._new_consumer_thread) == ["self"], "ours makes another thread")
    relies(
        parameters(driver.Consumer._to_message) == ["self", "tp", "record"], "ours makes a message of the last record"
    )
    relies("self._new_consumer_thread()" in source(faust_consumer.ThreadDelegateConsumer.__init__), "who calls it")
    relies(driver.Transport.Consumer is driver.Consumer, "ours is named there")
    relies(transport.Transport.Consumer is transport.Consumer, "ours is named there")


def test_the_transport_is_found_by_its_scheme():
    (found,) = metadata.entry_points(group="faust.transports", name=transport.SCHEME)
    relies(found.load() is transport.Transport, "the entry point faust.transports")
    relies(faust.transport.by_url(f"{transport.SCHEME}://h:1") is transport.Transport, "addresses hilferuf://")


# positions in aiokafka


async def test_positions_are_where_we_read_them():
    state = subscription_state.TopicPartitionState(SimpleNamespace())
    relies(state.has_valid_position is False, "no position yet: a batch then has no start")
    state.seek(7)
    relies(state.has_valid_position and state.position == 7, "a seek sets the position at once")
    subscriptions = subscription_state.SubscriptionState()
    relies(subscriptions.subscription is None, "ours reads _subscription.subscription.assignment")
    subscriptions.subscribe({"t"})
    relies(subscriptions.subscription.assignment is None, "none before the first rebalance")
    subscriptions.assign_from_subscribed({TP})
    assignment = subscriptions.subscription.assignment
    relies(set(assignment.tps) == {TP} and assignment.state_value(TP) is not None, "and what ours reads then")
    relies("self._subscription = " in source(aiokafka.AIOKafkaConsumer.__init__), "the consumer's own state")


def test_a_position_moves_with_the_records_that_are_given_and_by_nothing_else():
    relies("self._update_position()" in source(FetchResult.getall), "the position of a batch's end")
    relies("next_fetch_offset" in source(FetchResult._update_position), "markers included")
    relies("res_or_error.getall(max_records)" in source(Fetcher.fetched_records), "records are taken there")


def test_a_position_that_the_log_does_not_have_is_an_error_with_the_partition_in_it():
    text = source(Fetcher)
    relies("Errors.OffsetOutOfRangeError({tp: fetch_offset})" in text, "ours takes the partitions out of args[0]")
    relies("Errors.NoOffsetForPartitionError(tp)" in text, "ours takes the partition out of args[0]")
    relies(
        OffsetOutOfRangeError({TP: 1}).args[0] == {TP: 1} and NoOffsetForPartitionError(TP).args[0] == TP, "the same"
    )
    relies("del self._records[tp]" in source(Fetcher.fetched_records), "an error is told once, then others go on")


# the application


def test_faust_starts_without_a_producer_of_its_own():
    relies(
        BootStrategy.enable_kafka_producer is not None or "enable_kafka_producer" in source(BootStrategy), "ours is off"
    )
    relies(App.BootStrategy is BootStrategy, "ours is named there")


def test_a_rebalance_tells_us_what_goes_before_it_goes_on():
    text = source(App._on_partitions_revoked)
    relies(
        "await T(self.on_partitions_revoked.send)(revoked)" in text,
        "ours ends what is in flight before the revoke ends",
    )
    relies("self.on_partitions_assigned.send" in source(App._on_partitions_assigned), "ours opens shards")
    relies("if self.should_stop:" in text, "none comes while Faust stops: ours gives its partitions up before")


def test_what_faust_says_of_itself():
    relies(isinstance(App.crashed, property) or "crashed" in dir(App), "ours leaves when Faust crashed")
    relies("should_stop" in dir(App) and "consumer_generation_id" in dir(App), "the same; and which rebalance it is")
    relies("consumer" in dir(App), "ours seeks by app.consumer.seek")


@pytest.mark.parametrize(
    "name",
    [
        "broker_client_id",
        "consumer_group_instance_id",
        "broker_session_timeout",
        "broker_heartbeat_interval",
        "broker_rebalance_timeout",
        "broker_max_poll_records",
        "topic_disable_leader",
        "topic_allow_declare",
        "stream_buffer_maxsize",
        "stream_recovery_delay",
        "stream_wait_empty",
        "web_enabled",
        "autodiscover",
    ],
)
def test_fausts_settings_that_we_give(name):
    relies(name in faust.Settings.SETTINGS, f"Faust's setting {name}")


async def test_a_topic_without_acks_leaves_nothing_to_acknowledge():
    app = faust.App("private-parts", broker="kafka://127.0.0.1:1", store="memory://", web_enabled=False)
    relies(app.topic("t", acks=False).acks is False, "ours acknowledges by its transactions only")


# transactions


def test_a_transaction_ends_by_commit_or_abort_and_never_by_itself():
    text = source(aiokafka.AIOKafkaProducer.transaction) + source(aiokafka.producer.producer.TransactionContext)
    relies(
        "abort_transaction" in text and "commit_transaction" in text,
        "ours writes in `async with producer.transaction()`",
    )
    relies(
        parameters(aiokafka.AIOKafkaProducer.send_offsets_to_transaction) == ["self", "offsets", "group_id"],
        "the offset goes without the group's generation: so one transactional id a partition, see ENGINE.md",
    )
    relies("_pending_txn_partitions" in source(TransactionManager), "partitions are added before the first record")
