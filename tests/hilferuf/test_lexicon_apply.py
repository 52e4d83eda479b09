"""Lexicons that change under a running service: applied, rolled back, changed in their files, and broken."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import structlog

from config.settings import load_settings
from config.yaml_file import ConfigError
from hilferuf.commands.doctor import doctor
from hilferuf.commands.lexicon_apply import apply, rollback
from hilferuf.commands.lexicon_plan import Over, plan
from hilferuf.editions import from_files
from hilferuf.engine import InEngine, engine_of, rules_at_start, switching
from hilferuf.engine_file import opened
from hilferuf.in_force import Follower, Reach
from listeners.clock import SystemClock
from records.errors import Backpressure, HilferufError
from records.normalise import normalise_mention
from records.times import from_ms
from streams import metrics
from streams.editions import StoredEditions

BRAND = """\
lexicon: 1
language: de
brands: [{id: acme, names: [Acme], handles: [acme], hashtags: [acme]}]
"""
BRAND += "triggers:\n  - {id: acme.help, phrases: [Hilfe], weight: 30}\n"  # instead of a packaged lexicon, which takes its time
CAKE = BRAND + "  - {id: acme.cake, phrases: [Kuchen], weight: 30}\n"
TEXTS = ("@acme Hilfe, kein Netz!", "@acme Kuchen gebacken")
CLOCK = SystemClock()


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.setattr(InEngine, "seconds", 0.02)
    (tmp_path / "hilferuf.yaml").write_text("lexicons: [acme.yaml]\nserver: {port: 0}\n")
    (tmp_path / "acme.yaml").write_text(BRAND)
    (tmp_path / "draft").mkdir()
    (tmp_path / "draft" / "acme.yaml").write_text(CAKE)
    return Desk(tmp_path)


class Desk:
    def __init__(self, folder: Path) -> None:
        self.folder, self.config = folder, folder / "hilferuf.yaml"
        self.draft = folder / "draft" / "acme.yaml"

    def write(self, text: str) -> None:
        (self.folder / "acme.yaml").write_text(text)

    def serve(self, *steps) -> list[list[str]]:
        """The engine with its follower; every step is done beside it. Returns the open tickets' subjects after each."""
        return asyncio.run(self._serve(steps))

    async def _serve(self, steps) -> list[list[str]]:
        loaded, stop = load_settings(self.config), asyncio.Event()
        rules = rules_at_start(loaded, CLOCK)
        engine = engine_of(rules, CLOCK, lambda *_: None)
        engine.start()
        reach = Counted(engine)
        follower = Follower(rules, reach, switching(engine, lambda *_: None), CLOCK.now)
        following = asyncio.create_task(follower.run(stop))
        now = from_ms(CLOCK.now())
        told = [{"id": f"x:{n}", "text": text, "author": {"id": str(n)}} for n, text in enumerate(TEXTS)]
        await engine.publish([normalise_mention(json.dumps(d).encode(), observed_at=now, listener="t") for d in told])
        found = [await _open(engine)]
        for step in steps:
            if step == "hangup":
                follower.look_again()
            else:
                await asyncio.to_thread(step)
            await reach.rounds(follower)
            found.append(await _open(engine, follower))
        stop.set()
        await following
        await asyncio.to_thread(engine.stop)
        return found


class Counted(InEngine):
    calls = 0

    async def call(self, work):
        self.calls += 1
        return await super().call(work)

    async def rounds(self, follower) -> None:
        """What was told is known: the follower has gone round."""
        while follower._again.is_set():
            await asyncio.sleep(0.01)
        wanted = self.calls + 4
        while self.calls < wanted:
            await asyncio.sleep(0.01)


async def _open(engine, follower=None) -> list[str]:
    """Once what is in force is what all tickets were derived by."""
    for _ in range(1_000):
        wanted = follower._rules.lexicon.version if follower else ""
        if (await engine.call(lambda store: store.note("rules") or "")).startswith(wanted):
            break
        await asyncio.sleep(0.01)
    await engine.settled()
    tickets = await engine.call(lambda store: store.tickets(("open",), 100))
    if follower:
        assert {ticket.lexicon_version for ticket in tickets} == {follower._rules.lexicon.version}
    return sorted(ticket.subject for ticket in tickets)


CALL, BOTH = [TEXTS[0]], sorted(TEXTS)


def test_what_is_applied_and_rolled_back_is_followed_without_a_restart(desk, capsys):
    found = desk.serve(lambda: apply(desk.config, desk.draft), lambda: rollback(desk.config))
    assert found == [CALL, BOTH, CALL]
    said = capsys.readouterr().out
    assert "a running service follows" in said and "the files of the settings say something else" in said


def test_what_was_applied_stands_after_a_restart_until_the_files_change(desk):
    desk.serve(lambda: apply(desk.config, desk.draft))
    assert desk.serve() == [BOTH]
    desk.write(BRAND + "# mended\n")
    assert desk.serve() == [CALL]


def test_a_rollback_stands_after_a_restart_although_the_files_say_something_else(desk):
    desk.serve()
    desk.write(CAKE)
    assert desk.serve(lambda: rollback(desk.config)) == [BOTH, CALL]
    assert desk.serve() == [CALL]
    assert desk.serve(lambda: apply(desk.config, None)) == [CALL, BOTH]


def test_files_are_looked_at_again_when_told_so_and_not_before(desk):
    assert desk.serve(lambda: desk.write(CAKE), "hangup") == [CALL, CALL, BOTH]


