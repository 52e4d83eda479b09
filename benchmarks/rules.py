"""The rules of the benchmarks: packaged lexicons, an invented brand, the strategy `balanced`."""

import tempfile
from pathlib import Path

from config.settings import Loaded, Settings
from hilferuf.rules import RuleSet, rules_of

BRAND = """\
lexicon: 1
brands:
  - id: nordfunk
    names: [Nordfunk]
    handles: [nordfunk, nordfunk_hilft]
    hashtags: [nordfunk]
"""


def rules() -> RuleSet:
    """Loaded anew."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "nordfunk.yaml").write_text(BRAND, "utf-8")
        settings = Settings(lexicons=("de", "en", "nordfunk.yaml"))
        return rules_of(Loaded(settings, "<benchmark>", Path(folder)))
