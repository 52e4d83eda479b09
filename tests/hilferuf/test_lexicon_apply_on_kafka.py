"""Lexicons that change under running workers on a real broker."""

import signal
import time

import pytest

from hilferuf.commands.lexicon_apply import apply, rollback
from hilferuf.commands.lexicon_plan import Over, plan
from hilferuf.editions import running
from hilferuf.rules import settings_of
from listeners.clock import SystemClock
from records import codec
from records.times import MINUTE
from records.topics import DEAD_LETTERS, TICKETS
from tests.streams.conftest import START, mention
from tests.streams.kafka.desk_rig import Writer
from tests.streams.kafka.work_rig import BRAND, Desk

pytestmark = pytest.mark.timeout(180)
CAKE = BRAND.replace("lexicon: 1\n", "lexicon: 1\nlanguage: de\n") + (
    "triggers: [{id: cake, phrases: [Kuchen], weight: 30, examples: {hits: [Kuchen], misses: [Brot]}}]\n"
)


@pytest.fixture
def desk(kafka, prefix, tmp_path):
    desk = Desk(kafka, prefix, tmp_path)
    (tmp_path / "draft").mkdir()
    (tmp_path / "draft" / "brand.yaml").write_text(CAKE)
    yield desk
    desk.discard()


def bake(desk: Desk, writer: Writer, first: int, count: int) -> None:
    """Posts of now: an author of long ago without a ticket would be forgotten."""
    now = (SystemClock().now() - START) / MINUTE
    for number in range(first, first + count):
        post = mention(str(number), "@nordfunk Kuchen gebacken", author=f"p{number}", minute=now)
        writer.producer.send(desk.kafka.topic("mentions"), codec.encode(post), key=post.id.encode()).get(30)


def standing(desk: Desk) -> dict[str, str]:
    """Subject and version of the lexicons, of every open ticket."""
    tickets = [codec.tickets.decode(value).ticket for value in desk.newest(TICKETS).values() if value]
    return {t.id: t.lexicon_version for t in tickets if t.status == "open"}


def test_a_worker_follows_what_is_applied_and_one_that_comes_later_works_by_it_too(desk, capfdbinary):
    writer, config = Writer(desk.kafka), desk.settings("one")
    first = desk.start(config).ready()
    old = running(settings_of(config))[1].version
    desk.call(writer, 20)
    bake(desk, writer, 1_000, 20)
    desk.until(lambda: len(standing(desk)) == 20, "tickets by the files")
    assert set(standing(desk).values()) == {old}

    assert plan(config, desk.folder / "draft" / "brand.yaml", Over([], [], None), 0, as_json=True) == 2
    assert b'"open":{"before":20,"after":40},"gained":20,' in capfdbinary.readouterr().out
    assert apply(config, desk.folder / "draft" / "brand.yaml") == 0
    new = running(settings_of(config))[1].version
    begun = time.monotonic()
    desk.until(lambda: len(standing(desk)) == 40 and set(standing(desk).values()) == {new}, "all by what was applied")
    print(f"40 tickets follow after {time.monotonic() - begun:.1f} s")

    later = desk.start(desk.settings("two")).ready()  # its files say what the first one's say: not what was applied
    later.says("not those of the files")
    (desk.folder / "brand.yaml").write_text(BRAND + "triggerz: []\n")
    first.process.send_signal(signal.SIGHUP)
    assert "brand.yaml:3: triggerz" in first.says("lexicon refused")
    bake(desk, writer, 2_000, 20)
    desk.until(lambda: len(standing(desk)) == 60, "tickets of both")
    assert set(standing(desk).values()) == {new}

    (desk.folder / "brand.yaml").write_text(BRAND)
    assert rollback(config) == 0
    desk.until(lambda: len(standing(desk)) == 20 and set(standing(desk).values()) == {old}, "as before")
    for worker in (first, later):
        assert worker.stop()[0] == 0, worker.log
        assert "two deployments" not in worker.log
    assert desk.newest(DEAD_LETTERS) == {}
