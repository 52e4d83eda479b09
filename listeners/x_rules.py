"""The filtered stream's rules, kept equal to the configuration, and the search queries that hear the same. Pure.

Ids of rules are made by X, so ours are known by the prefix of their tag; rules of others on the same app are never
touched. X refuses a second rule with the same value, whatever its tag.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from config.settings import XRule

QUERY_LIMIT = 512  # characters of a recent-search query
_STREAM_ONLY = re.compile(r"(?:^|[\s(-])(?:bio|bio_name|bio_location|sample):", re.IGNORECASE)


class RuleChanges(msgspec.Struct, frozen=True):
    """What to do, in this order: `free` (ids to delete because their value returns under another tag), `add`, `delete`.

    Adding before deleting leaves no moment in which neither the old nor the new rule hears. taken: rules whose value is
    already a rule of somebody else; the stream hears them under that tag.
    """

    free: tuple[str, ...] = ()
    add: tuple[XRule, ...] = ()
    delete: tuple[str, ...] = ()
    taken: tuple[XRule, ...] = ()


def changes(current: Iterable[Mapping[str, Any]], wanted: Sequence[XRule], prefix: str) -> RuleChanges:
    """From X's rules (each `id`, `value`, perhaps `tag`) to the wanted ones; `wanted` carries our own tags, unprefixed."""
    present = [(str(rule.get("id", "")), str(rule.get("value", "")), rule.get("tag")) for rule in current]
    ours = [rule for rule in present if own_tag(rule[2], prefix) is not None]
    foreign = {value for _, value, tag in present if own_tag(tag, prefix) is None}
    targets = {rule.value: rule for rule in reversed(wanted)}  # the first of two rules with one value wins
    kept: set[str] = set()
    free: list[str] = []
    delete: list[str] = []
    for rule_id, value, tag in ours:
        target = targets.get(value)
        if target is None:
            delete.append(rule_id)
        elif tag == full_tag(target.tag, prefix) and value not in kept:
            kept.add(value)
        else:
            free.append(rule_id)
    missing = [rule for value, rule in targets.items() if value not in kept]
    return RuleChanges(
        free=tuple(free),
        add=tuple(rule for rule in missing if rule.value not in foreign),
        delete=tuple(delete),
        taken=tuple(rule for rule in missing if rule.value in foreign),
    )


def full_tag(tag: str, prefix: str) -> str:
    """Our tag as it stands at X."""
    return f"{prefix}:{tag}"


def own_tag(tag: object, prefix: str) -> str | None:
    """Our tag from the one at X, None if the rule is not ours."""
    if isinstance(tag, str) and tag.startswith(prefix + ":"):
        return tag[len(prefix) + 1 :]
    return None


def search_groups(
    rules: Sequence[XRule], limit: int = QUERY_LIMIT
) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """Groups of rule values that fit into one recent-search query each (see `joined`), and the tags of the rules that
    search cannot do: operators of the stream only, or longer than a query may be."""
    groups: list[tuple[str, ...]] = []
    refused: list[str] = []
    group: tuple[str, ...] = ()
    for value, tag in dict.fromkeys((rule.value.strip(), rule.tag) for rule in rules):
        if _STREAM_ONLY.search(value) or len(value) > limit:
            refused.append(tag)
        elif group and len(joined((*group, value))) > limit:
            groups.append(group)
            group = (value,)
        else:
            group = (*group, value)
    return tuple(groups) + ((group,) if group else ()), tuple(refused)


def joined(group: Sequence[str]) -> str:
    """One query that finds what any of these finds."""
    return group[0] if len(group) == 1 else " OR ".join(f"({value})" for value in group)
