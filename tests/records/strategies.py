"""Hypothesis strategies of records, for the tests of every floor: `from tests.records.strategies import mentions`."""

from typing import get_args

from hypothesis import settings
from hypothesis import strategies as st

from records import mention as form
from records.channels import CHANNELS
from records.facts import Contact, Erasure, Link, Purchase, Refund, Tag, Unlink
from records.mention import Mention
from records.text import nfc
from records.times import from_ms, to_ms

# A whole mention takes a hundred draws: fewer of them keep the tests quick.
few = settings(max_examples=40)

FIRST = to_ms("2006-01-01T00:00:00.000Z")
LAST = to_ms("2026-03-01T00:00:00.000Z")

native_ids = st.text("abcdefghijklmnopqrstuvwxyz0123456789_-.:/", min_size=1, max_size=20)
words = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=30).map(nfc)
times = st.integers(FIRST, LAST).map(from_ms)
counts = st.integers(0, 2**63 - 1)
optional_words = st.none() | words
optional_times = st.none() | times
flags = st.none() | st.booleans()
reals = st.none() | st.floats(-1000, 1000, allow_nan=False)


def one_of(literal: object) -> st.SearchStrategy[str]:
    return st.sampled_from(get_args(literal))


def parts(type_: type, **fields: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(type_, **fields)


optional_counts = st.none() | counts
authors = parts(
    form.Author,
    id=st.none() | native_ids,
    alt_ids=st.lists(native_ids, max_size=2).map(tuple),
    handle=optional_words,
    name=optional_words,
    verified=flags,
    bot=flags,
    is_account=flags,
    followers=optional_counts,
    posts=optional_counts,
    created_at=optional_times,
    as_of=optional_times,
)
media = parts(
    form.Media,
    type=one_of(form.MediaType),
    url=optional_words,
    bytes=optional_counts,
    width=optional_counts,
    alt=optional_words,
    expires_at=optional_times,
)
threads = parts(form.Thread, root_id=optional_words, parent_id=optional_words, parent_author_id=optional_words)
languages = parts(
    form.Language,
    tag=st.sampled_from(["de", "en", "und", "de-AT"]),
    source=st.sampled_from(["platform", "author", "detected"]),
    confidence=st.none() | st.floats(0, 1),
)
entities = parts(
    form.Entity,
    type=st.sampled_from(["mention", "hashtag", "url"]),
    start=st.none() | st.integers(0, 100),
    end=st.none() | st.integers(0, 100),
    text=optional_words,
)
geos = parts(form.Geo, lat=reals, lon=reals, place=optional_words, country=st.none() | st.sampled_from(["DE", "AT"]))
ratings = parts(form.Rating, value=reals, best=reals, worst=reals, recommends=flags)
metrics = parts(form.Metrics, likes=optional_counts, views=optional_counts, score=st.none() | st.integers(-9, 9))
replies = parts(form.Reply, target=optional_words, until=optional_times)
changes = parts(form.Change, field=words, change=st.none() | st.sampled_from(["nulled", "truncated"]), reason=words)
ingests = parts(
    form.Ingest,
    listener=words.filter(bool),
    cursor=optional_words,
    replay=st.booleans(),
    gap_before=st.booleans(),
    changes=st.lists(changes, max_size=2, unique=True).map(tuple),
)


@st.composite
def mentions(draw: st.DrawFn) -> Mention:
    """A mention in topic form with nothing in it to repair: normalising it gives an equal one."""
    channel = draw(st.sampled_from(sorted(CHANNELS)))
    native = draw(native_ids)
    occurred, observed = sorted((draw(times), draw(times)))
    return Mention(
        id=f"{channel}:{native}",
        native_id=native,
        native_ids=tuple(draw(st.lists(native_ids, max_size=2))),
        channel=channel,
        kind=draw(one_of(form.Kind)),
        op=draw(one_of(form.Op)),
        revision=draw(native_ids),
        direction=draw(one_of(form.Direction)),
        visibility=draw(one_of(form.Visibility)),
        occurred_at=occurred,
        edited_at=draw(st.none() | st.just(occurred)),
        observed_at=observed,
        sent_at=draw(st.none() | st.just(observed)),
        time_quality=draw(one_of(form.TimeQuality)),
        permalink=draw(optional_words),
        account=form.Account(id=draw(native_ids), brand=draw(optional_words)),
        author=draw(authors),
        thread=draw(threads),
        title=draw(optional_words),
        text=draw(optional_words),
        text_format=draw(st.none() | st.sampled_from(["plain", "html", "markdown"])),
        text_truncated=draw(st.booleans()),
        language=draw(st.none() | languages),
        entities=tuple(draw(st.lists(entities, max_size=2))),
        media=tuple(draw(st.lists(media, max_size=2))),
        geo=draw(st.none() | geos),
        rating=draw(st.none() | ratings),
        metrics=draw(st.none() | metrics),
        reply=draw(st.none() | replies),
        ingest=draw(ingests),
    )


_fact = {
    "id": native_ids,
    "customer": native_ids,
    "at": times,
    "revision": st.integers(0, 9),
    "op": st.sampled_from(["upsert", "delete"]),
}
_money = {"amount": st.floats(0, 1e9), "currency": st.sampled_from(["EUR", "USD"]), "product": optional_words}
_author = st.builds(lambda channel, native: f"{channel}:{native}", st.sampled_from(sorted(CHANNELS)), native_ids)
facts = st.one_of(
    st.builds(Purchase, **_fact, **_money),
    st.builds(Refund, **_fact, **_money),
    st.builds(Contact, **_fact, channel=words.filter(bool), resolved=flags),
    st.builds(Tag, **_fact, tag=words.filter(bool), expires=optional_times),
    st.builds(Link, **_fact, author=_author, evidence=st.sampled_from(["verified", "self_claimed", "inferred"])),
    st.builds(Unlink, **_fact, author=_author),
    st.builds(Erasure, **_fact),
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def spoiled(draw: st.DrawFn, document: st.SearchStrategy[dict]) -> dict:
    """A document with up to three of its values, at any depth, replaced, removed or added."""
    spoilt = draw(document)
    for _ in range(draw(st.integers(0, 3))):
        place = spoilt
        while True:
            keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and place[key] and draw(st.booleans()):
                place = place[key]
                continue
            action = draw(st.sampled_from(["replace", "replace", "remove", "add"]))
            if action == "remove":
                del place[key]
            elif action == "replace":
                place[key] = draw(json_values)
            elif isinstance(place, dict):
                place[draw(st.text(max_size=8))] = draw(json_values)
            break
    return spoilt
