"""Which language a post is in: the platform's word, checked by counting common words. Offline, and cheap."""

from records.mention import Language

_ALIASES = {"gsw": "de", "bar": "de", "nds": "de", "deu": "de", "ger": "de", "eng": "en"}
_UNKNOWN = frozenset(("und", "mul", "zxx", "qme", "qam", "qht", "qst", "qct", "art", ""))


def told(language: Language | None) -> str | None:
    """Primary subtag of the mention's own language (`de` of `de-AT`, also of Swiss German), None where unknown."""
    if language is None:
        return None
    primary = language.tag.split("-", 1)[0].split("_", 1)[0].lower()
    return None if primary in _UNKNOWN else _ALIASES.get(primary, primary)


def detect(words: list[str], stopwords: dict[str, frozenset[str]]) -> tuple[str | None, bool]:
    """The language with the most common words, None on a draw, and whether that is sure (two words more than any other)."""
    counts: dict[str, int] = {}
    # A few hundred words tell as much as all of a long text.
    for word in words[:300]:
        for language in stopwords.get(word, ()):
            counts[language] = counts.get(language, 0) + 1
    if not counts:
        return None, False
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    lead = ranked[0][1] - (ranked[1][1] if len(ranked) > 1 else 0)
    return (ranked[0][0], lead >= 2) if lead > 0 else (None, False)


def counted(platform: str | None, detected: str | None, *, sure: bool, known: frozenset[str]) -> frozenset[str] | None:
    """Languages whose triggers count; None = all.

    Platforms mislabel short posts, so where the words clearly say another language, both count.
    """
    if platform in known:
        assert platform is not None
        return frozenset((platform, detected)) if sure and detected else frozenset((platform,))
    return frozenset((detected,)) if sure and detected in known else None
