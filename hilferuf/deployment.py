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
    """Eight characters, the same in every process of a deployment: of the names of lexicons and brands, strategy, threshold,
    conversation settings and helpdesks. Another one in the same consumer group is a rolling upgrade, or another deployment.
    What the lexicons say is left out: it changes while processes run, and all of them follow it."""
    settings = rules.loaded.settings
    judged = rules_record(rules.lexicon, rules.strategy, settings)
    names = [*settings.lexicons, *sorted(rules.lexicon.brands.ids), str(settings.need_threshold)]
    desks = [
        f"{name} {getattr(options, 'url', '')} {getattr(options, 'queue', '')} {' '.join(sorted(options.brands))}"
        for name, options in sink_settings(settings)
    ]
    return digest(*names, judged.strategy, *sorted(desks))[:8]
