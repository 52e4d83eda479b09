"""A publisher on a real broker, what then stands on its topics, and a process that publishes until it is killed.

Run as a script: `BOOTSTRAP PREFIX FOLDER FIRST` publishes numbered mentions, facts and cursors, and writes the number of every
call that returned.
"""

import asyncio
import sys
import time
from pathlib import Path

import msgspec

from config.kafka import KafkaSettings, SpoolSettings
from config.settings import Retention
from listeners.contract import Cursor
from listeners.kafka_publisher import KafkaPublisher
from records import codec
from records.facts import CustomerFact
from records.normalise_facts import normalise_fact
from records.topics import CURSORS, CUSTOMER_FACTS, MENTIONS
from streams.kafka.admin import apply
from streams.kafka.reading import Reader, Record
from tests.listeners.mentions import mention

CALLERS = 20


def settings_for(addresses, prefix, *, after=0.5, max_mb=64):
    return KafkaSettings(
        bootstrap=tuple(addresses),
        prefix=prefix,
        partitions=3,
        replication=1,
        min_insync=1,
        spool=SpoolSettings(after_seconds=after, max_mb=max_mb),
    )


def with_topics(addresses, prefix, **more):
    kafka = settings_for(addresses, prefix, **more)
    apply(kafka, Retention())
    return kafka


def publisher(kafka, folder):
    return KafkaPublisher(kafka, Path(folder), lambda: int(time.time() * 1000), log_days=7)


def read(kafka, topic) -> list[Record]:
    with Reader(kafka) as reader:
        places = reader.places(topic)
        return [r for batch in reader.read(reader.starts(places), reader.ends(places)) for r in batch]


def newest_cursors(kafka):
    return {record.key: msgspec.json.decode(record.value) for record in read(kafka, CURSORS)}


def fact(number, customer="c1") -> CustomerFact:
    given = {"id": f"f{number}", "kind": "purchase", "customer": customer, "amount": 1, "currency": "EUR"}
    return normalise_fact(msgspec.json.encode(given), observed_at="2026-01-05T10:00:00.000Z")


def numbers(kafka):
    """Numbers of the mentions on the topic, and of the facts in the order they came."""
    mentions = {int(record.key.removeprefix("x:")) for record in read(kafka, MENTIONS)}
    facts = [int(codec.customer_facts.decode(record.value).id[1:]) for record in read(kafka, CUSTOMER_FACTS)]
    return mentions, facts


async def until(condition, seconds=60.0):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def publish_for_ever(bootstrap, prefix, folder, first):
    door = publisher(settings_for([bootstrap], prefix), folder)
    await door.start()

    async def caller(lane):
        number = int(first) + lane
        while True:
            key = f"caller{lane}"
            await door.publish(
                [mention(number)], facts=[fact(number, key)], cursor=Cursor(key=key, value={"n": number})
            )
            sys.stdout.write(f"durable {number}\n")
            sys.stdout.flush()
            number += CALLERS
            await asyncio.sleep(0.01)

    await asyncio.gather(*[caller(lane) for lane in range(CALLERS)])


if __name__ == "__main__":
    asyncio.run(publish_for_ever(*sys.argv[1:]))
