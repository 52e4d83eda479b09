"""What polled records make of a shard: pure, so without brokers."""

import msgspec
import pytest

from records import codec
from records.dead_letters import MAX_ORIGINAL
from records.events import Rules, Tick
from records.times import from_ms
from records.topics import DEAD_LETTERS, TICKETS, WHOLE
from streams.kafka import turn as turn_module
from streams.kafka.state import States
from streams.kafka.turn import (
    MAX_RECORD,
    Guard,
    GuardTripped,
    Note,
    Send,
    Taking,
    TooLarge,
    Turn,
    Unreadable,
)
from streams.stage import Output
from tests.streams.kafka.small_stage import Record, Small, Sum, control, records

NEW = Rules(lexicon_version="new", strategy="s")
OLD = Rules(lexicon_version="old", strategy="s")
CHANGELOG = "assess-state"


class Shard:
    """Takes, and commits what came of it, as the real one does."""

    def __init__(self, *, faulty: tuple[str, ...] = (), rules: Rules | None = NEW, guard: Guard | None = None) -> None:
        self.stage = Small(faulty)
        self.states: States[Sum] = States(self.stage)
        self.note: Note | None = None
        self.taking = Taking(self.stage, 1, rules, guard or Guard(10_000, 1.0))

    def take(self, *pairs: "tuple[str | None, str | bytes | None]", start: int = 0) -> Turn[Sum]:
        return self.taking.take(self.states, self.note, records(*pairs, start=start))

    def commit(self, *pairs: "tuple[str | None, str | bytes | None]", start: int = 0) -> list[Send]:
        turn = self.take(*pairs, start=start)
        sends, data = turn.sealed()
        for key, state in turn.changed.items():
            self.states.put(key, state, data[key])
        self.states.settle()
        self.note = turn.note
        return sends


def told(sends: list[Send]) -> list[tuple[str, object]]:
    """What went to `tickets`: key and value."""
    return [(s.key.decode(), s.value and msgspec.json.decode(s.value)) for s in sends if s.topic == TICKETS]


def letters(sends: list[Send]) -> list[object]:
    return [codec.dead_letters.decode(s.value) for s in sends if s.topic == DEAD_LETTERS]


def changelog(sends: list[Send]) -> dict[str, bytes | None]:
    return {s.key.decode(): s.value for s in sends if s.topic == CHANGELOG}


def tick(at: int) -> tuple[str, bytes]:
    return WHOLE, control(Tick(at=from_ms(at)))


# what is written


def test_a_state_is_encoded_once_a_turn(monkeypatch):
    shard, encoded = Shard(), []
    dump = shard.stage.dump
    monkeypatch.setattr(shard.stage, "dump", lambda state: encoded.append(state) or dump(state))
    shard.commit(("a", "+1"), ("b", "+2"), ("a", "+3"))
    assert [state.total for state in encoded] == [4, 2]


def test_one_changelog_record_a_changed_key_with_its_last_state_in_the_shards_own_partition():
    sends = Shard().commit(("a", "+1"), ("b", "+2"), ("a", "+3"))
    assert told(sends) == [("a", 1), ("b", 2), ("a", 4)]
    assert changelog(sends) == {"a": Small().dump(Sum(4)), "b": Small().dump(Sum(2)), WHOLE: b"{}"}
    assert {s.partition for s in sends if s.topic == CHANGELOG} == {1}
    assert {s.partition for s in sends if s.topic == TICKETS} == {None}


def test_the_first_transaction_leaves_a_note_even_where_no_state_changed():
    shard = Shard()
    assert changelog(shard.commit((None, "+1"))) == {WHOLE: b"{}"}
    assert changelog(shard.commit(("a", "+1"), start=1)).keys() == {"a"}


def test_a_state_that_goes_and_a_record_that_goes_are_tombstones():
    shard = Shard()
    shard.commit(("a", "+1"))
    sends = shard.commit(("a", "gone"), start=1)
    assert told(sends) == [("a", None)] and changelog(sends) == {"a": None}
    assert len(shard.states) == 0


def test_a_state_of_nothing_is_no_tombstone():
    assert changelog(Shard().commit(("a", "+0"), ("a", "due 7")))["a"] is not None


# dead letters


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (None, "+1", "the record has no key"),
        ("a", None, "the record has no value"),
        ("a", b"\xff\xfe", "invalid start byte"),
        ("a", "fail", "KeyError"),
        ("a", "shout 900001", "more than 900000"),
        (WHOLE, b"{}", "control record"),
        (WHOLE, None, "control record"),
    ],
)
def test_a_record_that_cannot_be_used_becomes_a_dead_letter_and_the_others_go_on(key, value, said):
    sends = Shard().commit(("a", "+1"), (key, value), ("b", "+2"), start=5)
    assert told(sends) == [("a", 1), ("b", 2)]
    (letter,) = letters(sends)
    assert said in letter.reason and letter.origin == "author-events/1/6"
    assert letter.original == (value.encode() if isinstance(value, str) else value or b"")


