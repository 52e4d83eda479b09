"""The webhook server: signatures, batches, durability before the answer, backpressure."""

import asyncio
import json
import logging
from contextlib import asynccontextmanager

import aiohttp
import pytest
import structlog

from config.section import Secret
from config.settings import MetaWebhook, WebhookSettings
from config.yaml_file import ConfigError
from listeners import push
from listeners.imitations.meta_webhook import feed_value, signed, webhook_body
from listeners.signatures import hex_signature
from listeners.webhook import WebhookListener
from records.errors import Refused
from tests.listeners.facebook_world import ADA, PAGE, Everything

SECRET, OLD, APP, OTHER_APP, VERIFY = "new-secret", "old-secret", "app-one", "app-two", "verify-me"
MAXIMUM = 200_000


def settings(monkeypatch, **more):
    for name in (SECRET, OLD, APP, OTHER_APP, VERIFY):
        monkeypatch.setenv(name, name)
    meta = MetaWebhook(
        verify_token=Secret(env=VERIFY), app_secrets=(Secret(env=APP), Secret(env=OTHER_APP)), pages={PAGE: "nordfunk"}
    )
    secrets = (Secret(env=SECRET), Secret(env=OLD))
    return WebhookSettings(**{"secrets": secrets, "port": 0, "meta": meta, "max_body_bytes": MAXIMUM, **more})


@asynccontextmanager
async def serving(clock, out, monkeypatch, **more):
    """A client on a running server; `client.stop()` stops it, `client.hearing` is the listener."""
    hearing, stop = WebhookListener(settings(monkeypatch, **more), clock=clock), asyncio.Event()
    task = asyncio.create_task(hearing.run(out, stop))
    async with asyncio.timeout(5):
        await hearing.ready.wait()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{hearing.port}") as session:
        try:
            yield Client(session, hearing, stop, task)
        finally:
            stop.set()
            async with asyncio.timeout(2):
                await task


class Client:
    def __init__(self, session, hearing, stop, task):
        self.session, self.hearing, self.stop, self.task = session, hearing, stop, task

    async def post(self, path, body, headers=None, secret=SECRET):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        if headers is None:
            headers = {"X-Hilferuf-Signature": hex_signature(body, secret)}
        async with self.session.post(path, data=body, headers=headers) as reply:
            text = await reply.text()
            return reply, json.loads(text) if reply.content_type == "application/json" else text

    async def meta(self, body, secret=APP):
        return await self.post("/v1/meta", body, headers=signed(body, secret))


MENTION = {"id": "x:1", "text": "Hilfe"}


async def test_a_signed_mention_is_durable_before_it_is_answered(clock, out, monkeypatch):
    async with serving(clock, out, monkeypatch) as client:
        reply, answer = await client.post("/v1/mentions", MENTION)
    assert (reply.status, answer) == (200, {"accepted": [{"index": 0, "id": "x:1"}], "rejected": []})
    assert out.ids == ["x:1"]
    assert out.mentions[0].ingest.listener == "webhook"


@pytest.mark.parametrize(
    "body",
    [
        b'[{"id":"x:1","text":"a"},{"id":"x:2","text":"b"}]',
        b'{"id":"x:1","text":"a"}\n{"id":"x:2","text":"b"}\n',
        b'\xef\xbb\xbf{"id":"x:1","text":"a"}\r\n\r\n{"id":"x:2","text":"b"}',
    ],
)
async def test_a_batch_comes_as_array_or_as_ndjson(body, clock, out, monkeypatch):
    async with serving(clock, out, monkeypatch) as client:
        reply, answer = await client.post("/v1/mentions", body)
    assert reply.status == 200
    assert out.ids == ["x:1", "x:2"] == [item["id"] for item in answer["accepted"]]
    assert out.calls == 1, "a batch is one transaction"


async def test_one_bad_item_is_a_dead_letter_and_fails_nothing_else(clock, out, monkeypatch):
    body = [MENTION, {"id": "nowhere:2", "text": "b"}, {"id": "x:3", "texxt": "c"}, 4, {"id": "x:5", "text": "e"}]
    async with serving(clock, out, monkeypatch) as client:
        reply, answer = await client.post("/v1/mentions", body)
    assert reply.status == 200
    assert [item["index"] for item in answer["accepted"]] == [0, 4]
    assert [(item["index"], item["field"]) for item in answer["rejected"]] == [(1, "id"), (2, "texxt"), (3, None)]
    assert all(item["reason"] for item in answer["rejected"])
    assert [bad.origin for bad in out.bad] == [f"webhook:/v1/mentions[{index}]" for index in (1, 2, 3)]
    assert json.loads(out.bad[0].original) == body[1]


