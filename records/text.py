"""Repairs of text on its way in: what no database, no JSON writer and no person can use becomes U+FFFD or goes."""

import html
import re
import unicodedata

MAX_TEXT = 40_000  # characters; the longest post of any channel we hear is a tenth of it

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_TAGS = re.compile(r"<(?:br|/p|/div|/li|/h[1-6])\b[^>]*>", re.IGNORECASE)
_TAGS = re.compile(r"<[^<>]*>")


def clean(text: str) -> tuple[str, str | None]:
    """The text without lone surrogates and NUL, and what was replaced, None when nothing was.

    Surrogates that form a pair (two halves decoded separately) become the character that they stand for.
    """
    if text.isascii():
        surrogates = False
    else:
        surrogates = _LONE_SURROGATE.search(text) is not None
    if surrogates:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if "\0" in text:
        reason = "lone surrogates and NUL replaced by U+FFFD" if surrogates else "NUL replaced by U+FFFD"
        return text.replace("\0", "\ufffd"), reason
    return text, "lone surrogates or invalid UTF-8 replaced by U+FFFD" if surrogates else None


def nfc(text: str) -> str:
    """The text in Unicode normal form C."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def is_nfc(text: str) -> bool:
    """Whether the text already is in normal form C."""
    return text.isascii() or unicodedata.is_normalized("NFC", text)


def plain(markup: str) -> str:
    """HTML as plain text, for mentions that carry nothing else. Tags go, blocks end a line, entities are resolved."""
    return html.unescape(_TAGS.sub("", _LINE_TAGS.sub("\n", markup))).strip()
