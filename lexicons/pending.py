"""A verdict with triggers whose conditions nobody can know yet: whether the author is a customer, whether the brand was there.

The post is judged twice, as if no such condition held and as if all did. `need`, urgency and the rest are those of the first;
what the second hears more travels along, marked pending. A post that is kept only because of that is no service request yet.
"""

import msgspec

from lexicons.compiler import Lexicon
from lexicons.conditions import author_conditions
from records.pending import Pending
from records.verdict import Verdict


def with_pending(verdict: Verdict, hopeful: Verdict, lexicon: Lexicon) -> Verdict:
    """The verdict with the hits of the hopeful one that wait for a condition."""
    waiting = []
    counted = {hit.id for hit in verdict.triggers}
    hits = list(verdict.triggers)
    for hit in hopeful.triggers:
        trigger = lexicon.trigger(hit.id)
        conditions = author_conditions(trigger.when) if trigger and trigger.when else ()
        if trigger is None or not conditions or hit.id in counted:
            continue
        gives = trigger.league if trigger.league == hopeful.league != verdict.league else None
        waiting.append(str(Pending(hit.id, conditions, gives)))
        hits.append(hit)
    if not waiting:
        return verdict
    kept = verdict.kept or hopeful.kept
    return msgspec.structs.replace(
        verdict,
        kept=kept,
        dropped=None if kept else verdict.dropped,
        context=verdict.context and not kept,
        triggers=tuple(sorted(hits, key=lambda hit: (hit.start, hit.end, hit.id))),
        pending=tuple(waiting),
    )
