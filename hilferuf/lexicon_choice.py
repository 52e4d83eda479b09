"""Which lexicons a check is about: the files that were named, or all of the settings; and what is read beside them.

A file of one's own counts on the packaged ones: their words of negation, the triggers that compete with its own. So what the
settings name is read beside it, but for other versions of the same file: of its name, or with the same trigger ids.
"""

from pathlib import Path
from typing import NamedTuple

from config.settings import Loaded, load_settings, packaged
from hilferuf.rules import DEFAULT_FILE
from lexicons.compiler import Lexicon, compile_lexicon, own_accounts
from lexicons.format import Source, read_lexicon, resolve


class Choice(NamedTuple):
    """`files` are checked; `beside` are those of the settings that were not named."""

    loaded: Loaded
    files: tuple[Path, ...]
    beside: tuple[Path, ...]

    def compile(self, sources: list[Source]) -> Lexicon:
        """The lexicon that the checked files are part of. Raises ConfigError."""
        taken = {trigger.id for source in sources for trigger in source.content.triggers}
        others = [read_lexicon(path) for path in self.beside]
        kept = [each for each in others if not taken & {trigger.id for trigger in each.content.triggers}]
        settings = self.loaded.settings
        return compile_lexicon(
            [*kept, *sources], need_threshold=settings.need_threshold, accounts=own_accounts(settings)
        )


def choose(files: list[str], config: Path | None) -> Choice:
    """The files or packaged names given, else all lexicons of the settings: those of `config`, of ./hilferuf.yaml where there
    is one, or packaged defaults. Raises ConfigError."""
    loaded = near_settings(config)
    named = [resolve(name, loaded.base) for name in loaded.settings.lexicons]
    chosen = [resolve(name, Path()) for name in files] if files else named
    known = {path.name for path in chosen}
    return Choice(loaded, tuple(dict.fromkeys(chosen)), tuple(path for path in named if path.name not in known))


def near_settings(config: Path | None) -> Loaded:
    """Settings for a person at work in a folder: the file named, else ./hilferuf.yaml, else packaged defaults."""
    if config is None and DEFAULT_FILE.exists():
        config = DEFAULT_FILE
    return load_settings(config) if config else packaged()


def shown(file: str) -> str:
    """A file's name as a person in this folder would write it."""
    path, here = Path(file), Path.cwd()
    return str(path.resolve().relative_to(here)) if path.resolve().is_relative_to(here) else file


def counted(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
