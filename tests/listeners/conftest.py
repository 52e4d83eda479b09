"""A clock that nobody waits for, and an engine's door in memory."""

import pytest

from listeners.imitations.memory import MemoryPublisher, StepClock


@pytest.fixture
def clock() -> StepClock:
    return StepClock()


@pytest.fixture
def out() -> MemoryPublisher:
    return MemoryPublisher()
