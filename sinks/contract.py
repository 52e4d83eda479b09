"""The sinks' contract. A sink speaks one helpdesk's language; the order of steps (intent, look up, create, read back,
converge) is the protocol's, in `sinks.protocol`, and is the same for all."""

from abc import ABC, abstractmethod
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

    @abstractmethod
    async def find(self, ticket_id: str) -> tuple[Held, ...]:
        """Every remote ticket that carries this id of ours, oldest first; read from the helpdesk itself, never a memory.

        More than one is a race that somebody lost: the protocol folds the younger into the oldest.
        """

    @abstractmethod
    async def read(self, remote_id: str) -> Held | None:
        """What the remote ticket holds now, posts by their markers; `gone` after a delete; None = never existed.

        A ticket that was merged away in the helpdesk is followed: the answer has the winner's remote_id.
        """

    @abstractmethod
    async def create(self, ticket: Ticket) -> str:
        """Create the remote ticket with our id, first post, rank and priority; returns the remote id. May answer an error
        although it was created."""

    @abstractmethod
    async def write(self, held: Held, ticket: Ticket) -> Held:
        """Bring the remote ticket from `held` to `ticket`: append missing and changed posts in order of posting, set rank,
        priority, status, write the explanation as an internal note if its digest changed, redact removed posts, merge into
        `merged_into`'s remote ticket, close. Leaves fields in `held.human` alone. Returns what was read back afterwards:
        what the helpdesk silently dropped is missing there, and the protocol reports it.
        """

    @abstractmethod
    async def observe(self, cursor: dict[str, Any] | None) -> Observed:
        """What people did since the cursor (status, priority, public answers), our own writes left out, nothing lost at
        equal seconds; at a None cursor from now on."""

    async def check(self) -> tuple[str, ...]:
        """What is wrong with address, credentials, fields, rights: one line each that says what to do; empty = all well."""
        return ()

    async def aclose(self) -> None:  # noqa: B027 - a sink without connections has nothing to close
        """Give connections back."""
