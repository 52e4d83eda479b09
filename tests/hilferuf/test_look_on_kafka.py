"""What people see and do on a deployment on Kafka, by the commands as they type them."""

import json

import pytest

from hilferuf.commands import dlq
from hilferuf.commands.look import explain, queue
from hilferuf.commands.reprocess import reprocess
from listeners.clock import SystemClock
from records import codec
from records.errors import HilferufError
from records.normalise import normalise_mention
from records.times import from_ms
from records.topics import CUSTOMER_FACTS, DEAD_LETTERS, DELIVERIES, MENTIONS, RULES, TICKETS
from streams.dead_letters import dead_letter
from tests.sinks.contract_suite import a_post, a_ticket
from tests.streams.kafka.desk_rig import Writer, make, settings_for

KIM, UTA = a_ticket(author="1"), a_ticket(a_post(2), author="2", rank_key=99_000_000)


class Desk:
    def __init__(self, addresses, prefix, folder):
        settings = settings_for(addresses, prefix)
        make(settings, MENTIONS, CUSTOMER_FACTS, TICKETS, DELIVERIES, DEAD_LETTERS, RULES)
        self.writer = Writer(settings)
        (folder / "acme.yaml").write_text("lexicon: 1\nbrands: [{id: acme, handles: [acme]}]\n")
        self.config = folder / "hilferuf.yaml"
        where = f"bootstrap: [{', '.join(addresses)}], prefix: {prefix}, partitions: 2, replication: 1, min_insync: 1"
        self.config.write_text(f"lexicons: [de, acme.yaml]\nkafka: {{{where}}}\n")

    def heard(self, text: str | None, **more: object) -> None:
        now = from_ms(SystemClock().now())
        mention = normalise_mention({"id": "x:77", "text": text, **more}, observed_at=now)
        self.writer.put(MENTIONS, mention.id, codec.encode(mention))


@pytest.fixture
def desk(kafka, prefix, tmp_path):
    return Desk(kafka, prefix, tmp_path)


def test_the_queue_by_rank_with_where_each_ticket_was_delivered(desk, capsys):
    for ticket in (KIM, UTA):
        desk.writer.ticket(ticket)
    desk.writer.delivery(KIM, sink="zendesk")
    assert queue(desk.config, 20, everything=False, as_json=True) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert [first["ticket"], second["ticket"]] == [UTA.id, KIM.id] and first["delivered"] == []
    assert [(d["sink"], d["state"], d["remote"]) for d in second["delivered"]] == [("zendesk", "settled", "7")]


def test_what_cannot_be_read_is_told_beside_the_queue_not_in_it(desk, capsys):
    desk.writer.put(TICKETS, KIM.id, b'{"schema": "ticket-operation/1"}')
    assert queue(desk.config, 20, everything=False, as_json=True) == 0
    said = capsys.readouterr()
    assert said.out == "" and "passed over: ticket operation: Object missing required field" in said.err


def test_a_mention_is_explained_by_its_ticket(desk, capsys):
    desk.writer.ticket(KIM)
    assert explain(desk.config, KIM.posts[0].id, as_json=False) == 0
    said = capsys.readouterr().out
    assert KIM.id in said and "rank 1" in said and "bittet um Hilfe" in said


def test_a_dropped_mention_is_found_in_the_log_and_judged_again(desk, capsys):
    desk.heard("Kuchen gebacken")
    desk.heard("Torte gegessen", op="update", revision="2", edited_at=from_ms(SystemClock().now()))
    for number in range(10):
        desk.writer.put(MENTIONS, f"x:{number}", b"others, not looked at")
    assert explain(desk.config, "x:77", as_json=False) == 0
    assert "x:77 stands on no ticket" in capsys.readouterr().out
    desk.heard(None, op="delete")
    assert explain(desk.config, "x:77", as_json=False) == 0
    assert capsys.readouterr().out == "x:77 was deleted at its source, so it stands on no ticket.\n"
    with pytest.raises(HilferufError, match="neither a ticket nor a mention in the log"):
        explain(desk.config, "x:78", as_json=False)


def test_dead_letters_from_list_to_drop(desk, capsysbinary):
    fine, broken = (
        dead_letter(b'{"id": "x:1", "text": %s}' % text, "a fault", None, "a:1", 0) for text in (b'"h"', b"h")
    )
    for letter in (fine, broken):
        desk.writer.put(DEAD_LETTERS, letter.id, codec.encode(letter))

    def said(result: int, expected: int = 0) -> str:
        assert result == expected
        return capsysbinary.readouterr().out.decode()

    assert said(dlq.list_letters(desk.config, as_json=False)).count("a:1\n") == 2
    assert said(dlq.show(desk.config, broken.id)).endswith(broken.original.decode() + "\n")
    assert said(dlq.redrive(desk.config, []), 1) == "1 redriven, 1 still dead\n"
    assert said(dlq.list_letters(desk.config, as_json=False)).count("(redriven)") == 1
    assert said(dlq.drop(desk.config, ["all"])) == "2 dropped\n"
    assert said(dlq.list_letters(desk.config, as_json=True)) == ""


def test_the_log_is_fed_again(desk, capsys):
    desk.heard("Hilfe")
    assert reprocess(desk.config, "1h", None, None) == 0
    assert capsys.readouterr().out.startswith("1 mentions and 0 facts fed again, written from ")
