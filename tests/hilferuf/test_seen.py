"""What operators see from outside: health."""

import asyncio
import json
import urllib.error
import urllib.request

import pytest

from config.settings import Log, Server
from hilferuf.seen import Outside, set_up_log
from streams.embedded import EmbeddedEngine


def ask(port: int, path: str) -> tuple[int, dict]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.fixture
async def outside(tmp_path):
    engine = EmbeddedEngine(tmp_path / "e.db", (), clock=lambda: 1_780_000_000_000)
    seen = Outside(engine, (), (), lambda: False)
    await seen.start(Server(port=0))
    yield engine, seen.port
    await seen.stop()


async def test_ready_while_the_engine_takes_writes_and_not_on_a_full_disk(outside):
    engine, port = outside
    assert (await asyncio.to_thread(ask, port, "/readyz"))[0] == 200
    engine.trouble = "database or disk is full"
    status, body = await asyncio.to_thread(ask, port, "/readyz")
    assert (status, body["ready"], body["engine"]) == (503, False, "database or disk is full")
    assert (await asyncio.to_thread(ask, port, "/healthz"))[0] == 200, "a restart makes no room"


async def test_a_request_that_is_no_http_is_told_without_its_bytes(outside, capfd):
    set_up_log(Log())
    _, port = outside
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Hilferuf-Signature hushhush\r\n\r\n")
    assert b"400" in await reader.readline()
    writer.close()
    told = capfd.readouterr().err
    assert "no HTTP" in told and "hushhush" not in told
