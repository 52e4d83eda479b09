"""What is known of the authors while a plan is made: the customer facts, as profile makes snapshots of them. No lexicon has a
say in it, so it is the same on both sides."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from records import codec
from records.events import Erased, Known
from records.facts import CustomerFact
from streams.profile import Customer, Profile


class Told(NamedTuple):
    """An author event, encoded, for an author."""

    author: str
    event: bytes


def told(facts: Iterable[CustomerFact]) -> Iterator[Told]:
    """The last that profile says to each author of each customer, after all facts. The customers are held in memory."""
    profile = Profile()
    customers: dict[str, Customer | None] = {}
    last: dict[tuple[str, str], Known | Erased] = {}
    for fact in facts:
        customers[fact.customer], outputs = profile.step(fact.customer, customers.get(fact.customer), fact)
        for output in outputs:
            of = output.record.snapshot.customer if isinstance(output.record, Known) else ""
            last[output.key, of] = output.record
    for (author, _), event in sorted(last.items(), key=lambda item: item[0]):
        yield Told(author, codec.encode(event))
