"""A broker that demands TLS and a login (SCRAM-SHA-512), and checks rights: what a production cluster asks of every client.

Users: `hilferuf` may everything; `guest` may log in, and nothing else until a test gives it a right.
"""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from config.kafka import KafkaSettings, SaslSettings, TlsSettings
from config.section import Secret
from tests.kafka_server import KafkaServer, start_kafka
from tests.servers import free_port

USER, PASSWORD = "hilferuf", "correct-horse"
GUEST, GUEST_PASSWORD = "guest", "battery-staple"
_EXTRA = """\
listener.security.protocol.map=CLIENT:SASL_SSL,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
listeners=CLIENT://127.0.0.1:{{port}},BROKER://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{{controller}}
advertised.listeners=CLIENT://127.0.0.1:{{port}},BROKER://127.0.0.1:{broker}
inter.broker.listener.name=BROKER
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.client.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{user};User:ANONYMOUS
"""


@dataclass
class SecureKafka:
    """The broker, and the parts of KafkaSettings that reach it. `folder` holds ca.pem and stranger.pem (an authority that did
    not sign the broker's certificate), and the passwords as files of secrets."""

    server: KafkaServer
    folder: Path

    @property
    def bootstrap(self) -> tuple[str, ...]:
        return tuple(self.server.bootstrap)

    @property
    def tls(self) -> TlsSettings:
        return TlsSettings(ca_file=str(self.folder / "ca.pem"))

    @property
    def wrong_tls(self) -> TlsSettings:
        """Trusts another authority than the broker's."""
        return TlsSettings(ca_file=str(self.folder / "stranger.pem"))

    @property
    def sasl(self) -> SaslSettings:
        return self._login(USER, PASSWORD)

    @property
    def guest(self) -> SaslSettings:
        return self._login(GUEST, GUEST_PASSWORD)

    @property
    def wrong_password(self) -> SaslSettings:
        return self._login(USER, "wrong")

    def settings(self, prefix: str) -> KafkaSettings:
        """Settings that work; change parts with `msgspec.structs.replace`."""
        return KafkaSettings(
            bootstrap=self.bootstrap,
            prefix=prefix,
            partitions=2,
            replication=1,
            min_insync=1,
            tls=self.tls,
            sasl=self.sasl,
        )

    def yaml(self, prefix: str) -> str:
        """The same as the section `kafka` of hilferuf.yaml."""
        section = msgspec.to_builtins(self.settings(prefix))
        return f"kafka: {msgspec.json.encode(section).decode()}\n"  # JSON is YAML

    def discard(self) -> None:
        self.server.discard()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _login(self, user: str, password: str) -> SaslSettings:
        file = self.folder / f"{user}-{password}"
        file.write_text(password, "utf-8")
        return SaslSettings(username=user, password=Secret(file=str(file)))


def start_secure_kafka() -> SecureKafka:
    """Certificates and a broker of its own; `discard` ends it and deletes both. Takes about six seconds."""
    folder = Path(tempfile.mkdtemp(prefix="hilferuf-tls-"))
    _authority(folder, "ca")
    _authority(folder, "stranger")
    _certificate(folder)
    extra = _EXTRA.format(broker=free_port(), keystore=folder / "broker.pem", user=USER)
    users = [
        argument
        for name, password in ((USER, PASSWORD), (GUEST, GUEST_PASSWORD))
        for argument in ("--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]")
    ]
    try:
        return SecureKafka(start_kafka(1, extra, tuple(users)), folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _authority(folder: Path, name: str) -> None:
    _openssl(folder, f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name} -keyout {name}.key -out {name}.pem")


def _certificate(folder: Path) -> None:
    """The broker's, for 127.0.0.1; key and chain in one file, as Kafka wants it."""
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n", "utf-8")
    _openssl(folder, "req -newkey rsa:2048 -nodes -keyout broker.key -out broker.csr -subj /CN=127.0.0.1")
    signing = "-CA ca.pem -CAkey ca.key -CAcreateserial -extfile names"
    _openssl(folder, f"x509 -req -days 2 {signing} -in broker.csr -out broker.crt")
    parts = [(folder / name).read_text("utf-8") for name in ("broker.key", "broker.crt", "ca.pem")]
    (folder / "broker.pem").write_text("".join(parts), "utf-8")


def _openssl(folder: Path, arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], cwd=folder, check=True, capture_output=True, timeout=30)
