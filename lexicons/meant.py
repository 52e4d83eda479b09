"""Whom a post speaks to: which brand, and how it is addressed. Pure; reads the mention, never asks anybody."""

from typing import NamedTuple

from lexicons.brands import BrandIndex, NameHit, is_near
from lexicons.findings import Finding
from lexicons.matcher import Places
from lexicons.model.acts import To
from lexicons.need import Addressed, Spoken
from lexicons.text import Text
from records.mention import Mention

_ON_OUR_PAGE = frozenset(("comment", "review", "reply"))
_TO: dict[Addressed, To] = {"direct_message": "direct_message", "reply": "handle", "handle": "handle", "name": "name"}


class Meant(NamedTuple):
    """The brand and the way it is spoken to. names: where it is only named, the places a trigger must be near to.

    excluded: a name stood there, and an exclusion says that it is somebody else's. to_other: it begins with the handle of
    somebody else.
    """

    brand: str | None
    addressed: Addressed
    names: tuple[NameHit, ...] = ()
    excluded: bool = False
    to_other: bool = False


def who_is_meant(mention: Mention, text: Text, brands: BrandIndex) -> Meant:
    """The strongest way in which it speaks to a brand: message, reply, handle, our page, name, the listener's query."""
    meant = _strongest(mention, text, brands)
    return meant._replace(to_other=brands.speaks_to_other(text) and meant.addressed != "direct_message")


def _strongest(mention: Mention, text: Text, brands: BrandIndex) -> Meant:
    default = mention.account.brand or (brands.ids[0] if len(brands.ids) == 1 else None)
    if mention.kind == "direct_message":
        return Meant(default, "direct_message")
    own, brand = brands.answers_us(mention)
    if own:
        return Meant(brand or default, "reply")
    own, brand = brands.handle_in(text, mention)
    if own or mention.kind == "story_mention":
        return Meant(brand or default, "handle")
    if not brands.configured:
        return Meant(mention.account.brand, "query")
    if mention.account.brand and mention.kind in _ON_OUR_PAGE:
        return Meant(mention.account.brand, "query")
    names, excluded = brands.names_in(text)
    if names:
        return Meant(names[0].brand, "name", tuple(names))
    if (mention.account.brand or mention.matched) and not excluded:
        return Meant(default, "query")
    return Meant(None, "none", (), excluded)


def spoken_to(mention: Mention, meant: Meant, text: Text, brands: BrandIndex) -> Spoken:
    """The same for the model, which knows fewer ways: with no handle configured, each handle may be ours."""
    handles = brands.own_handles if brands.knows_handles else None
    named = meant.names or brands.names_in(text)[0]  # masked whatever the way in which it is spoken to, as in training
    names = tuple((name.first, name.last) for name in named)
    if meant.addressed == "query":
        on_our_page = mention.account.brand is not None and mention.kind in _ON_OUR_PAGE
        tagged = handles is None and any(word[:1] == "@" for word in text.words)
        return Spoken("own_page" if on_our_page else "handle" if tagged else "name", handles, names)
    return Spoken(_TO.get(meant.addressed, "none"), handles, names)


def near(findings: list[Finding], names: tuple[NameHit, ...], places: Places) -> tuple[list[Finding], str | None]:
    """Findings with only those places that stand near a name, and the brand of the first such name."""
    kept: list[Finding] = []
    brand: str | None = None
    for finding in findings:
        close = []
        for place in finding.places:
            hit = next((name for name in names if is_near(place, name, places)), None)
            if hit is not None:
                close.append(place)
                brand = brand or hit.brand
        if close:
            kept.append(finding._replace(places=tuple(close)))
    return kept, brand
