"""`hilferuf reprocess`: what an earlier rule dropped gets its ticket, everything else stays as it was."""

import asyncio
import json

import pytest

from config.settings import load_settings
from hilferuf.commands.look import queue
from hilferuf.commands.reprocess import moment, reprocess
from hilferuf.engine import engine_of, rules_at_start
from hilferuf.engine_file import opened, path_of
from listeners.clock import SystemClock
from records import codec
from records.errors import HilferufError
from records.events import Answered, Lookup
from records.normalise import normalise_mention
from records.normalise_facts import normalise_fact
from records.times import DAY, HOUR, from_ms
from records.topics import CUSTOMER_FACTS, MENTIONS
from streams.store import connect

BRAND = "lexicon: 1\nbrands: [{id: acme, handles: [acme]}]\n"
NAMED = "lexicon: 1\nbrands: [{id: acme, handles: [acme], names: [Schnabeltier]}]\n"
DROPPED = "Hilfe, mein Schnabeltier ist kaputt!"  # no brand that anybody has told us of
HEARD = (("x:1", "@acme Hilfe, mein Netz ist kaputt!", "7"), ("x:2", DROPPED, "8"))


class Desk:
    def __init__(self, folder, capsys):
        self.folder, self.config, self._capsys = folder, folder / "hilferuf.yaml", capsys
        self.config.write_text("lexicons: [de, acme.yaml]\n")
        self.rules(BRAND)

    def rules(self, text: str) -> None:
        (self.folder / "acme.yaml").write_text(text)

    @property
    def loaded(self):
        return load_settings(self.config)

    def serve(self, *documents: dict, at: int | None = None, beside=None) -> None:
        """The engine runs, hears these (at this time), does something beside it, and stops when all is done."""

        async def run() -> None:
            clock = SystemClock()
            now = clock.now() if at is None else at
            self.loaded.data_dir.mkdir(exist_ok=True)
            engine = engine_of(
                rules_at_start(self.loaded, clock), clock if at is None else Stopped(at), lambda *_: None
            )
            engine.start()
            heard = [
                normalise_mention(json.dumps(d).encode(), observed_at=from_ms(now), listener="t") for d in documents
            ]
            await engine.publish(heard)
            if beside is not None:
                await asyncio.to_thread(beside)
            await engine.settled()
            await asyncio.to_thread(engine.stop)

        asyncio.run(run())

    def hear(self, *told: tuple[str, str, str], at: int | None = None) -> None:
        self.serve(*({"id": i, "text": text, "author": {"id": author}} for i, text, author in told), at=at)

    def again(self, since: str = "2h", until: str | None = None, rate: float | None = None) -> str:
        self._capsys.readouterr()
        assert reprocess(self.config, since, until, rate) == 0
        return self._capsys.readouterr().out

    def tickets(self) -> dict[str, tuple[list[str], str]]:
        """ticket -> (mentions, status)."""
        self._capsys.readouterr()  # what the engine logged meanwhile
        assert queue(self.config, 20, everything=True, as_json=True) == 0
        lines = map(json.loads, self._capsys.readouterr().out.splitlines())
        return {line["ticket"]: (line["mentions"], line["status"]) for line in lines}

    def log(self, topic: str) -> list:
        with opened(self.loaded) as store:
            return store.read(topic, 0, 1_000)


class Stopped:
    def __init__(self, now: int) -> None:
        self.now = lambda: now


@pytest.fixture
def desk(tmp_path, capsys):
    return Desk(tmp_path, capsys)


def standing(desk: Desk) -> list[list[str]]:
    return sorted(mentions for mentions, _ in desk.tickets().values())


def test_what_was_dropped_is_kept_by_the_rules_of_today_and_no_second_ticket_comes(desk):
    desk.hear(*HEARD)
    before = desk.tickets()
    assert standing(desk) == [["x:1"]]
    desk.rules(NAMED)
    desk.serve()  # a restart alone changes nothing for what was dropped
    assert standing(desk) == [["x:1"]]
    said = desk.again()
    assert said.startswith("2 mentions and 0 facts fed again, written from ")
    desk.serve()
    assert standing(desk) == [["x:1"], ["x:2"]]
    assert before.items() <= desk.tickets().items()


def test_beside_the_running_service(desk):
    desk.hear(*HEARD)
    desk.rules(NAMED)
    desk.serve(beside=lambda: desk.again(rate=1_000))
    assert standing(desk) == [["x:1"], ["x:2"]]


