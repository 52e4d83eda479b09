"""The trained tables: read, written, added up. One file of JSON and bytes, never pickle; equal training gives equal bytes.

    z = bias + Σ acts[name] · value + Σ over words, letters, shapes of (Σ table[place]) / √(number of n-grams)
    need = 1 / (1 + e^-(a · z + b))

Weights are whole numbers of one byte times a scale, so a last digit that a maths library computes otherwise changes nothing.
Urgency and anger are sums of the same form over acts, words and shapes: the expected value of 2^urgency - 1 and of anger, given
that the post needs an answer (for ranking, 2^urgency - 1 is what a ticket is worth).
"""

import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from math import exp, log2, sqrt
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from config.yaml_file import ConfigError
from lexicons.model.features import Features
from lexicons.model.grams import LETTER_BITS, SHAPE_BITS, WORD_BITS, Places

FORMAT = 1
_MAGIC = b"HILFERUF-MODEL\n"
PACKAGED = Path(__file__).parent / "need.model"
TABLES = {"words": 1 << WORD_BITS, "letters": 1 << LETTER_BITS, "shapes": 1 << SHAPE_BITS}
Bytes = npt.NDArray[np.int8]


class Head(NamedTuple):
    """One question and its weights. acts: name -> weight; tables: name -> (scale, one byte a place)."""

    bias: float
    acts: dict[str, float]
    tables: dict[str, tuple[float, Bytes]]

    def add_up(self, seen: Features) -> tuple[float, dict[str, float]]:
        """z, and what each act and each table added."""
        weights = self.acts
        moved = {name: weights[name] * value for name, value in seen.acts.items() if name in weights}
        for name, added in self._of_tables(seen):
            moved[name] = moved.get(name, 0.0) + added  # an act may be called like a table
        return self.bias + sum(moved.values()), moved

    def total(self, seen: Features) -> float:
        """z alone."""
        weight = self.acts.get
        z = self.bias
        for name, value in seen.acts.items():
            z += weight(name, 0.0) * value
        for _, added in self._of_tables(seen):
            z += added
        return z

    def _of_tables(self, seen: Features) -> Iterator[tuple[str, float]]:
        for name, (scale, table) in self.tables.items():
            places: Places = getattr(seen, name)
            if len(places):
                yield name, scale * int(table[places].sum(dtype=np.int64)) / sqrt(len(places))


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What was learnt. kept: words of the skeleton; slope and shift: a and b of the calibration; about: data and figures."""

    kept: frozenset[str]
    need: Head
    urgency: Head
    anger: Head
    slope: float
    shift: float
    about: dict[str, Any] = field(default_factory=dict)
    digest: str = ""

    def need_of(self, z: float) -> float:
        """Chance 0-1."""
        z = min(max(self.slope * z + self.shift, -30.0), 30.0)
        return 1 / (1 + exp(-z))

    def urgency_of(self, seen: Features) -> float:
        """0-3, given need."""
        return min(log2(1 + max(self.urgency.total(seen), 0.0)), 3.0)

    def anger_of(self, seen: Features) -> float:
        """0-3, given need."""
        return min(max(self.anger.total(seen), 0.0), 3.0)

    def to_bytes(self) -> bytes:
        """The file's content."""
        parts: list[bytes] = []
        heads: dict[str, Any] = {}
        for name in ("need", "urgency", "anger"):
            head: Head = getattr(self, name)
            tables = {}
            for table, (scale, content) in head.tables.items():
                tables[table] = scale
                parts.append(content.tobytes())
            heads[name] = {"bias": head.bias, "acts": dict(sorted(head.acts.items())), "tables": tables}
        header = {
            "format": FORMAT,
            "kept": sorted(self.kept),
            "heads": heads,
            "slope": self.slope,
            "shift": self.shift,
            "about": self.about,
        }
        first = json.dumps(header, ensure_ascii=False, sort_keys=True).encode()
        return _MAGIC + zlib.compress(len(first).to_bytes(4, "big") + first + b"".join(parts), 9)


def read_model(path: Path = PACKAGED) -> Model:
    """Raises ConfigError for a file that is no model, or one of another format."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror}", "model", hint="write it: hilferuf model train"
        ) from error
    try:
        if not content.startswith(_MAGIC):
            raise ValueError("it does not begin like one")
        body = zlib.decompress(content[len(_MAGIC) :])
        size = int.from_bytes(body[:4], "big")
        header = json.loads(body[4 : 4 + size])
        if header["format"] != FORMAT:
            raise ValueError(f"it is format {header['format']!r}, this release reads {FORMAT}")
        return Model(
            kept=frozenset(header["kept"]),
            slope=header["slope"],
            shift=header["shift"],
            about=header["about"],
            digest=hashlib.sha256(content).hexdigest()[:12],
            **_heads(header["heads"], memoryview(body)[4 + size :]),
        )
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        raise ConfigError(
            f"{path} is no model: {error}", "model", hint="write it anew: hilferuf model train"
        ) from error


@lru_cache(4)
def _read(path: Path, _changed: int) -> Model:
    return read_model(path)


def known_model(path: Path = PACKAGED) -> Model:
    """As `read_model`, read once as long as the file does not change."""
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        changed = 0
    return _read(path, changed)


def _heads(told: dict[str, Any], rest: memoryview) -> dict[str, Head]:
    heads, place = {}, 0
    for name in ("need", "urgency", "anger"):
        tables = {}
        scales = told[name]["tables"]
        for table in sorted(scales, key=[*TABLES].index):  # the bytes lie in this order, whatever the header's is
            tables[table] = (scales[table], np.frombuffer(rest[place : place + TABLES[table]], np.int8))
            if len(tables[table][1]) != TABLES[table]:
                raise ValueError("it is cut off")
            place += TABLES[table]
        heads[name] = Head(told[name]["bias"], told[name]["acts"], tables)
    return heads
