"""Customer facts, and the snapshot of them that travels to an author with evidence.

Facts come in as flat JSON objects; the field `kind` tells which of these they are. `revision` and `op` decide which
version of one fact id counts: the highest revision wins, `delete` takes the fact back.
"""

from typing import Annotated, Literal

import msgspec

from records.times import Timestamp

Evidence = Literal["verified", "self_claimed", "inferred"]
FactOp = Literal["upsert", "delete"]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")]
AuthorKey = Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+:[^\s]+$")]
NonEmpty = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class _Fact(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="kind"):
    """What every fact carries. `at` is when it happened, UTC."""

    id: NonEmpty
    customer: NonEmpty
    at: Timestamp
    revision: Annotated[int, msgspec.Meta(ge=0)] = 0
    op: FactOp = "upsert"


class Purchase(_Fact, frozen=True, kw_only=True, tag="purchase"):
    """Something bought; `amount` in units of `currency`, `quantity` pieces of `product`."""

    amount: Annotated[float, msgspec.Meta(ge=0)]
    currency: Currency
    quantity: Annotated[int, msgspec.Meta(ge=0)] | None = None
    product: str | None = None


class Refund(_Fact, frozen=True, kw_only=True, tag="refund"):
    """Money given back; `amount` is positive."""

    amount: Annotated[float, msgspec.Meta(ge=0)]
    currency: Currency
    quantity: Annotated[int, msgspec.Meta(ge=0)] | None = None
    product: str | None = None


class Contact(_Fact, frozen=True, kw_only=True, tag="contact"):
    """The customer turned to us elsewhere (phone, mail, chat, shop); `resolved` None = unknown."""

    channel: NonEmpty
    resolved: bool | None = None


class Tag(_Fact, frozen=True, kw_only=True, tag="tag"):
    """A label the company gave, such as `ambassador` or `vip`."""

    tag: NonEmpty
    expires: Timestamp | None = None


class Link(_Fact, frozen=True, kw_only=True, tag="link"):
    """This author (`channel:id`) is this customer, and how we know. Only `verified` opens the purchase history."""

    author: AuthorKey
    evidence: Evidence


class Unlink(_Fact, frozen=True, kw_only=True, tag="unlink"):
    """This author is not, or no longer, this customer. Counts against every link of the pair up to `at`."""

    author: AuthorKey


class Erasure(_Fact, frozen=True, kw_only=True, tag="erasure"):
    """The customer asks to be forgotten. Final."""


CustomerFact = Purchase | Refund | Contact | Tag | Link | Unlink | Erasure


class SnapshotPurchase(msgspec.Struct, frozen=True, omit_defaults=True):
    """One purchase (positive) or refund (negative amount)."""

    at: Timestamp
    amount: float
    currency: str
    quantity: int | None = None
    product: str | None = None
    id: str = ""


class SnapshotContact(msgspec.Struct, frozen=True, omit_defaults=True):
    """One contact on another channel."""

    at: Timestamp
    channel: str
    resolved: bool | None = None
    id: str = ""


class Snapshot(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of a customer, as sent to one linked author; lists are newest last and bounded.

    evidence None: the link is gone. Without `verified` evidence everything but `customer` and `evidence` is empty: the
    author may be this customer, no more. version: grows with every change of this customer; the newest wins.
    """

    customer: str
    version: int
    evidence: Evidence | None
    purchases: tuple[SnapshotPurchase, ...] = ()
    contacts: tuple[SnapshotContact, ...] = ()
    tags: tuple[tuple[str, str | None], ...] = ()  # (tag, expires)
    erased: bool = False
