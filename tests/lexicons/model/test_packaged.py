"""The packaged model is what `hilferuf model train` makes of what may ship: nobody has to believe us."""

import numpy as np
import pytest

from lexicons.model import corpora, training
from lexicons.model.weights import read_model
from tests.lexicons.test_need_measured import FOLDER, labelled

AGAIN = "train it anew: hilferuf model train --shared FOLDER --out lexicons/model/need.model"


@pytest.mark.shared
@pytest.mark.timeout(600)  # reads 13,000 posts and fits three heads: one to two minutes
def test_packaged_tables_are_those_that_its_posts_give(untrained) -> None:
    labelled()  # skips or fails where the corpora are missing
    packaged = read_model()
    posts = [*corpora.posts(), *corpora.mobasa(FOLDER)]
    assert packaged.about["lexicons"] == untrained.version, f"the lexicons have changed; {AGAIN}"
    assert sum(packaged.about["posts"].values()) == len(posts), f"the posts have changed; {AGAIN}"
    model = training.fit([training.read(post, untrained) for post in posts], untrained)
    assert model.kept == packaged.kept
    for name in ("need", "urgency", "anger"):
        made, shipped = getattr(model, name), getattr(packaged, name)
        assert (name, made.bias, made.acts) == (name, shipped.bias, shipped.acts), AGAIN
        for table, (scale, content) in made.tables.items():
            assert (name, table, scale) == (name, table, shipped.tables[table][0]), AGAIN
            assert np.array_equal(content, shipped.tables[table][1]), f"{name}, {table}; {AGAIN}"
