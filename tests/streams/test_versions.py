"""While an upgrade rolls, two versions read each other's records and states: a field that only one of them knows harms
nothing. What a reader cannot know how to take (another schema version, a missing field, a wrong type) it refuses.

The documents are generated from the types: every field filled, every alternative of a union, and then one change at a time at
every level.
"""

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from records import codec
from records.errors import HilferufError, Poison
from records.events import AuthorEvent, DeadLetter, Lookup, Observed, Redrive, Rules, Tick
from records.facts import CustomerFact
from records.mention import Mention
from records.tickets import Delivery, TicketOperation
from streams.assess import Assess
from streams.author import AuthorState
from streams.kafka.deliver import Deliver
from streams.kafka.state import States
from streams.kafka.turn import Note
from streams.profile import Customer, Profile
from streams.screen import Route, Screen
from streams.stage import Stage

TOPICS: dict[str, tuple[Any, codec.Codec[Any]]] = {
    "mentions": (Mention | Lookup, codec.mentions),
    "customer-facts": (CustomerFact, codec.customer_facts),
    "author-events": (AuthorEvent | Rules, codec.author_events),
    "controls": (Tick | Rules, codec.controls),
    "tickets": (TicketOperation | Observed | Redrive, codec.tickets),
    "deliveries": (Delivery, codec.deliveries),
    "dead-letters": (DeadLetter, codec.dead_letters),
}
WORDS = ("a word", "2026-01-05T10:00:00.000Z", "x:1", "EUR", "DE")


class Object(dict[str, Any]):
    """A document of a struct. required: its fields that must be there; tagged: the field with its version."""

    name = ""
    required: tuple[str, ...] = ()
    tagged: str | None = None


def documents(info: Any) -> Iterator[Any]:
    """Documents of a type, so that every struct in it is in one of them."""
    kind = msgspec.inspect
    if isinstance(info, kind.Metadata):
        yield from documents(info.type)
    elif isinstance(info, kind.UnionType):
        for option in info.types:
            if not isinstance(option, kind.NoneType):
                yield from documents(option)
    elif isinstance(info, kind.StructType):
        yield from structs(info)
    elif isinstance(info, kind.DictType):
        yield from ({"a key": value} for value in documents(info.value_type))
    elif isinstance(info, kind.TupleType):
        yield [next(documents(item)) for item in info.item_types]
    elif hasattr(info, "item_type"):
        yield from ([value] for value in documents(info.item_type))
    else:
        yield scalar(info)


def structs(info: msgspec.inspect.StructType) -> Iterator[Object]:
    """One with the first alternative of each field, and one more for each further alternative."""
    choices = {field.encode_name: list(documents(field.type)) for field in info.fields}
    first = {name: options[0] for name, options in choices.items()}
    for values in ({}, *({name: other} for name, options in choices.items() for other in options[1:])):
        made = Object(first, **values)
        made.name = info.cls.__name__
        made.required = tuple(field.encode_name for field in info.fields if field.required)
        if info.tag_field is not None:
            made.tagged = info.tag_field
            made[info.tag_field] = info.tag
        yield made


def scalar(info: Any) -> Any:
    kind = msgspec.inspect
    if isinstance(info, kind.LiteralType):
        return info.values[0]
    if isinstance(info, kind.StrType):
        return next(word for word in WORDS if info.pattern is None or re.search(info.pattern, word))
    return {kind.IntType: 1, kind.FloatType: 0.5, kind.BoolType: True, kind.BytesType: "AAAA", kind.AnyType: 1}[
        type(info)
    ]


def changed(document: Any, change: Callable[[Object], Iterator[Object]]) -> Iterator[Any]:
    """The document with one change in one struct, for every struct in it and every change of it."""
    if isinstance(document, Object):
        yield from change(document)
    for key, value in list(document.items() if isinstance(document, dict) else enumerate(document)):
        if isinstance(value, dict | list):
            for other in changed(value, change):
                held = copy.copy(document)
                held[key] = other
                yield held


