"""What the rules look at: the files to be checked, and the lexicon that they are part of."""

from collections.abc import Iterator
from typing import NamedTuple

from lexicons.compiler import CompiledTrigger, Lexicon
from lexicons.format import Source, Trigger
from lexicons.lint.remark import Remark, remark
from records import paths


class Checked(NamedTuple):
    """`sources`: the files that remarks are about; `lexicon`: compiled from them and from what is read beside them."""

    lexicon: Lexicon
    sources: tuple[Source, ...]

    def triggers(self) -> Iterator["Stood"]:
        """Every trigger of the files, in their order."""
        compiled = {each.trigger.id: each for each in self.lexicon.triggers}
        for source in self.sources:
            for place, trigger in enumerate(source.content.triggers):
                yield Stood(source, place, trigger, compiled[trigger.id])


class Stood(NamedTuple):
    """A trigger with the place where it stands."""

    source: Source
    place: int
    trigger: Trigger
    compiled: CompiledTrigger

    @property
    def languages(self) -> frozenset[str]:
        """The language in which it is always read."""
        return frozenset([self.compiled.language])

    def phrases(self) -> Iterator[tuple[int, str, paths.Path]]:
        """Index in the matcher, text and path of each phrase."""
        written = self.trigger.phrases
        for at, index in enumerate(self.compiled.phrases):
            yield index, written[at], ("phrases", at)

    def remark(self, rule: str, message: str, todo: str, at: paths.Path = ()) -> Remark:
        """A remark at a path inside this trigger; its own line where none is given."""
        path: paths.Path = ("triggers", self.place, *at)
        document = self.source.document
        return remark(
            rule,
            message,
            todo,
            file=document.file,
            line=document.line(path),
            trigger=self.trigger.id,
            field=paths.dotted(path),
        )
