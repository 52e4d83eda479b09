"""What the rules look at: all files that are read together, and the lexicon that they are."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lexicons.compiler import CompiledTrigger, Lexicon
from lexicons.format import Source, Trigger
from lexicons.lint.remark import Remark, remark
from lexicons.merging import Placed, Written, merged_triggers
from records import paths


class Checked(NamedTuple):
    """`lexicon`: compiled from `sources`."""

    lexicon: Lexicon
    sources: Sequence[Source]

    def triggers(self) -> Iterator["Stood"]:
        """Every trigger that counts, as the files after its own changed it."""
        compiled = {each.trigger.id: each for each in self.lexicon.triggers}
        changed = {
            change.id: (source, ("changes", place))
            for source in self.sources
            for place, change in enumerate(source.content.changes)
        }
        for placed in merged_triggers(self.sources):
            last = changed.get(placed.trigger.id, (placed.source, placed.path))
            yield Stood(placed, compiled[placed.trigger.id], *last)


class Stood(NamedTuple):
    """A trigger with the place where it stands, and the place that changed it last."""

    placed: Placed
    compiled: CompiledTrigger
    changed_in: Source
    changed_at: paths.Path

    @property
    def trigger(self) -> Trigger:
        """As it counts."""
        return self.placed.trigger

    @property
    def languages(self) -> frozenset[str]:
        """The language in which it is always read."""
        return frozenset([self.compiled.language])

    def phrases(self) -> Iterator[tuple[int, Written]]:
        """Each phrase, with its index in the matcher."""
        return zip(self.compiled.phrases, self.placed.phrases, strict=True)

    def at_phrase(self, rule: str, message: str, todo: str, written: Written) -> Remark:
        """A remark on a phrase."""
        return self._remark(rule, message, todo, written.source, written.path)

    def at_example(self, rule: str, message: str, todo: str, at: paths.Path = ()) -> Remark:
        """A remark on the trigger's examples, which stand where it does."""
        return self._remark(rule, message, todo, self.placed.source, (*self.placed.path, *at))

    def as_a_whole(self, rule: str, message: str, todo: str) -> Remark:
        """A remark on the trigger as it counts: where it was changed last."""
        return self._remark(rule, message, todo, self.changed_in, self.changed_at)

    def _remark(self, rule: str, message: str, todo: str, source: Source, path: paths.Path) -> Remark:
        return remark(
            rule,
            message,
            todo,
            file=source.document.file,
            line=source.document.line(path),
            trigger=self.trigger.id,
            field=paths.dotted(path),
        )
