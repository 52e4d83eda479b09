"""Metrics of what the lexicons hit, for the alerts that tell a trigger that died or exploded, and a silent lexicon."""

from typing import NamedTuple

from lexicons.compiler import Lexicon
from records.verdict import Verdict
from streams import metrics


class _Expected(NamedTuple):
    """Of the lexicon in force in this process: trigger -> language; and (kind, name) of its languages and brands."""

    languages: dict[str, str]
    groups: frozenset[tuple[str, str]]


class _Hits:
    """Replaced as a whole, since verdicts are counted in another thread than the one in which lexicons change."""

    expected = _Expected({}, frozenset())


def expect_hits(lexicon: Lexicon) -> None:
    """From now on this lexicon's triggers, languages and brands are counted, from 0: a series that is not there cannot be told
    from a trigger that is silent, nor one that stayed from a trigger that was taken out."""
    before = _Hits.expected
    languages = {each.trigger.id: each.language for each in lexicon.triggers}
    groups = {("language", language) for language in languages.values()}
    groups |= {("brand", brand) for brand in lexicon.brands.ids}
    _Hits.expected = _Expected(languages, frozenset(groups))
    for gone in before.languages.keys() - languages.keys():
        metrics.TRIGGER_HITS.remove(gone)
    for kind, name in before.groups - groups:
        metrics.LEXICON_HITS.remove(kind, name)
    for trigger in languages:
        metrics.TRIGGER_HITS.labels(trigger)
    for kind, name in groups:
        metrics.LEXICON_HITS.labels(kind, name)


def count_hits(verdict: Verdict) -> None:
    """One judged mention; a trigger counts once, however often it stands there."""
    triggers, languages = {hit.id for hit in verdict.triggers}, _Hits.expected.languages
    for trigger in triggers:
        metrics.TRIGGER_HITS.labels(trigger).inc()
    for language in {languages[trigger] for trigger in triggers if trigger in languages}:
        metrics.LEXICON_HITS.labels("language", language).inc()
    if verdict.brand is not None and verdict.addressed != "none":
        metrics.LEXICON_HITS.labels("brand", verdict.brand).inc()
