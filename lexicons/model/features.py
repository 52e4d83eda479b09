"""What a post looks like to the model: acts by name and places of its n-grams. Training and judging use this very function."""

from collections.abc import Mapping
from typing import NamedTuple

from lexicons.model.acts import Heard, To, acts
from lexicons.model.grams import Places, of_letters, of_shapes, of_words
from lexicons.model.pieces import MARKS, Pieces, skeleton


class Features(NamedTuple):
    """acts: by name; words, letters, shapes: places in the tables, as often as they occur."""

    acts: dict[str, float]
    words: Places
    letters: Places
    shapes: Places


def features(
    seen: Pieces,
    signals: Mapping[str, float],
    heard: Heard,
    cues: Mapping[str, int],
    to: To,
    kept: frozenset[str],
    stars: int = 0,
) -> Features:
    """Everything about a post that the model adds up. kept: words that the skeleton keeps; stars: of a review, 0 = none."""
    spoken = [word for word in seen.words if word not in MARKS and word[0] not in "@<"]
    told = acts(seen, signals, heard, cues, to)
    if stars:
        told[f"stars:{stars}"] = 1.0
    return Features(
        acts=told,
        words=of_words(seen.words),
        letters=of_letters(spoken),
        shapes=of_shapes(skeleton(seen, kept)),
    )
