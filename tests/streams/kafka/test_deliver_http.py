"""An imitated Zendesk behind a proxy that loses answers, and deliverers that die: every ticket and every post once."""

import asyncio
import random

import pytest

from sinks.imitations.zendesk import ZendeskImitation
from tests.proxy import LosingProxy
from tests.sinks.contract_suite import a_post, a_ticket
from tests.sinks.zendesk_desk import Clock, ZendeskDesk
from tests.sinks.zendesk_requests import check
from tests.streams.kafka.deliver_rig import Desk, operation

ROUNDS = 6


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_ticket_and_every_post_exists_once_whatever_dies(kafka, prefix, tmp_path, seed):
    chance, clock, versions = random.Random(seed), Clock(), {}
    async with Desk(kafka, prefix, tmp_path) as desk, ZendeskImitation(now=clock, on_request=check) as imitation:
        proxy = LosingProxy(int(imitation.url.rsplit(":", 1)[1]), lose=0.25, seed=seed)
        await proxy.start()
        zendesk = ZendeskDesk(imitation, clock, url=proxy.url)
        for _ in range(ROUNDS):
            desk.clock.ms += 3_600_000  # past every back-off
            process = await desk.process(zendesk.another(), concurrency=3)
            for author in chance.sample(range(5), 3):
                versions[author] = versions.get(author, 0) + 1
                await desk.put(call(author, versions[author]))
            await process.take_in()
            delivering = asyncio.create_task(process.deliverer.drain())
            before = len(imitation.requests)
            goal = before + chance.randint(1, 12)
            while len(imitation.requests) < goal and not delivering.done():
                await asyncio.sleep(0.002)
            delivering.cancel()
            process.kill()
        proxy.calm()
        last = await desk.process(zendesk.another(), concurrency=3)
        while last.ledger.pending:
            desk.clock.ms += 3_600_000
            await last.work()
        assert imitation.violations == [] and await zendesk.count() == len(versions)
        assert any(lost for *_, lost in proxy.log)
        for entry in (await desk.entries()).values():
            assert entry.state == "settled" and entry.held.version == entry.wanted.version
            bodies = [comment["body"] for comment in zendesk.comments(entry.held.remote_id)]
            written = [f"Beitrag {number}." for number in range(1, entry.wanted.version + 1)]
            assert [text for body in bodies for text in written if text in body] == written
        await proxy.stop()
        await zendesk.sink.aclose()


def call(author, version):
    """The conversation of this author with so many posts."""
    posts = tuple(a_post(number, f"Beitrag {number}.") for number in range(1, version + 1))
    return operation(a_ticket(*posts, author=str(author)), version)
