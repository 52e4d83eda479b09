"""A mention to be judged, and the lexicons to judge it with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lexicons.judgement import Lexicon, load_lexicon
from records.mention import Account, Author, Mention

AT = "2026-03-01T10:00:00.000Z"
NORDFUNK = """
lexicon: 1
brands:
  - id: nordfunk
    names: [Nordfunk, Nord Funk]
    handles: ["@nordfunk", "@nordfunk_hilft"]
    hashtags: ["#nordfunkt"]
    accounts: ["x:1", "facebook:2"]
    exclusions: [Nordfunk Bau, Nordfunk … Orchester]
"""


def _mention(text: str | None, **fields: Any) -> Mention:
    given: dict[str, Any] = {
        "id": "x:9", "native_id": "9", "channel": "x", "kind": "post", "op": "create", "revision": "0",
        "direction": "inbound", "visibility": "public", "occurred_at": AT, "observed_at": AT, "account": Account(id="q"),
        "author": Author(id="77", handle="kundin"), "media": (),
    }  # fmt: skip
    return Mention(text=text, **(given | fields))


@pytest.fixture(scope="session")
def mention() -> Callable[..., Mention]:
    return _mention


@pytest.fixture(scope="session")
def lexicon(tmp_path_factory: pytest.TempPathFactory) -> Lexicon:
    """Both packaged lexicons and the brand Nordfunk."""
    base: Path = tmp_path_factory.mktemp("lexicons")
    (base / "nordfunk.yaml").write_text(NORDFUNK, "utf-8")
    return load_lexicon(["de", "en", "nordfunk.yaml"], base=base)


@pytest.fixture(scope="session")
def brandless() -> Lexicon:
    """The packaged lexicons alone: the brand condition is off."""
    return load_lexicon(["de", "en"], base=Path())
