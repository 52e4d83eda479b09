"""Judges a deployment by its logs: what every topic holds must be what the pure stages make of their inputs, byte for byte, and
what stands in the end must be what the accepted mentions deserve.

Nothing here asks a worker. Every input topic is folded as it stands in the log, partition by partition in order of offset, one
record at a time: so a batch that was applied twice, in part, or not at all shows, wherever it was cut.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from config.kafka import KafkaSettings, client_options
from config.settings import load_settings
from hilferuf.rules import RuleSet, rules_of
from listeners.clock import SystemClock
from records import codec
from records.events import Rules
from records.mention import Mention
from records.normalise import normalise_mention
from records.tickets import Delivery, Ticket
from records.times import DAY, from_ms
from records.topics import AUTHOR_EVENTS, CUSTOMER_FACTS, DEAD_LETTERS, DELIVERIES, MENTIONS, TICKETS, WHOLE
from sinks.contract import Sink
from sinks.render import post_key
from streams.kafka import admin
from streams.kafka.cluster import Cluster
from streams.kafka.deliver import is_control
from streams.kafka.lag import groups_of
from streams.kafka.shard import Shard
from streams.kafka.state import States
from streams.kafka.turn import Guard, Note, Taking
from streams.memory import MemoryEngine, ranked
from streams.stage import Stage
from streams.topology import rules_record, stages
from tests.chaos.world import World
from tests.crash.desk import START
from tests.crash.oracle import rt_count, stands_once

NOW = from_ms(START + 365 * DAY)  # any time after the story


class Log(NamedTuple):
    """Every committed record that the brokers hold, by topic (as in records.topics) and partition; and what each group has
    committed."""

    records: dict[tuple[str, int], list[Any]]
    committed: dict[tuple[str, str, int], int]

    def topic(self, name: str) -> list[Any]:
        """Partition by partition, in order of offset."""
        return [record for (topic, _), found in sorted(self.records.items()) if topic == name for record in found]

    def newest(self, name: str, partition: int | None = None) -> dict[str, bytes]:
        """The newest value of every key, without tombstones."""
        found = self.topic(name) if partition is None else self.records[name, partition]
        newest = {record.key.decode(): record.value for record in found}
        return {key: value for key, value in newest.items() if value is not None}


async def read_log(kafka: KafkaSettings, sinks: list[str]) -> Log:
    """Read all topics to the end that they have now."""
    groups = groups_of(kafka, sinks)
    names = [MENTIONS, CUSTOMER_FACTS, AUTHOR_EVENTS, TICKETS, DEAD_LETTERS, DELIVERIES]
    names += [f"{stage}-state" for stage in ("screen", "profile", "assess")]
    options = {**client_options(kafka), "enable_auto_commit": False, "isolation_level": "read_committed"}
    committed: dict[tuple[str, str, int], int] = {}
    for (
        group,
        topics,
    ) in groups.items():  # before the logs are read: a record that comes in between counts as not worked
        asking = AIOKafkaConsumer(**options, group_id=group)
        await asking.start()
        for topic in topics:
            for partition in range(kafka.partitions):
                offset = await asking.committed(TopicPartition(kafka.topic(topic), partition))
                committed[group, topic, partition] = offset or 0
        await asking.stop()
    reader = AIOKafkaConsumer(**options, auto_offset_reset="earliest", max_partition_fetch_bytes=4 * 2**20)
    await reader.start()
    tps = {TopicPartition(kafka.topic(name), p): (name, p) for name in names for p in range(kafka.partitions)}
    reader.assign(list(tps))
    await reader.seek_to_beginning()
    ends = await reader.end_offsets(list(tps))
    records: dict[tuple[str, int], list[Any]] = {place: [] for place in tps.values()}
    while [tp for tp in tps if await reader.position(tp) < ends[tp]]:
        for tp, found in (await reader.getmany(timeout_ms=300)).items():
            records[tps[tp]] += found
    await reader.stop()
    return Log(records, committed)


def unfinished(log: Log, kafka: KafkaSettings, sinks: list[str]) -> list[str]:
    """What is still to be done; empty = the deployment is quiet."""
    left = []
    for (group, topic, partition), offset in log.committed.items():
        found = log.records[topic, partition]
        if found and found[-1].offset >= offset:
            left.append(f"{group} {topic} {partition}: {offset} of {found[-1].offset + 1}")
    entries = ledger(log)
    work = [entry for entry in entries.values() if entry.state == "pending"]
    if work:
        left.append(f"{len(work)} deliveries, {Counter(entry.error for entry in work).most_common(2)}")
    return left


def ledger(log: Log) -> dict[str, Delivery]:
    """The deliverers' entries."""
    newest = log.newest(DELIVERIES).items()
    return {key: codec.deliveries.decode(value) for key, value in newest if not is_control(key)}


