"""The stage of `job` in plain aiokafka: one transaction a poll, of outputs, changelog and offsets."""

import asyncio
import json
import sys
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.kafka import job


async def main(argument: dict[str, Any]) -> None:
    """Until the last event is committed."""
    watch = job.Watch(argument["count"])
    prefix, run = argument["prefix"], argument["run"]
    group, out, changelog = f"{prefix}{run}", f"{prefix}out-{run}", f"{prefix}state-{run}"
    consumer = AIOKafkaConsumer(
        f"{prefix}events",
        bootstrap_servers=argument["brokers"],
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_poll_records=8_000,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=argument["brokers"],
        transactional_id=group,
        acks="all",
        compression_type="lz4",
        linger_ms=0,
        max_batch_size=131_072,
    )
    await consumer.start()
    await producer.start()
    states: dict[bytes, job.Total] = {}
    while True:
        polled = await consumer.getmany(timeout_ms=200, max_records=8_000)
        if not polled:
            continue
        watch.began()
        count, sent, changed = 0, [], dict[tuple[int, bytes], job.Total]()
        async with producer.transaction():
            for tp, records in polled.items():
                count += len(records)
                for record in records:
                    known = changed.get((tp.partition, record.key)) or states.get(record.key)
                    after, told = job.step(known, job.decode(record.value))
                    changed[tp.partition, record.key] = after
                    sent.append(await producer.send(out, job.encode(told), key=record.key))
            for (partition, key), state in changed.items():
                sent.append(await producer.send(changelog, job.encode(state), key=key, partition=partition))
            ends = {tp: records[-1].offset + 1 for tp, records in polled.items()}
            await producer.send_offsets_to_transaction(ends, group)
            await asyncio.gather(*sent)
        states.update({key: state for (_, key), state in changed.items()})
        watch.done(count)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
