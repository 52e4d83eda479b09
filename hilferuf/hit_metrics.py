"""Metrics of what the lexicons hit, for the alerts that tell a trigger that died or exploded, and a silent lexicon."""

from lexicons.compiler import Lexicon
from records.verdict import Verdict
from streams import metrics

_languages: dict[str, str] = {}  # trigger -> language, of the lexicon in force in this process
_groups: set[tuple[str, str]] = set()  # its languages and brands


def expect_hits(lexicon: Lexicon) -> None:
    """From now on this lexicon's triggers, languages and brands are counted, from 0: a series that is not there cannot be told
    from a trigger that is silent, nor one that stayed from a trigger that was taken out."""
    languages = {each.trigger.id: each.language for each in lexicon.triggers}
    groups = {("language", language) for language in languages.values()}
    groups |= {("brand", brand) for brand in lexicon.brands.ids}
    for gone in _languages.keys() - languages.keys():
        metrics.TRIGGER_HITS.remove(gone)
    for kind, name in _groups - groups:
        metrics.LEXICON_HITS.remove(kind, name)
    for trigger in languages:
        metrics.TRIGGER_HITS.labels(trigger)
    for kind, name in groups:
        metrics.LEXICON_HITS.labels(kind, name)
    _languages.clear()
    _languages.update(languages)
    _groups.clear()
    _groups.update(groups)


def count_hits(verdict: Verdict) -> None:
    """One judged mention; a trigger counts once, however often it stands there."""
    triggers = {hit.id for hit in verdict.triggers}
    for trigger in triggers:
        metrics.TRIGGER_HITS.labels(trigger).inc()
    for language in {_languages[trigger] for trigger in triggers if trigger in _languages}:
        metrics.LEXICON_HITS.labels("language", language).inc()
    if verdict.brand is not None and verdict.addressed != "none":
        metrics.LEXICON_HITS.labels("brand", verdict.brand).inc()
