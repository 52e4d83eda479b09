"""The engine on Kafka makes the tickets of the memory engine and of the embedded one, and writes what the pure stages say, byte
for byte; whatever the cuts and restarts. More examples: HILFERUF_EXAMPLES."""

import asyncio
import itertools
import os
import random
from types import SimpleNamespace
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from records import codec
from records.facts import CustomerFact
from records.mention import Mention
from records.topics import AUTHOR_EVENTS, MENTIONS, TICKETS, WHOLE
from streams.kafka import shard as shard_module
from tests.streams.kafka.shard_rig import Broker, cuts, stages
from tests.streams.test_any_order import canonical, feed, fresh_engine, histories
from tests.streams.test_embedded import engine_at, queue_of

EXAMPLES = int(os.environ.get("HILFERUF_EXAMPLES", "5"))
numbers = itertools.count()


class Deployment:
    """Every shard of the three stages, restarted now and then."""

    def __init__(self, broker: Broker, chance: random.Random, folder) -> None:
        self.broker, self.chance, self.folder = broker, chance, folder
        self.shards: dict[tuple[int, int], Any] = {}
        self.stages = stages()

    async def run(self) -> None:
        """Until nothing is left to read."""
        places = [(stage, p) for stage in range(3) for p in range(self.broker.kafka.partitions)]
        for place in places:
            await self.start(place, None)
        busy = True
        while busy:
            busy = False
            self.chance.shuffle(places)
            for place in places:
                batch = await self.broker.batch(self.shards[place])
                busy |= bool(batch.records)
                for piece in cuts(batch, self.chance):
                    if self.chance.random() < 0.25:
                        await self.restart(place)
                    polled_twice = self.chance.random() < 0.2  # it is read over
                    assert await self.shards[place].apply(piece._replace(start=0) if polled_twice else piece)

    async def start(self, place: tuple[int, int], folder) -> None:
        self.shards[place] = await self.broker.open(self.stages[place[0]], place[1], folder)

    async def restart(self, place: tuple[int, int]) -> None:
        """With the states kept, from an empty disk, or from a snapshot; cleanly, or with the old one left standing."""
        old, way = self.shards[place], self.chance.choice(["kept", "empty", "snapshot", "fenced"])
        if way == "snapshot":
            old._file = self.folder / f"{old.stage.name}-{old.partition}.snapshot"
            await old.save()
        if way != "fenced":
            await old.close()
        if way == "kept":
            await old.open()
        else:
            await self.start(place, self.folder if way == "snapshot" else None)
        assert self.shards[place].position == old.position


@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(histories(), st.randoms(use_true_random=False))
def test_random_cuts_and_restarts_give_the_same_tickets_and_every_byte_is_what_the_stages_say(
    kafka, prefix, tmp_path, monkeypatch, events, chance
):
    monkeypatch.setattr(shard_module, "CHANGED_ENOUGH", 1)
    number = next(numbers)
    shuffled = events + chance.choices(events, k=2)
    chance.shuffle(shuffled)

    async def on_kafka():
        async with Broker(kafka, f"{prefix}{number}.") as broker:
            await broker.publish(shuffled)
            deployment = Deployment(broker, chance, tmp_path / str(number))
            await deployment.run()
            assert await broker.letters() == []
            await compare_bytes(broker, deployment.stages, shuffled)
            return canonical(await view(broker))

    async def embedded():
        engine = engine_at(tmp_path / f"{number}.db")
        engine.start()
        for event in shuffled:
            mine = isinstance(event, Mention)
            await engine.publish([event] if mine else [], facts=[] if mine else [event])
        queue = await queue_of(engine)
        await asyncio.to_thread(engine.stop)
        return queue

    queue = asyncio.run(on_kafka())
    assert queue == canonical(feed(fresh_engine(), events))
    assert queue == asyncio.run(embedded())


async def view(broker: Broker) -> Any:
    """`tickets` as a new reader sees it."""
    newest = await broker.newest(TICKETS)
    return SimpleNamespace(tickets={key: codec.tickets.decode(value) for key, value in newest.items()})


async def compare_bytes(broker: Broker, stages: list[Any], events: list[Mention | CustomerFact]) -> None:
    """Fold every input through its stage by hand: that stands on the outputs and in the changelogs, and nothing else."""
    wanted: dict[tuple[str, str], list[bytes | None]] = {}
    for event in events:
        if isinstance(event, Mention):
            wanted.setdefault((MENTIONS, event.id), []).append(codec.encode(event))
    for stage in stages:
        for partition in range(broker.kafka.partitions):
            states: dict[str, Any] = {}
            for record in (await broker.read(stage.source, partition))[0]:
                key = record.key.decode()
                states[key], outputs = stage.step(key, states.get(key), stage.decode(record.value))
                for output in outputs:
                    value = None if output.record is None else codec.encode(output.record)
                    wanted.setdefault((output.topic, output.key), []).append(value)
            logged = await broker.newest(stage.changelog, partition)
            assert logged.pop(WHOLE, b"{}") == b"{}"
            assert logged == {key: stage.dump(state) for key, state in states.items() if state is not None}
    found: dict[tuple[str, str], list[bytes | None]] = {}
    for topic in (MENTIONS, AUTHOR_EVENTS, TICKETS):
        for record in await broker.all(topic):
            found.setdefault((topic, record.key.decode()), []).append(record.value)
    for held in (found, wanted):  # of one ticket in this order; what several partitions write to one key has none
        for (topic, _), values in held.items():
            if topic != TICKETS:
                values.sort(key=lambda value: value or b"")
    assert found == wanted
