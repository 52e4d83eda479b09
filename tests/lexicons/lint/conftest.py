"""A lexicon file to be linted, read beside the packaged ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lexicons.compiler import compile_lexicon
from lexicons.format import read_lexicon, resolve
from lexicons.lint import Checked

Write = Callable[..., Checked]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """Triggers as YAML flow mappings; without `examples` they get none. beside: packaged lexicons to read with them."""

    def write(*triggers: str, language: str = "de", beside: tuple[str, ...] = ()) -> Checked:
        file = tmp_path / "own.yaml"
        lines = "".join(f"  - {{{trigger}}}\n" for trigger in triggers)
        file.write_text(f"lexicon: 1\nlanguage: {language}\ntriggers:\n{lines}", "utf-8")
        sources = [read_lexicon(resolve(name, tmp_path)) for name in beside]
        own = read_lexicon(file)
        return Checked(compile_lexicon([*sources, own]), (own,))

    return write
