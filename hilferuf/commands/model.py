"""`hilferuf model train | eval`: makes the model of need from labelled posts, and prints how good it is."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from config.settings import packaged
from lexicons.compiler import Lexicon, load_lexicon
from lexicons.model import corpora, measuring, training
from lexicons.model.corpora import Labelled
from lexicons.model.weights import Model, read_model
from records.errors import HilferufError


class Figure(NamedTuple):
    """One line of the report. aim: what issue or docs ask for, "" = only reported."""

    what: str
    figure: str
    aim: str


def train(own: Sequence[Path], shared: Path | None, out: Path) -> int:
    """Writes a model from our invented posts, the company's own (`own`) and, where `shared` is given, MobASA."""
    lexicon = _untrained()
    posts = corpora.posts()
    base = ""
    for file in own:
        posts += corpora.read_posts(file, domain=(base := "own"))
    if shared is not None:
        posts += corpora.mobasa(shared)
        base = base or training.BASE
    read = [training.read(post, lexicon) for post in posts]
    model = training.train(read, lexicon, base)
    out.write_bytes(model.to_bytes())
    print(
        f"{out}: {len(posts):,} posts, {model.about['needing']:,} of them need an answer; digest {read_model(out).digest}"
    )
    return 0


def evaluate(shared: Path, *, locked: bool, as_json: bool) -> int:
    """Prints the figures of docs/model.md."""
    lexicon = _untrained()
    figures = list(_figures(shared, lexicon, locked))
    if as_json:
        for each in figures:
            print(json.dumps(each._asdict(), ensure_ascii=False))
        return 0
    widths = [max(len(row[place]) for row in figures) for place in range(3)]
    for each in figures:
        print("  ".join(cell.ljust(width) for cell, width in zip(each, widths, strict=True)).rstrip())
    print("each look at GermEval, the airlines or the locked posts is logged in docs/model.md", file=sys.stderr)
    return 0


def _untrained() -> Lexicon:
    loaded = packaged()
    return load_lexicon(loaded.settings.lexicons, base=loaded.base, trained=False)


def _figures(shared: Path, lexicon: Lexicon, locked: bool) -> Iterator[Figure]:
    if not (shared / "need").is_dir():
        raise HilferufError(
            f"{shared}: there is no folder `need` with the labels; --shared names the folder of the corpora"
        )
    ours = [training.read(post, lexicon) for post in corpora.posts()]
    mobasa = [training.read(post, lexicon) for post in corpora.mobasa(shared)]
    everything = [*ours, *mobasa]
    model = read_model()
    yield from _mobasa(everything, mobasa, lexicon)
    yield from _germeval(model, corpora.germeval(shared), everything, lexicon)
    yield from _airline(model, corpora.airline(shared), everything, lexicon)
    if locked:
        yield from _locked(everything, lexicon)


def _mobasa(everything: Sequence[training.Read], mobasa: Sequence[training.Read], lexicon: Lexicon) -> Iterator[Figure]:
    needs = [each.post.need for each in mobasa]
    z = training.out_of_fold(everything, lexicon)[-len(mobasa) :]
    slope, shift = training.calibration(z, needs)
    yield Figure("need on MobASA, 5-fold: AP", f"{measuring.average_precision(needs, z):.3f}", ">= .90")
    yield Figure("need on MobASA, 5-fold: best F1", f"{measuring.best_f1(needs, z):.3f}", ">= .83")
    chances = 1 / (1 + np.exp(-(slope * z + shift)))
    yield Figure(
        "calibration error on MobASA, out of fold", f"{measuring.calibration_error(needs, chances):.3f}", "<= .03"
    )