def test_a_key_that_is_no_text_is_a_dead_letter():
    turn = Shard().taking.take(States(Small()), None, [Record(0, b"\xff", b"+1")])
    assert turn.dead == 1 and turn.changed == {}


def test_the_same_record_gives_the_same_letter():
    assert letters(Shard().commit(("a", "fail"))) == letters(Shard().commit(("a", "fail")))


def test_a_large_original_is_cut_and_its_letter_can_be_written():
    (letter,) = letters(Shard().commit(("a", b"\xff" * 5_000_000)))
    assert len(letter.original) == MAX_ORIGINAL and "had 5000000 bytes" in letter.reason
    assert len(codec.encode(letter)) < MAX_RECORD


def test_the_record_that_makes_a_state_too_large_is_refused_and_no_other():
    shard = Shard()
    shard.commit(("a", "big 800000"), ("b", "due 1"))
    turn = shard.take(("a", "+1"), tick(5), ("a", "big 900000"), ("a", "+2"), ("b", "+3"), start=2)
    sends, _ = turn.sealed()
    assert told(sends) == [("a", 1), ("b", "tick"), ("a", 3), ("b", 3)]  # timers fired once, though run twice
    assert [letter.origin for letter in letters(sends)] == ["author-events/1/4"]
    assert turn.too_large == 1 and turn.changed["a"] == Sum(3, ballast="x" * 800_000)


def test_the_record_that_makes_a_state_which_cannot_be_encoded_is_refused_and_no_other(monkeypatch):
    shard = Shard()
    dump = shard.stage.dump

    def picky(state: Sum) -> bytes:
        if state.total > 5:
            raise UnicodeEncodeError("utf-8", "?", 0, 1, "surrogates not allowed")
        return dump(state)

    monkeypatch.setattr(shard.stage, "dump", picky)
    sends = shard.commit(("a", "+1"), ("a", "+9"), ("b", "+2"))
    assert told(sends) == [("a", 1), ("b", 2)] and len(letters(sends)) == 1


def test_a_state_that_is_too_large_only_for_a_moment_is_let_through():
    assert letters(Shard().commit(("a", "big 900000"), ("a", "big 5"))) == []


def test_what_is_too_large_outside_the_input_is_raised():
    turn = Turn(Small(), States(Small()), None, 0)
    turn.put("a", Sum(ballast="x" * MAX_RECORD))
    with pytest.raises(TooLarge):
        turn.sealed()


def test_a_state_that_cannot_be_read_is_no_fault_of_the_record():
    shard = Shard()
    shard.states.load([("a", 5, b"{")])
    for record in (("a", "+1"), tick(9)):
        with pytest.raises(Unreadable):
            shard.take(record)
        shard.states.rewind()


# the guard


def outcomes(text: str) -> list[bool]:
    return [letter == "x" for letter in text]


def test_the_guard_trips_when_more_than_its_share_of_the_newest_records_failed():
    assert Guard(10, 0.5).allows(outcomes("xxxxx....."))
    assert not Guard(10, 0.5).allows(outcomes(".xxxxxx..."))


def test_the_guard_trips_before_as_many_came_once_it_must():
    guard = Guard(10, 0.5)
    assert guard.allows(outcomes("xxxxx")) and not guard.allows(outcomes("x"))


def test_the_guard_counts_across_batches_and_forgets_the_oldest():
    guard = Guard(10, 0.5)
    for _ in range(30):
        assert guard.allows(outcomes("x")) and guard.allows(outcomes("."))
    assert guard.allows(outcomes("....")) and guard.allows(outcomes("xx"))
    assert not guard.allows(outcomes("xxxx"))


def test_a_run_of_failures_in_the_midst_of_a_large_batch_trips():
    assert not Guard(10, 0.5).allows(outcomes("." * 500 + "x" * 6 + "." * 500))


def test_spread_failures_below_the_share_never_trip():
    assert Guard(200, 0.5).allows(outcomes("xx..." * 2_000))


def test_a_share_of_one_lets_everything_through():
    assert Guard(10, 1.0).allows(outcomes("x" * 1_000))


def test_a_tripped_guard_says_what_to_do_and_nothing_is_written():
    shard = Shard(guard=Guard(10, 0.5))
    with pytest.raises(
        GuardTripped, match=r"assess 1: most records would become dead letters, 6 of 7 from offset 3 on.*share"
    ):
        shard.take(("a", "+1"), *[("a", "fail")] * 6, start=3)


