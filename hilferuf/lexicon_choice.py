"""Which lexicons a check is about: the files that were named, or all of the settings; and what is read with them.

A file of one's own counts on others: packaged words of negation, triggers that compete with its own or that it changes. So what
the settings name is read with it; but it takes the place of another version of itself, which has its name or its trigger ids.
"""

import os
from pathlib import Path
from typing import NamedTuple

from config.settings import Loaded, load_settings, packaged
from config.yaml_file import ConfigError
from hilferuf.rules import DEFAULT_FILE
from lexicons.compiler import Lexicon, compile_lexicon, own_accounts
from lexicons.format import Source, read_lexicon, resolve
from lexicons.model.weights import PACKAGED, known_model


class Choice(NamedTuple):
    """`files` are to be read, in this order; `named` are those of them that are checked, empty = all, and what they extend."""

    loaded: Loaded
    files: tuple[Path, ...]
    named: tuple[Path, ...]

    def checked(self, sources: list[Source]) -> tuple[Source, ...]:
        """Those of the files read that are checked."""
        named = {str(path) for path in self.named}
        return tuple(each for each in sources if not named or os.path.normpath(each.document.file) in named)

    def compile(self, sources: list[Source]) -> Lexicon:
        """The lexicon that all files together are. Raises ConfigError."""
        settings = self.loaded.settings
        return compile_lexicon(
            sources,
            need_threshold=settings.need_threshold,
            accounts=own_accounts(settings),
            model=known_model(self.loaded.model or PACKAGED),
        )


def choose(names: list[str], config: Path | None) -> Choice:
    """The files or packaged names given, else all lexicons of the settings: those of `config`, of ./hilferuf.yaml where there
    is one, or packaged defaults. Raises ConfigError."""
    loaded = near_settings(config)
    ours = [_absolute(resolve(name, loaded.base)) for name in loaded.settings.lexicons]
    named = tuple(dict.fromkeys(_absolute(resolve(name, Path())) for name in names))
    instead = {path.name: path for path in named}
    taken = set().union(*(_trigger_ids(path) for path in named))
    files = [instead.get(path.name, path) for path in ours if path.name in instead or not taken & _trigger_ids(path)]
    return Choice(loaded, tuple(dict.fromkeys((*files, *named))), named)


def _absolute(path: Path) -> Path:
    return Path(os.path.normpath(path.absolute()))


def _trigger_ids(path: Path) -> set[str]:
    try:
        return {trigger.id for trigger in read_lexicon(path).content.triggers}
    except ConfigError:
        return set()  # told by whoever reads it to check it


def near_settings(config: Path | None) -> Loaded:
    """Settings for a person at work in a folder: the file named, else ./hilferuf.yaml, else packaged defaults."""
    if config is None and DEFAULT_FILE.exists():
        config = DEFAULT_FILE
    return load_settings(config) if config else packaged()


def shown(file: str) -> str:
    """A file's name as a person in this folder would write it."""
    path, here = _absolute(Path(file)), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else file


def counted(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