def test_a_second_time_feeds_the_same_and_not_the_copies(desk):
    desk.hear(*HEARD)
    for _ in range(3):
        assert desk.again().startswith("2 mentions ")
        desk.serve()
    assert len(desk.log(MENTIONS)) == 8 and standing(desk) == [["x:1"]]


def test_a_copy_is_as_old_as_its_original(desk):
    desk.hear(*HEARD)
    desk.again()
    ages = [(entry.key, entry.at, entry.value) for entry in desk.log(MENTIONS)]
    assert ages[:2] == ages[2:]


def test_only_what_was_written_since_then_and_posted_before(desk):
    now = SystemClock().now()
    for number, hours in enumerate((30, 20, 10)):
        desk.hear((f"x:{number}", f"@acme Kuchen {number}", str(number)), at=now - hours * HOUR)
    assert desk.again("25h", from_ms(now - 15 * HOUR)).startswith("1 mentions ")
    assert [entry.key for entry in desk.log(MENTIONS)] == ["x:0", "x:1", "x:2", "x:1"]


def test_a_delete_behind_until_is_fed_again_too(desk):
    now = SystemClock().now()
    desk.hear(("x:2", DROPPED, "8"), at=now - 20 * HOUR)
    gone = {"id": "x:2", "op": "delete", "text": None, "author": {"id": "8"}}
    desk.serve(gone, at=now - 10 * HOUR)
    desk.rules(NAMED)
    assert desk.again("1d", "15h").startswith("2 mentions ")
    desk.serve()
    assert standing(desk) == []


def test_nothing_that_the_stages_may_have_forgotten_is_fed_again(desk, capsys):
    now = SystemClock().now()
    desk.config.write_text("lexicons: [de, acme.yaml]\nretention: {log_days: 60, route_days: 5, author_days: 10}\n")
    desk.hear(("x:0", "@acme Kuchen", "1"), at=now - 6 * DAY)
    old = {"id": "x:1", "text": "@acme Torte", "author": {"id": "2"}, "occurred_at": from_ms(now - 8 * DAY)}
    desk.serve(old, at=now - HOUR)
    assert reprocess(desk.config, "30d", None, None) == 0
    said = capsys.readouterr()
    assert "not earlier" in said.err
    assert said.out.startswith("0 mentions ") and "\n1 posts left out: posted before " in said.out


def test_facts_are_fed_again_look_ups_and_what_cannot_be_read_are_not(desk):
    desk.hear(HEARD[1])
    now = SystemClock().now()
    fact = normalise_fact(
        b'{"id": "t", "kind": "tag", "customer": "c1", "at": "2026-01-01", "tag": "vip"}', observed_at=from_ms(now)
    )
    lookup = Lookup(parent_id="x:2", answered=Answered(id="x:9", at=from_ms(now)))
    with opened(desk.loaded, write=True) as store:
        store.append(CUSTOMER_FACTS, [(fact.customer, codec.encode(fact))], now - 1)
        store.append(MENTIONS, [("x:2", codec.encode(lookup)), ("x:3", b"broken")], now - 1)
    said = desk.again()
    assert said.startswith("1 mentions and 1 facts ") and "\n1 left out: they cannot be read" in said
    assert [entry.key for entry in desk.log(CUSTOMER_FACTS)] == ["c1", "c1"]


def test_each_step_is_a_transaction_of_its_own(desk):
    desk.hear(*HEARD)
    other = connect(path_of(desk.loaded))
    versions = set()
    from hilferuf.engines import log_of
    from streams.refeed import Span

    with log_of(desk.loaded) as log:
        for _ in log.feed(Span(0, SystemClock().now() + 1, 0), step=1):
            versions.add(other.execute("SELECT count(*) FROM log WHERE topic = ?", (MENTIONS,)).fetchone()[0])
    other.close()
    assert versions == {3, 4}


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("30m", 1_800_000),
        ("2h", 7_200_000),
        ("1.5d", 129_600_000),
        ("1970-01-02T00:00:00+01:00", 10**9 - 82_800_000),
    ],
)
def test_a_time_is_a_moment_or_how_long_ago(text, ms):
    assert moment(text, 10**9) == 10**9 - ms


@pytest.mark.parametrize("text", ["yesterday", "2 weeks", "", "2026-13-01"])
def test_what_is_no_time_is_told_with_what_to_write(text):
    with pytest.raises(HilferufError, match="write one as"):
        moment(text, 0)


def test_an_empty_span_is_told(desk):
    desk.hear(*HEARD)
    with pytest.raises(HilferufError, match="nothing lies between"):
        desk.again("1h", "2h")
