"""The examples in a lexicon are its tests: this runs them, and says of a failing one what matched instead.

Each is read with the triggers of its own language alone, and with hits that lie inside longer ones: an example says what a
trigger hears, not what the whole post weighs.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from lexicons.compiler import CompiledTrigger, Lexicon
from lexicons.format import Source
from lexicons.silenced import Silenced, hear
from lexicons.text import cut
from records.verdict import TriggerHit


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One example: where it stands, what it should be, whether it is, and what was heard in it.

    matched: every trigger that hits, the own one first; silenced: places of its own phrases that do not count, with why.
    """

    ok: bool
    trigger: str
    expected: Literal["hit", "miss"]
    text: str
    file: str
    line: int | None
    matched: tuple[TriggerHit, ...]
    silenced: tuple[Silenced, ...]


def check_examples(lexicon: Lexicon, sources: Sequence[Source]) -> Iterator[Outcome]:
    """Every example of every trigger of these files, judged by a lexicon that they are part of; in the files' order.

    Conditions (`when:`) are taken to hold. A trigger that a later file switches off is left out.
    """
    compiled = {each.trigger.id: each for each in lexicon.triggers}
    for source in sources:
        for place, trigger in enumerate(source.content.triggers):
            for text, expected, line in _written(source, place) if trigger.id in compiled else ():
                yield _check(lexicon, compiled[trigger.id], text, expected, source.document.file, line)


def _written(source: Source, place: int) -> Iterator[tuple[str, Literal["hit", "miss"], int | None]]:
    examples = source.content.triggers[place].examples
    for at, text in enumerate(examples.hits):
        yield text, "hit", source.document.line(("triggers", place, "examples", "hits", at))
    for at, text in enumerate(examples.misses):
        yield text, "miss", source.document.line(("triggers", place, "examples", "misses", at))


def _check(
    lexicon: Lexicon,
    compiled: CompiledTrigger,
    text: str,
    expected: Literal["hit", "miss"],
    file: str,
    line: int | None,
) -> Outcome:
    own = compiled.trigger.id
    heard = hear(lexicon, cut(text), frozenset([compiled.language]), contained=True)
    is_hit = any(hit.id == own for hit in heard.hits)
    return Outcome(
        ok=is_hit is (expected == "hit"),
        trigger=own,
        expected=expected,
        text=text,
        file=file,
        line=line,
        matched=tuple(sorted(heard.hits, key=lambda hit: (hit.id != own, hit.start, hit.id))),
        silenced=tuple(each for each in heard.silenced if each.id == own),
    )
