"""Which edition of the lexicons is in force, and which were before it. Kept where the states are: in the embedded engine's
file, or on the topic `rules`.

The newest decision counts. There are three kinds: files that a process finds changed when it starts or is told to look again,
`lexicon apply`, and `lexicon rollback`. So files alone rule where nobody applies anything, and what was applied or rolled back
stands over files that did not change since.
"""

from abc import ABC, abstractmethod
from typing import Literal

import msgspec

from lexicons.edition import Edition
from records import codec
from records.errors import HilferufError
from streams.store import Store

How = Literal["files", "apply", "rollback"]
KEPT = 10  # editions before the one in force

_ACTIVE, _EDITION = "edition", "edition|"  # notes in the engine's file


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """An edition that came into force. lexicon_version: as whoever decided compiled it; at: UTC."""

    edition: str
    lexicon_version: str
    at: str
    how: How


class InForce(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="edition-in-force/1"):
    """The edition in force. files: the edition that the files of the settings were when they were last looked at. before:
    newest first."""

    now: Step
    files: str
    before: tuple[Step, ...] = ()

    @property
    def known(self) -> set[str]:
        """Ids of all editions that may be gone back to, and of the one in force."""
        return {step.edition for step in (self.now, *self.before)}


def decided(held: InForce | None, step: Step, files: str) -> InForce:
    """After this decision. One for what is in force already changes nothing but what is known of the files."""
    if held is None:
        return InForce(now=step, files=files)
    if held.now.edition == step.edition:
        return msgspec.structs.replace(held, files=files)
    return InForce(now=step, files=files, before=(held.now, *held.before)[:KEPT])


def rolled_back(held: InForce | None, at: str) -> InForce:
    """After going back to the one before; from there it goes further back. Raises HilferufError where there is none."""
    if held is None or not held.before:
        raise HilferufError("no lexicons were in force before these: there is nothing to go back to")
    step = msgspec.structs.replace(held.before[0], at=at, how="rollback")
    return InForce(now=step, files=held.files, before=held.before[1:])


class Editions(ABC):
    """The editions of one deployment."""

    @abstractmethod
    def in_force(self) -> InForce | None:
        """What is in force; None = nothing was decided yet. Raises Transient."""

    @abstractmethod
    def edition(self, edition: str) -> Edition:
        """An edition that is or was in force. Raises HilferufError for one that is not known, Transient."""

    @abstractmethod
    def decide(self, held: InForce, edition: Edition | None) -> None:
        """Put into force; edition None = it is known already. Editions that cannot be gone back to are forgotten. Raises
        Transient."""


class StoredEditions(Editions):
    """In the embedded engine's file, in the caller's transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def in_force(self) -> InForce | None:
        """From the notes."""
        note = self._store.note(_ACTIVE)
        return None if note is None else in_force_of.decode(note)

    def edition(self, edition: str) -> Edition:
        """From the notes."""
        note = self._store.note(_EDITION + edition)
        if note is None:
            raise unknown(edition)
        return edition_of.decode(note)

    def decide(self, held: InForce, edition: Edition | None) -> None:
        """Into the notes."""
        if edition is not None:
            self._store.set_note(_EDITION + edition.id, codec.encode(edition).decode())
        self._store.set_note(_ACTIVE, codec.encode(held).decode())
        for name in self._store.notes(_EDITION):
            if name.removeprefix(_EDITION) not in held.known:
                self._store.drop_note(name)


def unknown(edition: str) -> HilferufError:
    """What an edition that is not kept raises."""
    return HilferufError(
        f"edition {edition} of the lexicons is not known; `hilferuf lexicon apply` makes the files active"
    )


in_force_of: "msgspec.json.Decoder[InForce]" = msgspec.json.Decoder(InForce)
edition_of: "msgspec.json.Decoder[Edition]" = msgspec.json.Decoder(Edition)
