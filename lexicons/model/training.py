"""How the tables are made: logistic regression and ridge regression (scikit-learn) over acts and hashed n-grams, then rounding.

Reproducible: a fixed seed for the folds, one thread, posts in the order given, weights rounded to one byte; the same posts and
lexicons give the same file. `about` in it says what it was trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from lexicons.compiler import Lexicon
from lexicons.findings import find
from lexicons.language import counted, detect
from lexicons.model.acts import Heard, To
from lexicons.model.corpora import Labelled
from lexicons.model.features import Features, features
from lexicons.model.pieces import Pieces, pieces
from lexicons.model.weights import TABLES, Head, Model
from lexicons.need import heard, signals
from lexicons.text import Text, cut

Floats = npt.NDArray[np.float64]
C, ALPHA = 4.0, 3.0  # strength of the fit, and of the ridge; chosen by cross-validation on what may be trained on
ACTS_SCALE, GRAMS_SCALE = 0.2, 0.4  # so that the penalty weighs named acts and n-grams alike
KEPT_DOMAINS, KEPT_POSTS = 4, 6  # a word of the skeleton occurs in so many domains and posts
FOLDS = 5
LEAST_OF_EACH = 20  # posts of the base that need an answer, and that do not: fewer say nothing of chances
LEAST_FOR_POINTS = 0.4  # what ten points of triggers add at least: a support lead's trigger must count
# Of posts that speak to a brand in this way, the share that needs an answer; handle and name as counted on public corpora.
SHARES: dict[To, float] = {"direct_message": 0.85, "handle": 0.7, "own_page": 0.6, "name": 0.3, "none": 0.03}
BASE = "mobasa"  # its share of posts that need an answer is what a stream of mentions has


@dataclass(frozen=True, slots=True)
class Read:
    """A post taken apart; what does not depend on the other posts."""

    post: Labelled
    seen: Pieces
    signals: dict[str, float]
    heard: Heard


def read(post: Labelled, lexicon: Lexicon) -> Read:
    """Take a labelled post apart as the judgement does a mention."""
    text = cut(post.text)
    detected, sure = detect(text.words, lexicon.stopwords)
    languages = counted(post.language, detected, sure=sure, known=lexicon.languages)
    findings, advert, _ = find(lexicon, text, languages)
    seen = pieces(text, post.handles, _named(text, post.names))
    return Read(post, seen, signals(text, lexicon, findings, advert).features, heard(findings))


def _named(text: Text, names: Sequence[str]) -> list[tuple[int, int]]:
    found = []
    for name in names:
        wanted = cut(name).words
        for first in range(len(text.words) - len(wanted) + 1):
            words = text.words[first : first + len(wanted)]
            if words[:-1] == wanted[:-1] and words[-1] in (wanted[-1], wanted[-1] + "s"):
                found.append((first, first + len(wanted) - 1))
    return found


def seen_features(each: Read, lexicon: Lexicon, kept: frozenset[str]) -> Features:
    """A read post as the model sees it."""
    return features(each.seen, each.signals, each.heard, lexicon.cues, each.post.to, kept, each.post.stars)


def kept_words(posts: Sequence[Read]) -> frozenset[str]:
    """Words that so many domains share that they say how one speaks, not about what."""
    domains: dict[str, set[str]] = {}
    counts: dict[str, int] = {}
    for each in posts:
        for word in set(each.seen.words):
            domains.setdefault(word, set()).add(each.post.domain)
            counts[word] = counts.get(word, 0) + 1
    least = min(KEPT_DOMAINS, len({each.post.domain for each in posts}))
    return frozenset(word for word, held in domains.items() if len(held) >= least and counts[word] >= KEPT_POSTS)


class Columns:
    """Which column each feature has, and how it is scaled."""

    def __init__(self, rows: Sequence[Features]) -> None:
        counts: dict[str, int] = {}
        for row in rows:
            for name in row.acts:
                counts[name] = counts.get(name, 0) + 1
        self.acts = {name: place for place, name in enumerate(sorted(n for n, count in counts.items() if count >= 3))}
        self.weights = {name: _rarity(rows, name) for name in TABLES}

    def matrix(self, rows: Sequence[Features], tables: Sequence[str]) -> sparse.csr_matrix:
        """Acts, then the tables."""
        blocks = [self._acts(rows)] + [self._table(rows, name) for name in tables]
        return sparse.csr_matrix(sparse.hstack(blocks))

    def _acts(self, rows: Sequence[Features]) -> sparse.csr_matrix:
        places = [
            (at, self.acts[name], value)
            for at, row in enumerate(rows)
            for name, value in row.acts.items()
            if name in self.acts
        ]
        lines, columns, values = zip(*places, strict=True) if places else ((), (), ())
        return sparse.csr_matrix((np.array(values, float) * ACTS_SCALE, (lines, columns)), (len(rows), len(self.acts)))

    def _table(self, rows: Sequence[Features], name: str) -> sparse.csr_matrix:
        found = [getattr(row, name) for row in rows]
        starts = np.concatenate([[0], np.cumsum([len(places) for places in found])])
        columns = np.concatenate(found).astype(np.int64)
        values = np.concatenate([np.full(len(places), 1 / np.sqrt(max(1, len(places)))) for places in found])
        made = sparse.csr_matrix((values * self.weights[name][columns], columns, starts), (len(rows), TABLES[name]))
        made.sum_duplicates()
        return made

    def head(self, bias: float, coefficients: Floats, tables: Sequence[str]) -> Head:
        """Weights for what a post has, rounded."""
        acts = {name: round(float(coefficients[place]) * ACTS_SCALE, 3) for name, place in self.acts.items()}
        place, rounded = len(self.acts), {}
        for name in tables:
            exact = coefficients[place : place + TABLES[name]] * self.weights[name]
            scale = float(f"{max(float(np.abs(exact).max()), 1e-9) / 127:.4g}")
            rounded[name] = (scale, np.clip(np.rint(exact / scale), -127, 127).astype(np.int8))
            place += TABLES[name]
        return Head(round(bias, 4), {name: weight for name, weight in acts.items() if weight}, rounded)


def _rarity(rows: Sequence[Features], name: str) -> Floats:
    """Inverse document frequency of each place, 0 for places of one post only."""
    held = np.zeros(TABLES[name])
    for row in rows:
        held[np.unique(getattr(row, name))] += 1
    return np.where(held > 1, (1 + np.log((1 + len(rows)) / (1 + held))) * GRAMS_SCALE, 0.0)


def fit(posts: Sequence[Read], lexicon: Lexicon, base: str = BASE) -> Model:
    """A model without calibration."""
    with threadpool_limits(1):  # so that sums are added in one order, whatever the machine
        return _fit(posts, lexicon, base)


def _fit(posts: Sequence[Read], lexicon: Lexicon, base: str) -> Model:
    kept = kept_words(posts)
    rows = [seen_features(each, lexicon, kept) for each in posts]
    columns = Columns(rows)
    needs = np.array([each.post.need for each in posts])
    every = tuple(TABLES)
    fitted = LogisticRegression(C=C, solver="liblinear", max_iter=500, random_state=0)
    fitted.fit(columns.matrix(rows, every), needs, sample_weight=_weights(posts, base))
    need = columns.head(float(fitted.intercept_[0]), fitted.coef_[0], every)
    if "points" in need.acts:
        need.acts["points"] = max(need.acts["points"], LEAST_FOR_POINTS)
    few = ("words", "shapes")
    told = [at for at, need in enumerate(needs) if need]
    matrix = columns.matrix([rows[at] for at in told], few)
    heads: list[Head] = []
    for wanted in ([2.0 ** posts[at].post.urgency - 1 for at in told], [float(posts[at].post.anger) for at in told]):
        ridge = Ridge(alpha=ALPHA, solver="lsqr", tol=1e-12, max_iter=5_000).fit(matrix, np.array(wanted))
        heads.append(columns.head(float(ridge.intercept_), ridge.coef_, few))
    return Model(kept=kept, need=need, urgency=heads[0], anger=heads[1], slope=1.0, shift=0.0)


def _weights(posts: Sequence[Read], base: str) -> Floats:
    """Invented posts weigh so that of each way to speak to a brand as many need an answer as in a stream of mentions; whoever
    invents posts has no feeling for that."""
    found = np.ones(len(posts))
    for to, share in SHARES.items():
        ours = [at for at, each in enumerate(posts) if each.post.to == to and each.post.domain != base]
        need = sum(posts[at].post.need for at in ours)
        if 0 < need < len(ours):
            for at in ours:
                found[at] = (
                    share * len(ours) / need if posts[at].post.need else (1 - share) * len(ours) / (len(ours) - need)
                )
    return found


def train(posts: Sequence[Read], lexicon: Lexicon, base: str = BASE) -> Model:
    """A calibrated model. base: the domain whose chances are to be right; where it has few posts, all."""
    needs = [each.post.need for each in posts if each.post.domain == base]
    if min(sum(needs), len(needs) - sum(needs)) < LEAST_OF_EACH:
        base = ""
    z = out_of_fold(posts, lexicon, base)
    asked = [at for at, each in enumerate(posts) if each.post.domain == base] or list(range(len(posts)))
    slope, shift = calibration(z[asked], [posts[at].post.need for at in asked])
    domains: dict[str, int] = {}
    for each in posts:
        domains[each.post.domain] = domains.get(each.post.domain, 0) + 1
    about = {
        "posts": domains,
        "needing": sum(each.post.need for each in posts),
        "base": base,
        "lexicons": lexicon.version,
    }
    return replace(fit(posts, lexicon, base), slope=slope, shift=shift, about=about)


def out_of_fold(posts: Sequence[Read], lexicon: Lexicon, base: str = BASE) -> Floats:
    """z of each post by a model that has not seen it, in stratified folds of base and other posts."""
    strata = [f"{each.post.domain == base}{each.post.need}" for each in posts]
    found = np.zeros(len(posts))
    for known, asked in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(strata, strata):
        model = fit([posts[at] for at in known], lexicon, base)
        found[asked] = scores(model, [posts[at] for at in asked], lexicon)
    return found


def scores(model: Model, posts: Sequence[Read], lexicon: Lexicon) -> Floats:
    """z of each post."""
    return np.array([model.need.total(seen_features(each, lexicon, model.kept)) for each in posts])


def calibration(z: Floats, needs: Sequence[int]) -> tuple[float, float]:
    """a and b of need = 1 / (1 + e^-(a z + b)) (Platt, 1999)."""
    fitted = LogisticRegression(C=1e6, solver="lbfgs").fit(z.reshape(-1, 1), needs)
    return round(float(fitted.coef_[0][0]), 3), round(float(fitted.intercept_[0]), 3)
