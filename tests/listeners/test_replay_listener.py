"""Files as a listener: whole, followed, replaced, and read on after a restart."""

import asyncio
import contextlib
import os

import pytest

from listeners.imitations.memory import MemoryPublisher, StepClock
from listeners.replay import ReplayListener
from listeners.source import FileSource
from records.errors import Refused


def line(number: int, minute: int | None = None) -> str:
    time = "" if minute is None else f',"occurred_at":"2025-01-05T10:{minute:02d}:00Z"'
    return f'{{"id":"x:{number}","text":"Hilfe"{time}}}\n'


@contextlib.asynccontextmanager
async def running(listener: ReplayListener, out: MemoryPublisher):
    stop = asyncio.Event()
    task = asyncio.create_task(listener.run(out, stop))
    try:
        yield stop
    finally:
        stop.set()
        async with asyncio.timeout(2):
            await task


async def run(listener: ReplayListener, out: MemoryPublisher) -> None:
    async with asyncio.timeout(10):
        await listener.run(out, asyncio.Event())


async def test_a_file_is_published_whole_and_in_order(tmp_path, clock, out):
    file = tmp_path / "posts.ndjson"
    file.write_text("".join(line(number) for number in range(1203)))
    listener = ReplayListener(str(file), clock=clock)
    await run(listener, out)
    assert out.ids == [f"x:{number}" for number in range(1203)]
    assert out.calls >= 3  # in batches, not in one heap
    assert listener.health().published == 1203
    assert listener.health().state == "stopped"


async def test_a_bad_line_is_given_as_such_and_the_rest_goes_on(tmp_path, clock, out):
    file = tmp_path / "posts.ndjson"
    file.write_text(line(1) + "{broken\n" + line(2))
    listener = ReplayListener(str(file), clock=clock)
    await run(listener, out)
    assert out.ids == ["x:1", "x:2"]
    assert (out.bad[0].origin, out.bad[0].original) == (f"{file}:2", b"{broken")
    assert listener.health().rejected == 1


async def test_facts_come_as_facts(tmp_path, clock, out):
    file = tmp_path / "facts.ndjson"
    file.write_text('{"id":"1","kind":"contact","customer":"c","channel":"phone"}\n')
    await run(ReplayListener(str(file), "facts", clock=clock), out)
    assert [fact.id for fact in out.facts] == ["1"]


async def test_a_second_run_reads_only_what_was_added(tmp_path, clock, out):
    file = tmp_path / "posts.ndjson"
    file.write_text(line(1))
    await run(ReplayListener(str(file), clock=clock), out)
    file.write_text(line(1) + "{broken\n" + line(2))
    await run(ReplayListener(str(file), clock=clock), out)
    assert out.ids == ["x:1", "x:2"]
    assert out.bad[0].origin == f"{file}:2"


async def test_the_cursor_never_runs_ahead_of_what_is_durable(tmp_path, clock, out):
    file = tmp_path / "posts.ndjson"
    file.write_text("".join(line(number) for number in range(10)))

    class Dies(MemoryPublisher):
        async def publish(self, mentions, **given):
            if self.calls == 2:
                raise RuntimeError("killed")
            await super().publish(mentions, **given)

    dies = Dies()
    with pytest.raises(RuntimeError):
        await run(ReplayListener(str(file), clock=clock, batch=3), dies)
    out.cursors = dies.cursors
    await run(ReplayListener(str(file), clock=clock, batch=3), out)
    assert dies.ids + out.ids == [f"x:{number}" for number in range(10)]


async def test_backpressure_loses_nothing(tmp_path, clock, out):
    file = tmp_path / "posts.ndjson"
    file.write_text(line(1) + line(2))
    out.full = 3
    await run(ReplayListener(str(file), clock=clock), out)
    assert out.ids == ["x:1", "x:2"]