async def test_a_broken_line_of_ndjson_is_kept_as_it_came(clock, out, monkeypatch):
    body = b'{"id":"x:1","text":"a"}\n{"id":"x:2","te\n{"id":"x:3","text":"c"}'
    async with serving(clock, out, monkeypatch) as client:
        reply, answer = await client.post("/v1/mentions", body)
    assert (reply.status, out.ids) == (200, ["x:1", "x:3"])
    assert [item["index"] for item in answer["rejected"]] == [1]
    assert out.bad[0].original == b'{"id":"x:2","te'


@pytest.mark.parametrize("body", [b"", b"hello", b'{"id":', b'[{"id":"x:1","text":"a"},', b"[" * 100_000, b"\x00\x01"])
async def test_what_is_no_json_is_answered_400_and_kept(body, clock, out, monkeypatch):
    async with serving(clock, out, monkeypatch) as client:
        reply, answer = await client.post("/v1/mentions", body)
    assert reply.status == 400
    assert answer["error"]
    assert [bad.original for bad in out.bad] == [body]


async def test_a_broken_emoji_costs_no_mention(clock, out, monkeypatch):
    body = rb'[{"id":"x:1","text":"Hilfe \ud83d"},{"id":"x:2","text":"' + b"\xff" + rb'"}]'
    async with serving(clock, out, monkeypatch) as client:
        reply, _ = await client.post("/v1/mentions", body)
    assert (reply.status, out.ids) == (200, ["x:1", "x:2"])
    assert all(mention.ingest.changes for mention in out.mentions)


async def test_facts_come_the_same_way(clock, out, monkeypatch):
    good = {"id": "f1", "kind": "purchase", "customer": "c1", "amount": 20.5, "currency": "EUR"}
    async with serving(clock, out, monkeypatch) as client:
        reply, answer = await client.post("/v1/facts", [good, {**good, "kind": "purchas"}])
    assert (reply.status, [fact.id for fact in out.facts]) == (200, ["f1"])
    assert [(item["index"], item["field"]) for item in answer["rejected"]] == [(1, "kind")]


@pytest.mark.parametrize("secret", [SECRET, OLD])
async def test_each_configured_secret_signs(secret, clock, out, monkeypatch):
    async with serving(clock, out, monkeypatch) as client:
        reply, _ = await client.post("/v1/mentions", MENTION, secret=secret)
    assert reply.status == 200


@pytest.mark.parametrize("headers", [{}, {"X-Hilferuf-Signature": "sha256=" + "0" * 64}, {"X-Hilferuf-Signature": "x"}])
@pytest.mark.parametrize("path", ["/v1/mentions", "/v1/facts", "/v1/meta"])
async def test_a_wrong_signature_is_401_and_leaves_nothing(path, headers, clock, out, monkeypatch):
    async with serving(clock, out, monkeypatch) as client:
        reply, _ = await client.post(path, MENTION, headers=headers)
        assert client.hearing.refused["401"] == 1
    assert reply.status == 401
    assert out.calls == 0


async def test_a_body_that_is_too_large_is_413(clock, out, monkeypatch):
    async with serving(clock, out, monkeypatch) as client:
        reply, answer = await client.post("/v1/mentions", b'{"id":"x:1","text":"' + b"a" * MAXIMUM + b'"}')
    assert (reply.status, out.calls) == (413, 0)
    assert str(MAXIMUM) in answer["error"]


async def test_a_full_engine_is_503_with_a_time_to_come_back(clock, out, monkeypatch):
    out.full = 1
    async with serving(clock, out, monkeypatch) as client:
        refused, _ = await client.post("/v1/mentions", MENTION)
        assert "again" in client.hearing.health().detail
        taken, _ = await client.post("/v1/mentions", MENTION)
    assert (refused.status, int(refused.headers["Retry-After"]) >= 1, taken.status) == (503, True, 200)
    assert out.ids == ["x:1"]


async def test_an_engine_that_fails_is_503_and_its_text_stays_inside(clock, out, monkeypatch):
    async def fail(*_, **__):
        raise RuntimeError("disk full while writing: Hilfe")

    monkeypatch.setattr(out, "publish", fail)
    async with serving(clock, out, monkeypatch) as client:
        with structlog.testing.capture_logs() as lines:
            reply, answer = await client.post("/v1/mentions", MENTION)
    assert reply.status == 503
    assert "Retry-After" in reply.headers
    assert "Hilfe" not in repr((answer, lines))