def test_a_file_that_is_broken_keeps_what_runs_and_is_told(desk):
    with structlog.testing.capture_logs() as logs:
        found = desk.serve(
            lambda: apply(desk.config, desk.draft), lambda: desk.write("lexicon: 1\ntriggerz: []\n"), "hangup"
        )
    assert found == [CALL, BOTH, BOTH, BOTH]
    (line,) = [entry for entry in logs if entry["event"] == "lexicon refused"]
    assert f"{desk.folder / 'acme.yaml'}:2: triggerz" in line["error"] and line["log_level"] == "error"
    assert metrics.LEXICON_REFUSED._value.get() == 1
    metrics.LEXICON_REFUSED.set(0)
    assert desk.serve(lambda: None) == [BOTH, BOTH]  # nor does it stop a start
    assert metrics.LEXICON_REFUSED._value.get() == 1
    mended = desk.serve(lambda: desk.write(BRAND + "# mended\n"), "hangup")
    assert mended == [BOTH, BOTH, CALL] and metrics.LEXICON_REFUSED._value.get() == 0


def test_nothing_broken_is_ever_applied(desk):
    desk.serve()
    desk.draft.write_text("lexicon: 1\ntriggerz: []\n")
    with pytest.raises(ConfigError, match=r"draft/acme\.yaml:2: triggerz"):
        apply(desk.config, desk.draft)
    with opened(load_settings(desk.config)) as store:
        assert len(store.notes("edition|")) == 1


def test_without_anything_before_there_is_no_way_back(desk):
    desk.serve()
    with pytest.raises(HilferufError, match="nothing to go back to"):
        rollback(desk.config)


def test_the_first_start_with_a_broken_file_ends_with_its_place(desk):
    desk.write("lexicon: 1\ntriggerz: []\n")
    with pytest.raises(ConfigError, match=r"acme\.yaml:2: triggerz"):
        desk.serve()


def test_doctor_tells_what_is_in_force_and_whether_the_files_say_the_same(desk, capsys, monkeypatch):
    desk.serve(lambda: apply(desk.config, desk.draft))
    capsys.readouterr()
    doctor(desk.config)
    assert "by apply; not those of the files" in capsys.readouterr().out


def test_a_service_as_a_process_follows_what_is_applied_and_goes_on_at_a_hangup(desk):
    (desk.folder / "heard.ndjson").write_text(
        "".join(json.dumps({"id": f"x:{n}", "text": text, "author": str(n)}) + "\n" for n, text in enumerate(TEXTS))
    )
    with desk.config.open("a") as settings:
        settings.write("listeners: {files: [{path: heard.ndjson, kind: mentions, follow: true}]}\n")
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", "from hilferuf.cli import main; main()", "run", "--config", str(desk.config)]
    with (desk.folder / "log").open("wb") as log:
        service = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=log, env={**os.environ, "PYTHONPATH": str(root)}
        )
    try:
        _until(desk, service, CALL)
        apply(desk.config, desk.draft)
        _until(desk, service, BOTH)
        desk.write(BRAND + "# others\n")
        service.send_signal(signal.SIGHUP)
        _until(desk, service, CALL)
    finally:
        service.terminate()
        assert service.wait(30) == 0, (desk.folder / "log").read_text()


def _until(desk, service, wanted, seconds=60.0) -> None:
    deadline, found = time.monotonic() + seconds, None
    while found != wanted:
        assert service.poll() is None and time.monotonic() < deadline, (found, (desk.folder / "log").read_text())
        try:
            with opened(load_settings(desk.config)) as store:
                found = sorted(ticket.subject for ticket in store.tickets(("open",), 100))
        except HilferufError:  # it has not begun yet
            pass
        time.sleep(0.05)


def test_apply_and_rollback_tell_scripts_what_is_in_force(desk, capfdbinary):
    desk.serve()
    capfdbinary.readouterr()
    apply(desk.config, desk.draft, as_json=True)
    applied = json.loads(capfdbinary.readouterr().out)
    rollback(desk.config, as_json=True)
    back = json.loads(capfdbinary.readouterr().out)
    assert (applied["by"], applied["as_files"], applied["steps_back"]) == ("apply", False, 1)
    assert (back["by"], back["as_files"], back["steps_back"]) == ("rollback", True, 0)
    assert (back["in_force"], back["was"]) == (applied["was"], applied["in_force"])


def test_a_plan_over_the_running_log_says_what_apply_then_does(desk, capfdbinary):
    desk.serve()
    capfdbinary.readouterr()
    assert plan(desk.config, desk.draft, Over([], [], None), 10, as_json=True) == 2
    whole, *_, change = map(json.loads, capfdbinary.readouterr().out.splitlines())
    assert (whole["open"], change["change"], change["subject"]) == ({"before": 1, "after": 2}, "gained", TEXTS[1])
    assert desk.serve(lambda: apply(desk.config, desk.draft)) == [CALL, BOTH]
    assert plan(desk.config, desk.draft, Over([], [], None), 10, as_json=True) == 0


async def test_a_switch_that_cannot_be_written_now_is_tried_again(desk):
    rules = rules_at_start(load_settings(desk.config), CLOCK)
    apply(desk.config, desk.draft)
    stop, tried = asyncio.Event(), list[str]()

    class Direct(Reach):
        seconds = 0.01

        async def call(self, work):
            with opened(rules.loaded) as store:
                return work(StoredEditions(store))

    async def switch(new):
        tried.append(new.lexicon.version)
        if len(tried) < 3:
            raise Backpressure("the disk is full")
        stop.set()

    await asyncio.wait_for(Follower(rules, Direct(), switch, CLOCK.now).run(stop), 30)
    assert len(tried) == 3 and set(tried) == {from_files(rules.loaded, desk.draft)[1].version}
