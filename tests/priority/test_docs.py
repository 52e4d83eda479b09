"""What docs/strategies.md shows is what happens."""

import re
from pathlib import Path

import pytest

from priority.score import score
from priority.strategy import load_strategy, packaged_strategies, warnings
from records.mention import Author
from records.verdict import TriggerHit

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "strategies.md").read_text("utf-8")


def test_the_example_of_an_own_strategy_loads(tmp_path):
    block = next(b for b in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL) if "name: nordfunk" in b)
    (tmp_path / "nordfunk.yaml").write_text(block, "utf-8")
    strategy = load_strategy("nordfunk.yaml", tmp_path)
    assert warnings(strategy) == ()
    assert strategy.factors.purchases.tags == {"business": 0.5}


@pytest.mark.parametrize("customer", [True, False])
def test_the_worked_example_reads_as_shown(make, balanced, customer):
    hits = (TriggerHit("en.no_answer", "nobody answers", 32, 46, 20.0), TriggerHit("en.broken", "broken", 10, 16, 10.0))
    post = make.post(need=0.93, urgency=1.8, anger=1.6, sentiment=-0.7, triggers=hits)
    known = make.customer(
        purchases=(make.purchase(20, 1200, quantity=2, product="router"),),
        contacts=(make.contact(26), make.contact(3, channel="mail")),
    )
    case = make.case(post, author=Author(id="7", followers=850), snapshots=(known,) if customer else ())
    lines = score(case, balanced).explanation[:-1]
    assert "".join(f"    {line}\n" for line in lines) in TEXT


def test_the_table_shows_the_caps_of_every_packaged_strategy():
    for name in packaged_strategies():
        factors = load_strategy(name, Path()).factors
        caps = [f"{getattr(factors, factor).cap:g}" for factor in factors.__struct_fields__]
        assert f"| `{name}` | {' | '.join(caps)} |" in TEXT


def test_every_factor_has_a_section_with_its_cap(balanced):
    text = (DOCS / "factors.md").read_text("utf-8")
    for factor in balanced.factors.__struct_fields__:
        assert f"## {factor} (cap {getattr(balanced.factors, factor).cap:g})" in text


def test_the_version_shown_is_the_version_shipped(balanced):
    assert f"`{balanced.version}`" in TEXT
