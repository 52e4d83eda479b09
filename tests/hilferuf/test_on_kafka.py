"""How a deliverer on Kafka is put together."""

from pathlib import Path

from hilferuf.on_kafka import Deployment
from hilferuf.rules import rules_of, settings_of
from listeners.clock import SystemClock

SETTINGS = "lexicons: [de]\nkafka: {bootstrap: ['127.0.0.1:9'], prefix: t., partitions: 2}\nsinks: {queue: {}}\n"


async def test_ledger_deliverer_and_group_know_each_other(tmp_path: Path):
    """Else: no new work is seen, a failed transaction goes on, a partition is given up in the middle of a write."""
    (tmp_path / "hilferuf.yaml").write_text(SETTINGS)
    rules = rules_of(settings_of(tmp_path / "hilferuf.yaml"))
    ((application, deliverer),) = Deployment(rules, {}, SystemClock(), None).deliverers(None)
    ledger = deliverer._ledger
    assert (ledger.finish, ledger.fail) == (deliverer.finish, application.fail)
    assert (application._make_shard, application._on_open) == (ledger.shard, ledger.opened)
    assert application._on_close == ledger.closed
    ledger.wake()
    assert deliverer.wake.is_set()
