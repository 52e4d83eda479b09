"""From the channels to the queue: the real listeners on imitated platforms, the real engine, the local queue."""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import httpx
import pytest

from config.settings import load_settings
from hilferuf.engine_file import path_of
from hilferuf.rules import rules_of
from hilferuf.wiring import listeners_of, routes_of, sinks_of
from listeners.clock import SystemClock
from listeners.imitations.facebook import FacebookImitation
from listeners.imitations.meta_webhook import feed_value, signed, webhook_body
from listeners.imitations.x import XImitation
from listeners.signatures import hex_signature
from listeners.webhook import WebhookListener
from records.times import from_ms
from sinks.protocol import converge
from sinks.queue import QueueSink
from streams.deliverer import Deliverer
from streams.embedded import EmbeddedEngine
from streams.ledger import EmbeddedLedger
from streams.memory import ranked
from streams.topology import rules_record, stages

SECRET, PAGE = "geheim", "1001"
ADA, BO = ("7001", "Ada"), ("7002", "Bo")
EVERYTHING = 100
BRAND = """\
lexicon: 1
brands:
  - {id: nordfunk, names: [Nordfunk], handles: [nordfunk, nordfunk_hilft], accounts: ["facebook:1001", "x:900"]}
"""
SETTINGS = """\
lexicons: [de, en, nordfunk.yaml]
listeners:
  x:
    bearer_token: {{env: E2E_SECRET}}
    rules: [{{tag: nordfunk, value: "@nordfunk OR nordfunk OR from:nordfunk_hilft"}}]
    account_id: "900"
    handle: nordfunk_hilft
    brand: nordfunk
    base_url: {x}
  facebook:
    app_secret: {{env: E2E_SECRET}}
    base_url: {facebook}
    poll_seconds: 0.05
    pages: [{{id: "1001", access_token: {{env: E2E_SECRET}}, brand: nordfunk}}]
  webhook:
    port: 0
    secrets: [{{env: E2E_SECRET}}]
    meta: {{verify_token: {{env: E2E_SECRET}}, app_secrets: [{{env: E2E_SECRET}}], pages: {{"1001": nordfunk}}}}
sinks: {{queue: {{observe_seconds: 60}}}}
"""


class World:
    """Everything that runs. `verdicts`: mention id -> why it was dropped, None for kept, of all that was heard."""

    def __init__(self, x, facebook, loaded):
        self.x, self.facebook, self.clock = x, facebook, SystemClock()
        self.verdicts: dict[str, str | None] = {}
        rules = rules_of(loaded)
        self.engine = EmbeddedEngine(
            path_of(loaded),
            stages(rules.lexicon, rules.strategy, loaded.settings, self._judged),
            clock=self.clock.now,
            routes=routes_of(loaded),
            rules=rules_record(rules.lexicon, rules.strategy, loaded.settings),
        )
        ((sink, options),) = sinks_of(loaded)
        assert isinstance(sink, QueueSink)
        self.sink = sink
        self.deliverer = Deliverer(
            sink,
            EmbeddedLedger(self.engine, "queue"),
            converge,
            clock=self.clock,
            observe_seconds=options.observe_seconds,
        )
        self.listeners = listeners_of(loaded, self.clock)
        self.door = next(one for one in self.listeners if isinstance(one, WebhookListener))
        self.client = httpx.AsyncClient(timeout=30)

    def _judged(self, mention, verdict):
        self.verdicts[mention.id] = verdict.dropped

    # what is done -----------------------------------------------------------------------------------------------------

    def tweet(self, text, author, **more) -> str:
        return str(self.x.post(text, author=author, **more)["id"])

    async def message(self, mid, text, person) -> int:
        """Somebody writes to the page in Messenger; Meta tells us, signed."""
        now = self.clock.now()
        event = {
            "sender": {"id": person},
            "recipient": {"id": PAGE},
            "timestamp": now,
            "message": {"mid": mid, "text": text},
        }
        body = webhook_body(PAGE, at=now, messaging=[event])
        return await self._push("/v1/meta", body, signed(body, SECRET))

    async def meta_change(self, value) -> int:
        body = webhook_body(PAGE, at=self.clock.now(), changes=[value])
        return await self._push("/v1/meta", body, signed(body, SECRET))

    async def push(self, path, *documents) -> int:
        """Our own senders, signed."""
        body = b"\n".join(json.dumps(one).encode() for one in documents)
        return await self._push(path, body, {"X-Hilferuf-Signature": hex_signature(body, SECRET)})

    async def _push(self, path, body, headers) -> int:
        answer = await self.client.post(f"http://127.0.0.1:{self.door.port}{path}", content=body, headers=headers)
        return answer.status_code

    # what is seen -----------------------------------------------------------------------------------------------------

    async def queue(self):
        """The helpdesk's tickets by rank, withdrawn ones too."""
        return await asyncio.to_thread(partial(self.sink.top, EVERYTHING, over=True))

    async def entry(self, author):
        """The one ticket of this author, None while there is none."""
        found = [entry for entry in await self.queue() if author in entry.author]
        assert len(found) <= 1
        return found[0] if found else None

    async def tickets(self):
        """The engine's wanted tickets, by rank."""
        return ranked(await self.engine.call(lambda store: store.tickets(("open", "answered", "solved"), EVERYTHING)))

    async def quiet(self, *mention_ids):
        """All of these were heard, and all that follows from them is delivered."""
        await self.until(lambda: set(mention_ids) <= self.verdicts.keys())
        await self.engine.settled()

        async def delivered():
            return await self.engine.call(lambda store: store.pending("queue")) == 0

        await self.until(delivered)

    async def until(self, condition, seconds=40.0):
        """Looks at `condition` (a function or a coroutine function) again and again until it is true; returns it."""
        async with asyncio.timeout(seconds):
            while True:
                found = condition()
                if asyncio.iscoroutine(found):
                    found = await found
                if found:
                    return found
                await asyncio.sleep(0.01)


