"""An edition: the lexicons of a deployment with all that they are made of, compiled where their files are not."""

import functools

import pytest

from config.yaml_file import ConfigError
from lexicons.compiler import load_lexicon
from lexicons.edition import Edition, compile_edition, read_edition

COMPANY = "lexicon: 1\nlanguage: de\nlists: {dishes: [Kuchen, Torte]}\n"
TEAM = """\
\ufefflexicon: 1
language: de
extends: [shared/company.yaml]
brands: [{id: acme, names: [Ächme]}]
triggers: [{id: acme.cake, phrases: [$dishes], weight: 30}]
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "company.yaml").write_text(COMPANY, "utf-8")
    (tmp_path / "team.yaml").write_text(TEAM, "utf-8")
    return tmp_path


def load(folder):
    return functools.partial(load_lexicon, base=folder)


def read(folder, **more):
    return read_edition(("en", "team.yaml"), folder, load(folder), **more)


def test_it_holds_every_file_that_is_read_and_names_the_packaged_ones(folder):
    edition, _ = read(folder)
    assert edition.names == ("en", "team.yaml")
    assert edition.files == {"team.yaml": TEAM, "shared/company.yaml": COMPANY}


def test_it_is_compiled_to_the_same_lexicon_at_another_place_without_the_files(folder, tmp_path_factory):
    edition, lexicon = read(folder)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert compile_edition(edition, elsewhere, load(elsewhere)).version == lexicon.version


def test_a_text_may_stand_in_for_a_file_and_the_file_is_not_read(folder):
    before, _ = read(folder)
    (folder / "team.yaml").unlink()
    changed, lexicon = read(folder, instead={"team.yaml": TEAM.replace("acme.cake", "acme.pie")})
    assert lexicon.trigger("acme.pie") and not lexicon.trigger("acme.cake")
    assert changed.id != before.id and changed.files["shared/company.yaml"] == COMPANY


def test_a_file_that_it_lacks_is_told_by_name(folder):
    edition, _ = read(folder)
    less = Edition(names=edition.names, files={"team.yaml": TEAM})
    (folder / "shared" / "company.yaml").write_text(COMPANY, "utf-8")  # what lies there is not taken for it
    with pytest.raises(ConfigError, match=r"company\.yaml: cannot be read: is not among the files of edition"):
        compile_edition(less, folder, load(folder))