def test_rules_that_fail_on_most_keys_trip_the_guard_in_one_record():
    keys = tuple("abcdefgh")
    shard = Shard(faulty=keys, guard=Guard(10, 0.5))
    shard.commit(*[(key, "+1") for key in keys])
    with pytest.raises(GuardTripped):
        shard.take((WHOLE, control(NEW)), start=8)


# Ticks


def test_a_tick_goes_to_the_keys_that_are_due_in_their_order():
    shard = Shard()
    shard.commit(("c", "due 5"), ("a", "due 7"), ("b", "due 5"), ("d", "due 8"))
    assert told(shard.commit(tick(7), start=4)) == [("b", "tick"), ("c", "tick"), ("a", "tick")]
    assert told(shard.commit(tick(7), start=5)) == []


def test_a_key_that_went_in_the_same_batch_gets_no_tick():
    shard = Shard()
    shard.commit(("a", "due 5"), ("b", "due 5"))
    assert told(shard.commit(("a", "gone"), tick(7), start=2)) == [("a", None), ("b", "tick")]


def test_more_timers_than_one_tick_may_fire_wait_for_the_next(monkeypatch):
    monkeypatch.setattr(turn_module, "TIMERS", 2)
    shard = Shard()
    shard.commit(*[(key, "due 5") for key in "abc"])
    assert told(shard.commit(tick(7), start=3)) == [("a", "tick"), ("b", "tick")]
    assert told(shard.commit(tick(7), start=4)) == [("c", "tick")]


def test_a_key_that_fails_at_a_tick_is_a_dead_letter_once_and_the_others_get_theirs():
    shard = Shard(faulty=("a",))
    shard.commit(("a", "due 5"), ("b", "due 5"))
    sends = shard.commit(tick(7), start=2)
    assert told(sends) == [("b", "tick")] and len(letters(sends)) == 1
    assert letters(shard.commit(tick(8), start=3)) == []


def test_a_clock_that_is_ahead_of_the_brokers_fires_no_timer_early():
    shard, written = Shard(), records(tick(0))[0].timestamp
    shard.commit(("now", f"due {written}"), ("later", f"due {written + 1}"))
    assert told(shard.commit(tick(written + 10**10), start=2)) == [("now", "tick")]
    assert shard.states.next_due() == written + 1


# a change of the rules


@pytest.fixture
def small_steps(monkeypatch):
    monkeypatch.setattr(turn_module, "REDERIVED", 2)


def follow(shard: Shard, sends: list[Send], start: int) -> tuple[list[object], int]:
    """Feed back what the shard writes into its own partition, until it writes no more. Returns what was told, in order."""
    seen = []
    while True:
        seen += told(sends)
        own = [s for s in sends if s.topic == "author-events"]
        assert {s.partition for s in own} <= {1}
        if not own:
            return seen, start
        sends = shard.commit(*[(s.key.decode(), s.value) for s in own], start=start)
        start += len(own)


def test_every_key_is_derived_anew_once_in_bounded_steps(small_steps):
    shard = Shard()
    shard.commit(*[(key, "+1") for key in "edcba"])
    begun = shard.commit((WHOLE, control(NEW)), start=5)
    assert told(begun) == [("a", "new"), ("b", "new")] and shard.note == Note(deriving=NEW.name)
    seen, _ = follow(shard, begun, 6)
    assert seen == [(key, "new") for key in "abcde"] and shard.note == Note(rules=NEW.name)


def test_a_key_that_comes_in_between_is_derived_too_or_was_made_by_the_new_rules_already(small_steps):
    shard = Shard()
    shard.commit(*[(key, "+1") for key in "bdf"])
    begun = shard.commit((WHOLE, control(NEW)), start=3)
    shard.commit(("e", "+1"), ("a", "+1"), start=4)
    assert [key for key, _ in follow(shard, begun, 6)[0]] == ["b", "d", "e", "f"]


def test_rules_that_are_told_twice_while_they_are_at_work_begin_once(small_steps):
    shard = Shard()
    shard.commit(*[(key, "+1") for key in "abcde"])
    begun = shard.commit((WHOLE, control(NEW)), (WHOLE, control(NEW)), start=5)
    assert len([s for s in begun if s.topic == "author-events"]) == 1
    assert follow(shard, begun, 7)[0] == [(key, "new") for key in "abcde"]


def test_a_step_of_rules_that_were_superseded_does_nothing(small_steps):
    shard = Shard(rules=OLD)
    shard.commit(*[(key, "+1") for key in "abcde"])
    stale = shard.commit((WHOLE, control(OLD)), start=5)
    shard.taking.rules = NEW  # the process was started anew with others
    begun = shard.commit((WHOLE, control(NEW)), start=6)
    assert follow(shard, stale, 7)[0][2:] == []  # its next step has no effect
    assert follow(shard, begun, 9)[0] == [(key, "new") for key in "abcde"]
    assert shard.note == Note(rules=NEW.name)


