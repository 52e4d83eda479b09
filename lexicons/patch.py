"""Proposals as a lexicon file of its own, to be read, thinned out by a person, and run through `lexicon plan`."""

import json
from collections.abc import Sequence

from lexicons.suggest import Evidence, Proposal

_HEAD = """\
# Proposals of `hilferuf lexicon suggest`, from what people did with {posts} posts. They are no more than that: read the
# examples, delete what does not convince, set urgency and intent, then see what it would do:
#
#   hilferuf lexicon plan {file}
#
# z: how sure the difference is (2 = 1 in 40 by chance). Words that are not many people's are left out of the examples (…).
lexicon: 1
language: {language}
"""


def patch(proposals: Sequence[Proposal], language: str, posts: int, file: str) -> str:
    """The file's text. posts: how many outcomes it rests on; file: what it is to be called, for the line that says how to go
    on."""
    lines = [_HEAD.format(posts=posts, file=file, language=language)]
    new = [one for one in proposals if one.old_weight is None and one.kind == "phrase"]
    changed = [one for one in proposals if one not in new]
    if not proposals:
        lines.append("# Nothing stands out.\n")
    if new:
        lines.append("triggers:\n")
        lines += map(_new_trigger, new)
    if changed:
        lines.append("changes:\n")
        triggers = dict.fromkeys(one.trigger for one in changed)
        lines += [_change(trigger, [one for one in changed if one.trigger == trigger]) for trigger in triggers]
    return "".join(lines)


def _new_trigger(one: Proposal) -> str:
    return (
        f"  # {_counts(one.evidence, 'posts opened by hand or raised', 'others')}\n"
        f"  - id: {one.trigger}\n"
        f"    phrases: [{_quoted(one.phrase or '')}]\n"
        f"    weight: {one.weight:g}\n"
        f"    examples:\n"
        f"      hits: [{', '.join(map(_quoted, one.evidence.examples))}]\n"
    )


def _change(trigger: str, proposals: Sequence[Proposal]) -> str:
    lines = [f"  - id: {trigger}\n"]
    for kind, key, side, other in (
        ("phrase", "add_phrases", "posts opened by hand or raised", "others"),
        ("exception", "add_exceptions", "hits in tickets closed as no need", "other hits"),
    ):
        these = [one for one in proposals if one.kind == kind]
        if these:
            lines.append(f"    {key}:\n")
        for one in these:
            lines.append(f"      # {_counts(one.evidence, side, other)}\n")
            lines += [f"      #   {example}\n" for example in one.evidence.examples]
            lines.append(f"      - {_quoted(one.phrase or '')}\n")
    for one in proposals:
        if one.kind == "weight":
            down = one.weight is not None and one.old_weight is not None and one.weight < one.old_weight
            sides = (
                ("tickets closed as no need", "other tickets")
                if down
                else ("posts opened by hand or raised", "closed as no need")
            )
            lines.append(f"    # {_counts(one.evidence, *sides)}\n")
            lines.append(f"    weight: {one.weight:g}  # now {one.old_weight:g}\n")
    return "".join(lines)


def _counts(evidence: Evidence, side: str, other: str) -> str:
    return (
        f"{evidence.hits} of {evidence.of} {side} ({evidence.authors} authors), {evidence.against} of {evidence.against_of} "
        f"{other}; log-odds {evidence.log_odds:+.2f}, z {evidence.z:.1f}"
    )


def _quoted(text: str) -> str:
    """JSON's strings are YAML's too, and no word in them is read as true or a number."""
    return json.dumps(text, ensure_ascii=False)
