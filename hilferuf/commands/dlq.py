"""`hilferuf dlq`: dead letters, from the command line."""

import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from hilferuf.engine_file import opened
from hilferuf.rules import settings_of
from listeners.clock import SystemClock
from records import codec
from records.errors import HilferufError, Poison
from records.events import DeadLetter
from records.normalise import normalise_mention
from records.normalise_facts import normalise_fact
from records.times import from_ms
from records.topics import AUTHOR_EVENTS, CUSTOMER_FACTS, DEAD_LETTERS, MENTIONS
from streams.dead_letters import DELIVERY_ORIGIN
from streams.store import Store

PAGE = 1_000


def list_letters(config: Path | None, as_json: bool) -> int:
    """All dead letters, oldest first."""
    with opened(settings_of(config)) as store:
        for _, letter in _letters(store):
            if as_json:
                line = {name: getattr(letter, name) for name in ("id", "at", "origin", "field", "reason", "redriven")}
                sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
            else:
                mark = " (redriven)" if letter.redriven else ""
                print(f"{letter.id}  {letter.at[:16]}  {letter.origin}{mark}\n    {letter.reason}")
    return 0


def show(config: Path | None, letter_id: str) -> int:
    """One dead letter, its original bytes last."""
    with opened(settings_of(config)) as store:
        _, letter = _find(store, letter_id)
    print(
        f"{letter.id}\norigin: {letter.origin}\nat: {letter.at}\nfield: {letter.field or '-'}\nreason: {letter.reason}\n"
    )
    sys.stdout.flush()
    sys.stdout.buffer.write(letter.original + b"\n")
    return 0


def redrive(config: Path | None, letter_ids: list[str]) -> int:
    """Normalise the originals again; those that pass go into the log, the others stay, with today's reason."""
    passed = failed = 0
    now = SystemClock().now()
    with opened(settings_of(config), write=True) as store:
        chosen = [_find(store, letter_id) for letter_id in letter_ids] or [
            x for x in _letters(store) if not x[1].redriven
        ]
        for offset, letter in chosen:
            try:
                _again(store, letter, now)
            except Poison as error:
                failed += 1
                print(f"{letter.id}: still cannot be used: {error}", file=sys.stderr)
                continue
            store.replace(DEAD_LETTERS, offset, codec.encode(msgspec.structs.replace(letter, redriven=True)))
            passed += 1
    print(f"{passed} redriven, {failed} still dead")
    return 1 if failed else 0


def drop(config: Path | None, letter_ids: list[str]) -> int:
    """Delete dead letters."""
    with opened(settings_of(config), write=True) as store:
        chosen = (
            list(_letters(store)) if letter_ids == ["all"] else [_find(store, letter_id) for letter_id in letter_ids]
        )
        for offset, _ in chosen:
            store.delete(DEAD_LETTERS, offset)
    print(f"{len(chosen)} dropped")
    return 0


def _again(store: Store, letter: DeadLetter, now: int) -> None:
    """Through the door it came in by. Raises Poison where the fault is still there."""
    if letter.origin.startswith(DELIVERY_ORIGIN):
        sink, _, ticket = letter.origin.removeprefix(DELIVERY_ORIGIN).partition("|")
        entry = store.delivery(sink, ticket)
        if entry is None:
            raise Poison(f"the ledger has no ticket {ticket} for {sink}")
        if entry.state == "dead":
            store.put_delivery(msgspec.structs.replace(entry, state="pending", error=None), 0)
        return
    topic, _, offset = letter.origin.rpartition("/")
    if topic in (MENTIONS, AUTHOR_EVENTS):
        store.append(topic, [(_key(store, topic, offset), letter.original)], now)
    elif letter.origin.startswith(CUSTOMER_FACTS) or b'"customer"' in letter.original:
        fact = normalise_fact(letter.original, observed_at=from_ms(now))
        store.append(CUSTOMER_FACTS, [(fact.customer, codec.encode(fact))], now)
    else:
        mention = normalise_mention(letter.original, observed_at=from_ms(now), listener="redrive")
        store.append(MENTIONS, [(mention.id, codec.encode(mention))], now)


def _key(store: Store, topic: str, offset: str) -> str:
    """Key of the record that a stage could not use. Raises Poison where the log no longer has it."""
    found = store.read(topic, int(offset), 1) if offset.isdecimal() else []
    if not found or found[0].offset != int(offset):
        raise Poison("its record has left the log; the next change of the rules judges its author anew")
    return found[0].key


def _letters(store: Store) -> Iterable[tuple[int, DeadLetter]]:
    offset = 0
    while entries := store.read(DEAD_LETTERS, offset, PAGE):
        for entry in entries:
            yield entry.offset, codec.dead_letters.decode(entry.value)
        offset = entries[-1].offset + 1


def _find(store: Store, letter_id: str) -> tuple[int, DeadLetter]:
    for offset, letter in _letters(store):
        if letter.id == letter_id:
            return offset, letter
    raise HilferufError(f"there is no dead letter {letter_id}; `hilferuf dlq list` shows them")
