"""Merges lexicon files and compiles them into one Lexicon: what the judgement reads and never changes.

`Lexicon.version` is a digest over everything that a verdict depends on (content of the files, threshold, own accounts, the
release of the rules), so equal versions judge equally and a changed comma in a phrase is a new version.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

from config.settings import Settings
from lexicons.brands import BrandIndex, OwnAccount
from lexicons.format import Source, Trigger, read_lexicon, resolve
from lexicons.inflection import forms, spellings
from lexicons.matcher import Matcher
from lexicons.phrase import Phrase, PhraseError, parse_phrase
from lexicons.text import cut
from records.ids import digest

RULES = "2"  # release of the code's own rules (need.py, judgement.py): part of the version
CUES = (
    "question", "first_person", "address", "polite", "thanks", "praise", "anger", "time", "pressure", "fault", "negation",
    "news", "smile",
)  # fmt: skip
CUE_BITS = {name: 1 << place for place, name in enumerate(CUES)}


class CompiledTrigger(NamedTuple):
    """A trigger with the indexes of its phrases in the matcher."""

    trigger: Trigger
    language: str
    phrases: tuple[int, ...]
    exceptions: tuple[int, ...]
    negated_inside: frozenset[int]  # phrases that themselves say "nicht": a negation before them is not theirs


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """Everything that is known of what is said. Built by `load_lexicon`; pass it to `judge`."""

    version: str
    need_threshold: float
    languages: frozenset[str]
    triggers: tuple[CompiledTrigger, ...]
    matcher: Matcher
    owners: dict[int, int]  # phrase -> index of its trigger
    adverts: frozenset[int]
    cues: dict[str, int]  # folded word -> bits of CUE_BITS
    stopwords: dict[str, frozenset[str]]  # folded word -> languages
    brands: BrandIndex

    def trigger(self, trigger_id: str) -> Trigger | None:
        """The trigger of this id."""
        return next((each.trigger for each in self.triggers if each.trigger.id == trigger_id), None)


def load_lexicon(
    refs: Sequence[str], *, base: Path, need_threshold: float = 0.5, accounts: Sequence[OwnAccount] = ()
) -> Lexicon:
    """Reads and compiles lexicons: packaged names ("de", "en") or paths relative to `base`.

    need_threshold: `need` from which a post is a service request. accounts: own accounts known from the listeners' settings.
    Raises ConfigError (file, line, field, hint) for whatever is wrong in a file, and for a trigger id given twice.
    """
    sources = [read_lexicon(resolve(ref, base)) for ref in dict.fromkeys(refs)]
    return compile_lexicon(sources, need_threshold=need_threshold, accounts=accounts)


def own_accounts(settings: Settings) -> tuple[OwnAccount, ...]:
    """Own accounts that the listeners' settings name: their posts are answers, never calls for help."""
    found: list[OwnAccount] = []
    x = settings.listeners.x
    if x and (x.account_id or x.handle):
        found.append(OwnAccount("x", x.account_id, x.handle, x.brand))
    facebook = settings.listeners.facebook
    pages = [(page.id, page.handle, page.brand) for page in facebook.pages] if facebook else []
    webhook = settings.listeners.webhook
    if webhook and webhook.meta:
        pages += [(page, None, brand) for page, brand in webhook.meta.pages.items()]
    for page_id, handle, brand in pages:
        # A page speaks under the same id on its wall and in Messenger.
        found += [OwnAccount(channel, page_id, handle, brand) for channel in ("facebook", "messenger")]
    return tuple(dict.fromkeys(found))


def compile_lexicon(
    sources: Sequence[Source], *, need_threshold: float = 0.5, accounts: Sequence[OwnAccount] = ()
) -> Lexicon:
    """Merges and compiles files already read. Raises ConfigError."""
    _refuse_duplicates(sources)
    phrases: list[Phrase] = []
    triggers: list[CompiledTrigger] = []
    owners: dict[int, int] = {}
    adverts: set[int] = set()
    negations = frozenset(word for source in sources for word in _cue_words(source, "negation"))
    for source in sources:
        language = source.content.language
        for place, trigger in enumerate(source.content.triggers):
            own = _compile(source, ("triggers", place, "phrases"), trigger.phrases, language, phrases)
            exceptions = _compile(source, ("triggers", place, "exceptions"), trigger.exceptions, language, phrases)
            owners.update(dict.fromkeys(own, len(triggers)))
            inside = frozenset(i for i in own if any(slot.words & negations for slot in phrases[i].slots))
            triggers.append(CompiledTrigger(trigger, language, own, exceptions, inside))
        adverts.update(_compile(source, ("adverts",), source.content.adverts, language, phrases))
    version = digest(
        RULES,
        repr(need_threshold),
        *(f"{account!r}" for account in accounts),
        *(msgspec.json.encode(source.content).decode() for source in sources),
        size=6,
    )
    return Lexicon(
        version=version,
        need_threshold=need_threshold,
        languages=frozenset(s.content.language for s in sources if s.content.triggers) - {"any"},
        triggers=tuple(triggers),
        matcher=Matcher(phrases),
        owners=owners,
        adverts=frozenset(adverts),
        cues=_cues(sources),
        stopwords=_stopwords(sources),
        brands=BrandIndex(sources, accounts),
    )


def _compile(
    source: Source, path: tuple[str | int, ...], texts: Iterable[str], language: str, phrases: list[Phrase]
) -> tuple[int, ...]:
    indexes = []
    for place, text in enumerate(texts):
        try:
            phrase = parse_phrase(text, language)
        except PhraseError as error:
            raise source.document.error(f"phrase `{text}`: {error}", (*path, place)) from error
        indexes.append(len(phrases))
        phrases.append(phrase)
    return tuple(indexes)


def _refuse_duplicates(sources: Sequence[Source]) -> None:
    seen: dict[str, str] = {}
    for source in sources:
        own: set[str] = set()
        for place, trigger in enumerate(source.content.triggers):
            path = ("triggers", place, "id")
            if trigger.id in seen:
                raise source.document.error(
                    f"trigger id `{trigger.id}` is already taken at {seen[trigger.id]}",
                    path,
                    "give it an id of its own",
                )
            if not trigger.phrases:
                raise source.document.error(
                    f"trigger `{trigger.id}` has no phrases",
                    ("triggers", place, "phrases"),
                    "add one, or delete the trigger",
                )
            seen[trigger.id] = f"{source.document.file}:{source.document.line(path)}"
        for place, brand in enumerate(source.content.brands):
            if brand.id in own:
                raise source.document.error(
                    f"brand `{brand.id}` stands twice in this file", ("brands", place, "id"), "put both into one entry"
                )
            own.add(brand.id)


def _cue_words(source: Source, name: str) -> Iterable[str]:
    for word in getattr(source.content.cues, name):
        yield from forms(word, source.content.language) if name == "negation" else _written(word)


def _written(word: str) -> list[str]:
    # Cues are words as written: inflecting "ist" or "wie" would only blur them. An umlaut may be spelt with an e.
    return [folded for spelling in spellings(word) for folded in cut(spelling).words]


def _cues(sources: Sequence[Source]) -> dict[str, int]:
    bits: dict[str, int] = {}
    for source in sources:
        for name in CUES:
            for word in _cue_words(source, name):
                bits[word] = bits.get(word, 0) | CUE_BITS[name]
    return bits


def _stopwords(sources: Sequence[Source]) -> dict[str, frozenset[str]]:
    words: dict[str, frozenset[str]] = {}
    for source in sources:
        for word in source.content.stopwords:
            for folded in _written(word):
                words[folded] = words.get(folded, frozenset()) | {source.content.language}
    return words