def made(found: Object, **values: Any) -> Object:
    other = copy.copy(found)
    other.update(values)
    return other


def added(found: Object) -> Iterator[Object]:
    for value in ("newer", None, [{"a": 1}]):
        yield made(found, added_by_a_newer_version=value)


def other_version(found: Object) -> Iterator[Object]:
    if found.tagged is not None:
        yield made(found, **{found.tagged: str(found[found.tagged]).replace("/1", "") + "/2"})


def without_a_field(found: Object) -> Iterator[Object]:
    for name in found.required:
        other = copy.copy(found)
        del other[name]
        yield other


def of_another_type(found: Object) -> Iterator[Object]:
    for name, value in found.items():
        yield made(found, **{name: 7 if isinstance(value, dict) else {"no": "such"}})


def all_of(type_: Any) -> list[Any]:
    return list(documents(msgspec.inspect.type_info(type_)))


def data(document: Any) -> bytes:
    return json.dumps(document).encode()


STAGES: dict[str, tuple[Any, Callable[[], Stage[Any]]]] = {
    "screen": (Route, lambda: Screen(lambda mention: None)),  # type: ignore[arg-type,return-value]
    "profile": (Customer, Profile),
    "assess": (AuthorState, lambda: Assess.__new__(Assess)),
    "deliver": (Delivery, lambda: Deliver.__new__(Deliver)),
}
REFUSED = [other_version, without_a_field, of_another_type]


@pytest.mark.parametrize("topic", TOPICS)
def test_a_field_of_a_newer_version_is_passed_over_on_a_topic(topic):
    type_, reader = TOPICS[topic]
    for document in all_of(type_):
        known = reader.decode(data(document))
        for newer in changed(document, added):
            assert reader.decode(data(newer)) == known


@pytest.mark.parametrize("change", REFUSED)
@pytest.mark.parametrize("topic", TOPICS)
def test_what_a_reader_cannot_know_how_to_take_is_poison(topic, change):
    type_, reader = TOPICS[topic]
    for document in all_of(type_):
        for other in changed(document, change):
            with pytest.raises(Poison):
                reader.decode(data(other))


def stage(name: str) -> tuple[Any, Stage[Any]]:
    type_, make = STAGES[name]
    found = make()
    found.name = name
    Stage.__init__(found, type_)
    return type_, found


@pytest.mark.parametrize("name", STAGES)
def test_a_field_of_a_newer_version_is_passed_over_in_a_state(name):
    type_, found = stage(name)
    for document in all_of(type_):
        known = found.load(data(document))
        for newer in changed(document, added):
            assert found.load(data(newer)) == known


@pytest.mark.parametrize("change", REFUSED)
@pytest.mark.parametrize("name", STAGES)
def test_a_state_that_cannot_be_read_is_told_and_not_begun_anew(name, change):
    type_, found = stage(name)
    for document in all_of(type_):
        for other in changed(document, change):
            states: States[Any] = States(found)
            with pytest.raises(HilferufError, match="cannot be read"):
                states.restore("k", data(other))
                states.get("k")


def test_a_field_of_a_newer_version_is_passed_over_in_a_note_and_stays_out_of_it():
    for document in all_of(Note):
        known = msgspec.json.decode(data(document), type=Note)
        for newer in changed(document, added):
            assert msgspec.json.decode(data(newer), type=Note) == known


def levels(document: Any) -> Iterator[Object]:
    """Every struct in it."""
    if isinstance(document, Object):
        yield document
    for value in document.values() if isinstance(document, dict) else document:
        if isinstance(value, dict | list):
            yield from levels(value)


@pytest.mark.parametrize("type_", [type_ for type_, _ in (*TOPICS.values(), *STAGES.values())])
def test_the_documents_hold_every_struct_of_their_types(type_):
    found = {struct.name for document in all_of(type_) for struct in levels(document)}
    assert found == set(msgspec.json.schema(type_)["$defs"])
