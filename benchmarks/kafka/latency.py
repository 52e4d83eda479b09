"""From handing a mention to kafka-python's producer until a `read_committed` reader has its ticket operation, at 200 mentions
a second: `hilferuf work` and the same two hops in plain aiokafka, one after the other."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from kafka import KafkaConsumer, TopicPartition

from benchmarks.kafka.pipeline import Deployment
from benchmarks.kafka.rig import Broker, Process, median_of
from benchmarks.mentions import mentions
from records import codec
from records.topics import MENTIONS, TICKETS

_POST = re.compile(rb"x:\d{19}")
WARM = 5  # seconds that are not counted


@contextmanager
def ours(broker: Broker) -> Iterator[Deployment]:
    """`hilferuf work`."""
    deployment = Deployment(broker)
    with deployment.working(1):
        yield deployment


@contextmanager
def plain(broker: Broker) -> Iterator[Deployment]:
    """Plain aiokafka."""
    deployment = Deployment(broker)
    process = Process("benchmarks.kafka.hops", {"brokers": broker.addresses, "prefix": deployment.kafka.prefix})
    try:
        time.sleep(5)
        yield deployment
    finally:
        process.end()


def spread(broker: Broker, deployment: Deployment, rate: int, seconds: int, calls: float) -> dict[str, float]:
    """p50 and p99 in milliseconds of the calls for help."""
    topic, tickets = deployment.kafka.topic(MENTIONS), deployment.kafka.topic(TICKETS)
    sent: dict[bytes, float] = {}
    waits: list[float] = []
    done = threading.Event()

    def read() -> None:
        consumer = KafkaConsumer(
            bootstrap_servers=broker.addresses, isolation_level="read_committed", fetch_max_wait_ms=20
        )
        tps = [TopicPartition(tickets, partition) for partition in range(deployment.kafka.partitions)]
        consumer.assign(tps)
        consumer.seek_to_beginning(*tps)
        while not done.is_set():
            for records in consumer.poll(100).values():
                now = time.perf_counter()
                for record in records:
                    for post in set(_POST.findall(record.value or b"")):
                        began = sent.pop(post, None)
                        if began is not None and began - first > WARM:
                            waits.append((now - began) * 1000)
        consumer.close()

    posts = list(mentions(rate * (seconds + WARM), calls=calls, start_ms=int(time.time() * 1000)))
    producer, first = broker.producer(linger_ms=5), time.perf_counter()
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    for number, post in enumerate(posts):
        time.sleep(max(0.0, first + number / rate - time.perf_counter()))
        key = post.id.encode()
        sent[key] = time.perf_counter()
        producer.send(topic, codec.encode(post), key=key)
    producer.flush(30)
    time.sleep(3)
    done.set()
    reader.join()
    producer.close()
    waits.sort()
    return {"p50": waits[len(waits) // 2], "p99": waits[int(len(waits) * 0.99)], "count": len(waits)}


def main(broker: Broker, rounds: int = 3, seconds: int = 20, calls: float = 0.25) -> None:
    """Print the figures."""
    rows: dict[str, list[dict[str, float]]] = {"ours": [], "aiokafka": []}
    for _ in range(rounds):
        for system, found in zip((ours, plain), rows.values(), strict=True):
            with system(broker) as deployment:
                found.append(spread(broker, deployment, 200, seconds, calls))
    for name, found in rows.items():
        half, most = median_of(found, lambda row: row["p50"]), median_of(found, lambda row: row["p99"])
        print(
            f"200 mentions/s, {name}: p50 {half:.0f} ms, p99 {most:.0f} ms (of {found[0]['count']:.0f} tickets a round)"
        )
    for key in ("p50", "p99"):
        pairs = [{"ratio": own[key] / other[key]} for own, other in zip(*rows.values(), strict=True)]
        print(f"ours / aiokafka, {key}: {median_of(pairs, lambda row: row['ratio']):.2f}")