@pytest.mark.parametrize(
    "replace",
    [
        pytest.param(lambda file: (file.unlink(), file.write_text(line(7) + line(8))), id="another inode"),
        pytest.param(lambda file: file.write_text(line(7) + line(8) + line(9)), id="written anew in place"),
        pytest.param(lambda file: file.write_text(line(7)), id="shorter than before"),
    ],
)
async def test_a_replaced_file_is_read_from_its_beginning(tmp_path, clock, out, replace):
    file = tmp_path / "posts.ndjson"
    file.write_text(line(1) + line(2))
    keep = os.open(file, os.O_RDONLY)  # so that the old inode is not given to the new file
    await run(ReplayListener(str(file), clock=clock), out)
    replace(file)
    await run(ReplayListener(str(file), clock=clock), out)
    os.close(keep)
    assert out.ids[:3] == ["x:1", "x:2", "x:7"]


async def test_a_new_file_that_begins_like_the_old_one_is_read_from_its_beginning(tmp_path, clock, out):
    file = tmp_path / "posts.ndjson"
    file.write_text(line(1))
    await run(ReplayListener(str(file), clock=clock), out)
    (tmp_path / "new").write_text(line(1) + line(2))
    (tmp_path / "new").rename(file)
    await run(ReplayListener(str(file), clock=clock), out)
    assert out.ids == ["x:1", "x:1", "x:2"]


async def test_a_file_cut_behind_its_head_is_read_from_its_beginning(tmp_path, clock, out):
    file = tmp_path / "posts.ndjson"
    lines = [line(number) for number in range(100)]
    file.write_text("".join(lines))
    await run(ReplayListener(str(file), clock=clock), out)
    os.truncate(file, len("".join(lines[:60])))
    await run(ReplayListener(str(file), clock=clock), out)
    assert len(out.ids) == 160


async def test_a_cursor_of_another_form_starts_at_the_beginning(tmp_path, clock, out):
    file = tmp_path / "posts.ndjson"
    file.write_text(line(1))
    out.cursors[f"replay:{file}"] = {"offset": "12"}
    await run(ReplayListener(str(file), clock=clock), out)
    assert out.ids == ["x:1"]


async def test_a_followed_file_goes_on_as_it_grows_and_a_half_line_waits(tmp_path, clock, out):
    file = tmp_path / "posts.ndjson"
    file.write_text(line(1) + '{"id":"x:2",')
    async with running(ReplayListener(str(file), clock=clock, follow=True), out):
        await out.until(lambda: out.ids == ["x:1"])
        with file.open("a") as more:
            more.write('"text":"b"}\n' + line(3))
        await out.until(lambda: out.ids == ["x:1", "x:2", "x:3"])
    assert out.bad == []
    assert not out.mentions[0].ingest.replay


async def test_a_half_line_left_at_a_stop_is_read_after_the_restart(tmp_path, clock, out):
    file = tmp_path / "posts.ndjson"
    file.write_text(line(1) + '{"id":"x:2",')
    async with running(ReplayListener(str(file), clock=clock, follow=True), out):
        await out.until(lambda: out.ids == ["x:1"])
    with file.open("a") as more:
        more.write('"text":"b"}\n')
    async with running(ReplayListener(str(file), clock=clock, follow=True), out):
        await out.until(lambda: out.ids == ["x:1", "x:2"])


async def test_a_followed_file_is_taken_up_again_after_a_rotation(tmp_path, clock, out):
    file = tmp_path / "posts.ndjson"
    file.write_text(line(1))
    async with running(ReplayListener(str(file), clock=clock, follow=True), out):
        await out.until(lambda: out.ids == ["x:1"])
        with file.open("a") as old:
            file.rename(tmp_path / "posts.ndjson.1")
            old.write(line(2))  # the writer has not noticed yet
        file.write_text(line(3))
        await out.until(lambda: out.ids == ["x:1", "x:2", "x:3"])


