"""How good a model is: the figures of docs/model.md.

Scores are in any unit, larger = more; labels: need 0 or 1, urgency 0-3 (0 where no answer is needed). A post's worth is
2^urgency - 1 (Järvelin and Kekäläinen, 2002, as gain of the normalised discounted cumulative gain).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, precision_recall_curve
from sklearn.pipeline import make_union

Floats = npt.NDArray[np.float64]


def average_precision(needs: Sequence[int], scores: Floats) -> float:
    """Area under precision over recall."""
    return float(average_precision_score(needs, scores))


def best_f1(needs: Sequence[int], scores: Floats) -> float:
    """F1 at the threshold where it is highest."""
    precision, recall, _ = precision_recall_curve(needs, scores)
    return float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-9)))


def ndcg(urgencies: npt.ArrayLike, scores: Floats, first: int = 50) -> float:
    """Of the first posts in the order of scores."""
    worth = np.exp2(np.asarray(urgencies, float)) - 1
    order = np.argsort(-scores, kind="stable")[:first]
    best = np.sort(worth)[::-1][:first]
    return float((worth[order] * _discount(len(order))).sum() / (best * _discount(len(best))).sum())


def _discount(count: int) -> Floats:
    return np.asarray(1 / np.log2(np.arange(2, count + 2)))


def reached(urgencies: Sequence[int], scores: Floats, places: int) -> float:
    """Share of all worth among the first so many posts."""
    worth = np.exp2(np.asarray(urgencies, float)) - 1
    return float(worth[np.argsort(-scores, kind="stable")[:places]].sum() / worth.sum())


def calibration_error(needs: Sequence[int], chances: Floats, bins: int = 10) -> float:
    """Expected calibration error: mean distance of chance and share over bins, weighted by their posts."""
    labels = np.asarray(needs, float)
    held = np.minimum((chances * bins).astype(int), bins - 1)
    return float(
        sum(
            abs(chances[held == each].mean() - labels[held == each].mean()) * (held == each).mean()
            for each in range(bins)
            if (held == each).any()
        )
    )


def interval(urgencies: Sequence[int], scores: Floats, rounds: int = 1_000) -> tuple[float, float]:
    """95 % of the ndcg of as many posts drawn with replacement."""
    drawn = np.random.default_rng(0)
    labels = np.asarray(urgencies)
    found = []
    for _ in range(rounds):
        taken = drawn.integers(0, len(labels), len(labels))
        found.append(ndcg(labels[taken], scores[taken]))
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)


def plain_words(texts: Sequence[str], needs: Sequence[int], asked: Sequence[str]) -> Floats:
    """The yardstick: TF-IDF of words (1-2) and letters (3-5) with logistic regression, C = 1."""
    made = make_union(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=2, sublinear_tf=True),
    )
    fitted = LogisticRegression(C=1.0, solver="liblinear").fit(made.fit_transform(texts), needs)
    return np.asarray(fitted.decision_function(made.transform(asked)))