@asynccontextmanager
async def tasks(*parts):
    """Runs these beside the body, and stops them after it."""
    stop = asyncio.Event()
    running = [asyncio.create_task(part(stop)) for part in parts]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*running)


@pytest.fixture
async def world(tmp_path, monkeypatch):
    monkeypatch.setenv("E2E_SECRET", SECRET)
    async with AsyncExitStack() as stack:
        x = XImitation(token=SECRET)
        await x.start()
        stack.push_async_callback(x.stop)
        x.user("nordfunk_hilft", id="900", followers=5000)
        facebook = FacebookImitation(app_secret=SECRET)
        await facebook.start()
        stack.push_async_callback(facebook.stop)
        facebook.add_page(PAGE, SECRET)
        (tmp_path / "nordfunk.yaml").write_text(BRAND)
        (tmp_path / "hilferuf.yaml").write_text(SETTINGS.format(x=x.url, facebook=facebook.url))
        loaded = load_settings(tmp_path / "hilferuf.yaml")
        loaded.data_dir.mkdir()
        world = World(x, facebook, loaded)
        stack.push_async_callback(world.client.aclose)
        loop = asyncio.get_running_loop()
        world.engine.on_turn.append(lambda: loop.call_soon_threadsafe(world.deliverer.wake.set))
        world.engine.start()
        stack.push_async_callback(asyncio.to_thread, world.engine.stop)
        await stack.enter_async_context(tasks(world.deliverer.run))
        await stack.enter_async_context(tasks(*(partial(one.run, world.engine) for one in world.listeners)))
        async with asyncio.timeout(30):
            await world.door.ready.wait()
            await x.connected.wait()
        yield world


async def test_calls_from_every_channel_become_ranked_tickets_with_the_facts_counted(world):
    customer = world.x.user("kundin")
    now = from_ms(world.clock.now())
    about = {"customer": "c-1", "at": now}
    status = await world.push(
        "/v1/facts",
        about | {"id": "l", "kind": "link", "author": f"x:{customer}", "evidence": "verified"},
        about | {"id": "p", "kind": "purchase", "amount": 1200, "currency": "EUR", "product": "glasfaser"},
        about | {"id": "k", "kind": "contact", "channel": "phone", "resolved": False},
    )
    assert status == 200
    call = "@nordfunk Hilfe, mein Internet geht nicht!"
    heard = [f"x:{world.tweet(call, author)}" for author in ("fremder", "kundin")]
    offer = world.facebook.add_post(PAGE, "Unser neuer Tarif")
    heard.append("facebook:" + world.facebook.add_comment(offer, "Brauche Hilfe, kein Netz seit Montag", ADA))
    assert await world.message("m_1", "Hallo, mein Router ist kaputt. Was soll ich tun?", "8001") == 200
    await world.quiet(*heard, "messenger:m_1")

    queue, tickets = await world.queue(), await world.tickets()
    assert {entry.channel for entry in queue} == {"x", "facebook", "messenger"}
    assert [entry.ticket for entry in queue] == [ticket.id for ticket in tickets]
    assert {entry.status for entry in queue} == {"open"}
    assert sorted(entry.rank_key for entry in queue) == [entry.rank_key for entry in queue][::-1]
    assert len(queue) == 4
    by_author = {ticket.author_key: {f.name: f.points for f in ticket.factors} for ticket in tickets}
    known, stranger = by_author[f"x:{customer}"], by_author[f"x:{world.x.posts.user_id('fremder')}"]
    assert known["content"] == stranger["content"]
    assert known["purchases"] > stranger["purchases"] == 0
    assert known["contacts"] > stranger["contacts"] == 0
    places = [entry.author for entry in queue]
    assert next(n for n, author in enumerate(places) if "kundin" in author) < next(
        n for n, author in enumerate(places) if "fremder" in author
    )


