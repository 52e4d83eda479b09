"""Brokers that a test may kill."""

import os
from collections.abc import Iterator

import pytest

from tests.kafka_server import KafkaServer, start_kafka


@pytest.fixture
def broker() -> Iterator[KafkaServer]:
    """A cluster of its own: HILFERUF_CHAOS_NODES nodes (default 1)."""
    server = start_kafka(int(os.environ.get("HILFERUF_CHAOS_NODES", "1")))
    yield server
    server.discard()
