"""What the X listener does beyond the contract: rules, edits, X's refusals as our errors, and a log without the token."""

import asyncio
import logging

import pytest

from config.settings import XRule
from listeners.imitations.x import Fault
from listeners.poll import TokenExpired
from listeners.x_client import SinceTooOld, XClient
from records.errors import Permanent, Refused, Transient
from tests.listeners.contract_cases import Run
from tests.listeners.x_rig import RULE, SECRET, XRig


@pytest.fixture
async def rig(clock, monkeypatch):
    monkeypatch.setenv("X_RIG_TOKEN", SECRET)
    rig = XRig(clock)
    await rig.x.start()
    yield rig
    await rig.x.stop()


async def test_rules_are_brought_in_line_and_others_left_alone(rig, out):
    rig.x.add_rule("katzen", "katzen")
    rig.x.add_rule("@nordfunk_alt", "hilferuf:alt")
    async with Run(rig, out) as run:
        await run.says("live")
    assert {(rule["value"], rule["tag"]) for rule in rig.x.rules.values()} == {
        ("katzen", "katzen"),
        (RULE, "hilferuf:nordfunk"),
    }
    assert ["add" in write for write in rig.x.rule_writes] == [True, False]  # the new one first


async def test_equal_rules_are_not_written_again(rig, out):
    for _ in range(2):
        async with Run(rig, out) as run:
            await run.says("live")
    assert len(rig.x.rule_writes) == 1


async def test_a_rule_that_x_refuses_is_named_and_the_others_hear(rig, out):
    rig.more = {"rules": (XRule(value=RULE, tag="nordfunk"), XRule(value="-is:retweet", tag="leer"))}
    async with Run(rig, out) as run:
        await run.says("live")
        assert "rule leer" in run.listener.health().detail
        await run.heard([rig.write("@nordfunk hört jemand")])
    missed = rig.write("@nordfunk in der Pause")
    async with Run(rig, out) as run:
        await run.heard([missed])


async def test_a_rule_that_search_refuses_does_not_spoil_the_catch_up_of_the_others(rig, out):
    rig.more = {"rules": (XRule(value=RULE, tag="nordfunk"), XRule(value="#netz", tag="netz"))}
    async with Run(rig, out):
        await out.until(lambda: len(rig.x.searches) >= 2 and not out.cursors["x"].get("sweeps"))
    missed = [rig.write("@nordfunk in der Pause"), f"x:{rig.x.post('#netz weg', author='ada')['id']}"]
    rig.x.search_faults.append(Fault("status", 400))
    async with Run(rig, out) as run:
        await run.heard(missed)


async def test_no_rules_without_an_answer_of_x(rig, out):
    rig.x.rules_faults.extend([Fault("status", 503)] * 2)
    async with Run(rig, out) as run:
        await run.says("live")
    assert rig.x.connects == 1
    assert len(rig.x.rules) == 1


async def test_later_trouble_with_the_rules_does_not_keep_the_stream_from_hearing(rig, out):
    async with Run(rig, out) as run:
        await run.says("live")
        rig.clock.advance(7200)
        rig.x.rules_faults.extend([Fault("status", 403)] * 50)
        rig.x.cut()
        async with asyncio.timeout(5):
            while rig.x.connects < 2:
                await asyncio.sleep(0.005)
        await run.heard([rig.write("@nordfunk trotzdem")])


async def test_an_edit_comes_as_an_update_of_the_same_mention(rig, out):
    async with Run(rig, out) as run:
        await run.says("live")
        post = rig.x.post("@nordfunk kein Netzz", author="ada")
        await run.heard([f"x:{post['id']}"])
        rig.clock.advance(60)
        rig.x.edit(post["id"], "@nordfunk kein Netz")
        await out.until(lambda: any(one.op == "update" for one in out.mentions))
    edited = next(one for one in out.mentions if one.op == "update")
    assert (edited.id, edited.revision, edited.text) == (f"x:{post['id']}", "1", "@nordfunk kein Netz")
    assert edited.matched[0].tag == "nordfunk"


@pytest.fixture
def client(rig):
    return XClient(SECRET, rig.x.url, rig.clock)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("status", 401), Refused),
        (Fault("status", 403), Refused),
        (Fault("status", 500), Transient),
        (Fault("status", 503, {"retry-after": "9"}), Transient),
        (Fault("status", 404), Permanent),
        (
            Fault("status", 400, {}, b'{"errors":[{"message":"\'since_id\' must be a tweet id created after [1]"}]}'),
            SinceTooOld,
        ),
        (Fault("status", 400, {}, b'{"errors":[{"message":"invalid next_token"}]}'), TokenExpired),
        (Fault("status", 500, {}, b"<html>"), Transient),
    ],
)
async def test_every_answer_of_search_becomes_one_of_our_errors(rig, client, fault, error):
    rig.x.search_faults.append(fault)
    with pytest.raises(error) as caught:
        await asyncio.to_thread(client.search, "hilfe")
    assert SECRET not in repr(caught.value)
    if error is Transient and fault.headers:
        assert caught.value.retry_after == 9


async def test_no_answer_at_all_is_transient_and_tells_no_token(clock):
    client = XClient(SECRET, "http://127.0.0.1:9", clock)
    with pytest.raises(Transient) as caught:
        await asyncio.to_thread(client.search, "hilfe")
    assert SECRET not in repr(caught.value)
    assert caught.value.__cause__ is None


async def test_a_server_that_never_answers_is_given_up(clock, monkeypatch):
    monkeypatch.setattr("listeners.x_client.READ_SECONDS", 0.1)
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    client = XClient(SECRET, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", clock)
    with pytest.raises(Transient):
        await asyncio.wait_for(asyncio.to_thread(client.search, "hilfe"), 3)
    server.close()


async def test_tweepys_debug_log_stays_silent(rig, client, caplog):
    with caplog.at_level(logging.DEBUG):
        await asyncio.to_thread(client.search, "hilfe")
    assert SECRET not in caplog.text
    assert not [
        record for record in caplog.records if record.name.startswith("tweepy") and record.levelno < logging.INFO
    ]


async def test_the_base_address_may_have_a_path(rig, clock):
    client = XClient(SECRET, rig.x.url + "/proxy/", clock)
    with pytest.raises(Permanent, match="404"):
        await asyncio.to_thread(client.search, "hilfe")
