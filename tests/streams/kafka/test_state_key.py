"""A record under another key than its state's: compaction keeps both, the stage sees one."""

from types import SimpleNamespace
from typing import Any

from streams.kafka.state import States
from streams.kafka.turn import Taking
from streams.stage import Output, Stage


class Heard(Stage[list[str]]):
    """Keeps what it heard of a key, whatever stands behind a `|`."""

    name, source = "heard", "tickets"

    def __init__(self) -> None:
        super().__init__(list[str])

    def decode(self, data: bytes) -> str:
        return data.decode()

    def state_key(self, record_key: str) -> str:
        return record_key.partition("|")[0]

    def step(self, key: str, state: list[str] | None, record: Any) -> tuple[list[str], list[Output]]:
        return [*(state or []), record], []


def test_a_record_beside_the_ticket_s_own_meets_the_ticket_s_state():
    stage = Heard()
    records = [
        SimpleNamespace(offset=n, key=key, value=value, timestamp=0)
        for n, (key, value) in enumerate(
            [(b"hf-1", b"wanted"), (b"hf-1|redrive|queue", b"again"), (b"hf-2", b"wanted")]
        )
    ]
    turn = Taking(stage, 0, None, lambda taken, dead: dead == 0).take(States(stage), None, records)
    assert turn.changed == {"hf-1": ["wanted", "again"], "hf-2": ["wanted"]}
