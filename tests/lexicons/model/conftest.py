"""Lexicons without a model, a handful of labelled posts, and a model that learnt from them."""

from pathlib import Path

import pytest

from lexicons.compiler import Lexicon, load_lexicon
from lexicons.model import training
from lexicons.model.corpora import Labelled
from lexicons.model.weights import Model

ASKED = (
    "@{brand} mein {thing} ist seit gestern kaputt, wann kommt jemand?",
    "Hallo {name}, ich warte seit einer Woche auf meinen {thing}. Könnt ihr mir helfen?",
    "@{brand} warum geht mein {thing} schon wieder nicht? Keiner meldet sich!",
)
TOLD = (
    "{name} stellt neuen {thing} vor https://news.example/a",
    "Danke @{brand}, der {thing} geht wieder, super Service",
    "Der {thing} von {name} ist im Test der beste",
)
THINGS = {"telecom": "Router", "parcel": "Koffer", "bank": "Automat", "energy": "Zähler", "retail": "Gutschein"}


def _post(text: str, industry: str, need: int) -> Labelled:
    brand = industry + "werk"
    return Labelled(
        text=text.format(brand=brand, name=brand.capitalize(), thing=THINGS[industry]),
        domain=industry,
        language="de",
        to="handle" if "@" in text else "name",
        handles=frozenset(("@" + brand,)),
        names=(brand.capitalize(),),
        stars=0,
        need=need,
        urgency=2 * need,
        anger=need,
    )


@pytest.fixture(scope="session")
def untrained() -> Lexicon:
    """The packaged lexicons as training reads them."""
    return load_lexicon(["de", "en"], base=Path(), trained=False)


@pytest.fixture(scope="session")
def tiny(untrained) -> list[training.Read]:
    """Thirty posts of five industries, half of them in need of an answer."""
    posts = [_post(text, each, need) for each in THINGS for need, texts in ((1, ASKED), (0, TOLD)) for text in texts]
    return [training.read(post, untrained) for post in posts]


@pytest.fixture(scope="session")
def tiny_model(tiny, untrained) -> Model:
    """What these posts teach; in two folds, for the test's sake."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "FOLDS", 2)
        return training.train(tiny, untrained)
