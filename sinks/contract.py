"""The sinks' contract. A sink speaks one helpdesk's language; the order of steps (intent, look up, create, read back,
converge) is the protocol's, in `sinks.protocol`, and is the same for all."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import msgspec

from records.events import Helpdesk
from records.tickets import Held, Ticket


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What people did since the cursor: events, oldest first, and the cursor to go on from."""

    events: tuple[Helpdesk, ...]
    cursor: dict[str, Any]


class Sink(ABC):
    """One helpdesk. Every verb may raise Transient (with the seconds asked for), Permanent (this ticket never succeeds: the
    text says why) or Refused (no ticket succeeds: token, rights, address). After any error the outcome is unknown: the
    protocol looks the ticket up again. Verbs may be called from several processes at once.
    """

    name: str
    title: str = ""  # the helpdesk's name for people, in errors
    # What the fields of Held are called in this helpdesk, for errors; a field that it cannot hold is left out.
    fields: Mapping[str, str] = {
        "status": "status",
        "priority": "priority",
        "rank_key": "rank",
        "note": "internal note",
    }
    # True: `read` fills `human` (from who changed a field last) and `receipt` itself. False: the protocol compares with our
    # last write and keeps receipts.
    tells_editors: bool = False
    # A due time that moved by less than this many minutes is not worth a write of its own.
    rerank_minutes: float = 0.0

    @abstractmethod
    async def find(self, ticket_id: str) -> tuple[Held, ...]:
        """Every remote ticket that carries this id of ours, in one order for all who ask (oldest first); read from the
        helpdesk itself, never a memory. Neither deleted ones nor those merged away. `remote_id` and `status` suffice.

        More than one that is not `closed` is a race that somebody lost: the protocol folds the others into the first.
        """

    @abstractmethod
    async def read(self, remote_id: str) -> Held | None:
        """What the remote ticket holds now; `gone` after a delete; None = never existed (or the helpdesk forgot it).

        posts by their markers, as `render.standing` gives them: key of the post -> digest of its revision or `gone`; the
        protocol names them. A ticket that was merged away in the helpdesk is followed: the answer has the winner's remote_id.
        """

    @abstractmethod
    async def create(self, ticket: Ticket, follows: str | None = None) -> str:
        """Create the remote ticket with our id, first post, rank and priority; returns the remote id. May answer an error
        although it was created. follows: remote id of the ticket, closed for good, that this one continues."""

    @abstractmethod
    async def write(self, held: Held, ticket: Ticket) -> Held:
        """Bring the remote ticket from `held` (just read, posts by mention id) to `ticket`: what `plan.changes` lists, in
        its order. Leaves fields in `held.human` alone; does nothing where nothing is to be done. Returns what was read back
        afterwards, named: what the helpdesk silently dropped is missing there, and the protocol reports it.
        """

    @abstractmethod
    async def merge(self, loser: str, winner: str) -> None:
        """Merge the remote ticket `loser` into `winner`, for good. One that was merged already is no error."""

    @abstractmethod
    async def observe(self, cursor: dict[str, Any] | None) -> Observed:
        """What people did since the cursor (status, priority, public answers), our own writes left out, nothing lost at
        equal seconds; at a None cursor from now on."""

    async def check(self) -> tuple[str, ...]:
        """What is wrong with address, credentials, fields, rights: one line each that says what to do; empty = all well."""
        return ()

    async def aclose(self) -> None:  # noqa: B027 - a sink without connections has nothing to close
        """Give connections back."""
