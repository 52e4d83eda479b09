"""JSON Schema of `hilferuf.yaml`, generated from the settings models: editors complete keys and mark misspelt ones.

In the YAML file: `# yaml-language-server: $schema=hilferuf.schema.json`. `python -m config.schema docs/schemas` writes it.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Settings
from records.schema import DIALECT, text

FILE = "hilferuf.schema.json"


def settings_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the settings."""
    generated = msgspec.json.schema(Settings)
    secret = generated["$defs"].get("Secret")
    if secret is not None:
        # A rule of Secret.reveal that types cannot say.
        secret["oneOf"] = [{"required": ["env"]}, {"required": ["file"]}]
    return {"$schema": DIALECT, "$id": "urn:hilferuf:settings", **generated}


def write_schema(folder: Path) -> Path:
    """Writes the schema into the folder; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE
    file.write_text(text(settings_schema()), "utf-8")
    return file


if __name__ == "__main__":
    write_schema(Path(sys.argv[1]))
