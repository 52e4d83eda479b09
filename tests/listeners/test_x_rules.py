"""The difference between X's rules and ours, and what search is asked for them."""

from hypothesis import given
from hypothesis import strategies as st

from config.settings import XRule
from listeners.imitations.x_query import parse
from listeners.x_rules import changes, full_tag, joined, own_tag, search_groups


def at_x(*rules):
    return [{"id": str(n), "value": value, "tag": tag} for n, (value, tag) in enumerate(rules)]


def test_equal_rules_need_nothing():
    todo = changes(at_x(("@nordfunk", "hilferuf:a")), [XRule(value="@nordfunk", tag="a")], "hilferuf")
    assert (todo.free, todo.add, todo.delete, todo.taken) == ((), (), (), ())


def test_a_changed_value_is_added_and_the_old_one_deleted_afterwards():
    todo = changes(at_x(("@nordfunk", "hilferuf:a")), [XRule(value="@nordfunk -is:retweet", tag="a")], "hilferuf")
    assert [rule.value for rule in todo.add] == ["@nordfunk -is:retweet"]
    assert (todo.free, todo.delete) == ((), ("0",))


def test_a_changed_tag_frees_the_value_first():
    todo = changes(at_x(("@nordfunk", "hilferuf:a")), [XRule(value="@nordfunk", tag="b")], "hilferuf")
    assert todo.free == ("0",)
    assert [rule.tag for rule in todo.add] == ["b"]


def test_rules_of_others_are_never_touched():
    todo = changes(at_x(("cats", "cats"), ("@nordfunk", None)), [XRule(value="@nordfunk", tag="a")], "hilferuf")
    assert (todo.free, todo.add, todo.delete) == ((), (), ())
    assert [rule.tag for rule in todo.taken] == ["a"]


rule_sets = st.lists(
    st.builds(XRule, value=st.sampled_from("ABCD"), tag=st.sampled_from("xyz")), unique_by=lambda rule: rule.value
)
current_sets = st.dictionaries(
    st.sampled_from("ABCDE"), st.sampled_from(["hilferuf:x", "hilferuf:y", "other", None]), max_size=5
)


@given(current_sets, rule_sets)
def test_after_the_changes_our_rules_are_the_wanted_ones(current, wanted):
    rules = at_x(*current.items())
    todo = changes(rules, wanted, "hilferuf")
    gone = {*todo.free, *todo.delete}
    after = {rule["value"]: rule["tag"] for rule in rules if rule["id"] not in gone}
    for rule in todo.add:
        assert rule.value not in after
        after[rule.value] = full_tag(rule.tag, "hilferuf")
    ours = {value: own_tag(tag, "hilferuf") for value, tag in after.items() if own_tag(tag, "hilferuf")}
    taken = {rule.value for rule in todo.taken}
    assert ours == {rule.value: rule.tag for rule in wanted if rule.value not in taken}
    foreign = {value: tag for value, tag in current.items() if own_tag(tag, "hilferuf") is None}
    assert {value: tag for value, tag in after.items() if own_tag(tag, "hilferuf") is None} == foreign


@given(st.lists(st.text("ab@ ", min_size=1, max_size=120).map(str.strip).filter(bool), max_size=20))
def test_queries_fit_and_hold_every_rule(values):
    groups, refused = search_groups([XRule(value=value, tag=str(n)) for n, value in enumerate(values)])
    assert refused == ()
    assert [value for group in groups for value in group] == values
    for group in groups:
        assert len(joined(group)) <= 512
        parse(joined(group))


def test_what_only_the_stream_can_do_is_named():
    rules = [
        XRule(value="bio:netz nordfunk", tag="bio"),
        XRule(value="x" * 600, tag="long"),
        XRule(value="@nordfunk", tag="a"),
    ]
    assert search_groups(rules) == ((("@nordfunk",),), ("bio", "long"))
