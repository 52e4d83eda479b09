"""Real payloads beside the checkout, where they are there."""

import json
import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "payloads"


def payload(name):
    """The JSON of a sample, or the list of its lines; skips where the reference material is absent."""
    path = FOLDER / name
    if not path.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{path} is missing")
        pytest.skip("the reference payloads are not beside the checkout")
    text = path.read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()] if path.suffix == ".ndjson" else json.loads(text)
