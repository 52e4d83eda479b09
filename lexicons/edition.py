"""An edition: the lexicons of a deployment as one value, with the text of every file that is read for them.

It is what `lexicon apply` promotes. A running service compiles it wherever it runs, without the folder that it came from; the
packaged lexicons that it names are those of the program that compiles it.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from config.yaml_file import read_bytes, reading_by
from lexicons.compiler import Lexicon
from records.ids import digest

_PACKAGED = Path(__file__).parent


class Edition(msgspec.Struct, frozen=True, kw_only=True):
    """names: as in the setting `lexicons`, in their order. files: text by path, relative to the folder of the settings."""

    names: tuple[str, ...]
    files: dict[str, str]

    @property
    def id(self) -> str:
        """A digest of all of it: equal editions have equal ids on every machine."""
        return digest(*self.names, *(part for file in sorted(self.files.items()) for part in file), size=6)


Load = Callable[[Sequence[str]], Lexicon]  # `load_lexicon` with everything but the names of the lexicons in it


def read_edition(
    names: Sequence[str], base: Path, load: Load, instead: Mapping[str, str] | None = None
) -> tuple[Edition, Lexicon]:
    """The lexicons of these names as they lie under `base` now, read whole and compiled; `instead`: texts that stand in for
    files, by path relative to `base`. Raises ConfigError."""
    files: dict[str, str] = {}
    texts = dict(instead or {})

    def read(path: Path) -> bytes:
        if _is_packaged(path):
            return read_bytes(path)
        name = _relative(path, base)
        data = texts[name].encode("utf-8", "surrogateescape") if name in texts else read_bytes(path)
        files[name] = data.decode("utf-8", "replace")  # where this replaces, reading has an error to tell
        return data

    with reading_by(read):
        lexicon = load(names)
    return Edition(names=tuple(names), files=files), lexicon


def compile_edition(edition: Edition, base: Path, load: Load) -> Lexicon:
    """The edition's lexicon; nothing but packaged files is read. Raises ConfigError."""

    def read(path: Path) -> bytes:
        if _is_packaged(path):
            return read_bytes(path)
        name = _relative(path, base)
        if name not in edition.files:
            raise FileNotFoundError(2, f"is not among the files of edition {edition.id}", name)
        return edition.files[name].encode()

    with reading_by(read):
        return load(edition.names)


def _is_packaged(path: Path) -> bool:
    return path.resolve().parent.is_relative_to(_PACKAGED)


def _relative(path: Path, base: Path) -> str:
    return Path(os.path.relpath(path, base)).as_posix()
