"""Strategy files: packaged and own ones, warnings, and what is refused."""

import re
from pathlib import Path

import msgspec
import pytest

from config.yaml_file import ConfigError
from priority.strategy import PACKAGED, Strategy, load_strategy, packaged_strategies, problems, warnings


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "mine.yaml").write_text(text, "utf-8")
    return tmp_path


def refused(tmp_path: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_strategy("mine.yaml", written(tmp_path, text))
    return caught.value


def test_every_packaged_strategy_loads_without_a_warning():
    assert packaged_strategies() == ("balanced", "key-accounts", "service-first")
    for name in packaged_strategies():
        strategy = load_strategy(name, Path())
        assert strategy.name == name
        assert warnings(strategy) == ()


def test_balanced_spells_out_exactly_the_defaults(balanced):
    assert msgspec.structs.replace(balanced, about="") == Strategy()


def test_balanced_names_every_setting_there_is():
    keys = set(re.findall(r"^\s*([a-z_]+):", (PACKAGED / "balanced.yaml").read_text("utf-8"), re.MULTILINE))
    factors = Strategy().factors
    for section in (getattr(factors, name) for name in factors.__struct_fields__):
        assert set(section.__struct_fields__) <= keys


def test_a_strategy_from_a_file_is_found_beside_the_settings_and_named_after_it(tmp_path):
    strategy = load_strategy("mine.yaml", written(tmp_path, "factors: {influence: {cap: 5}}\n"))
    assert (strategy.name, strategy.factors.influence.cap) == ("mine", 5)


def test_the_version_changes_with_the_content_and_not_with_comments_or_order(tmp_path):
    first = load_strategy("mine.yaml", written(tmp_path, "about: x\nfactors:\n  content: {cap: 40, further: 0.2}\n"))
    same = load_strategy("mine.yaml", written(tmp_path, "# y\nfactors:\n  content: {further: 0.2, cap: 40}\n"))
    other = load_strategy("mine.yaml", written(tmp_path, "factors:\n  content: {cap: 41, further: 0.2}\n"))
    assert first.version == same.version
    assert first.version != other.version
    assert re.fullmatch(r"mine@[0-9a-f]{8}", first.version)


def test_a_misspelt_key_is_refused_with_file_line_and_the_nearest_right_one(tmp_path):
    error = refused(tmp_path, "name: mine\nfactors:\n  purchases:\n    half_live_days: 3\n")
    assert error.line == 4
    assert error.file.endswith("mine.yaml")
    assert error.field == "factors.purchases.half_live_days"
    assert "half_life_days" in str(error)


def test_a_misspelt_name_is_refused_with_the_nearest_right_one():
    with pytest.raises(ConfigError, match="did you mean `balanced`"):
        load_strategy("ballanced", Path())


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ("factors: {content: {cap: 66}}", "factors", "the caps sum to 116, above 100"),
        ("factors: {influence: {cap: 31}}", "factors.influence.cap", "<= 30"),
        (
            "factors: {content: {weights: {triggers: 0, urgency: 0, anger: 0, sentiment: 0, need: 0}}}",
            "factors.content.weights",
            "all 0",
        ),
        ("factors: {content: {triggers_full: .nan}}", "factors.content.triggers_full", "> 0"),
        ("factors: {purchases: {half_life_days: 0}}", "factors.purchases.half_life_days", "> 0"),
        ("factors: {purchases: {currency: euro}}", "factors.purchases.currency", "no currency"),
        ("factors: {purchases: {rates: {USD: 0}}}", "factors.purchases.rates.USD", "not above 0"),
        ("factors: {purchases: {rates: {USD: .nan}}}", "factors.purchases.rates.USD", "not above 0"),
        ("factors: {purchases: {rates: {EUR: 2}}}", "factors.purchases.rates.EUR", "must be 1"),
        ("factors: {contacts: {resolved: 0.5}}", "factors.contacts.resolved", "counts more"),
        ("factors: {contacts: {resolved_hours: 800}}", "factors.contacts.resolved_hours", "longer"),
        ("leagues: {safety: {rank: 21, longest: 5, shortest: 5}}", "leagues.safety.rank", "<= 20"),
        ("leagues: {safety: {rank: 3, longest: 5, shortest: 6}}", "leagues.safety.shortest", "more than longest"),
        ("targets: {channels: {twitter: {longest: 5, shortest: 5}}}", "targets.channels.twitter", "unknown key"),
        ("targets: {kinds: {revue: {longest: 5, shortest: 5}}}", "targets.kinds.revue", "did you mean `review`"),
        ("targets: {default: {longest: 5, shortest: 6}}", "targets.default.shortest", "more than longest"),
        ("calendar: {zone: Europe/Berln}", "calendar.zone", "did you mean `Europe/Berlin`"),
        ("calendar: {zone: ../../etc/passwd}", "calendar.zone", "no time zone"),
        ("calendar: {open: {mon: [], tue: [], wed: [], thu: [], fri: [], sat: []}}", "calendar.open", "no open hour"),
        ("calendar: {open: {mon: ['22:00-06:00']}}", "calendar.open.mon[0]", "two spans"),
        ("calendar: {open: {mon: ['8-18']}}", "calendar.open.mon[0]", "no time such as"),
        ("calendar: {open: {mon: ['08:00-12:00', '11:00-13:00']}}", "calendar.open.mon[1]", "before the span"),
        ("calendar: {open: {mon: ['08:00-24:30']}}", "calendar.open.mon[0]", "between 00:00 and 24:00"),
        ("calendar: {open: {monday: []}}", "calendar.open.monday", "did you mean `mon`"),
        ("calendar: {holidays: ['2026-02-30']}", "calendar.holidays[0]", "no date"),
        ("priority: {urgent: 10}", "priority", "must fall"),
        ("name: My Strategy", "name", "no name"),
        ("version: 2", "version", "1"),
        ("- a", None, "must be a mapping"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_its_place(tmp_path, text, field, message):
    error = refused(tmp_path, text + "\n")
    assert (error.field, error.line) == (field, 1 if field else error.line)
    assert message in str(error)


def test_holidays_that_close_every_day_are_refused(tmp_path):
    days = [f"{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]
    assert "more than" in str(refused(tmp_path, f"calendar: {{holidays: {days}}}\n"))


def test_influence_above_twenty_is_warned_about_and_above_fifteen_is_not():
    def at(cap: float) -> Strategy:
        factors = msgspec.structs.replace(
            Strategy().factors, influence=msgspec.structs.replace(Strategy().factors.influence, cap=cap)
        )
        return msgspec.structs.replace(Strategy(), factors=factors)  # fmt: skip

    assert warnings(at(20)) == ()
    assert "influence" in warnings(at(20.5))[0]
    assert [p.path for p in problems(at(20.5))] == [("factors",)]


def test_a_strategy_without_the_safety_league_is_warned_about():
    assert "danger" in warnings(msgspec.structs.replace(Strategy(), leagues={}))[0]
