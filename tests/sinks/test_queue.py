"""The local queue as a sink."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from records.errors import Permanent, Refused
from sinks.queue import QueueSink
from tests.sinks.contract_suite import ContractSuite, Desk, a_post, a_ticket, deleted, deliver, erased, gone


class QueueDesk(Desk):
    def __init__(self, sink: QueueSink) -> None:
        self.sink = self.queue = sink

    async def person(self, remote_id: str, what: str, value: str | None = None) -> None:
        if what == "delete":
            self.queue.store.delete(int(remote_id))
        elif what == "priority":
            self.queue.set_priority(int(remote_id), value)  # type: ignore[arg-type] - a priority word
        else:
            {"solved": self.queue.solve, "reopened": self.queue.reopen, "answered": self.queue.answer}[what](
                int(remote_id)
            )

    async def texts(self, remote_id: str) -> str:
        entry = self.queue.show(int(remote_id))
        return "\n".join([entry.subject, entry.author, *entry.posts, entry.note]) if entry else ""

    async def count(self) -> int:
        return len(self.queue.top(1000, over=True))


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[QueueSink]:
    sink = QueueSink(tmp_path / "queue.db")
    yield sink
    sink.store.close()


@pytest.fixture
def desk(queue: QueueSink) -> QueueDesk:
    return QueueDesk(queue)


class TestContract(ContractSuite):
    """The queue keeps the sinks' contract."""


async def test_the_queue_is_read_by_rank(queue: QueueSink) -> None:
    for number, rank in ((1, 50), (2, 90), (3, 100_000_070)):
        await deliver(queue, a_ticket(a_post(number), author=str(number), rank_key=rank))
    assert [entry.rank_key for entry in queue.top(2)] == [100_000_070, 90]


async def test_solved_tickets_leave_the_queue_that_is_worked_on(queue: QueueSink) -> None:
    held = await deliver(queue, a_ticket())
    queue.solve(a_ticket().id)
    assert queue.top(10) == []
    assert queue.top(10, over=True)[0].number == int(held.remote_id)


async def test_a_removed_text_is_in_no_file_of_the_queue(queue: QueueSink) -> None:
    secret = a_post(1, "Meine Kundennummer ist 99887766")
    held = await deliver(queue, a_ticket(secret))
    assert any(b"99887766" in file.read_bytes() for file in queue.store.path.parent.iterdir())
    await deliver(queue, a_ticket(gone(secret), subject="[erased]", status="withdrawn"), 2, held)
    assert not any(b"99887766" in file.read_bytes() for file in queue.store.path.parent.iterdir())


async def test_an_author_erased_after_a_delete_is_named_in_no_file_of_the_queue(tmp_path: Path) -> None:
    sink = QueueSink(tmp_path / "queue.db", rerank_minutes=5.0)
    held = await deliver(sink, a_ticket())
    held = await deliver(sink, deleted(a_ticket()), 2, held)
    assert any(b"Kim Beispiel" in file.read_bytes() for file in tmp_path.iterdir())
    await deliver(sink, erased(a_ticket()), 3, held)
    assert not any(b"Kim Beispiel" in file.read_bytes() for file in tmp_path.iterdir())
    await sink.aclose()


async def test_a_post_deleted_just_before_a_merge_is_in_no_file_of_the_queue(queue: QueueSink) -> None:
    winner = await deliver(queue, a_ticket())
    other = a_ticket(a_post(2, "Meine Kundennummer ist 99887766"))
    loser = await deliver(queue, other)
    both = a_ticket(a_post(1), gone(other.posts[0]))
    await deliver(queue, both, 2, winner)
    merged = msgspec.structs.replace(other, status="merged", merged_into=both.id, posts=())
    await deliver(queue, merged, 2, loser)
    assert not any(b"99887766" in file.read_bytes() for file in queue.store.path.parent.iterdir())


async def test_an_edit_that_changes_no_point_is_seen_in_the_subject(queue: QueueSink) -> None:
    held = await deliver(queue, a_ticket(a_post(1), subject="Fernseher geht nicht"))
    edited = msgspec.structs.replace(a_post(1), revision="2", text="Telefon geht nicht")
    await deliver(queue, a_ticket(edited, subject="Telefon geht nicht"), 2, held)
    assert [entry.subject for entry in queue.top()] == ["Telefon geht nicht"]


async def test_eight_racing_creates_end_as_one_ticket(tmp_path: Path) -> None:
    sinks = [QueueSink(tmp_path / "queue.db") for _ in range(8)]
    await asyncio.gather(*(deliver(sink, a_ticket()) for sink in sinks))
    assert len(sinks[0].top(10)) == 1
    for sink in sinks:
        await sink.aclose()


async def test_another_process_sees_and_works_on_the_same_queue(queue: QueueSink) -> None:
    await deliver(queue, a_ticket())
    cursor = (await queue.observe(None)).cursor
    code = f"from pathlib import Path\nfrom sinks.queue import QueueSink\nQueueSink(Path({str(queue.store.path)!r})).solve(1)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert [event.what for event in (await queue.observe(cursor)).events] == ["solved"]


async def test_a_reopened_ticket_is_not_solved_again_before_assess_has_heard_of_it(queue: QueueSink) -> None:
    held = await deliver(queue, a_ticket(status="solved"))
    queue.reopen(a_ticket().id)
    for version, rank in ((2, 99_000_000), (3, 98_000_000)):
        held = await deliver(queue, a_ticket(status="solved", rank_key=rank), version, held)
        assert held.status == "open"
    held = await deliver(queue, a_ticket(status="open"), 4, held)
    held = await deliver(queue, a_ticket(status="solved"), 5, held)
    assert held.status == "solved"


async def test_a_person_can_only_act_on_a_ticket_that_exists(queue: QueueSink) -> None:
    with pytest.raises(Permanent, match="no ticket 'hf-0000'"):
        queue.solve("hf-0000")


async def test_case_12_a_number_never_given_is_unknown_and_not_deleted(queue: QueueSink) -> None:
    assert await queue.read("7") is None
    assert await queue.read("x") is None


async def test_link_only_keeps_the_text_out_of_the_queue(tmp_path: Path) -> None:
    sink = QueueSink(tmp_path / "queue.db", mode="link_only")
    why = ("Content 30/50: „geheimes anliegen“",)
    held = await deliver(sink, a_ticket(a_post(1, "Geheimes Anliegen"), explanation=why))
    texts = await QueueDesk(sink).texts(held.remote_id)
    assert "geheimes" not in texts.lower()
    assert "https://x.example/status/1" in texts
    await sink.aclose()


async def test_a_file_that_is_no_queue_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "queue.db").write_text("this is no database, it is a longer piece of prose than a header" * 50)
    with pytest.raises(Refused, match=r"queue\.db is no queue of ours"):
        await QueueSink(tmp_path / "queue.db").find("hf-1")
