"""What several lexicon files are together: triggers as later files changed them, and word lists that all of them share."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from lexicons.format import Change, PhraseText, Source, Trigger
from lexicons.phrase import Phrase, PhraseError, parse_phrase
from records.paths import Path, nearest

MOST_LISTED = 5_000  # words of one list: a phrase that uses it asks for each of them
_USE = re.compile(r"\$([A-Za-z_][\w]*)")
_CHANGEABLE = ("weight", "urgency", "anger", "sentiment", "intent", "league", "negatable", "when", "even_if", "opens")


class Written(NamedTuple):
    """A phrase as written, and where."""

    text: str
    source: Source
    path: Path


class Placed(NamedTuple):
    """A trigger as it counts after all changes, with the file that it stands in and the places of its phrases."""

    trigger: Trigger
    source: Source
    path: Path
    phrases: tuple[Written, ...]
    exceptions: tuple[Written, ...]
    when_at: tuple[Source, Path]


def merged_triggers(sources: Sequence[Source]) -> list[Placed]:
    """All triggers that count, in the order of the files. Raises ConfigError for an id given twice, a change of an unknown
    trigger, and a trigger without anything to find."""
    placed: dict[str, Placed] = {}
    for source in sources:
        for place, trigger in enumerate(source.content.triggers):
            path: Path = ("triggers", place)
            if trigger.id in placed:
                other = placed[trigger.id]
                at = f"{other.source.document.file}:{other.source.document.line((*other.path, 'id'))}"
                raise source.document.error(
                    f"trigger id `{trigger.id}` is already taken at {at}",
                    (*path, "id"),
                    "give it an id of its own, or put what is new under `changes:`",
                )
            placed[trigger.id] = Placed(
                trigger,
                source,
                path,
                _written(trigger.phrases, source, (*path, "phrases")),
                _written(trigger.exceptions, source, (*path, "exceptions")),
                (source, (*path, "when")),
            )
            _refuse_empty(placed[trigger.id], source, (*path, "phrases"))
        for place, change in enumerate(source.content.changes):
            path = ("changes", place)
            if change.id not in placed:
                near = nearest(change.id, list(placed))
                raise source.document.error(
                    f"there is no trigger `{change.id}` in the files before",
                    (*path, "id"),
                    f"did you mean `{near}`?" if near else "say in `extends:` which file it comes from",
                )
            placed[change.id] = _changed(placed[change.id], change, source, path)
            if change.off:
                del placed[change.id]
    return list(placed.values())


def _written(texts: Sequence[PhraseText], source: Source, path: Path) -> tuple[Written, ...]:
    return tuple(Written(text, source, (*path, place)) for place, text in enumerate(texts))


def _changed(placed: Placed, change: Change, source: Source, path: Path) -> Placed:
    for place, text in enumerate(change.drop_phrases):
        if text not in placed.trigger.phrases:
            near = nearest(text, list(placed.trigger.phrases))
            raise source.document.error(
                f"trigger `{change.id}` has no phrase `{text}`",
                (*path, "drop_phrases", place),
                f"did you mean `{near}`?" if near else None,
            )
    kept = [each for each in placed.phrases if each.text not in change.drop_phrases]
    phrases = (*kept, *_written(change.add_phrases, source, (*path, "add_phrases")))
    exceptions = (*placed.exceptions, *_written(change.add_exceptions, source, (*path, "add_exceptions")))
    values = {name: value for name in _CHANGEABLE if (value := getattr(change, name)) is not None}
    trigger = msgspec.structs.replace(
        placed.trigger,
        phrases=tuple(each.text for each in phrases),
        exceptions=tuple(each.text for each in exceptions),
        **values,
    )
    when_at = (source, (*path, "when")) if change.when is not None else placed.when_at
    changed = placed._replace(trigger=trigger, phrases=phrases, exceptions=exceptions, when_at=when_at)
    _refuse_empty(changed, source, (*path, "drop_phrases"))
    return changed


def _refuse_empty(placed: Placed, source: Source, path: Path) -> None:
    if not (placed.phrases or placed.trigger.regex):
        raise source.document.error(
            f"trigger `{placed.trigger.id}` has no phrases", path, "add one, or delete the trigger"
        )


class WordLists:
    """The lists of all files by name; phrases use them as `$name`."""

    def __init__(self, sources: Sequence[Source]) -> None:
        """Raises ConfigError for a list that holds itself, names an unknown one, or is too long."""
        self._written: dict[str, list[Written]] = {}
        for source in sources:
            for name, words in source.content.lists.items():
                self._written.setdefault(name, []).extend(_written(words, source, ("lists", name)))
        self._words: dict[str, tuple[str, ...]] = {}
        for name in self._written:
            self._resolve(name, ())

    def _resolve(self, name: str, above: tuple[str, ...]) -> tuple[str, ...]:
        if name not in self._words:
            words: dict[str, None] = {}
            for text, source, path in self._written[name]:
                used = _USE.fullmatch(text)
                if not used:
                    words[text] = None
                    continue
                if used[1] in (*above, name):
                    circle = " -> ".join(f"${each}" for each in (*above, name, used[1]))
                    raise source.document.error(f"the list holds itself: {circle}", path, "take one of them out")
                if used[1] not in self._written:
                    raise source.document.error(*self._unknown(used[1], path))
                words.update(dict.fromkeys(self._resolve(used[1], (*above, name))))
                if len(words) > MOST_LISTED:
                    break
            if len(words) > MOST_LISTED:
                _, source, path = self._written[name][0]
                raise source.document.error(
                    f"the list has more than {MOST_LISTED:,} words", path[:2], "split it, and its triggers with it"
                )
            self._words[name] = tuple(words)
        return self._words[name]

    def _unknown(self, name: str, path: Path) -> tuple[str, Path, str | None]:
        near = nearest(name, list(self._written))
        return f"there is no list `${name}`", path, f"did you mean `${near}`?" if near else "add it under `lists:`"

    def parse(self, text: str, language: str) -> Phrase:
        """The phrase with its lists filled in. Raises PhraseError."""
        whole = _USE.fullmatch(text)
        if not whole:
            return parse_phrase(_USE.sub(self._alternatives, text), language)
        ways = [way for item in self._known(whole[1]) for way in parse_phrase(item, language).ways]
        return Phrase(tuple(dict.fromkeys(ways)))

    def _known(self, name: str) -> tuple[str, ...]:
        if name not in self._words:
            message, _, hint = self._unknown(name, ())
            raise PhraseError(f"{message}; {hint}")
        if not self._words[name]:
            raise PhraseError(f"the list `${name}` is empty")
        return self._words[name]

    def _alternatives(self, used: re.Match[str]) -> str:
        words = self._known(used[1])
        for word in words:
            if re.search(r"[\s…{}?]", word) or "..." in word:
                raise PhraseError(
                    f"the list `${used[1]}` holds `{word}`, which is no single word; such a list can only be a phrase by itself"
                )
        return "|".join(words)


def phrases_of(source: Source, name: str) -> Iterator[Written]:
    """The phrases of a file's key that is a list of them (`adverts`, `supposed` …)."""
    yield from _written(getattr(source.content, name), source, (name,))
