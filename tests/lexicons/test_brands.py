"""Names of brands and products: aliases that need a context, exclusions, hashtags."""

import pytest

from config.yaml_file import ConfigError
from lexicons.compiler import load_lexicon
from lexicons.text import cut

RAILWAY = """
lexicon: 1
language: de
brands:
  - id: nordbahn
    names: [Nordbahn, Nord Bahn]
    aliases: [Bahn]
    contexts: [Zug, Gleis, Fahrkarte, Schaffner]
    exclusions: [Nordbahn Apotheke, Bahn … Autobahn]
    products:
      - {id: sternticket, names: [Sternticket], aliases: [Stern], contexts: [Ticket, Abo], hashtags: ["#sternfahrt"]}
"""


@pytest.fixture(scope="module")
def brands(tmp_path_factory):
    folder = tmp_path_factory.mktemp("brands")
    (folder / "own.yaml").write_text(RAILWAY, "utf-8")
    return load_lexicon(["own.yaml"], base=folder).brands


def named(brands, text):
    return [(hit.brand, hit.product) for hit in brands.names_in(cut(text))[0]]


@pytest.mark.parametrize(
    "text",
    [
        "Nordbahn!",
        "die Nordbahns",
        "#nordbahn",
        "#NordBahn",
        "Nord Bahn",
        "die Bahn hat keine Züge",
        "Gleis 9, die Bahn steht",
    ],
)
def test_name_and_alias_with_its_context_mean_the_brand(brands, text) -> None:
    assert set(named(brands, text)) == {("nordbahn", None)}


@pytest.mark.parametrize(
    "text",
    [
        "freie Bahn für alle",
        "die Autobahn am Gleis",
        "Nordbahn Apotheke",
        "auf der Bahn zur Autobahn am Gleis",
        "Nordbahnhof",
    ],
)
def test_alias_without_context_and_what_is_excluded_mean_somebody_else(brands, text) -> None:
    assert named(brands, text) == []


def test_only_an_exclusion_says_that_somebody_else_is_meant(brands) -> None:
    assert brands.names_in(cut("Nordbahn Apotheke"))[1]
    assert not brands.names_in(cut("freie Bahn"))[1]


@pytest.mark.parametrize("text", ["mein Sternticket", "Stern im Abo", "#sternfahrt", "#SternFahrt"])
def test_who_names_a_product_names_its_brand(brands, text) -> None:
    assert named(brands, text) == [("nordbahn", "sternticket")]


@pytest.mark.parametrize(("taken", "says"), [("one", "already a brand"), ("box", "already a product of `one`")])
def test_id_of_a_product_is_its_own(tmp_path, taken, says) -> None:
    (tmp_path / "own.yaml").write_text(
        f"lexicon: 1\nbrands:\n  - {{id: one, products: [{{id: box}}]}}\n  - {{id: two, products: [{{id: {taken}}}]}}\n",
        "utf-8",
    )
    with pytest.raises(ConfigError, match=says) as caught:
        load_lexicon(["own.yaml"], base=tmp_path)
    assert (caught.value.line, caught.value.field) == (4, "brands[1].products[0].id")


def test_alias_of_a_product_needs_a_context_of_its_own(brands) -> None:
    assert named(brands, "Stern über Gleis 9") == []
