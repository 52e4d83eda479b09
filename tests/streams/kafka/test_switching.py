"""Rules that change on Kafka: each partition at a record of its own, and in the end the tickets are the new rules', whoever
switched first, was restarted or still worked by the old ones. More examples: HILFERUF_EXAMPLES."""

import asyncio
import itertools
import os
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from records import codec
from records.topics import WHOLE
from streams.assess import Assess
from streams.kafka import turn as turn_module
from streams.memory import MemoryEngine
from streams.profile import Profile
from streams.screen import Screen
from tests.streams.conftest import RULES, judge
from tests.streams.kafka.shard_rig import Broker, cuts
from tests.streams.kafka.test_conformance import view
from tests.streams.test_any_order import canonical, feed, histories
from tests.streams.test_switching import NEW, OLD, judge_new

EXAMPLES = int(os.environ.get("HILFERUF_EXAMPLES", "5"))
numbers = itertools.count()


def stages(by, version: str) -> list[Any]:
    return [Screen(by), Profile(), Assess(RULES, by, version=version)]


class Deployment:
    """All shards of a worker that switches one partition after the other; some are restarted with the new rules instead."""

    def __init__(self, broker: Broker, chance) -> None:
        self.broker, self.chance = broker, chance
        self.old, self.new = stages(judge, "test"), stages(judge_new, "new")
        self.places = [(stage, p) for stage in range(3) for p in range(broker.kafka.partitions)]
        self.shards: dict[tuple[int, int], Any] = {}
        self.switched: set[tuple[int, int]] = set()

    async def start(self) -> None:
        for place in self.places:
            self.shards[place] = await self.broker.open(self.old[place[0]], place[1], rules=OLD)
            await self.tell(place, OLD)

    async def tell(self, place, rules) -> None:
        stage = self.old[place[0]]
        if stage.switches_rules:
            await self.broker.write(stage.source, place[1], (WHOLE.encode(), codec.encode(rules)))

    async def switch(self, place) -> None:
        self.switched.add(place)
        if self.chance.random() < 0.3:  # by a restart
            await self.shards[place].close()
            self.shards[place] = await self.broker.open(self.new[place[0]], place[1], rules=NEW)
        else:
            self.shards[place].offer(self.new[place[0]], NEW)
        await self.tell(place, NEW)

    async def work(self, pieces: int | None) -> None:
        """So many pieces of input, None = until nothing is left."""
        while pieces is None or pieces > 0:
            busy = False
            self.chance.shuffle(self.places)
            for place in self.places:
                batch = await self.broker.batch(self.shards[place])
                busy |= bool(batch.records)
                for piece in cuts(batch, self.chance):
                    assert await self.shards[place].apply(piece)
                    if pieces is not None:
                        pieces -= 1
            if not busy:
                return


@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(histories(), st.randoms(use_true_random=False))
def test_partitions_that_switch_one_after_the_other_end_with_the_tickets_of_the_new_rules(
    kafka, prefix, monkeypatch, events, chance
):
    monkeypatch.setattr(turn_module, "REDERIVED", 1)
    number = next(numbers)

    async def run():
        async with Broker(kafka, f"{prefix}{number}.") as broker:
            deployment = Deployment(broker, chance)
            await deployment.start()
            cut = chance.randint(0, len(events))
            await broker.publish(events[:cut])
            await deployment.work(chance.randint(0, 10))
            order = list(deployment.places)
            chance.shuffle(order)
            for place in order:
                await deployment.switch(place)
                await deployment.work(chance.randint(0, 4))
            await broker.publish(events[cut:])
            await deployment.work(None)
            assert await broker.letters() == []
            for stage, partition in deployment.places:
                shard = deployment.shards[stage, partition]
                assert not shard.stage.switches_rules or shard.note.rules == NEW.name
            return canonical(await view(broker))

    queue = asyncio.run(run())
    assert queue == canonical(feed(MemoryEngine(stages(judge_new, "new")), events))
    assert {ticket.lexicon_version for ticket in queue} <= {"new"}