async def test_facts_that_come_after_the_call_move_its_ticket(world):
    heard = world.tweet("@nordfunk Hilfe, mein Internet geht nicht!", "kundin")
    await world.quiet(f"x:{heard}")
    before = (await world.entry("kundin")).score
    about = {"customer": "c-1", "at": from_ms(world.clock.now())}
    author = f"x:{world.x.posts.user_id('kundin')}"
    link = about | {"id": "l", "kind": "link", "author": author, "evidence": "verified"}
    purchase = about | {"id": "p", "kind": "purchase", "amount": 1200, "currency": "EUR"}
    assert await world.push("/v1/facts", link, purchase) == 200

    async def moved():
        return (await world.entry("kundin")).score > before

    await world.until(moved)


async def test_reposts_bots_and_the_brand_itself_open_nothing(world):
    call = "@nordfunk Hilfe, mein Internet geht nicht!"
    original = world.tweet(call, "kundin")
    world.x.user("wetterfee", affiliation={"description": "Automated"})
    dropped = {
        f"x:{world.tweet(f'RT @kundin: {call}', 'fan', repost=original)}": "repost",
        f"x:{world.tweet('@nordfunk Hilfe, wir haben eine Störung', 'nordfunk_hilft')}": "own_post",
        f"x:{world.tweet(call, 'wetterfee')}": "bot",
        f"x:{world.tweet(call, 'stoerung_bot')}": "bot",
    }
    offer = world.facebook.add_post(PAGE, "Hilfe, das Netz geht nicht? Wir helfen.")
    dropped[f"facebook:{offer}"] = "own_post"
    dropped["facebook:" + world.facebook.add_comment(offer, "Wer Hilfe braucht: hier schreiben!")] = "own_post"
    await world.quiet(f"x:{original}", *dropped)
    assert {name: world.verdicts[name] for name in dropped} == dropped
    assert [entry.author for entry in await world.queue()] == [(await world.entry("kundin")).author]
    assert (await world.entry("kundin")).status == "open"


async def test_the_brands_own_reply_marks_the_ticket_as_answered(world):
    call = world.tweet("@nordfunk Hilfe, mein Internet geht nicht!", "kundin")
    other = world.tweet("@nordfunk Hilfe, mein Telefon geht nicht!", "fremder")
    await world.quiet(f"x:{call}", f"x:{other}")
    answer = world.tweet("@kundin Wir melden uns gleich.", "nordfunk_hilft", reply_to=call)
    await world.quiet(f"x:{answer}")
    assert (await world.entry("kundin")).status == "answered"
    assert (await world.entry("fremder")).status == "open"


async def test_an_edit_changes_the_ticket_and_a_delete_withdraws_it(world):
    call = world.tweet("@nordfunk Hilfe, mein Fernseher geht nicht!", "kundin")
    await world.quiet(f"x:{call}")
    first = await world.entry("kundin")
    world.x.edit(call, "@nordfunk Hilfe, seit gestern kein Telefon!")

    async def changed():
        entry = await world.entry("kundin")
        return entry if "Telefon" in " ".join(entry.posts) else None

    edited = await world.until(changed)
    assert (edited.ticket, edited.status, len(edited.posts)) == (first.ticket, "open", 1)
    assert "Fernseher" not in " ".join((edited.subject, *edited.posts))

    author = {"id": world.x.posts.user_id("kundin")}
    gone = {"id": f"x:{call}", "op": "delete", "text": None, "author": author}
    assert await world.push("/v1/mentions", gone) == 200

    async def withdrawn():
        entry = await world.entry("kundin")
        return entry if entry.status == "withdrawn" else None

    left = await world.until(withdrawn)
    assert "Telefon" not in " ".join((left.subject, left.note, *left.posts))
    assert await world.tickets() == []


async def test_a_comment_that_meta_says_is_removed_withdraws_its_ticket(world):
    offer = world.facebook.add_post(PAGE, "Unser neuer Tarif")
    comment = world.facebook.add_comment(offer, "Brauche Hilfe, kein Netz seit Montag", BO)
    await world.quiet(f"facebook:{comment}")
    assert (await world.entry("Bo")).status == "open"
    world.facebook.delete(comment)
    ids = {"post_id": offer, "comment_id": comment}
    assert await world.meta_change(feed_value("comment", "remove", ids, author=BO, at=world.clock.now())) == 200

    async def withdrawn():
        return (await world.entry("Bo")).status == "withdrawn"

    await world.until(withdrawn)
    assert "Netz" not in " ".join((await world.entry("Bo")).posts)


async def test_an_unsigned_delivery_is_refused_and_opens_nothing(world):
    event = {"sender": {"id": "8001"}, "recipient": {"id": PAGE}, "message": {"mid": "m_1", "text": "Hilfe!"}}
    body = webhook_body(PAGE, messaging=[event])
    assert await world._push("/v1/meta", body, signed(body, "falsch")) == 401
    assert await world.message("m_2", "Hilfe, mein Router ist kaputt", "8002") == 200
    await world.quiet("messenger:m_2")
    assert "messenger:m_1" not in world.verdicts
    assert len(await world.queue()) == 1
