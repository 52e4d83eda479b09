"""The stage that all systems run: one state a key, one output an event. Imports no engine, so that each can import it."""

import os
import resource
import sys
import time

import msgspec

KEYS, PARTITIONS, BYTES = 5_000, 8, 771


class Event(msgspec.Struct):
    """What comes in."""

    key: str
    number: int
    amount: int
    text: str


class Total(msgspec.Struct, frozen=True):
    """The state of a key."""

    count: int
    amount: int
    last: int


decode = msgspec.json.Decoder(Event).decode
encode = msgspec.json.Encoder().encode
load = msgspec.json.Decoder(Total).decode


def step(state: Total | None, event: Event) -> tuple[Total, dict[str, int | str]]:
    """The new state and the output."""
    before = state or Total(0, 0, 0)
    after = Total(before.count + 1, before.amount + event.amount, event.number)
    return after, {"key": event.key, "count": after.count, "amount": after.amount}


def events(count: int) -> list[tuple[bytes, bytes]]:
    """(key, value of 771 bytes) `count` times."""
    found = []
    for number in range(count):
        key = f"customer-{number * 7919 % KEYS}"
        bare = encode(Event(key, number, number % 97, ""))
        found.append((key.encode(), encode(Event(key, number, number % 97, "x" * (BYTES - len(bare))))))
    return found


class Watch:
    """Tells the seconds and the CPU seconds from the first event to the last one, as a line of JSON, and ends the process."""

    def __init__(self, count: int) -> None:
        self._left, self._began, self._cpu = count, 0.0, 0.0

    def began(self) -> None:
        """Call at every event or batch before it is worked."""
        if not self._began:
            self._began, self._cpu = time.perf_counter(), _cpu()
            print(encode({"began": time.time()}).decode(), flush=True)

    def done(self, count: int) -> None:
        """Call when this many more are committed, or (where a system does not tell) worked."""
        self._left -= count
        if self._left <= 0:
            told = {"seconds": time.perf_counter() - self._began, "cpu": _cpu() - self._cpu, "rss": rss()}
            print(encode(told).decode(), flush=True)
            sys.stdout.flush()
            os._exit(0)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def rss() -> float:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
