"""`hilferuf topics plan|apply|check`: the topics on the brokers, from the settings."""

from pathlib import Path

from config.kafka import KafkaSettings
from config.settings import Retention
from hilferuf.deployment import kafka_of
from hilferuf.rules import settings_of
from streams.kafka.admin import Difference, faults
from streams.kafka.admin import apply as apply_plan
from streams.kafka.admin import plan as make_plan
from streams.kafka.catalogue import catalogue

_DONE = {"create": "created", "change": "changed", "cannot": "CANNOT"}
_PLANNED = {"create": "create", "change": "change", "cannot": "CANNOT"}


def plan(config: Path | None) -> int:
    """Print what apply would do, and what it cannot do."""
    kafka, retention = _settings(config)
    differences = make_plan(kafka, retention)
    _say(differences, _PLANNED)
    if not differences:
        print(_well(kafka, retention))
    return 0


def apply(config: Path | None) -> int:
    """Do it. Exit code 1 when something is left that a person must do."""
    kafka, retention = _settings(config)
    differences = apply_plan(kafka, retention)
    _say(differences, _DONE)
    if not differences:
        print(_well(kafka, retention))
    return 1 if any(difference.kind == "cannot" for difference in differences) else 0


def check(config: Path | None) -> int:
    """One line a fault; exit code 1 when there is one."""
    kafka, retention = _settings(config)
    differences = make_plan(kafka, retention)
    for fault in faults(differences):
        print(fault)
    if not differences:
        print(_well(kafka, retention))
    return 1 if differences else 0


def _settings(config: Path | None) -> tuple[KafkaSettings, Retention]:
    loaded = settings_of(config)
    return kafka_of(loaded), loaded.settings.retention


def _say(differences: list[Difference], words: dict[str, str]) -> None:
    done = [difference for difference in differences if difference.kind != "cannot"]
    width = max((len(difference.topic.full_name) for difference in done), default=0)
    for difference in done:
        print(f"{words[difference.kind]:<7}  {difference.topic.full_name:<{width}}  {difference.text}")
    for fault in faults([difference for difference in differences if difference.kind == "cannot"]):
        print(f"{words['cannot']:<7}  {fault}")


def _well(kafka: KafkaSettings, retention: Retention) -> str:
    return f"all {len(catalogue(kafka, retention))} topics are as planned"
