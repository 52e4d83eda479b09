"""The patch is a lexicon file that can be read as any other."""

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from config.yaml_file import parse_yaml
from lexicons.compiler import compile_lexicon
from lexicons.format import LexiconFile, Source, read_lexicon
from lexicons.patch import patch
from lexicons.suggest import Evidence, Proposal
from lexicons.terms import Words, spelling

EVIDENCE = Evidence(
    hits=8, of=20, against=0, against_of=90, authors=7, log_odds=2.5, z=3.2, examples=('sagt "no" und Auszahlung', "…")
)
PHRASE = Proposal(kind="phrase", trigger="suggested.de.auszahlung", phrase="Auszahlung", weight=10.0, evidence=EVIDENCE)
EXCEPTION = Proposal(kind="exception", trigger="de.help", phrase="erste Hilfe", evidence=EVIDENCE)
ADDED = Proposal(kind="phrase", trigger="acme.box", phrase="Funkbox leuchtet rot", old_weight=9.0, evidence=EVIDENCE)
WEIGHT = Proposal(kind="weight", trigger="de.help", weight=12.0, old_weight=20.0, evidence=EVIDENCE)


def written(tmp_path, *proposals: Proposal) -> str:
    text = patch(proposals, "de", 40, "suggested.de.yaml")
    (tmp_path / "suggested.de.yaml").write_text(text, "utf-8")
    return text


def test_a_new_trigger_is_read_with_its_weight_and_its_tests(tmp_path):
    text = written(tmp_path, PHRASE)
    (trigger,) = read_lexicon(tmp_path / "suggested.de.yaml").content.triggers
    assert (trigger.id, trigger.phrases, trigger.weight) == ("suggested.de.auszahlung", ("Auszahlung",), 10.0)
    assert trigger.examples.hits == EVIDENCE.examples
    assert "8 of 20 posts opened by hand or raised (7 authors), 0 of 90 others; log-odds +2.50, z 3.2" in text


def test_what_changes_of_a_trigger_stands_together(tmp_path):
    text = written(tmp_path, PHRASE, EXCEPTION, WEIGHT, ADDED)
    help_, box = read_lexicon(tmp_path / "suggested.de.yaml").content.changes
    assert (help_.id, help_.add_exceptions, help_.weight) == ("de.help", ("erste Hilfe",), 12.0)
    assert (box.add_phrases, box.weight) == (("Funkbox leuchtet rot",), None)
    assert "weight: 12  # now 20" in text and "8 of 20 hits in tickets closed as no need" in text


def test_a_phrase_can_be_any_words(tmp_path):
    phrases = "no", "on", "null", "yes no", "don't"
    written(
        tmp_path,
        *(msgspec.structs.replace(PHRASE, phrase=phrase, trigger=f"s.{n}") for n, phrase in enumerate(phrases)),
    )
    read = read_lexicon(tmp_path / "suggested.de.yaml").content.triggers
    assert [trigger.phrases for trigger in read] == [(phrase,) for phrase in phrases]


@given(st.text(max_size=30), st.sampled_from(["de", "en", "fr"]))
@example("ʼ ﬀ ß ͅα no", "de")
def test_whatever_people_write_the_patch_can_be_compiled(text, language):
    words = Words(text)
    proposals = [
        msgspec.structs.replace(PHRASE, phrase=spelling([use], language), trigger=f"s.{number}")
        for number, use in enumerate(words.terms.values())
    ]
    document = parse_yaml(patch(proposals, language, 40, "p.yaml"))
    lexicon = compile_lexicon([Source(document.convert(LexiconFile), document)])
    assert len(lexicon.triggers) == len(words.terms)


def test_nothing_to_propose_is_a_lexicon_too(tmp_path):
    assert "Nothing stands out" in written(tmp_path)
    assert read_lexicon(tmp_path / "suggested.de.yaml").content.triggers == ()


def test_it_says_how_to_go_on(tmp_path):
    assert "hilferuf lexicon plan suggested.de.yaml" in written(tmp_path, PHRASE, EXCEPTION, WEIGHT)
    read_lexicon(tmp_path / "suggested.de.yaml")
