"""The two hops screen and assess in plain aiokafka with our pure functions: what `hilferuf work` is measured against."""

import asyncio
import json
import sys
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.rules import rules
from records import codec
from streams.stage import Stage
from streams.topology import stages


async def hop(stage: Stage[Any], brokers: list[str], prefix: str) -> None:
    """One transaction a poll, of outputs, changelog and offsets."""
    group = f"{prefix}plain-{stage.name}"
    consumer = AIOKafkaConsumer(
        prefix + stage.source,
        bootstrap_servers=brokers,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=brokers, transactional_id=group, acks="all", compression_type="lz4", max_batch_size=131_072
    )
    await consumer.start()
    await producer.start()
    states: dict[str, Any] = {}
    while True:
        polled = await consumer.getmany(timeout_ms=200, max_records=1_000)
        if not polled:
            continue
        sent, changed = [], dict[str, tuple[int, Any]]()
        async with producer.transaction():
            for tp, records in polled.items():
                for record in records:
                    read = stage.read(record.key.decode(), record.value)
                    if read is None:
                        continue
                    key, event = read
                    known = changed[key][1] if key in changed else states.get(key)
                    after, outputs = stage.step(key, known, event)
                    if after is not known:
                        changed[key] = (tp.partition, after)
                    for output in outputs:
                        value, name = codec.encode(output.record), output.key.encode()
                        sent.append(await producer.send(prefix + output.topic, value, key=name))
            for key, (partition, state) in changed.items():
                value = stage.dump(state)
                sent.append(await producer.send(prefix + stage.changelog, value, key=key.encode(), partition=partition))
            ends = {tp: records[-1].offset + 1 for tp, records in polled.items()}
            await producer.send_offsets_to_transaction(ends, group)
            await asyncio.gather(*sent)
        states.update({key: state for key, (_, state) in changed.items()})


async def main(argument: dict[str, Any]) -> None:
    """For ever."""
    found = rules()
    screen, _, assess = stages(found.lexicon, found.strategy, found.loaded.settings)
    await asyncio.gather(*(hop(stage, argument["brokers"], argument["prefix"]) for stage in (screen, assess)))


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
