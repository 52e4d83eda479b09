"""`hilferuf lag`: how far the workers and each deliverer are behind."""

from pathlib import Path

import msgspec

from hilferuf.deployment import kafka_of
from hilferuf.rules import settings_of
from hilferuf.wiring import sink_settings
from streams.kafka.lag import Lag, lags

_HEAD = ("group", "topic", "partitions", "records", "worst", "members")


def lag(config: Path | None, json: bool) -> int:
    """One line a group and topic."""
    loaded = settings_of(config)
    found = lags(kafka_of(loaded), [name for name, _ in sink_settings(loaded.settings)])
    if json:
        for item in found:
            print(msgspec.json.encode(item).decode())
    else:
        _table(found)
    return 0


def _table(found: list[Lag]) -> None:
    rows = [_HEAD, *(tuple(str(getattr(item, name)) for name in _HEAD) for item in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row in rows:
        words = [
            cell.ljust(width) if index < 2 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(words).rstrip())
