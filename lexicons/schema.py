"""JSON Schema of a lexicon file, generated from the format's models: editors complete keys and mark misspelt ones.

In the YAML file: `# yaml-language-server: $schema=lexicon.schema.json`. `python -m lexicons.schema docs/schemas` writes it.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec

from lexicons.format import FORMAT, LexiconFile
from records.schema import DIALECT, text

FILE = "lexicon.schema.json"


def lexicon_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a lexicon file of this release's format."""
    generated = msgspec.json.schema(LexiconFile)
    generated["$defs"]["LexiconFile"]["properties"]["lexicon"] = {"const": FORMAT}
    # A rule of the compiler that types cannot say.
    generated["$defs"]["Trigger"]["anyOf"] = [
        {"properties": {key: {"minItems": 1}}, "required": [key]} for key in ("phrases", "regex")
    ]
    return {"$schema": DIALECT, "$id": "urn:hilferuf:lexicon", **generated}


def write_schema(folder: Path) -> Path:
    """Writes the schema into the folder; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE
    file.write_text(text(lexicon_schema()), "utf-8")
    return file


if __name__ == "__main__":
    write_schema(Path(sys.argv[1]))
