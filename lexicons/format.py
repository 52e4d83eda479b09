"""The lexicon file, format 1, as frozen Structs, and its reader. docs/lexicons.md shows it with an example.

The number in `lexicon: 1` is the version of this format: a file of a later one is refused with a clear message instead of
being half understood. Unknown keys are refused, so a typo never silently switches a trigger off.
"""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from config.yaml_file import ConfigError, Document, read_yaml

FORMAT = 1
Intent = Literal["question", "problem", "complaint", "report", "cancellation", "danger", "request", "praise"]
League = Literal["safety", "legal", "vulnerable"]
Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=80)]
Level = Annotated[float, msgspec.Meta(ge=0, le=3)]
Points = Annotated[float, msgspec.Meta(ge=0, le=100)]
PhraseText = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the parts: frozen, closed."""


class Examples(_Part, frozen=True, kw_only=True):
    """Texts that the trigger must hit or must not; they are its tests."""

    hits: tuple[str, ...] = ()
    misses: tuple[str, ...] = ()


class Trigger(_Part, frozen=True, kw_only=True):
    """Ways to say one thing. weight in points (10 = a plain sign of need, 30 = no doubt); urgency and anger 0-3.

    exceptions: phrases that switch off a hit they overlap. negatable: "nicht …", "kein …" before it switches it off.
    """

    id: Id
    phrases: tuple[PhraseText, ...]
    weight: Points
    urgency: Level = 1
    anger: Level = 0
    sentiment: Annotated[float, msgspec.Meta(ge=-1, le=1)] = 0
    intent: Intent = "problem"
    league: League | None = None
    exceptions: tuple[PhraseText, ...] = ()
    negatable: bool = True
    examples: Examples = Examples()


class Brand(_Part, frozen=True, kw_only=True):
    """Who is meant: names in the text, handles, hashtags; accounts: own author ids as `channel:id`, whose posts are answers.

    exclusions: phrases that mean somebody else ("Acme Bau GmbH"): a name they overlap does not count.
    """

    id: Id
    names: tuple[PhraseText, ...] = ()
    handles: tuple[PhraseText, ...] = ()
    hashtags: tuple[PhraseText, ...] = ()
    accounts: tuple[Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+:[^\s]+$")], ...] = ()
    exclusions: tuple[PhraseText, ...] = ()


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

    adverts: phrases of giveaways and job adverts. stopwords: common words by which the language is told.
    """

    lexicon: int
    language: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}$")] = "any"
    brands: tuple[Brand, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    cues: Cues = Cues()
    adverts: tuple[PhraseText, ...] = ()
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


def packaged_names() -> list[str]:
    """Names of the lexicons in the package."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.yaml"))


def resolve(ref: str, base: Path) -> Path:
    """The file of a packaged name ("de") or of a path relative to `base`. Raises ConfigError for an unknown name."""
    if ref.endswith((".yaml", ".yml")) or "/" in ref or "\\" in ref:
        return base / ref
    if ref in packaged_names():
        return Path(__file__).parent / f"{ref}.yaml"
    raise ConfigError(
        f"there is no packaged lexicon `{ref}`",
        "lexicons",
        hint=f"packaged: {', '.join(packaged_names())}; a file of your own is named with its ending, {ref}.yaml",
    )
