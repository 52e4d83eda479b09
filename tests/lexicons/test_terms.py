"""What may be proposed of a post: words, never what points to a person."""

from hypothesis import example, given
from hypothesis import strategies as st

from lexicons.terms import LONGEST_TERM, Words, spelling


def runs(text: str, *names: str) -> list[str]:
    return [" ".join(word.text for word in run) for run in Words(text, names).runs]


def test_handles_links_addresses_and_numbers_end_a_run_and_leave_nothing():
    assert runs("Frag @anna_k bitte nach Auftrag 4711-B") == ["Frag", "bitte nach Auftrag"]
    assert runs("siehe https://t.co/AbCdEf oder www.anna.example jetzt") == ["siehe", "oder", "jetzt"]
    assert runs("Mail an anna.k@example.org bitte") == ["Mail an", "bitte"]
    assert runs("IBAN DE89 3704 0044, Tel. +49-170-555") == ["IBAN", "Tel"]
    assert runs("bei example.org/anna gelesen") == ["bei", "gelesen"]


def test_the_authors_own_name_and_handle_are_no_words():
    assert runs("LG Anna aus Fürth, eure anna_k", "anna_k", "Anna Kolb") == ["LG", "aus Fürth", "eure"]


def test_punctuation_ends_a_run_and_a_hyphen_does_not():
    assert runs("kein Netz, WLAN-Router tot!") == ["kein Netz", "WLAN Router tot"]


@given(st.text(max_size=200), st.text(max_size=20))
@example("٣٤ Grüße @ａｂ ＠ｃｄ", "x")
def test_no_term_has_a_digit_a_handle_or_the_name(text, name):
    words = Words(text, [name])
    for term, at in words.terms.items():
        assert 1 <= len(term) <= LONGEST_TERM
        for key, word in zip(term, at, strict=True):
            assert text[word.start : word.end] == word.text
            assert not any(letter.isnumeric() or letter in "@＠/_" for letter in word.text)
            assert len(name.strip()) < 3 or key != name.strip().casefold() or not name.strip().isalpha()


def test_terms_round_a_hit_overlap_it_and_reach_beyond():
    words = Words("wir machen erste Hilfe kurse")
    found = {" ".join(word.text for word in term) for term in words.round(17, 22)}
    assert {"erste Hilfe", "Hilfe kurse", "erste Hilfe kurse"} <= found
    assert "Hilfe" not in found and "machen erste" not in found


def test_what_lies_inside_a_hit_stands_not_round_it():
    words = Words("wir machen erste Hilfe kurse")
    found = {" ".join(word.text for word in term) for term in words.round(11, 22)}
    assert "erste Hilfe" not in found and "machen erste" in found


def spelt(language: str, *texts: str) -> str:
    return spelling([Words(text).runs[0] for text in texts], language)


def test_a_german_noun_gets_the_capital_that_most_people_give_it():
    assert spelt("de", "keine Bestätigung", "keine bestätigung", "Keine Bestätigung") == "keine Bestätigung"
    assert spelt("de", "geht nix", "GEHT NIX", "Geht nix") == "geht nix"


def test_in_english_nothing_is_a_noun():
    assert spelt("en", "Parcel lost", "Parcel Lost") == "parcel lost"
