"""Examples that are missing, and examples that cannot both be right. (`hilferuf lexicon test` runs them.)"""

from collections.abc import Iterator

from lexicons.lint.checked import Checked, Stood
from lexicons.lint.remark import Remark
from lexicons.text import SENTENCE_END, cut


def check_tests(checked: Checked) -> Iterator[Remark]:
    """`untested` triggers, and `contradictory` examples: the same text a hit and a miss of triggers that share a phrase."""
    hits: dict[str, list[Stood]] = {}
    for stood in checked.triggers():
        for text in stood.trigger.examples.hits:
            hits.setdefault(_words(text), []).append(stood)
    for stood in checked.triggers():
        yield from _untested(stood)
        for at, text in enumerate(stood.trigger.examples.misses):
            for other in hits.get(_words(text), ()):
                if set(other.trigger.phrases) & set(stood.trigger.phrases):
                    where = (
                        "here"
                        if other.trigger.id == stood.trigger.id
                        else f"of `{other.trigger.id}`, which has the same phrase"
                    )
                    yield stood.at_example(
                        "contradictory",
                        f"the example {text!r} is a miss here and a hit {where}",
                        "decide which it is",
                        ("examples", "misses", at),
                    )


def _words(text: str) -> str:
    return " ".join(word for word in cut(text).words if word not in (SENTENCE_END, ","))


def _untested(stood: Stood) -> Iterator[Remark]:
    examples = stood.trigger.examples
    missing = [name for name, texts in (("hits", examples.hits), ("misses", examples.misses)) if not texts]
    if missing:
        yield stood.at_example(
            "untested",
            f"has no examples of {' and of '.join(missing)}",
            "add what it must find, and what looks like it and must not be found",
        )
