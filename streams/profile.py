"""profile: one record a customer, made of facts; every change goes as a snapshot to the authors linked with evidence.

Facts are a set: the highest revision of an id counts, whatever the order of arrival. Unknown is never zero, and nobody is
looked up by name. Only `verified` evidence opens the purchase history; other links say "may be this customer", no more.
"""

from typing import Any

import msgspec

from records import codec
from records.events import Erased, Known
from records.facts import (
    Contact,
    CustomerFact,
    Erasure,
    Evidence,
    Link,
    Purchase,
    Refund,
    Snapshot,
    SnapshotContact,
    SnapshotPurchase,
    Tag,
    Unlink,
)
from records.topics import AUTHOR_EVENTS, CUSTOMER_FACTS
from streams.stage import Output, Stage

MAX_FACTS = 600  # of one customer; the oldest leave first, so that a state stays under 200 KB
MAX_IN_SNAPSHOT = 100
_STRENGTH: dict[Evidence, int] = {"inferred": 0, "self_claimed": 1, "verified": 2}


class Customer(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """All facts of one customer by id (deleted ones too: they hold their revision), and what was sent to whom."""

    facts: dict[str, CustomerFact] = {}
    version: int = 0
    sent: dict[str, Evidence] = {}
    erased_at: str | None = None


class Profile(Stage[Customer]):
    """See the module."""

    name = "profile"
    source = CUSTOMER_FACTS

    def __init__(self) -> None:
        super().__init__(Customer)

    def decode(self, data: bytes) -> CustomerFact:
        """A customer fact. Raises Poison."""
        return codec.customer_facts.decode(data)

    def step(self, key: str, state: Customer | None, record: Any) -> tuple[Customer | None, list[Output]]:
        """One fact."""
        customer, fact = state or Customer(), record
        if customer.erased_at and fact.at <= customer.erased_at:
            return customer, _too_late(fact, customer.erased_at)
        if isinstance(fact, Erasure) and fact.op == "upsert":
            return _erase(customer, fact)
        held = customer.facts.get(fact.id)
        if held is not None and _rank(held) >= _rank(fact):
            return customer, []
        facts = {**customer.facts, fact.id: fact}
        if len(facts) > MAX_FACTS:
            facts = _newest(facts)
        changed = msgspec.structs.replace(customer, facts=facts, version=customer.version + 1)
        return _send(changed, fact.customer)


def evidence_of(customer: Customer) -> dict[str, Evidence]:
    """author key -> strongest evidence of the links in force; an unlink takes back every link of the pair up to its time."""
    links: dict[str, list[Link]] = {}
    unlinked: dict[str, str] = {}
    for fact in customer.facts.values():
        if fact.op == "delete":
            continue
        if isinstance(fact, Link):
            links.setdefault(fact.author, []).append(fact)
        elif isinstance(fact, Unlink):
            unlinked[fact.author] = max(unlinked.get(fact.author, ""), fact.at)
    found: dict[str, Evidence] = {}
    for author, facts in links.items():
        in_force = [link.evidence for link in facts if link.at > unlinked.get(author, "")]
        if in_force:
            found[author] = max(in_force, key=_STRENGTH.__getitem__)
    return found


def snapshot(customer: Customer, customer_id: str, evidence: Evidence) -> Snapshot:
    """What one linked author's shard is told. Without verified evidence: that the link exists, nothing else."""
    if evidence != "verified":
        return Snapshot(customer=customer_id, version=customer.version, evidence=evidence)
    purchases: list[SnapshotPurchase] = []
    contacts: list[SnapshotContact] = []
    tags: list[tuple[str, str | None]] = []
    for fact in sorted(customer.facts.values(), key=lambda f: (f.at, f.id)):
        if fact.op == "delete":
            continue
        if isinstance(fact, Purchase | Refund):
            sign = 1 if isinstance(fact, Purchase) else -1
            purchases.append(
                SnapshotPurchase(fact.at, sign * fact.amount, fact.currency, fact.quantity, fact.product, fact.id)
            )
        elif isinstance(fact, Contact):
            contacts.append(SnapshotContact(fact.at, fact.channel, fact.resolved, fact.id))
        elif isinstance(fact, Tag):
            tags.append((fact.tag, fact.expires))
    return Snapshot(
        customer=customer_id,
        version=customer.version,
        evidence=evidence,
        purchases=tuple(purchases[-MAX_IN_SNAPSHOT:]),
        contacts=tuple(contacts[-MAX_IN_SNAPSHOT:]),
        tags=tuple(tags[-MAX_IN_SNAPSHOT:]),
    )


def _send(customer: Customer, customer_id: str) -> tuple[Customer, list[Output]]:
    now, outputs = evidence_of(customer), list[Output]()
    for author in sorted(now.keys() | customer.sent.keys()):
        evidence, before = now.get(author), customer.sent.get(author)
        if (
            customer.erased_at and evidence == "verified" != before
        ):  # what was said before the erasure is forgotten here too
            outputs.append(Output(AUTHOR_EVENTS, author, Erased(at=customer.erased_at)))
        if evidence == "verified" or before != evidence:
            known = (
                snapshot(customer, customer_id, evidence)
                if evidence
                else Snapshot(customer=customer_id, version=customer.version, evidence=None)
            )
            outputs.append(Output(AUTHOR_EVENTS, author, Known(snapshot=known)))
    return msgspec.structs.replace(customer, sent=dict(now)), outputs


def _erase(customer: Customer, erasure: Erasure) -> tuple[Customer, list[Output]]:
    """The customer's facts go; verified authors are forgotten too, others only lose the link: a mere claim must not be able
    to erase somebody else's posts. Facts from after the erasure stay, and are told again."""
    verified = sorted(author for author, evidence in evidence_of(customer).items() if evidence == "verified")
    outputs = [Output(AUTHOR_EVENTS, author, Erased(at=erasure.at)) for author in verified]
    later = {key: fact for key, fact in customer.facts.items() if fact.at > erasure.at}
    left = Customer(facts=later, version=customer.version + 1, sent=customer.sent, erased_at=erasure.at)
    changed, told = _send(left, erasure.customer)
    return changed, outputs + told


def _too_late(fact: CustomerFact, erased_at: str) -> list[Output]:
    """What an erasure that overtook this fact still owes: whoever was verified to be the customer is forgotten too."""
    if isinstance(fact, Link) and fact.op == "upsert" and fact.evidence == "verified":
        return [Output(AUTHOR_EVENTS, fact.author, Erased(at=erased_at))]
    return []


def _rank(fact: CustomerFact) -> tuple[int, bool, bytes]:
    """Order of two versions of one fact id; the content breaks ties, so that any order of arrival ends the same."""
    return fact.revision, fact.op == "delete", codec.encode(fact)


def _newest(facts: dict[str, CustomerFact]) -> dict[str, CustomerFact]:
    """Links and unlinks stay; of the others the oldest leave first."""
    links = {key: fact for key, fact in facts.items() if isinstance(fact, Link | Unlink)}
    others = sorted((f for f in facts.values() if f.id not in links), key=lambda f: (f.at, f.id))
    keep = max(MAX_FACTS - len(links), MAX_FACTS // 2)
    return {**links, **{fact.id: fact for fact in others[-keep:]}}
