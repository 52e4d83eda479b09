"""Merges lexicon files and compiles them into one Lexicon: what the judgement reads and never changes.

`Lexicon.version` is a digest over everything that a verdict depends on (content of the files, threshold, own accounts, the
release of the rules), so equal versions judge equally and a changed comma in a phrase is a new version.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import msgspec

from config.settings import Settings
from lexicons.brands import BrandIndex, OwnAccount
from lexicons.conditions import author_conditions, minutes
from lexicons.cues import CUE_BITS, CUES
from lexicons.format import Source, Trigger, When, read_lexicons
from lexicons.inflection import forms, spellings
from lexicons.matcher import Matcher
from lexicons.merging import Placed, WordLists, Written, merged_triggers, phrases_of
from lexicons.model.weights import PACKAGED, Model, known_model
from lexicons.phrase import Phrase, PhraseError
from lexicons.regexes import RegexError, Regexes, check_regex
from lexicons.text import cut
from records.ids import digest
from records.paths import nearest

RULES = "2"  # release of the code's own rules (need.py, judgement.py): part of the version
MOST_PHRASES = 20_000  # of all files together: they load in about ten seconds


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
    supposed: frozenset[int]
    of_others: frozenset[int]
    shown: frozenset[str]  # folded words before a device's message
    regexes: Regexes
    cues: dict[str, int]  # folded word -> bits of CUE_BITS
    stopwords: dict[str, frozenset[str]]  # folded word -> languages
    brands: BrandIndex
    pending: bool  # whether any has conditions on author or thread
    model: Model | None  # None: for training one only

    def trigger(self, trigger_id: str) -> Trigger | None:
        """The trigger of this id."""
        return next((each.trigger for each in self.triggers if each.trigger.id == trigger_id), None)


def load_lexicon(
    refs: Sequence[str],
    *,
    base: Path,
    need_threshold: float = 0.5,
    accounts: Sequence[OwnAccount] = (),
    model: Path | None = None,
    trained: bool = True,
) -> Lexicon:
    """Reads and compiles lexicons: packaged names ("de", "en") or paths relative to `base`.

    need_threshold: `need` from which a post is a service request. accounts: own accounts known from the listeners' settings.
    model: file of a trained model; None = the packaged one. trained: False = without any, to train one.
    Raises ConfigError (file, line, field, hint) for whatever is wrong in a file, and for a trigger id given twice.
    """
    known = known_model(model or PACKAGED) if trained else None
    return compile_lexicon(
        read_lexicons(refs, base), need_threshold=need_threshold, accounts=accounts, model=known, trained=trained
    )


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
    sources: Sequence[Source],
    *,
    need_threshold: float = 0.5,
    accounts: Sequence[OwnAccount] = (),
    model: Model | None = None,
    trained: bool = True,
) -> Lexicon:
    """Merges and compiles files already read; model, trained: see `load_lexicon`. Raises ConfigError."""
    if trained and model is None:
        model = known_model()
    for source in sources:
        _refuse_brands_given_twice(source)
    placed = merged_triggers(sources)
    _refuse_too_many(placed)
    phrases = _Phrases(WordLists(sources))
    owners: dict[int, int] = {}
    negations = frozenset(word for source in sources for word in _cue_words(source, "negation"))
    triggers = [_compile(each, phrases, negations) for each in placed]
    brands = BrandIndex(sources, accounts)
    for each in placed:
        if each.trigger.when is not None:
            _check_conditions(each, each.trigger.when, brands)
    for number, compiled in enumerate(triggers):
        owners.update(dict.fromkeys(compiled.phrases, number))
    said = {
        name: frozenset(
            phrases.add(written, source.content.language) for source in sources for written in phrases_of(source, name)
        )
        for name in ("adverts", "supposed", "of_others")
    }
    version = digest(
        RULES,
        repr(need_threshold),
        model.digest if model else "",
        *(f"{account!r}" for account in accounts),
        *(msgspec.json.encode(source.content).decode() for source in sources),
        size=6,
    )
    return Lexicon(
        version=version,
        need_threshold=need_threshold,
        languages=frozenset(each.language for each in triggers) - {"any"},
        triggers=tuple(triggers),
        matcher=Matcher(phrases.parsed, real_words=_real_words(sources)),
        owners=owners,
        **said,
        shown=frozenset(
            folded
            for source in sources
            for word in source.content.shown
            for folded in forms(word, source.content.language)
        ),
        regexes=Regexes([(number, pattern) for number, each in enumerate(placed) for pattern in each.trigger.regex]),
        cues=_cues(sources),
        stopwords=_stopwords(sources),
        brands=brands,
        pending=any(each.trigger.when is not None and author_conditions(each.trigger.when) for each in placed),
        model=model,
    )


class _Phrases:
    """All phrases of a lexicon, in the order of their indexes."""

    def __init__(self, lists: WordLists) -> None:
        self._lists = lists
        self.parsed: list[Phrase] = []

    def add(self, written: Written, language: str) -> int:
        """The index of the phrase. Raises ConfigError."""
        try:
            self.parsed.append(self._lists.parse(written.text, language))
        except PhraseError as error:
            raise written.source.document.error(f"phrase `{written.text}`: {error}", written.path) from error
        return len(self.parsed) - 1


def _refuse_too_many(placed: Sequence[Placed]) -> None:
    count = 0
    for each in placed:
        own = (*each.phrases, *each.exceptions)
        if count + len(own) > MOST_PHRASES:
            first = own[MOST_PHRASES - count]
            raise first.source.document.error(
                f"is phrase number {MOST_PHRASES + 1:,}; all lexicons together hold {MOST_PHRASES:,} at most",
                first.path,
                "a list under `lists:` counts as one phrase, and so does a common ending (`*ausfall`)",
            )
        count += len(own)


def _compile(placed: Placed, phrases: _Phrases, negations: frozenset[str]) -> CompiledTrigger:
    language = placed.source.content.language
    own = tuple(phrases.add(written, language) for written in placed.phrases)
    exceptions = tuple(phrases.add(written, language) for written in placed.exceptions)
    for place, pattern in enumerate(placed.trigger.regex):
        try:
            check_regex(pattern)
        except RegexError as error:
            path = (*placed.path, "regex", place)
            raise placed.source.document.error(f"regular expression `{pattern}`: {error}", path) from error
    inside = frozenset(i for i in own if any(slot.words & negations for slot in phrases.parsed[i].slots))
    return CompiledTrigger(placed.trigger, language, own, exceptions, inside)


def _check_conditions(placed: Placed, when: When, brands: BrandIndex) -> None:
    """Raises ConfigError for conditions that can never hold."""
    source, path = placed.when_at
    document = source.document
    posted = when.posted
    if posted is not None:
        try:
            ZoneInfo(posted.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            near = nearest(posted.zone, sorted(available_timezones()))
            raise document.error(
                f"there is no time zone `{posted.zone}`",
                (*path, "posted", "zone"),
                f"did you mean `{near}`?" if near else "such as Europe/Vienna",
            ) from error
        if minutes(posted.after) >= minutes(posted.before):
            raise document.error(
                f"`{posted.after}` to `{posted.before}` is no time at all",
                (*path, "posted"),
                "for the night say the day's hours and `outside: true`",
            )
    known = [*brands.ids, *brands.products]
    for place, wanted in enumerate(when.near):
        if wanted not in known:
            near = nearest(wanted, known)
            raise document.error(
                f"there is no brand or product `{wanted}`",
                (*path, "near", place),
                f"did you mean `{near}`?" if near else "add it under `brands:`",
            )


def _refuse_brands_given_twice(source: Source) -> None:
    seen: set[str] = set()
    for place, brand in enumerate(source.content.brands):
        if brand.id in seen:
            raise source.document.error(
                f"brand `{brand.id}` stands twice in this file", ("brands", place, "id"), "put both into one entry"
            )
        seen.add(brand.id)


def _real_words(sources: Sequence[Source]) -> frozenset[str]:
    """Words that are no typing errors: those listed as real, cues, and stop words."""
    return frozenset(
        folded
        for source in sources
        for words in (
            source.content.real_words,
            source.content.stopwords,
            *(getattr(source.content.cues, c) for c in CUES),
        )
        for word in words
        for folded in _written(word)
    )


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
