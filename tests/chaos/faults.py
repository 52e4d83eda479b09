"""The storm: faults in a seeded order, one kind after the other until all were there, then anew."""

import asyncio
import random
import signal
from collections import Counter

from tests.chaos.processes import Supervised
from tests.chaos.world import World

KINDS = (
    "kill worker",
    "stop worker",
    "term worker",
    "kill broker",
    "kill deliverer",
    "kill listener",
    "full disk",
    "term deliverer",
    "clock",
    "kill two",
    "kill tracker",
    "stop deliverer",
    "term listener",
    "stop listener",
)
SHORT = ("kill worker", "stop worker", "kill broker", "kill deliverer")
JUMPS = (-10_800.0, -60.0, 90.0, 10_800.0)  # seconds
FAR = 500 * 86_400.0  # beyond all retention; not for listeners, whose spool it would empty


class Storm:
    """Hits a world. `stopped`: seconds that SIGSTOP lasts, longer than the session; `counts`: what was done."""

    def __init__(self, world: World, seed: int, *, stopped: tuple[float, float] = (7.0, 10.0)) -> None:
        self.world, self.chance, self.stopped = world, random.Random(seed), stopped
        self.counts: Counter[str] = Counter()
        self._bag: list[str] = []

    def next(self) -> str:
        """A kind that was not there yet in this turn."""
        if not self._bag:
            self._bag = list(KINDS)
            self.chance.shuffle(self._bag)
        return self._bag.pop()

    async def hit(self, kind: str) -> None:
        """One fault; returns when what lasts (a stop, a broker that is away) is over."""
        self.counts[kind] += 1
        world, chance = self.world, self.chance
        what, _, whom = kind.partition(" ")
        if kind == "kill broker":
            await world.kill_broker(chance.randrange(world.broker.nodes), chance.uniform(1.0, 6.0))
        elif kind == "kill tracker":
            if world.tracker is not None:
                await world.kill_tracker(chance.uniform(0.0, 5.0))
        elif kind == "kill two":
            for process in chance.sample(world.processes, 2):
                process.send(signal.SIGKILL)
        elif kind == "clock":
            process = chance.choice(world.processes)
            jumps = JUMPS if process in world.listeners else (*JUMPS, FAR, 0.0)
            process.clock.write_text(str(chance.choice(jumps)))
        elif kind == "full disk":
            await self._full_disk()
        else:
            process = self._one(whom)
            if what == "stop":
                await process.pause(chance.uniform(*self.stopped))
            else:
                process.send(signal.SIGKILL if what == "kill" else signal.SIGTERM)

    async def _full_disk(self) -> None:
        """While the broker is away, which is when the disk is needed; and of one more process."""
        seconds = self.chance.uniform(3.0, 6.0)
        others = self.chance.choice([*self.world.workers, *self.world.deliverers])
        await asyncio.gather(
            *(process.full_disk(seconds + 2) for process in (*self.world.listeners, others)),
            self.world.kill_broker(self.chance.randrange(self.world.broker.nodes), seconds),
        )

    def _one(self, role: str) -> Supervised:
        return self.chance.choice(
            {"worker": self.world.workers, "deliverer": self.world.deliverers}.get(role, self.world.listeners)
        )
