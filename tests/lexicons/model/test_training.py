"""Training: the same posts give the same bytes, chances that hold, and weights that a support lead can rely on."""

import numpy as np
import pytest

from lexicons.model import training
from lexicons.model.features import Features
from lexicons.model.weights import TABLES


def test_same_posts_give_the_same_bytes(tiny, tiny_model, untrained, monkeypatch) -> None:
    monkeypatch.setattr(training, "FOLDS", 2)
    assert training.train(tiny, untrained).to_bytes() == tiny_model.to_bytes()


def test_other_posts_give_other_bytes(tiny, tiny_model, untrained) -> None:
    other = [training.read(each.post._replace(need=1 - each.post.need), untrained) for each in tiny]
    assert training.fit(other, untrained).need.bias != tiny_model.need.bias


def test_model_tells_posts_that_it_learnt_from_apart(tiny, tiny_model, untrained) -> None:
    z = training.scores(tiny_model, tiny, untrained)
    needs = np.array([each.post.need for each in tiny])
    assert z[needs == 1].min() > z[needs == 0].max()


def test_model_says_what_it_learnt_from(tiny_model, untrained) -> None:
    assert tiny_model.about["needing"] == 15
    assert tiny_model.about["posts"] == {"telecom": 6, "parcel": 6, "bank": 6, "energy": 6, "retail": 6}
    assert tiny_model.about["lexicons"] == untrained.version


def test_handles_and_names_are_masked_before_anything_is_learnt(tiny_model) -> None:
    assert {"@brand", "<name>"} & tiny_model.kept
    assert not [word for word in tiny_model.kept if "werk" in word]


def test_skeleton_keeps_what_industries_share_and_no_industrys_own_word(tiny_model) -> None:
    assert {"seit", "mein", "?"} <= tiny_model.kept
    assert tiny_model.kept.isdisjoint({"router", "koffer", "automat", "zähler", "gutschein"})


def test_ten_points_of_triggers_always_add_at_least_so_much(tiny, untrained) -> None:
    against = [training.read(each.post._replace(need=1 - each.post.need), untrained) for each in tiny]
    assert training.fit(against, untrained).need.acts["points"] == training.LEAST_FOR_POINTS


def test_calibration_finds_the_slope_and_shift_that_made_the_labels() -> None:
    drawn = np.random.default_rng(1)
    z = drawn.normal(0, 2, 20_000)
    needs = (drawn.random(20_000) < 1 / (1 + np.exp(-(0.7 * z - 1.5)))).astype(int)
    slope, shift = training.calibration(z, needs.tolist())
    assert slope == pytest.approx(0.7, abs=0.05)
    assert shift == pytest.approx(-1.5, abs=0.1)


def test_each_post_is_scored_by_a_model_that_has_not_seen_it(tiny, untrained, monkeypatch) -> None:
    pairs = []
    monkeypatch.setattr(training, "fit", lambda posts, lexicon, base: posts)

    def scores(known, posts, lexicon):
        pairs.append(({id(each) for each in known}, {id(each) for each in posts}))
        return np.zeros(len(posts))

    monkeypatch.setattr(training, "scores", scores)
    training.out_of_fold(tiny, untrained)
    assert len(pairs) == training.FOLDS
    assert all(known.isdisjoint(asked) for known, asked in pairs)
    assert set().union(*(asked for _, asked in pairs)) == {id(each) for each in tiny}


def test_invented_posts_weigh_as_a_stream_of_mentions_has_them(tiny) -> None:
    weights = training._weights(tiny, "mobasa")
    for to in ("handle", "name"):
        ours = [at for at, each in enumerate(tiny) if each.post.to == to]
        needing = sum(weights[at] for at in ours if tiny[at].post.need)
        assert needing / sum(weights[at] for at in ours) == pytest.approx(training.SHARES[to])
        assert sum(weights[at] for at in ours) == pytest.approx(len(ours))


def test_posts_of_the_base_count_as_they_are(tiny) -> None:
    weights = training._weights(tiny, "bank")
    assert all(weights[at] == 1 for at, each in enumerate(tiny) if each.post.domain == "bank")


def test_tables_are_bytes_of_the_size_that_reading_expects(tiny_model) -> None:
    for head in (tiny_model.need, tiny_model.urgency, tiny_model.anger):
        for name, (_, table) in head.tables.items():
            assert (table.dtype, table.shape) == (np.int8, (TABLES[name],))
    assert set(tiny_model.need.tables) == set(TABLES)


def test_rare_acts_and_places_of_one_post_only_are_not_learnt() -> None:
    def row(acts, *places):
        found = np.array(places, np.uint32)
        return Features(dict.fromkeys(acts, 1.0), found, found, found)

    columns = training.Columns([row(["asks", "rare"], 1, 2), row(["asks"], 1, 3), row(["asks", "rare"], 1, 4)])
    assert columns.acts == {"asks": 0}
    assert columns.weights["words"][1] > 0
    assert not columns.weights["words"][2:5].any()


def test_name_is_found_with_its_genitive(untrained, tiny) -> None:
    post = tiny[0].post._replace(
        text="Nord Funks Netz, Nord Funk und nord funkt", names=("Nord Funk",), handles=frozenset()
    )
    assert training.read(post, untrained).seen.words == ["<name>", "netz", "<name>", "und", "nord", "funkt"]


def test_few_posts_of_ones_own_say_nothing_of_chances(tiny, untrained, monkeypatch) -> None:
    monkeypatch.setattr(training, "FOLDS", 2)
    model = training.train(tiny, untrained, "bank")
    assert model.about["base"] == ""
    needy = [each for each in tiny if each.post.domain != "bank" or each.post.need]
    assert training.train(needy, untrained, "bank").about["base"] == ""  # only posts of one kind are no accident
