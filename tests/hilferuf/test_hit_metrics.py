"""What triggers, languages and brands hit, as metrics."""

import json

import pytest
from prometheus_client import generate_latest

from hilferuf.hit_metrics import expect_hits
from hilferuf.seen import count_verdict
from lexicons.judgement import judge, load_lexicon
from records.normalise import normalise_mention
from streams import metrics
from tests.hilferuf.exposition import Numbers

BRAND = "lexicon: 1\nbrands: [{id: hitmetrics, names: [Hitmetrics], handles: ['@hitmetrics']}]\n"


def shown() -> Numbers:
    return Numbers(generate_latest(metrics.REGISTRY).decode())


def series() -> str:
    return generate_latest(metrics.REGISTRY).decode()


def post(text: str):
    document = {"id": "x:1", "text": text, "author": {"id": "7"}}
    return normalise_mention(json.dumps(document).encode(), observed_at="2026-03-01T10:00:00.000Z", listener="test")


@pytest.fixture
def lexicon(tmp_path):
    (tmp_path / "brand.yaml").write_text(BRAND)
    found = load_lexicon(["de", "brand.yaml"], base=tmp_path)
    expect_hits(found)
    return found


def test_every_trigger_language_and_brand_has_a_series_before_its_first_hit(lexicon):
    text = series()
    for each in lexicon.triggers:
        assert f'hilferuf_trigger_hits_total{{trigger="{each.trigger.id}"}}' in text
    assert 'hilferuf_lexicon_hits_total{kind="brand",name="hitmetrics"} 0.0' in text
    assert 'hilferuf_lexicon_hits_total{kind="language",name="de"}' in text


def test_a_post_counts_once_for_each_trigger_its_language_and_its_brand(lexicon):
    before = shown()
    mention = post("@hitmetrics Hilfe! Hilfe, kein Netz, kein Netz")
    verdict = judge(mention, lexicon)
    count_verdict(mention, verdict)
    after = shown()

    def grown(*labels: str) -> float:
        name = "hilferuf_trigger_hits_total" if len(labels) == 1 else "hilferuf_lexicon_hits_total"
        return after.of(name, *labels) - before.of(name, *labels)

    triggers = {hit.id for hit in verdict.triggers}
    assert len(triggers) >= 2
    assert {grown(trigger) for trigger in triggers} == {1.0}
    assert (grown("language", "de"), grown("brand", "hitmetrics")) == (1.0, 1.0)


def test_a_trigger_that_was_taken_out_leaves_no_series_that_looks_dead(lexicon, tmp_path):
    (tmp_path / "one.yaml").write_text("lexicon: 1\ntriggers: [{id: hitmetrics.one, phrases: [eins], weight: 1}]\n")
    expect_hits(load_lexicon(["one.yaml"], base=tmp_path))
    text = series()
    assert 'trigger="hitmetrics.one"' in text and 'trigger="de.help"' not in text
    assert 'kind="language",name="de"' not in text
