"""What people look at and do passes through TLS and a login; without the right it is told in one line."""

import msgspec
import pytest

from config.settings import Retention
from records.errors import HilferufError, Refused
from records.topics import MENTIONS, TICKETS
from streams.kafka.admin import apply
from streams.kafka.reading import Reader
from streams.kafka.sending import sending
from streams.kafka.view import viewed
from tests.sinks.contract_suite import a_ticket
from tests.streams.kafka.desk_rig import Writer

NOW = 1_790_000_000_000


@pytest.fixture
def settings(secure_kafka, prefix):
    settings = secure_kafka.settings(prefix)
    apply(settings, Retention())
    return settings


def test_reading_and_writing_through_tls_and_a_login(settings, tmp_path):
    ticket = a_ticket()
    Writer(settings).ticket(ticket)
    with viewed(settings, tmp_path, lambda: NOW, print) as store:
        assert store.ticket(ticket.id) == ticket
    with sending(settings) as sender:
        sender.send(MENTIONS, "x:1", b"heard")
    with Reader(settings) as reader:
        places = reader.places(MENTIONS)
        ((record,),) = reader.read(reader.starts(places), reader.ends(places))
    assert (record.key, record.value) == ("x:1", b"heard")


def test_who_may_not_read_or_write_is_told_so(settings, secure_kafka, tmp_path):
    guest = msgspec.structs.replace(settings, sasl=secure_kafka.guest)
    with pytest.raises(HilferufError, match="or user guest may not see it"), Reader(guest) as reader:
        reader.ends(reader.places(TICKETS))
    with pytest.raises(Refused, match="does not allow this to user guest"), sending(guest) as sender:
        sender.send(MENTIONS, "x:1", b"heard")
