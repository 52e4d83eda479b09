"""Loads what judges: settings, lexicon, strategy. Shared by every command."""

from pathlib import Path
from typing import NamedTuple

from config.settings import Loaded, load_settings, packaged
from config.yaml_file import ConfigError
from lexicons.compiler import Lexicon, load_lexicon, own_accounts
from priority.strategy import Strategy, load_strategy

DEFAULT_FILE = Path("hilferuf.yaml")


class RuleSet(NamedTuple):
    """Settings with the compiled lexicon and strategy that they name."""

    loaded: Loaded
    lexicon: Lexicon
    strategy: Strategy


def settings_of(config: Path | None) -> Loaded:
    """The settings of a service command: the file named, or ./hilferuf.yaml. Raises ConfigError."""
    path = config or DEFAULT_FILE
    if not path.exists():
        raise ConfigError("there is no such file", str(path), hint="`hilferuf config init` writes a first one")
    return load_settings(path)


def rules_of(loaded: Loaded) -> RuleSet:
    """Lexicon and strategy of these settings. Raises ConfigError."""
    settings = loaded.settings
    return RuleSet(
        loaded,
        load_lexicon(
            settings.lexicons,
            base=loaded.base,
            need_threshold=settings.need_threshold,
            accounts=own_accounts(settings),
            model=loaded.model,
        ),
        load_strategy(settings.strategy, loaded.base),
    )


def judging_rules(config: Path | None) -> RuleSet:
    """For `screen` and `replay`: the file named, or the packaged defaults; never a file that happens to lie here."""
    return rules_of(load_settings(config) if config else packaged())
