"""What a call of a listener becomes on Kafka: records that brokers take. Pure."""

from collections.abc import Sequence

from listeners.contract import Bad, Cursor
from listeners.spool import Record
from records import codec
from records.dead_letters import fitting_letter
from records.facts import CustomerFact
from records.mention import Mention
from records.topics import CURSORS, CUSTOMER_FACTS, DEAD_LETTERS, MAX_RECORD, MENTIONS


def records_of(
    mentions: Sequence[Mention], facts: Sequence[CustomerFact], bad: Sequence[Bad], now: int
) -> list[Record]:
    """The records of a call, in order; `now` in milliseconds since 1970. What is too large becomes a dead letter."""
    records = [_sized(Record(MENTIONS, item.id.encode(), codec.encode(item)), now) for item in mentions]
    records += [_sized(Record(CUSTOMER_FACTS, item.customer.encode(), codec.encode(item)), now) for item in facts]
    records += [_letter(item.original, item.reason, item.field, item.origin, now) for item in bad]
    return records


def cursor_record(cursor: Cursor) -> Record:
    """A cursor: its value as a JSON object."""
    return Record(CURSORS, cursor.key.encode(), codec.encode(cursor.value))


def refused(record: Record, now: int) -> Record:
    """The dead letter of a record that the brokers refuse for its size."""
    size = f"{len(record.value)} bytes, more than the brokers take (max.message.bytes of the topic)"
    return _letter(record.value, f"a record for {record.topic} has {size}", None, f"kafka/{record.topic}", now)


def _sized(record: Record, now: int) -> Record:
    if len(record.value) <= MAX_RECORD:
        return record
    reason = f"a record for {record.topic} would have {len(record.value)} bytes, more than {MAX_RECORD}"
    return _letter(record.value, reason, None, f"kafka/{record.topic}", now)


def _letter(original: bytes, reason: str, field: str | None, origin: str, now: int) -> Record:
    letter = fitting_letter(original, reason, field, origin, now)
    return Record(DEAD_LETTERS, letter.id.encode(), codec.encode(letter))