def test_rules_of_another_process_are_left_alone():
    shard = Shard(rules=OLD)
    shard.commit(("a", "+1"))
    assert shard.commit((WHOLE, control(NEW)), start=1) == []


def test_what_another_process_began_and_nobody_went_on_with_is_begun_again_by_both(small_steps):
    """A rolling upgrade: the new program begins, the old one takes the partition over for a while, then it comes back."""
    shard = Shard(rules=OLD)
    shard.commit(*[(key, "+1") for key in "abcde"])
    shard.note = Note(rules=OLD.name)
    shard.taking.rules = NEW
    begun = shard.commit((WHOLE, control(NEW)), start=5)
    shard.taking.rules = OLD
    assert follow(shard, begun, 6)[0] == told(begun)  # goes on with nothing that is not its own
    assert shard.note == Note()  # neither is known to be in force, so either is told anew
    shard.taking.rules = NEW
    begun = shard.commit((WHOLE, control(NEW)), start=7)
    assert follow(shard, begun, 8)[0] == [(key, "new") for key in "abcde"]
    assert shard.note == Note(rules=NEW.name)


def test_rules_on_offer_are_worked_by_from_their_record_on_and_not_before():
    class Double(Small):
        def step(self, key, state, record):
            after, outputs = super().step(key, state, record)
            return after, outputs * 2

    shard = Shard(rules=OLD)
    shard.commit(("a", "+1"))
    shard.taking.offer(Double(), NEW)
    assert told(shard.commit(("b", "+1"), start=1)) == [("b", 1)]
    mixed = shard.commit(("c", "+1"), (WHOLE, control(NEW)), ("d", "+1"), start=2)
    assert told(mixed) == [("c", 1), *[(key, "new") for key in "abc" for _ in range(2)], ("d", 1), ("d", 1)]
    assert (shard.note.rules, shard.taking.rules) == (NEW.name, NEW)


@pytest.mark.parametrize("note", [Note(rules=NEW.name), Note(deriving=NEW.name)])
def test_rules_on_offer_hold_at_once_in_a_partition_that_another_process_has_told_them(note):
    shard = Shard(rules=OLD)
    shard.note = note
    shard.taking.offer(Small(), NEW)
    shard.commit(("a", "+1"))
    assert shard.taking.rules == NEW


def test_a_turn_that_is_run_again_record_by_record_switches_at_the_same_record():
    class Loud(Small):
        def step(self, key, state, record):
            after, _ = super().step(key, state, record)
            return after, [Output(TICKETS, key, "loud")]

    shard = Shard(rules=OLD)
    shard.taking.offer(Loud(), NEW)
    sends = shard.commit(("a", "+1"), ("b", f"big {MAX_RECORD}"), (WHOLE, control(NEW)), ("c", "+1"))
    assert ("a", 1) in told(sends) and ("c", "loud") in told(sends) and shard.taking.rules == NEW


def test_going_back_before_all_keys_were_derived_derives_all_of_them_again(small_steps):
    shard = Shard(rules=OLD)
    shard.commit(*[(key, "+1") for key in "abcde"])
    shard.note = Note(rules=OLD.name)
    shard.taking.offer(Small(), NEW)
    stale = shard.commit((WHOLE, control(NEW)), start=5)
    assert shard.note == Note(deriving=NEW.name)  # so whoever works by the old ones has to tell them
    shard.taking.offer(Small(), OLD)
    begun = shard.commit((WHOLE, control(OLD)), start=6)
    assert follow(shard, stale, 7)[0][2:] == []
    assert follow(shard, begun, 9)[0] == [(key, "old") for key in "abcde"]


def test_a_stage_that_derives_nothing_only_switches(small_steps):
    shard = Shard(rules=OLD)
    shard.stage.derives = False
    shard.commit(*[(key, "+1") for key in "abcde"])
    assert told(shard.commit((WHOLE, control(OLD)), start=5)) == []
    assert shard.note == Note(rules=OLD.name)


def test_exactly_as_many_keys_as_one_step_takes_end_with_an_empty_step(small_steps):
    shard = Shard()
    shard.commit(("a", "+1"), ("b", "+1"))
    begun = shard.commit((WHOLE, control(NEW)), start=2)
    assert follow(shard, begun, 3)[0] == [("a", "new"), ("b", "new")]
    assert shard.note == Note(rules=NEW.name)


def test_a_shard_without_keys_knows_its_rules_at_once():
    shard = Shard()
    shard.commit((WHOLE, control(NEW)))
    assert shard.note == Note(rules=NEW.name)
