"""The editions of the lexicons on the topic `rules`, as several processes see them."""

from contextlib import ExitStack

import pytest

from config.settings import Retention
from records.errors import Transient
from streams.editions import KEPT, decided, rolled_back
from streams.kafka import admin
from streams.kafka.editions import looking
from tests.streams.kafka.desk_rig import settings_for
from tests.streams.test_editions import edition, step


@pytest.fixture
def connect(kafka, prefix):
    settings = settings_for(kafka, prefix)
    admin.apply(settings, Retention())
    with ExitStack() as connected:
        yield lambda: connected.enter_context(looking(settings))


def test_what_one_process_decides_the_others_see_and_one_that_comes_later_too(connect):
    one, two = connect(), connect()
    assert one.in_force() is None and two.in_force() is None
    new = edition("ä" * 400_000)  # a lexicon may be large
    held = decided(None, step(new.id), new.id)
    one.decide(held, new)
    assert two.in_force() == held == connect().in_force()
    assert two.edition(new.id) == new


def test_the_way_back_is_kept_and_what_lies_behind_it_is_deleted(connect):
    one = connect()
    held = None
    for number in range(KEPT + 2):
        new = edition(str(number))
        one.in_force()
        held = decided(held, step(new.id), new.id)
        one.decide(held, new)
    late = connect()
    assert late.in_force() == held
    assert late.edition(edition("1").id) == edition("1")
    with pytest.raises(Transient, match="not on the topic yet"):
        late.edition(edition("0").id)
    late.decide(rolled_back(held, held.now.at), None)
    assert one.in_force().now.edition == edition(str(KEPT)).id