def _germeval(
    model: Model, posts: list[Labelled], known: Sequence[training.Read], lexicon: Lexicon
) -> Iterator[Figure]:
    z, chances, urgency = _judged(model, posts, lexicon)
    needs, urgencies = [post.need for post in posts], [post.need * post.urgency for post in posts]
    worth = chances * (np.exp2(urgency) - 1)
    words = measuring.plain_words(
        [each.post.text for each in known], [each.post.need for each in known], [post.text for post in posts]
    )
    low, high = measuring.interval(urgencies, worth)
    yield Figure("need on GermEval dev: AP", f"{measuring.average_precision(needs, z):.3f}", ">= .78")
    yield Figure("need on GermEval dev: best F1", f"{measuring.best_f1(needs, z):.3f}", ">= .73")
    yield Figure("the same, TF-IDF on the same data: AP", f"{measuring.average_precision(needs, words):.3f}", "")
    yield Figure(
        "urgency on GermEval dev: NDCG@50", f"{measuring.ndcg(urgencies, worth):.3f} ({low:.2f}-{high:.2f})", ">= .75"
    )
    yield Figure("need reached on GermEval dev", f"{measuring.reached(urgencies, worth, sum(needs)):.3f}", ">= .80")
    yield Figure("calibration error on GermEval dev", f"{measuring.calibration_error(needs, chances):.3f}", "")
    yield Figure(
        "the same after a shift of the prior", f"{measuring.calibration_error(needs, _shifted(chances, needs)):.3f}", ""
    )


def _airline(model: Model, posts: list[Labelled], known: Sequence[training.Read], lexicon: Lexicon) -> Iterator[Figure]:
    z, chances, _ = _judged(model, posts, lexicon)
    needs = [post.need for post in posts]
    words = measuring.plain_words(
        [each.post.text for each in known], [each.post.need for each in known], [post.text for post in posts]
    )
    found, plain = measuring.average_precision(needs, z), measuring.average_precision(needs, words)
    yield Figure("need on US airlines: AP", f"{found:.3f}", "")
    yield Figure("the same, TF-IDF on the same data", f"{plain:.3f}", "")
    yield Figure("share of the gap to 1 that is closed", f"{(found - plain) / (1 - plain):.2f}", ">= .30")
    yield Figure("calibration error on US airlines", f"{measuring.calibration_error(needs, chances):.3f}", "")
    yield Figure(
        "the same after a shift of the prior", f"{measuring.calibration_error(needs, _shifted(chances, needs)):.3f}", ""
    )


def _locked(known: Sequence[training.Read], lexicon: Lexicon) -> Iterator[Figure]:
    """Each industry by a model that was trained without it."""
    posts = corpora.locked()
    industries = sorted({post.domain for post in posts})
    found, plain = [], []
    for industry in industries:
        others = [each for each in known if each.post.domain != industry]
        asked = [post for post in posts if post.domain == industry]
        needs = [post.need for post in asked]
        z, _, _ = _judged(training.fit(others, lexicon), asked, lexicon)
        found.append(measuring.average_precision(needs, z))
        words = measuring.plain_words(
            [each.post.text for each in others], [each.post.need for each in others], [post.text for post in asked]
        )
        plain.append(measuring.average_precision(needs, words))
        yield Figure(f"locked posts, {industry} left out: AP", f"{found[-1]:.3f} (TF-IDF {plain[-1]:.3f})", ">= .93")
    yield Figure(
        "locked posts, mean of the industries: AP", f"{np.mean(found):.3f} (TF-IDF {np.mean(plain):.3f})", ">= .93"
    )


def _judged(
    model: Model, posts: Sequence[Labelled], lexicon: Lexicon
) -> tuple[measuring.Floats, measuring.Floats, measuring.Floats]:
    """z, chance and urgency of each post."""
    seen = [training.seen_features(training.read(post, lexicon), lexicon, model.kept) for post in posts]
    z = np.array([model.need.total(each) for each in seen])
    return z, np.array([model.need_of(each) for each in z]), np.array([model.urgency_of(each) for each in seen])


def _shifted(chances: measuring.Floats, needs: Sequence[int]) -> measuring.Floats:
    """Chances moved by one constant in log-odds until their mean is the share of posts that need an answer."""
    odds = np.log(np.clip(chances, 1e-6, 1 - 1e-6) / np.clip(1 - chances, 1e-6, 1))
    low, high = -10.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        if (1 / (1 + np.exp(-(odds + middle)))).mean() < np.mean(needs):
            low = middle
        else:
            high = middle
    return np.asarray(1 / (1 + np.exp(-(odds + low))))
