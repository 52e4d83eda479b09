"""The lexicon that the service works by, with the files that it was made of."""

from collections.abc import Sequence
from typing import NamedTuple

from config.settings import Loaded
from hilferuf.editions import running
from lexicons.compiler import Lexicon
from lexicons.edition import compile_edition
from lexicons.format import Source, read_lexicons


class Running(NamedTuple):
    """sources: in the order in which they were merged."""

    lexicon: Lexicon
    sources: tuple[Source, ...]


def running_lexicon(loaded: Loaded) -> Running:
    """What the service works by; where nothing has run yet, what the files say. Raises ConfigError, HilferufError."""
    edition, lexicon = running(loaded)
    sources: list[Source] = []

    def read(names: Sequence[str]) -> Lexicon:
        sources.extend(read_lexicons(names, loaded.base))
        return lexicon  # compiled already

    compile_edition(edition, loaded.base, read)
    return Running(lexicon, tuple(sources))
