"""The lexicon file, format 1, as frozen Structs, and its reader. docs/lexicons.md shows it with an example.

The number in `lexicon: 1` is the version of this format: a file of a later one is refused with a clear message instead of
being half understood. Unknown keys are refused, so a typo never silently switches a trigger off.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from config.yaml_file import ConfigError, Document, read_yaml
from records.mention import Channel, Kind

FORMAT = 1
_PACKAGED = Path(__file__).parent
Intent = Literal["question", "problem", "complaint", "report", "cancellation", "danger", "request", "praise"]
League = Literal["safety", "legal", "vulnerable"]
Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=80)]
Level = Annotated[float, msgspec.Meta(ge=0, le=3)]
Points = Annotated[float, msgspec.Meta(ge=0, le=100)]
PhraseText = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Aside = Literal["supposed", "quoted", "of_others"]
ListName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the parts: frozen, closed."""


class Examples(_Part, frozen=True, kw_only=True):
    """Texts that the trigger must hit or must not; they are its tests."""

    hits: tuple[str, ...] = ()
    misses: tuple[str, ...] = ()


class Posted(_Part, frozen=True, kw_only=True):
    """Hours of posting in a zone (IANA name): on these days, from `after` until `before`; outside: all other times."""

    zone: str
    days: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    after: Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "00:00"
    before: Annotated[str, msgspec.Meta(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")] = "24:00"
    outside: bool = False


class When(_Part, frozen=True, kw_only=True):
    """Conditions, all of which must hold. near: brands or products of which one stands near the hit, or is spoken to.

    rating_at_most: stars on a scale of five; only reviews have some. customer, first_contact, brand_in_thread: of the author
    and the thread; they travel as `pending` in the verdict and are decided where the author is known.
    """

    channels: tuple[Channel, ...] = ()
    kinds: tuple[Kind, ...] = ()
    languages: tuple[Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}$")], ...] = ()
    posted: Posted | None = None
    rating_at_most: Annotated[float, msgspec.Meta(ge=0, le=5)] | None = None
    near: tuple[Id, ...] = ()
    customer: bool | None = None
    first_contact: bool | None = None
    brand_in_thread: bool | None = None


class Trigger(_Part, frozen=True, kw_only=True):
    """Ways to say one thing. weight in points (10 = a plain sign of need, 30 = no doubt); urgency and anger 0-3.

    regex: linear-time regular expressions (RE2), upper and lower case alike. exceptions: phrases that switch off a hit they
    overlap. negatable: "nicht …", "kein …" before it switches it off. even_if: it counts even if it is only supposed, quoted or
    told of others. opens: a hit opens a ticket whatever `need` says, if the brand is spoken to.
    """

    id: Id
    phrases: tuple[PhraseText, ...] = ()
    weight: Points
    urgency: Level = 1
    anger: Level = 0
    sentiment: Annotated[float, msgspec.Meta(ge=-1, le=1)] = 0
    intent: Intent = "problem"
    league: League | None = None
    exceptions: tuple[PhraseText, ...] = ()
    negatable: bool = True
    examples: Examples = Examples()
    regex: tuple[PhraseText, ...] = ()
    when: When | None = None
    even_if: tuple[Aside, ...] = ()
    opens: bool = False


class Change(_Part, frozen=True, kw_only=True):
    """What a later file changes of a trigger: a key that is left out stays. off: the trigger counts no more."""

    id: Id
    off: bool = False
    weight: Points | None = None
    urgency: Level | None = None
    anger: Level | None = None
    sentiment: Annotated[float, msgspec.Meta(ge=-1, le=1)] | None = None
    intent: Intent | None = None
    league: League | None = None
    negatable: bool | None = None
    when: When | None = None
    even_if: tuple[Aside, ...] | None = None
    opens: bool | None = None
    add_phrases: tuple[PhraseText, ...] = ()
    drop_phrases: tuple[PhraseText, ...] = ()
    add_exceptions: tuple[PhraseText, ...] = ()


class _Named(_Part, frozen=True, kw_only=True):
    """What has a name in texts. aliases: words that also mean something else; they count only where a context stands in the
    same text. exclusions: phrases that mean somebody else ("Acme Bau GmbH"): a name they overlap does not count."""

    id: Id
    names: tuple[PhraseText, ...] = ()
    aliases: tuple[PhraseText, ...] = ()
    contexts: tuple[PhraseText, ...] = ()
    exclusions: tuple[PhraseText, ...] = ()
    hashtags: tuple[PhraseText, ...] = ()


class Product(_Named, frozen=True, kw_only=True):
    """A product of a brand; who names it names the brand."""


class Brand(_Named, frozen=True, kw_only=True):
    """Who is meant: names in the text, handles, hashtags; accounts: own author ids as `channel:id`, whose posts are answers."""

    handles: tuple[PhraseText, ...] = ()
    accounts: tuple[Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+:[^\s]+$")], ...] = ()
    products: tuple[Product, ...] = ()


class Cues(_Part, frozen=True, kw_only=True):
    """Single words that say how something is said; `lexicons/need.py` gives each list its weight."""

    question: tuple[PhraseText, ...] = ()
    first_person: tuple[PhraseText, ...] = ()
    address: tuple[PhraseText, ...] = ()
    polite: tuple[PhraseText, ...] = ()
    thanks: tuple[PhraseText, ...] = ()
    praise: tuple[PhraseText, ...] = ()
    anger: tuple[PhraseText, ...] = ()
    time: tuple[PhraseText, ...] = ()
    pressure: tuple[PhraseText, ...] = ()
    fault: tuple[PhraseText, ...] = ()
    negation: tuple[PhraseText, ...] = ()
    news: tuple[PhraseText, ...] = ()
    smile: tuple[PhraseText, ...] = ()


class LexiconFile(_Part, frozen=True, kw_only=True):
    """One file: brands, triggers, cues, or any of them. language: of triggers and cues; `any` = words exactly as written.

    extends: files or packaged names that come before this one. changes: of triggers in files before. lists: words that phrases
    of any file use as `$name`; a list given in several files is all their words. adverts: phrases of giveaways and job adverts.
    supposed, of_others: phrases after which, in the same clause, a thing is only imagined, or other people's. shown: words
    before a quotation that is a device's message and nobody's speech. real_words: words that are no typing error of another.
    stopwords: common words by which the language is told.
    """

    lexicon: int
    language: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}$")] = "any"
    extends: tuple[str, ...] = ()
    lists: dict[ListName, tuple[PhraseText, ...]] = {}
    brands: tuple[Brand, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    changes: tuple[Change, ...] = ()
    cues: Cues = Cues()
    adverts: tuple[PhraseText, ...] = ()
    supposed: tuple[PhraseText, ...] = ()
    of_others: tuple[PhraseText, ...] = ()
    shown: tuple[PhraseText, ...] = ()
    real_words: tuple[str, ...] = ()
    stopwords: tuple[str, ...] = ()


class Source(msgspec.Struct, frozen=True):
    """A lexicon file as read, with the places of its parts for errors."""

    content: LexiconFile
    document: Document


def read_lexicon(path: Path) -> Source:
    """Reads and validates one file. Raises ConfigError with file, line, field and the nearest right key."""
    document = read_yaml(path)
    if not isinstance(document.value, dict):
        raise document.error("must be a mapping with `lexicon: 1`", hint="see docs/lexicons.md")
    version = document.value.get("lexicon")
    if version != FORMAT:
        said = "has no `lexicon:` version" if version is None else f"is lexicon format {version!r}"
        raise document.error(f"{said}; this release reads `lexicon: {FORMAT}`", ("lexicon",))
    return Source(document.convert(LexiconFile), document)


def read_lexicons(refs: Sequence[str], base: Path) -> list[Source]:
    """All files of these names (see `resolve`) with those that they extend, each once, after the ones it extends.

    Raises ConfigError, also for files that extend each other in a circle.
    """
    return read_files(resolve(ref, base) for ref in dict.fromkeys(refs))


def read_files(paths: Iterable[Path]) -> list[Source]:
    """These files with those that they extend, as `read_lexicons`. Raises ConfigError."""
    read: dict[Path, Source] = {}
    for path in paths:
        _read_with_extended(path, (), read)
    return list(read.values())


def _read_with_extended(path: Path, above: tuple[Path, ...], read: dict[Path, Source]) -> None:
    key = Path(os.path.normpath(path))
    if key in read:
        return
    source = read_lexicon(path)
    for place, ref in enumerate(source.content.extends):
        try:
            extended = resolve(ref, path.parent)
        except ConfigError as error:
            raise source.document.error(error.message, ("extends", place), error.hint) from error
        circle = (*above, key)
        if Path(os.path.normpath(extended)) in circle:
            names = " -> ".join(each.name for each in (*circle, extended))
            raise source.document.error(
                f"extends itself in a circle: {names}", ("extends", place), "take one of them out"
            )
        _read_with_extended(extended, circle, read)
    read[key] = source


def packaged_names() -> list[str]:
    """Names of the languages' lexicons in the package: `de`."""
    return sorted(path.stem for path in _PACKAGED.glob("*.yaml"))


def industry_names() -> list[str]:
    """Names of the industries' lexicons in the package, each of which extends its language's: `telecom.de`."""
    return sorted(path.stem for path in (_PACKAGED / "industries").glob("*.yaml"))


def resolve(ref: str, base: Path) -> Path:
    """The file of a packaged name ("de") or of a path relative to `base`. Raises ConfigError for an unknown name."""
    if ref.endswith((".yaml", ".yml")) or "/" in ref or "\\" in ref:
        return base / ref
    if ref in packaged_names():
        return _PACKAGED / f"{ref}.yaml"
    if ref in industry_names():
        return _PACKAGED / "industries" / f"{ref}.yaml"
    raise ConfigError(
        f"there is no packaged lexicon `{ref}`",
        "lexicons",
        hint=f"packaged: {', '.join(packaged_names() + industry_names())}; a file of your own has its ending, {ref}.yaml",
    )
