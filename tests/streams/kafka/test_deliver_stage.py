"""What the ledger's stage makes of the records of `tickets`, without a broker."""

from msgspec.structs import replace

from records import codec
from records.events import Helpdesk, Observed
from records.topics import AUTHOR_EVENTS, TICKETS, WHOLE
from streams.kafka.deliver import Deliver, is_control
from streams.runner import Route
from tests.sinks.contract_suite import a_ticket
from tests.streams.kafka.deliver_rig import operation

STAGE = Deliver(Route("queue"))
TICKET = a_ticket()
SOLVED = Helpdesk(sink="queue", id="7", ticket_id=TICKET.id, at="2026-11-20T11:00:00.000Z", what="solved")


def step(state, record):
    return STAGE.step(TICKET.id, state, record)


def entry(**more):
    return replace(step(None, operation(TICKET))[0], **more)


def test_the_ledgers_of_all_sinks_share_a_topic_and_each_knows_its_own():
    assert STAGE.key_of(STAGE.changelog_key("t1")) == "t1"
    assert STAGE.key_of("queue2|t1") is None and STAGE.key_of("zendesk|t1") is None
    assert is_control(STAGE.changelog_key(WHOLE)) and not is_control(STAGE.changelog_key("t1"))


def test_a_tombstone_ends_a_ticket_and_one_of_a_record_beside_it_does_not():
    assert STAGE.read("t1", None) == ("t1", None)
    assert STAGE.read("t1|observed|queue|7", None) is None


def test_a_record_beside_a_ticket_concerns_the_ticket():
    record = Observed(event=SOLVED)
    assert STAGE.read(record.key, codec.encode(record)) == (TICKET.id, record)


def test_a_forgotten_ticket_goes_when_it_has_no_work_left():
    assert step(entry(state="settled"), None) == (None, []) == step(entry(state="dead"), None)
    assert step(entry(), None) == (entry(ended=True), [])


def test_a_forgotten_ticket_lives_again_when_its_author_writes_before_the_last_write():
    assert step(entry(ended=True), operation(TICKET, 2))[0] == entry(wanted=operation(TICKET, 2))


def test_what_a_person_did_goes_to_the_author_and_off_the_topic():
    record = Observed(event=SOLVED)
    state, outputs = step(entry(), record)
    assert state == entry()
    assert outputs == [(AUTHOR_EVENTS, TICKET.author_key, SOLVED, None), (TICKETS, record.key, None, TICKET.id)]


def test_what_a_person_did_to_an_unknown_ticket_is_only_taken_off_the_topic():
    record = Observed(event=SOLVED)
    assert step(None, record) == (None, [(TICKETS, record.key, None, TICKET.id)])


def test_what_a_person_did_in_another_helpdesk_is_another_groups():
    assert step(entry(), Observed(event=replace(SOLVED, sink="zendesk"))) == (entry(), [])


def test_a_sink_knows_no_tickets_of_other_brands():
    stage = Deliver(Route("queue", ("südfunk",)))
    assert stage.step(TICKET.id, None, operation(TICKET)) == (None, [])
    assert stage.step(TICKET.id, None, operation(TICKET, brand="südfunk"))[0] is not None
