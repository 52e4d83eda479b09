"""For all tests: how long an example takes says nothing on a machine that others use too."""

import os
import uuid
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.kafka_server import start_kafka
from tests.secure_kafka import SecureKafka, start_secure_kafka

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def kafka() -> Iterator[list[str]]:
    """Addresses of a running broker that all tests share; each takes a prefix of its own for topics and groups."""
    given = os.environ.get("KAFKA_BOOTSTRAP")
    if given:
        yield given.split(",")
        return
    server = start_kafka()
    yield server.bootstrap
    server.discard()


@pytest.fixture(scope="session")
def secure_kafka() -> Iterator[SecureKafka]:
    """A broker of its own that demands TLS and a login."""
    secure = start_secure_kafka()
    yield secure
    secure.discard()


@pytest.fixture
def prefix() -> str:
    """A prefix for topics and groups that no other test has."""
    return f"t{uuid.uuid4().hex[:10]}."
