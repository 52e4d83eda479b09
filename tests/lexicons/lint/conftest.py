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
    """Triggers as YAML flow mappings. beside: packaged lexicons to read with them; more: what else stands in the file."""

    def write(*triggers: str, language: str = "de", beside: tuple[str, ...] = (), more: str = "") -> Checked:
        file = tmp_path / "own.yaml"
        lines = "".join(f"  - {{{trigger}}}\n" for trigger in triggers)
        file.write_text(f"lexicon: 1\nlanguage: {language}\ntriggers:\n{lines}{more}", "utf-8")
        sources = [read_lexicon(resolve(name, tmp_path)) for name in beside]
        own = read_lexicon(file)
        return Checked(compile_lexicon([*sources, own]), (*sources, own) if more else (own,))

    return write