async def test_an_engine_that_hangs_is_503(clock, out, monkeypatch):
    monkeypatch.setattr(push, "PUBLISH_SECONDS", 0.05)
    out.block = asyncio.Event()
    async with serving(clock, out, monkeypatch) as client:
        reply, _ = await client.post("/v1/mentions", MENTION)
    assert reply.status == 503


async def test_too_many_requests_at_once_are_503(clock, out, monkeypatch):
    monkeypatch.setattr(push, "MAX_RUNNING", 1)
    out.block = asyncio.Event()
    async with serving(clock, out, monkeypatch) as client:
        first = asyncio.create_task(client.post("/v1/mentions", MENTION))
        while client.hearing._running == 0:
            await asyncio.sleep(0.005)
        second, _ = await client.post("/v1/mentions", MENTION)
        out.block.set()
        assert ((await first)[0].status, second.status) == (200, 503)


async def test_a_stop_lets_running_requests_end(clock, out, monkeypatch):
    out.block = asyncio.Event()
    async with serving(clock, out, monkeypatch) as client:
        running = asyncio.create_task(client.post("/v1/mentions", MENTION))
        while client.hearing._running == 0:
            await asyncio.sleep(0.005)
        client.stop.set()
        done, _ = await asyncio.wait({running}, timeout=0.5)
        assert not done, "it was cut off"
        out.block.set()
        assert (await running)[0].status == 200
        async with asyncio.timeout(2):
            await client.task
    assert out.ids == ["x:1"]
    assert client.hearing.health().state == "stopped"


async def test_a_stop_waits_no_longer_than_two_seconds(clock, out, monkeypatch):
    out.block = asyncio.Event()
    async with serving(clock, out, monkeypatch) as client:
        running = asyncio.create_task(client.post("/v1/mentions", MENTION))
        while client.hearing._running == 0:
            await asyncio.sleep(0.005)
        client.stop.set()
        async with asyncio.timeout(2):
            await client.task
        with pytest.raises(aiohttp.ClientError):
            await running


async def test_without_secrets_an_outer_address_is_refused(clock, monkeypatch):
    with pytest.raises(ConfigError, match=r"listeners\.webhook\.secrets"):
        WebhookListener(settings(monkeypatch, secrets=(), host="0.0.0.0"), clock=clock)


async def test_meta_without_an_app_secret_is_refused(clock, monkeypatch):
    monkeypatch.setenv(VERIFY, VERIFY)
    meta = MetaWebhook(verify_token=Secret(env=VERIFY), app_secrets=())
    with pytest.raises(ConfigError, match="app_secrets"):
        WebhookListener(settings(monkeypatch, meta=meta), clock=clock)


async def test_without_secrets_loopback_takes_unsigned_bodies_but_not_from_web_pages(clock, out, monkeypatch):
    async with serving(clock, out, monkeypatch, secrets=()) as client:
        plain, _ = await client.post("/v1/mentions", MENTION, headers={})
        page, _ = await client.post("/v1/mentions", MENTION, headers={"Origin": "https://elsewhere.invalid"})
    assert (plain.status, page.status) == (200, 401)


async def test_an_address_in_use_says_so(clock, out, monkeypatch):
    async with serving(clock, out, monkeypatch) as client:
        second = WebhookListener(settings(monkeypatch, port=client.hearing.port), clock=clock)
        with pytest.raises(Refused, match=f"cannot listen on 127.0.0.1:{client.hearing.port}"):
            await second.run(out, asyncio.Event())


async def test_a_body_that_ends_too_early_harms_nobody(clock, out, monkeypatch):
    everything = Everything()
    logging.getLogger().addHandler(everything)
    try:
        async with serving(clock, out, monkeypatch) as client:
            for head in (b"Content-Length: 500\r\n", b"Content-Encoding: gzip\r\nContent-Length: 4\r\n"):
                reader, writer = await asyncio.open_connection("127.0.0.1", client.hearing.port)
                writer.write(b"POST /v1/mentions HTTP/1.1\r\nHost: x\r\n" + head + b"\r\nabcd")
                await writer.drain()
                writer.write_eof()
                await reader.read()
                writer.close()
            reply, _ = await client.post("/v1/mentions", MENTION)
    finally:
        logging.getLogger().removeHandler(everything)
    assert reply.status == 200
    assert not [line for line in everything.lines if "Traceback" in line]


# Meta


async def test_the_challenge_is_echoed_byte_for_byte(clock, out, monkeypatch):
    query = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "1158201444<&ü"}
    async with serving(clock, out, monkeypatch) as client, client.session.get("/v1/meta", params=query) as reply:
        assert (reply.status, reply.content_type) == (200, "text/plain")
        assert await reply.read() == "1158201444<&ü".encode()


