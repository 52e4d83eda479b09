"""`hilferuf reprocess`: what the log still holds goes through the running pipeline once more, under the rules of today."""

import re
import sys
import time
from pathlib import Path

from hilferuf.engines import log_of
from hilferuf.progress import progress
from hilferuf.rules import settings_of
from listeners.clock import SystemClock
from records.errors import HilferufError
from records.times import DAY, HOUR, MINUTE, from_ms, read_time
from records.topics import CUSTOMER_FACTS, MENTIONS
from streams.refeed import STEP, TOPICS, Span, What, oldest_allowed

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*([mhd])")
_UNITS = {"m": MINUTE, "h": HOUR, "d": DAY}


def reprocess(config: Path | None, since: str, until: str | None, rate: float | None) -> int:
    """Feeds again what was written from `since` on; `rate`: records a second, None = as fast as they are taken."""
    loaded, now = settings_of(config), SystemClock().now()
    oldest = oldest_allowed(loaded.settings.retention, now)
    start, end = moment(since, now), moment(until, now) if until else now
    if start >= end:
        raise HilferufError(f"nothing lies between {from_ms(start)} and {from_ms(end)}")
    if start < oldest:
        print(f"from {from_ms(oldest)}, not earlier: what is older, log and stages may have forgotten", file=sys.stderr)
        start = oldest
    counts: dict[str, dict[What, int]] = {topic: {} for topic in TOPICS}
    fed, began = 0, time.monotonic()
    with log_of(loaded) as log, progress() as line:
        for step in log.feed(Span(start, end, oldest), max(1, min(STEP, int(rate or STEP)))):
            held = counts[step.topic]
            for what, count in step.counts.items():
                held[what] = held.get(what, 0) + count
            fed += step.counts.get("fed", 0)
            line.say(f"{step.topic}: {held.get('fed', 0):,} fed again")
            if rate:
                time.sleep(max(0.0, began + fed / rate - time.monotonic()))
    mentions, facts = counts[MENTIONS], counts[CUSTOMER_FACTS]
    print(
        f"{mentions.get('fed', 0)} mentions and {facts.get('fed', 0)} facts fed again, "
        f"written from {from_ms(start)} to {from_ms(end)}"
    )
    if mentions.get("too old"):
        print(f"{mentions['too old']} posts left out: posted before {from_ms(oldest)}, stages may have forgotten them")
    unreadable = mentions.get("unreadable", 0) + facts.get("unreadable", 0)
    if unreadable:
        print(f"{unreadable} left out: they cannot be read, see `hilferuf dlq list`")
    return 0


def moment(text: str, now: int) -> int:
    """A time in milliseconds since 1970: RFC 3339, or how long ago (`30m`, `2h`, `3d`). Raises HilferufError."""
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return now - int(float(ago[1]) * _UNITS[ago[2]])
    try:
        return read_time(text).ms
    except ValueError as error:
        raise HilferufError(f"{text!r} is no time: write one as 2026-03-01T12:00:00Z, or `2h`, `3d` ago") from error
