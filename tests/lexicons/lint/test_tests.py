"""Examples that are missing or cannot both be right."""

from lexicons.lint.tests import check_tests

BOTH = "examples: {hits: [Box tot], misses: [Kiste tot]}"


def test_a_trigger_without_examples_of_a_kind_is_untested(written) -> None:
    none, hits, both = "id: a", "id: b, examples: {hits: [Box]}", f"id: c, {BOTH}"
    found = list(check_tests(written(*(f"{each}, phrases: [Box], weight: 9" for each in (none, hits, both)))))
    assert [(each.rule, each.trigger, each.message) for each in found] == [
        ("untested", "a", "has no examples of hits and of misses"),
        ("untested", "b", "has no examples of misses"),
    ]


def test_an_example_cannot_be_a_hit_and_a_miss(written) -> None:
    (remark,) = check_tests(
        written("id: a, phrases: [Box], weight: 9, examples: {hits: [Box tot], misses: [Kiste tot, 'Box TOT!']}")
    )
    assert (remark.rule, remark.severity, remark.field) == ("contradictory", "error", "triggers[0].examples.misses[1]")


def test_a_hit_of_one_trigger_is_no_miss_of_another_with_the_same_phrase(written) -> None:
    first = f"id: a, phrases: [tot, rot], weight: 9, {BOTH}"
    swapped = "weight: 5, examples: {hits: [Karton tot], misses: [Box tot]}"
    (remark,) = check_tests(written(first, f"id: b, phrases: [tot], {swapped}"))
    assert (remark.rule, remark.trigger) == ("contradictory", "b") and "`a`" in remark.message
    assert list(check_tests(written(first, f"id: b, phrases: [blau], {swapped}"))) == []