@pytest.mark.parametrize(
    "change", [{"hub.verify_token": "guess"}, {"hub.verify_token": "ü"}, {"hub.mode": "unsubscribe"}]
)
async def test_a_challenge_without_the_token_is_403(change, clock, out, monkeypatch):
    query = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "1", **change}
    async with serving(clock, out, monkeypatch) as client, client.session.get("/v1/meta", params=query) as reply:
        assert reply.status == 403


@pytest.mark.parametrize("secret", [APP, OTHER_APP])
async def test_the_signature_is_checked_over_the_raw_bytes(secret, clock, out, monkeypatch):
    value = feed_value(
        "comment",
        "add",
        {"post_id": "1001_1", "comment_id": "1_2"},
        author=ADA,
        at=clock.now(),
        message="Störung/Café é",
    )
    body = webhook_body(PAGE, at=clock.now(), changes=[value])
    assert rb"\u00e9" in body
    assert rb"\/" in body
    async with serving(clock, out, monkeypatch) as client:
        reply, answer = await client.meta(body, secret)
        anew = json.dumps(json.loads(body)).encode()
        wrong, _ = await client.post("/v1/meta", anew, headers=signed(body, secret))
    assert (reply.status, answer) == (200, {"accepted": 1, "rejected": 0, "ignored": 0})
    assert wrong.status == 401, "the same JSON in other bytes is not what was signed"
    assert (out.mentions[0].text, out.mentions[0].account.brand) == ("Störung/Café é", "nordfunk")


async def test_a_thousand_changes_in_one_body_are_one_transaction(clock, out, monkeypatch):
    values = [
        feed_value(
            "comment", "add", {"post_id": "1001_1", "comment_id": f"1_{n}"}, author=ADA, at=clock.now(), message="Hilfe"
        )
        for n in range(2, 1002)
    ]
    async with serving(clock, out, monkeypatch, max_body_bytes=4 * 1024 * 1024) as client:
        reply, answer = await client.meta(webhook_body(PAGE, at=clock.now(), changes=values))
    assert (reply.status, answer["accepted"], out.calls) == (200, 1000, 1)
    assert len(set(out.ids)) == 1000


async def test_one_bad_change_is_a_dead_letter_and_still_200(clock, out, monkeypatch):
    good = feed_value("comment", "add", {"post_id": "1001_1", "comment_id": "1_2"}, author=ADA, message="Hilfe")
    bad = feed_value("comment", "add", {"post_id": "1001_1"}, author=ADA, message="ohne Kennung")
    like = feed_value("reaction", "add", {"post_id": "1001_1"}, author=ADA)
    body = webhook_body(PAGE, changes=[bad, good, like, "no object"], messaging=[{"delivery": {"mids": ["m"]}}])
    async with serving(clock, out, monkeypatch) as client:
        reply, answer = await client.meta(body)
        assert client.hearing.ignored == {"reaction": 1, "delivery": 1, "field None": 1}
    assert (reply.status, answer) == (200, {"accepted": 1, "rejected": 1, "ignored": 3})
    assert out.ids == ["facebook:1_2"]
    assert out.bad[0].field == "entry[0].changes[0].comment_id"
    assert json.loads(out.bad[0].original)["value"] == bad


async def test_meta_is_told_503_until_its_changes_are_durable(clock, out, monkeypatch):
    body = webhook_body(PAGE, changes=[feed_value("status", "add", {"post_id": "1001_1"}, author=ADA, message="Hilfe")])
    out.full = 1
    async with serving(clock, out, monkeypatch) as client:
        statuses = [(await client.meta(body))[0].status for _ in range(2)]
    assert statuses == [503, 200]


async def test_no_secret_is_logged_or_shown(clock, out, monkeypatch, caplog):
    everything = Everything()
    logging.getLogger().addHandler(everything)
    caplog.set_level(logging.DEBUG, "aiohttp.access")
    try:
        async with serving(clock, out, monkeypatch) as client:
            with structlog.testing.capture_logs() as lines:
                query = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "1"}
                async with client.session.get("/v1/meta", params=query):
                    pass
                await client.post("/v1/mentions", MENTION, secret="wrong")
            shown = [repr(client.hearing), repr(client.hearing.health()), repr(lines), *everything.lines]
    finally:
        logging.getLogger().removeHandler(everything)
    for secret in (VERIFY, SECRET, OLD, APP):
        assert all(secret not in text for text in shown)
