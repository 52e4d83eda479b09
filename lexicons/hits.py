"""Counts what triggers hit, a day at a time: what `lexicons.health` judges, and what may be kept when the posts are gone.

A day's counts name no person and no post, so they outlive the log. Days are UTC, by the time of posting.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from records.mention import Mention
from records.verdict import Verdict

# Nobody asked what these say: they are no part of the traffic that a trigger could have hit.
NOT_JUDGED = frozenset(("own_post", "repost", "bot", "deleted", "no_content"))


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """Of one lexicon, language or brand on one day: mentions that it could have hit, and those that it did."""

    mentions: int = 0
    hits: int = 0


class DayCount(msgspec.Struct, frozen=True, kw_only=True):
    """One day. mentions: judged ones. hits: trigger -> mentions that it hit, 0 for one that was there and hit nothing; one
    that is missing was not there yet. groups: `lexicon NAME`, `language TAG`, `brand ID`."""

    day: str
    mentions: int
    hits: dict[str, int]
    groups: dict[str, Heard]


class Tally:
    """Counts verdicts. Each mention counts once, whatever the order of its revisions and however often they come.

    lexicons: name of a lexicon -> ids of its triggers, of which those in `languages` are in force; a lexicon without any is
    left out. languages: trigger -> language; brands: ids of all brands.
    """

    def __init__(
        self, lexicons: Mapping[str, Iterable[str]], languages: Mapping[str, str], brands: Iterable[str]
    ) -> None:
        self._groups: dict[str, list[str]] = {trigger: [] for trigger in languages}
        self._languages = frozenset(languages.values()) - {"any"}
        self._names = [f"brand {brand}" for brand in sorted(brands)]
        for name, triggers in sorted(lexicons.items()):
            in_force = [trigger for trigger in triggers if trigger in languages]
            self._names += [f"lexicon {name}"] if in_force else []
            for trigger in in_force:
                self._groups[trigger].append(f"lexicon {name}")
        for trigger, language in languages.items():
            if language != "any":
                self._groups[trigger].append(f"language {language}")
        self._names += [f"language {language}" for language in sorted(self._languages)]
        self._seen: dict[str, tuple[str, frozenset[str], frozenset[str]]] = {}
        self._shared: dict[frozenset[str], frozenset[str]] = {}

    def add(self, mention: Mention, verdict: Verdict) -> None:
        """One judged revision of a mention."""
        if verdict.dropped in NOT_JUDGED:
            return
        day, hits = mention.occurred_at[:10], frozenset(hit.id for hit in verdict.triggers)
        marks = set()
        if verdict.brand is not None and verdict.addressed != "none":
            marks.add(f"brand {verdict.brand}")
        if verdict.language in self._languages:
            marks.add(f"in {verdict.language}")
        held = self._seen.get(mention.id)
        if held is not None:
            day, hits, marks = min(day, held[0]), hits | held[1], marks | held[2]
        self._seen[mention.id] = (day, self._one(hits), self._one(frozenset(marks)))

    def _one(self, names: frozenset[str]) -> frozenset[str]:
        """Most posts hit nothing, or the same: half a million of them share a few sets."""
        return self._shared.setdefault(names, names)

    def days(self) -> list[DayCount]:
        """The counts so far, by day."""
        mentions: dict[str, int] = {}
        hits: dict[str, dict[str, int]] = {}
        groups: dict[str, dict[str, list[int]]] = {}
        for day, triggers, marks in self._seen.values():
            mentions[day] = mentions.get(day, 0) + 1
            if day not in hits:
                hits[day] = dict.fromkeys(self._groups, 0)
                groups[day] = {name: [0, 0] for name in self._names}
            touched = {group for trigger in triggers for group in self._groups.get(trigger, ())}
            touched |= {mark for mark in marks if mark.startswith("brand ")}
            for trigger in triggers:
                hits[day][trigger] = hits[day].get(trigger, 0) + 1
            for name in touched:
                groups[day].setdefault(name, [0, 0])[1] += 1
            for mark in marks:
                if mark.startswith("in "):
                    groups[day][f"language {mark[3:]}"][0] += 1
        return [
            DayCount(
                day=day,
                mentions=mentions[day],
                hits=dict(sorted(hits[day].items())),
                groups={
                    name: Heard(mentions=own if name.startswith("language ") else mentions[day], hits=hit)
                    for name, (own, hit) in sorted(groups[day].items())
                },
            )
            for day in sorted(mentions)
        ]


def merge_days(before: Sequence[DayCount], now: Sequence[DayCount]) -> list[DayCount]:
    """Both, by day; of a day that stands in both, the count that saw more mentions (the log forgets), else the new one."""
    held = {day.day: day for day in before}
    for day in now:
        if day.day not in held or day.mentions >= held[day.day].mentions:
            held[day.day] = day
    return [held[day] for day in sorted(held)]
