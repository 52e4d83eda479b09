"""Retry-After in every form, and the limiter (SINKS case 8)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.errors import Transient
from sinks.limits import LONGEST, SHORTEST, Limiter, retry_after

NOW = 1_795_600_000.0  # Wed, 25 Nov 2026 09:46:40 GMT


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30.0),
        ("0", SHORTEST),
        ("-5", SHORTEST),
        ("1.5", 1.5),
        (" 7 ", 7.0),
        ("999999999", LONGEST),
        ("inf", LONGEST),
        ("nan", None),
        ("Wed, 25 Nov 2026 09:47:10 GMT", 30.0),
        ("Wed, 25 Nov 2026 09:47:10", 30.0),
        ("Wed, 25 Nov 2020 09:47:10 GMT", SHORTEST),
        ("Wed, 25 Nov 2099 09:47:10 GMT", LONGEST),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after({} if value is None else {"retry-after": value}, NOW) == seconds


@given(st.text())
def test_no_retry_after_breaks_anything(value: str) -> None:
    seconds = retry_after({"retry-after": value}, NOW)
    assert seconds is None or SHORTEST <= seconds <= LONGEST


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


async def test_a_burst_goes_at_once_and_the_rest_in_step() -> None:
    clock = Clock()
    limiter = Limiter(60, burst=3, clock=lambda: clock.now, sleep=clock.sleep)
    for _ in range(5):
        await limiter.acquire()
    assert clock.slept == pytest.approx([1.0, 1.0])


async def test_a_long_pause_is_handed_back_at_once() -> None:
    clock = Clock()
    limiter = Limiter(clock=lambda: clock.now, sleep=clock.sleep)
    limiter.pause(60)
    limiter.pause(2)  # never shortens the other
    with pytest.raises(Transient) as caught:
        await limiter.acquire()
    assert caught.value.retry_after == 60 and clock.slept == []


async def test_an_allowance_that_is_used_up_closes_the_gate() -> None:
    clock = Clock()
    limiter = Limiter(clock=lambda: clock.now, sleep=clock.sleep)
    limiter.feed({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "3"})
    await limiter.acquire()
    assert clock.slept == [3.0]


@pytest.mark.parametrize(
    "headers",
    [
        {"x-rate-limit-remaining": "5", "x-rate-limit-reset": "3"},
        {"x-ratelimit-remaining": "0"},
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795600000"},
        {"x-ratelimit-remaining": "many", "x-ratelimit-reset": "nan"},
    ],
)
async def test_headers_that_say_nothing_clear_do_not_stop_us(headers: dict[str, str]) -> None:
    clock = Clock()
    limiter = Limiter(clock=lambda: clock.now, sleep=clock.sleep)
    limiter.feed(headers)
    await limiter.acquire()
    assert clock.slept == []
