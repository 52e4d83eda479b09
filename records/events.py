"""AuthorEvent: everything that concerns one author, on the topic `author-events` (key: author key), and the other topics'
small records: Lookup, Tick, Redrive, DeadLetter."""

from typing import Literal

import msgspec

from records.facts import Snapshot
from records.mention import Mention
from records.times import Timestamp
from records.verdict import Verdict


class _Event(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="event"):
    """Base: `event` names the kind."""


class Spoke(_Event, frozen=True, kw_only=True, tag="spoke/1"):
    """The author posted, edited, deleted, hid or restored something. verdict None: an op without text (delete, hide …)."""

    mention: Mention
    verdict: Verdict | None = None


class Answered(_Event, frozen=True, kw_only=True, tag="answered/1"):
    """The brand answered on the channel. `parent_id`: mention id answered (None: a direct message to the author as such);
    answers all up to `at` in its thread.

    `op` delete takes the answer back; (id, op) is the idempotency key.
    """

    id: str
    op: Literal["create", "delete"] = "create"
    at: Timestamp
    parent_id: str | None = None
    root_id: str | None = None


class Known(_Event, frozen=True, kw_only=True, tag="known/1"):
    """What is known of a customer linked to this author."""

    snapshot: Snapshot


class Helpdesk(_Event, frozen=True, kw_only=True, tag="helpdesk/1"):
    """Something happened to a ticket in a helpdesk, done by a person there. (sink, id) is the idempotency key."""

    sink: str
    id: str
    ticket_id: str
    at: Timestamp
    what: Literal["solved", "reopened", "answered", "priority", "closed"]
    value: str | None = None


class Erased(_Event, frozen=True, kw_only=True, tag="erased/1"):
    """Forget this author: texts go, tickets are redacted, key and time stay for a while so that redelivery revives nothing."""

    at: Timestamp


class Tick(_Event, frozen=True, kw_only=True, tag="tick/1"):
    """Time as an event: one a minute to every stage that keeps timers."""

    at: Timestamp


class Rules(_Event, frozen=True, kw_only=True, tag="rules/1"):
    """From this position on, this lexicon and strategy are in force; every key is derived anew. `after`: a step of that,
    for the keys after this one."""

    lexicon_version: str
    strategy: str
    after: str = ""

    @property
    def name(self) -> str:
        """What names them."""
        return f"{self.lexicon_version}|{self.strategy}"


AuthorEvent = Spoke | Answered | Known | Helpdesk | Erased


class Lookup(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="lookup/1"):
    """Asks the shard that knows mention `parent_id` who wrote it, and to pass the answer on. Travels through `mentions`."""

    parent_id: str
    answered: Answered


class DeadLetter(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="dead-letter/1"
):
    """What could not be used: original bytes (base64 in JSON), the reason, and where it came from."""

    id: str
    reason: str
    field: str | None = None
    origin: str
    at: Timestamp
    original: bytes
    redriven: bool = False


class Observed(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="observed/1"):
    """What a person did to a ticket in a helpdesk, on its way to the process that knows the ticket's author. Travels through
    `tickets` as Redrive does, under the key `ticket id|observed|sink|event id`; taken off again once it was passed on."""

    event: Helpdesk

    @property
    def key(self) -> str:
        """Its key."""
        return f"{self.event.ticket_id}|observed|{self.event.sink}|{self.event.id}"


class Redrive(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="redrive/1"):
    """A person asks for another try of a ticket that this sink refused for good. Travels through `tickets`, in the ticket's
    partition, under the key `ticket id|redrive|sink`: under the ticket's own key, compaction would take it for the ticket."""

    sink: str
    ticket_id: str