class Expected(NamedTuple):
    """What the pure functions make of one partition of a stage's input. history: every state of every key in its order."""

    states: States[Any]
    note: Note
    history: dict[str, list[bytes | None]]


class Oracle:
    """Judges one world; every method raises AssertionError."""

    def __init__(self, world: World, log: Log, rules: RuleSet | None = None) -> None:
        self.world, self.log = world, log
        self.rules = rules or rules_of(load_settings(world.folder / "worker0.yaml"))
        settings = self.rules.loaded.settings
        self.named: Rules = rules_record(self.rules.lexicon, self.rules.strategy, settings)
        self.stages: list[Stage[Any]] = stages(self.rules.lexicon, self.rules.strategy, settings)
        self.expected: dict[tuple[str, int], Expected] = {}
        self._wanted: dict[tuple[str, str], list[bytes | None]] = {}

    # nothing lost, nothing doubled

    def tickets_are_deserved(self) -> list[Ticket]:
        """Every accepted mention stands in the log, and the tickets are those that they deserve; returns those that stand."""
        mentions = [normalise_mention(event, observed_at=NOW, listener="webhook") for event in self.world.accepted]
        heard = [codec.mentions.decode(r.value) for r in self.log.topic(MENTIONS) if r.key != WHOLE.encode()]
        there = {(m.id, m.op, m.revision) for m in heard if isinstance(m, Mention)}
        lost = {(m.id, m.op, m.revision) for m in mentions} - there
        assert not lost, f"accepted with 200, and not in the log: {sorted(lost)[:5]} and {len(lost)} in all"
        engine = MemoryEngine(self.stages)
        engine.play(mentions)
        wanted = canonical(operation.ticket for operation in engine.tickets.values())
        operations = {key: codec.tickets.decode(value) for key, value in self.log.newest(TICKETS).items()}
        standing = ranked(operation.ticket for operation in operations.values())
        found = canonical(standing)
        assert [t.canonical_id for t in found] == [t.canonical_id for t in wanted]
        for mine, theirs in zip(found, wanted, strict=True):
            assert mine == theirs
        return standing

    # byte for byte

    def every_byte_is_right(self) -> None:
        """Fold every input; compare outputs, changelogs, and dead letters (of which there must be none)."""
        assert self.log.topic(DEAD_LETTERS) == []
        for stage in self.stages:
            for partition in range(self.world.kafka.partitions):
                self.expected[stage.name, partition] = self._fold(stage, partition)
                self._compare_changelog(stage, partition)
        self._compare_outputs()

    def _fold(self, stage: Stage[Any], partition: int) -> Expected:
        taking = Taking(stage, partition, self.named, Guard(200, 1.0))
        states: States[Any] = States(stage)
        note: Note | None = None
        history: dict[str, list[bytes | None]] = {}
        for record in self.log.records[stage.source, partition]:
            turn = taking.take(states, note, [record])
            sends, data = turn.sealed()
            for send in sends:
                if send.topic != stage.changelog:
                    self._wanted.setdefault((send.topic, send.key.decode()), []).append(send.value)
            for key, state in turn.changed.items():
                states.put(key, state, data[key])
                history.setdefault(key, []).append(data[key])
            states.settle()
            note = turn.note
        return Expected(states, note or Note(), history)

    def _compare_changelog(self, stage: Stage[Any], partition: int) -> None:
        """A batch logs only the last state of each key; so what is logged is some of its states, in their order."""
        expected, where = self.expected[stage.name, partition], f"{stage.changelog} {partition}"
        newest = self.log.newest(stage.changelog, partition)
        note = newest.pop(WHOLE, b"{}")
        assert note == codec.encode(expected.note), where
        assert newest == {key: data for key, _, data in expected.states.stored()}, where
        logged: dict[str, list[bytes | None]] = {}
        for record in self.log.records[stage.changelog, partition]:
            logged.setdefault(record.key.decode(), []).append(record.value)
        logged.pop(WHOLE, None)
        for key, values in logged.items():
            later = iter(expected.history[key])
            assert all(value in later for value in values), f"{where}: states of {key} that never were, or twice"

    def _compare_outputs(self) -> None:
        found: dict[tuple[str, str], list[bytes | None]] = {}
        for topic in (MENTIONS, AUTHOR_EVENTS, TICKETS):
            for record in self.log.topic(topic):
                if topic == MENTIONS and record.key != WHOLE.encode() and _from_outside(record.value):
                    continue
                if record.key != WHOLE.encode():  # Ticks and Rules are written beside all transactions
                    found.setdefault((topic, record.key.decode()), []).append(record.value)
        wanted = {place: values for place, values in self._wanted.items() if place[1] != WHOLE}
        for held in (found, wanted):  # of one ticket in this order; what several partitions write to one key has none
            for (topic, _), values in held.items():
                if topic != TICKETS:
                    values.sort(key=lambda value: value or b"")
        for place in wanted.keys() | found.keys():
            mine, theirs = Counter(wanted.get(place, ())), Counter(found.get(place, ()))
            assert mine == theirs, (
                f"{place}: missing {sum((mine - theirs).values())}, extra {sum((theirs - mine).values())}"
            )
            assert wanted[place] == found[place], f"{place}: in another order"

    # state

    async def rebuilt_states_are_the_same(self, folders: Iterable[Path | None]) -> None:
        """After all workers have gone: shards opened from an empty disk (None) or from a worker's snapshots."""
        kafka = self.world.kafka
        ids = admin.topic_ids(kafka, [MENTIONS, CUSTOMER_FACTS, AUTHOR_EVENTS, *(s.changelog for s in self.stages)])
        cluster = Cluster(kafka, kafka.group("work"), "chaos", ids, SystemClock().now)
        await cluster.start()
        for folder in folders:
            for stage in self.stages:
                for partition in range(kafka.partitions):
                    shard: Shard[Any] = Shard(stage, partition, cluster, folder=folder)
                    await shard.open()
                    await shard.close()
                    expected = self.expected[stage.name, partition]
                    where = f"{stage.name} {partition} from {folder}"
                    assert sorted(shard.states.stored()) == sorted(expected.states.stored()), where
                    read = self.log.records[stage.source, partition]
                    assert not read or shard.position > read[-1].offset, where
        await cluster.stop()

    # the helpdesk

    async def each_stands_once_in(self, sink: Sink, standing: list[Ticket]) -> None:
        """One ticket in Request Tracker for each that deserves one, with its posts in their order."""
        assert self.world.tracker is not None
        entries = {entry.ticket_id: entry for entry in ledger(self.log).values() if entry.sink == sink.name}
        assert all(entry.state == "settled" for entry in entries.values()), [e.error for e in entries.values()]
        first_seen = self._first_versions()
        for ticket in standing:
            await stands_once(sink, ticket, entries[ticket.id])
            await self._in_order(sink, ticket, entries[ticket.id], first_seen[ticket.id])
        there = [e for e in entries.values() if e.held and e.held.remote_id and e.wanted.ticket.status != "merged"]
        assert await rt_count(self.world.tracker) == len(there), (
            "Request Tracker holds tickets that the ledger does not know"
        )

    def _first_versions(self) -> dict[str, dict[str, int]]:
        """Ticket -> post -> the version of the ticket that brought it."""
        found: dict[str, dict[str, int]] = {}
        for record in self.log.topic(TICKETS):
            if record.value is not None:
                operation: Any = codec.tickets.decode(record.value)
                posts = found.setdefault(operation.ticket_id, {})
                for post in operation.ticket.posts:
                    posts.setdefault(post.id, operation.version)
        return found

    async def _in_order(self, sink: Sink, ticket: Ticket, entry: Delivery, versions: dict[str, int]) -> None:
        """By time; but what became known later may come later."""
        assert entry.held is not None
        remote = await sink.read(entry.held.remote_id)
        assert remote is not None
        keys = list(remote.posts)
        posts = sorted((p for p in ticket.posts if post_key(p.id) in keys), key=lambda p: keys.index(post_key(p.id)))
        for before, after in pairwise(posts):
            in_time = (before.occurred_at, before.id) <= (after.occurred_at, after.id)
            assert in_time or versions[before.id] < versions[after.id], f"{ticket.id}: {before.id} before {after.id}"


def _from_outside(value: bytes | None) -> bool:
    return value is not None and isinstance(codec.mentions.decode(value), Mention)


def canonical(tickets: Iterable[Ticket]) -> list[Ticket]:
    """The queue without what depends on what was live when: live ids, and posts that are gone."""
    return sorted(
        (
            msgspec.structs.replace(
                t, id=t.canonical_id, follows=None, posts=tuple(p for p in t.posts if not p.removed)
            )
            for t in ranked(tickets)
        ),
        key=lambda t: t.canonical_id,
    )
