"""What people did with posts, as `lexicon suggest` reads it: one JSON object a line, or what the helpdesks told.

A line names a recorded mention by its `id`, or brings its `text`; with both, the text is judged under that id.
"""

from collections.abc import Iterable
from typing import Annotated, Literal, NamedTuple

import msgspec

from config.yaml_file import ConfigError, Document
from lexicons.suggest import Side
from records.ids import digest

What = Literal["opened_by_hand", "raised", "solved", "no_need"]
# Of several that befell one post the first counts; no_need beside another one says that people did not agree.
SIDES: dict[What, Side] = {"opened_by_hand": "missed", "raised": "raised", "solved": "solved", "no_need": "no_need"}


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """outcome: opened_by_hand (no ticket was made of it; a person made one), raised (a person gave it a higher priority),
    solved, no_need (closed as nothing to do). author: whoever wrote it, in any form; unknown: somebody of their own.
    language: of the text, where the sender knows it."""

    outcome: What
    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+:[^\s]+$")] | None = None
    text: str | None = None
    author: str | None = None
    language: Annotated[str, msgspec.Meta(pattern=r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]+)*$")] | None = None

    @property
    def key(self) -> str:
        """The post: the same text of the same author without an id is the same post."""
        return self.id or f"file:{digest(self.author or '', self.text or '')}"


class Settled(NamedTuple):
    """posts: key -> its outcome and side. unclear: posts of which people said both that they needed somebody and that not."""

    posts: dict[str, tuple[Outcome, Side]]
    unclear: int


def read_outcomes(lines: Iterable[tuple[int, bytes]], file: str) -> list[Outcome]:
    """Numbered lines as outcomes; empty ones are passed over. Raises ConfigError with file, line and field."""
    found = []
    for number, line in lines:
        if not line.strip():
            continue
        try:
            value = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"is no JSON: {error}", file, number) from error
        document = Document(value, {(): number}, file)
        outcome = document.convert(Outcome)
        if outcome.id is None and not (outcome.text or "").strip():
            raise document.error("names no post", hint="give `id` of a recorded mention, or `text`")
        found.append(outcome)
    return found


def settle(outcomes: Iterable[Outcome]) -> Settled:
    """One side for each post, whatever the order of the outcomes."""
    by_post: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_post.setdefault(outcome.key, []).append(outcome)
    posts: dict[str, tuple[Outcome, Side]] = {}
    unclear = 0
    for key, said in sorted(by_post.items()):
        what = {outcome.outcome for outcome in said}
        if "no_need" in what and len(what) > 1:
            unclear += 1
            continue
        first = next(each for each in SIDES if each in what)
        posts[key] = (
            min(said, key=lambda one: (one.text is None, one.author is None, msgspec.json.encode(one))),
            SIDES[first],
        )
    return Settled(posts, unclear)
