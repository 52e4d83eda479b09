"""What makes a deployment on Kafka one: its section of the settings, and a fingerprint of what all its processes must share."""

from config.kafka import KafkaSettings
from config.settings import Loaded
from config.yaml_file import ConfigError
from hilferuf.rules import RuleSet
from hilferuf.wiring import sink_settings
from records.ids import digest
from streams.topology import rules_record


def kafka_of(loaded: Loaded) -> KafkaSettings:
    """The section `kafka`. Raises ConfigError where there is none: then the embedded engine runs, and has no topics."""
    kafka = loaded.settings.kafka
    if kafka is None:
        hint = "without it the embedded engine runs, which needs no topics; see docs/operations.md"
        raise ConfigError("there is no section `kafka`", loaded.file, hint=hint)
    return kafka


def fingerprint(rules: RuleSet) -> str:
    """Eight characters, the same in every process of a deployment: of lexicons (brands among them), strategy, conversation
    settings and helpdesks. Another one in the same consumer group is a rolling upgrade, or another deployment."""
    settings = rules.loaded.settings
    judged = rules_record(rules.lexicon, rules.strategy, settings)
    desks = [
        f"{name} {getattr(options, 'url', '')} {getattr(options, 'queue', '')} {' '.join(sorted(options.brands))}"
        for name, options in sink_settings(settings)
    ]
    return digest(judged.lexicon_version, judged.strategy, *sorted(desks))[:8]
