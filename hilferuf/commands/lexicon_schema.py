"""`hilferuf lexicon schema`."""

import sys

from lexicons.schema import lexicon_schema
from records.schema import text


def schema() -> int:
    """The JSON Schema of lexicon files on standard output."""
    sys.stdout.buffer.write(text(lexicon_schema()).encode())
    return 0