async def test_a_followed_file_that_was_cut_is_read_from_its_beginning(tmp_path, clock, out):
    file = tmp_path / "posts.ndjson"
    file.write_text(line(1) + line(2))
    async with running(ReplayListener(str(file), clock=clock, follow=True), out):
        await out.until(lambda: out.ids == ["x:1", "x:2"])
        file.write_text(line(3))
        await out.until(lambda: out.ids == ["x:1", "x:2", "x:3"])


async def test_a_followed_file_may_come_later(tmp_path, clock, out):
    file = tmp_path / "posts.ndjson"
    listener = ReplayListener(str(file), clock=clock, follow=True)
    async with running(listener, out):
        while listener.health().state != "reconnecting":
            await asyncio.sleep(0)
        file.write_text(line(1))
        await out.until(lambda: out.ids == ["x:1"])


async def test_a_followed_file_is_opened_again_after_a_read_error(tmp_path, clock, out, monkeypatch):
    file = tmp_path / "posts.ndjson"
    file.write_text(line(1))
    listener = ReplayListener(str(file), clock=clock, follow=True)
    replaced, failures = FileSource._replaced, iter([OSError(5, "Input/output error")])

    def failing(source, handle):
        for failure in failures:
            raise failure
        return replaced(source, handle)

    monkeypatch.setattr(FileSource, "_replaced", failing)
    async with running(listener, out):
        await out.until(lambda: out.ids == ["x:1"])
        while listener.health().reconnects < 1:
            await asyncio.sleep(0)
        with file.open("a") as more:
            more.write(line(2))
        await out.until(lambda: out.ids == ["x:1", "x:2"])


async def test_a_missing_file_is_refused_with_its_name(tmp_path, clock, out):
    listener = ReplayListener(str(tmp_path / "none.ndjson"), clock=clock)
    with pytest.raises(Refused, match=r"none\.ndjson: cannot be read: No such file"):
        await run(listener, out)
    assert "none.ndjson" in listener.health().detail


async def test_at_a_multiple_of_real_time_posts_come_when_they_are_due(tmp_path, clock, out):
    file = tmp_path / "posts.ndjson"
    file.write_text(line(1, 0) + line(2, 0) + line(3, 10) + line(4, 5) + line(5) + line(6, 30))
    began = clock.now()
    came: dict[str, float] = {}

    class Watched(MemoryPublisher):
        async def publish(self, mentions, **given):
            came.update({mention.id: (clock.now() - began) / 1000 for mention in mentions})

    await run(ReplayListener(str(file), clock=clock, speed=60.0), Watched())
    assert came == {"x:1": 0, "x:2": 0, "x:3": 10, "x:4": 10, "x:5": 10, "x:6": 30}


async def test_a_stop_ends_a_long_wait_at_once(tmp_path, out):
    class RealClock(StepClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.sleep(seconds)

    file = tmp_path / "posts.ndjson"
    file.write_text(line(1, 0) + line(2, 59))
    async with running(ReplayListener(str(file), clock=RealClock(), speed=1.0), out):
        await out.until(lambda: out.ids == ["x:1"])


async def test_a_speed_of_zero_is_refused(tmp_path):
    with pytest.raises(ValueError, match="greater than 0"):
        ReplayListener("posts.ndjson", speed=0.0)


async def test_a_pipe_is_read_as_it_is_written(clock, out):
    reading, writing = os.pipe()
    listener = ReplayListener(os.fdopen(reading, "rb"), clock=clock)
    async with running(listener, out):
        os.write(writing, line(1).encode())
        await out.until(lambda: out.ids == ["x:1"])
        os.write(writing, line(2).encode().rstrip())
        os.close(writing)
        await out.until(lambda: out.ids == ["x:1", "x:2"])
    assert listener.name == "replay:stdin"
    assert out.cursors == {}


async def test_a_silent_pipe_does_not_hold_up_the_stop(clock, out):
    reading, writing = os.pipe()
    async with running(ReplayListener(os.fdopen(reading, "rb"), clock=clock), out):
        os.write(writing, line(1).encode())
        await out.until(lambda: out.ids == ["x:1"])
    os.close(writing)
