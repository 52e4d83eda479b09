"""Each figure against one that a person works out on paper."""

from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexicons.model.measuring import average_precision, best_f1, calibration_error, interval, ndcg, plain_words, reached


def scores(*given: float):
    return np.array(given)


def test_average_precision_is_the_mean_precision_where_one_is_found() -> None:
    assert average_precision([1, 0, 1, 0], scores(4, 3, 2, 1)) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([0, 1], scores(1, 2)) == 1
    assert average_precision([1, 0, 0, 0], scores(1, 1, 1, 1)) == pytest.approx(1 / 4)  # no order at all: the share


def test_best_f1_is_at_the_best_threshold() -> None:
    # The first: precision 1, recall 1/2; the first three: 2/3 and 1.
    assert best_f1([1, 0, 1, 0], scores(4, 3, 2, 1)) == pytest.approx(2 * (2 / 3) / (2 / 3 + 1))
    assert best_f1([1, 1, 0], scores(3, 2, 1)) == 1


def test_ndcg_weighs_worth_by_place() -> None:
    # Worth 7, 0, 1 in the order 0, 1, 7.
    dcg, best = 0 / log2(2) + 1 / log2(3) + 7 / log2(4), 7 / log2(2) + 1 / log2(3)
    assert ndcg([3, 0, 1], scores(1, 3, 2)) == pytest.approx(dcg / best)


def test_ndcg_looks_at_the_first_only() -> None:
    assert ndcg([3, 0, 1], scores(1, 3, 2), first=1) == 0
    assert ndcg([3, 0, 1], scores(1, 3, 2), first=2) == pytest.approx(1 / log2(3) / (7 + 1 / log2(3)))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=80).filter(any))
def test_ndcg_of_the_perfect_order_is_one_and_no_other_is_above(urgencies) -> None:
    assert ndcg(urgencies, np.array(urgencies, float)) == pytest.approx(1)
    assert ndcg(urgencies, -np.array(urgencies, float)) <= 1 + 1e-9


def test_reached_is_the_share_of_worth_that_agents_have_time_for() -> None:
    # Worth 7, 3, 1, 0; two places: the first by score (3) and the second (0).
    assert reached([3, 2, 1, 0], scores(1, 4, 2, 3), 2) == pytest.approx(3 / 11)
    assert reached([3, 2, 1, 0], scores(4, 3, 2, 1), 4) == 1


def test_calibration_error_is_the_distance_of_chance_and_share_bin_by_bin() -> None:
    # Two of four at 5 % where half need it, two at 95 % where all do: .45 / 2 + .05 / 2.
    assert calibration_error([0, 1, 1, 1], scores(0.05, 0.05, 0.95, 0.95)) == pytest.approx(0.25)
    assert calibration_error([1, 1, 0], scores(1.0, 1.0, 0.0)) == 0  # 1 lies in the last bin


def test_calibration_error_takes_the_mean_of_a_bin() -> None:
    assert calibration_error([1, 0], scores(0.42, 0.48)) == pytest.approx(0.05)


def test_interval_holds_the_figure_and_is_the_same_each_time() -> None:
    drawn = np.random.default_rng(3)
    urgencies = drawn.integers(0, 4, 200).tolist()
    worth = np.array(urgencies) + drawn.normal(0, 2, 200)
    low, high = interval(urgencies, worth, rounds=200)
    assert low < ndcg(urgencies, worth) < high
    assert (low, high) == interval(urgencies, worth, rounds=200)


def test_yardstick_learns_words() -> None:
    texts = ["router kaputt", "kaputt heute", "schöner tag", "tag heute"] * 3
    told = plain_words(texts, [1, 1, 0, 0] * 3, ["alles kaputt", "schöner sommer"])
    assert told[0] > 0 > told[1]
