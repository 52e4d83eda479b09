"""The section `kafka`: with it, Hilferuf runs on Apache Kafka; without it, on the embedded engine."""

import ssl
from typing import Annotated, Any, Literal

import msgspec

from config.section import UNPLACED, Positive, Secret, Section
from config.yaml_file import ConfigError

Address = Annotated[str, msgspec.Meta(pattern=r"^[^\s:/]+:\d{1,5}$")]
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000)]


class TlsSettings(Section, frozen=True, kw_only=True):
    """TLS to the brokers. ca_file: who signed the brokers' certificates (left out: the system's authorities);
    certificate_file, key_file: our own, where the brokers ask for one (PEM). Paths are relative to the settings file."""

    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    check_hostname: bool = True


class SaslSettings(Section, frozen=True, kw_only=True):
    """Who we are to the brokers."""

    username: str
    password: Secret
    mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = "SCRAM-SHA-512"


class SpoolSettings(Section, frozen=True, kw_only=True):
    """Where listeners keep what they heard while Kafka is away: a file in the data folder, to lie on a disk that outlives the
    process. after_seconds: how long an acknowledgement of Kafka is waited for before a mention goes to the spool."""

    max_mb: Annotated[int, msgspec.Meta(ge=1)] = 512
    after_seconds: Positive = 2.0


class GuardSettings(Section, frozen=True, kw_only=True):
    """A worker stops when of the last `records` that a partition took more than `share` became dead letters: then the fault is
    the program's or its rules', not the input's. share 1.0 = never."""

    records: Annotated[int, msgspec.Meta(ge=10)] = 200
    share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5


class KafkaSettings(Section, frozen=True, kw_only=True):
    """The brokers, and the topics that `hilferuf topics apply` makes there.

    prefix: stands before every topic, group and transactional id, so that two deployments can share brokers. partitions: of
    every topic; not to be changed later (see docs/operations.md). min_insync: of `replication` copies, how many must have a
    record before it counts as written.
    """

    bootstrap: tuple[Address, ...]
    prefix: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{0,60}$")] = "hilferuf."
    partitions: Count = 8
    replication: Annotated[int, msgspec.Meta(ge=1, le=9)] = 3
    min_insync: Annotated[int, msgspec.Meta(ge=1, le=9)] = 2
    tls: TlsSettings | None = None
    sasl: SaslSettings | None = None
    spool: SpoolSettings = SpoolSettings()
    guard: GuardSettings = GuardSettings()
    session_seconds: Annotated[float, msgspec.Meta(ge=6, le=300)] = 10.0
    snapshot_minutes: Positive = 5.0

    def topic(self, name: str) -> str:
        """A topic's name on the brokers."""
        return self.prefix + name

    def group(self, role: str) -> str:
        """The consumer group of a role: `work`, or `deliver-` and a sink's name."""
        return self.prefix + role


def client_options(kafka: KafkaSettings) -> dict[str, Any]:
    """How to reach the brokers, in the words that aiokafka and kafka-python share. Raises ConfigError for a secret or a
    certificate that cannot be read."""
    options: dict[str, Any] = {"bootstrap_servers": list(kafka.bootstrap)}
    if kafka.tls is not None:
        options["ssl_context"] = _context(kafka.tls)
    if kafka.sasl is not None:
        options["sasl_mechanism"] = kafka.sasl.mechanism
        options["sasl_plain_username"] = kafka.sasl.username
        options["sasl_plain_password"] = kafka.sasl.password.reveal()
    protocol = ("SASL_" if kafka.sasl else "") + ("SSL" if kafka.tls else "PLAINTEXT")
    return options | {"security_protocol": protocol}


def _context(tls: TlsSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        if tls.certificate_file is not None:
            context.load_cert_chain(tls.certificate_file, tls.key_file)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(name for name in (tls.ca_file, tls.certificate_file, tls.key_file) if name)
        raise ConfigError(f"TLS to Kafka: {error}", UNPLACED, hint=f"check {files}") from error
    context.check_hostname = tls.check_hostname
    return context
