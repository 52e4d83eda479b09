"""Programs that check what is deployed, and the texts that several tests read."""

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
_VARIABLE = re.compile(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}")


def program(name: str, get: str) -> str:
    """The path of a program. Skips with one line where it is missing; under CI=true that is a failure."""
    found = shutil.which(name)
    if found is None:
        missing = f"{name} is not installed: {get}"
        if os.environ.get("CI") == "true":
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    return found


def promtool() -> str:
    return program("promtool", "it comes with Debian's package prometheus")


def interpolated(text: str, environment: dict[str, str]) -> str:
    """As compose does it. Raises ValueError with the message of a `:?` that has nothing."""

    def value(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        given = environment.get(name, "")
        if not given and kind == ":?":
            raise ValueError(f"{name}: {rest}")
        return given or (rest if kind == ":-" else "")

    return _VARIABLE.sub(value, text)


def compose(environment: dict[str, str] | None = None) -> dict[str, Any]:
    """docker-compose.yml with a secret filled in."""
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    return yaml.safe_load(interpolated(text, environment or {"HILFERUF_WEBHOOK_SECRET": "example"}))
