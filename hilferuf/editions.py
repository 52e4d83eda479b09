"""The lexicons of a deployment as an edition: as its files have them now, or with a file in another's place."""

from functools import partial
from pathlib import Path

from config.settings import Loaded
from config.yaml_file import ConfigError, read_bytes
from hilferuf.engine_file import path_of
from hilferuf.engines import editions_of
from lexicons.compiler import Lexicon, load_lexicon, own_accounts
from lexicons.edition import Edition, Load, compile_edition, read_edition


def loader(loaded: Loaded) -> Load:
    """How lexicons are compiled under these settings."""
    settings = loaded.settings
    return partial(
        load_lexicon,
        base=loaded.base,
        need_threshold=settings.need_threshold,
        accounts=own_accounts(settings),
        model=loaded.model,
    )


def compiled(loaded: Loaded, edition: Edition) -> Lexicon:
    """The edition's lexicon under these settings. Raises ConfigError."""
    return compile_edition(edition, loaded.base, loader(loaded))


def from_files(loaded: Loaded, new: Path | None = None) -> tuple[Edition, Lexicon]:
    """What the files say now; with `new` in the place of the lexicon of the same name, or beside the others where there is
    none. Raises ConfigError with the place."""
    names = loaded.settings.lexicons
    if new is None:
        return read_edition(names, loaded.base, loader(loaded))
    try:
        text = read_bytes(new).decode("utf-8", "surrogateescape")
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", str(new)) from error
    place = next((n for n in names if n == new.stem or Path(n).name == new.name), None)
    name = place if place is not None and place != new.stem else new.name
    changed = (*names, name) if place is None else tuple(name if n == place else n for n in names)
    try:
        return read_edition(changed, loaded.base, loader(loaded), {Path(name).as_posix(): text})
    except ConfigError as error:
        if error.file != str(loaded.base / name):
            raise
        raise ConfigError(error.message, str(new), error.line, error.field, error.hint) from error


def running(loaded: Loaded) -> tuple[Edition, Lexicon]:
    """What the service works by; where nothing has run yet, what the files say. Raises ConfigError, HilferufError."""
    if loaded.settings.kafka is None and not path_of(loaded).exists():
        return from_files(loaded)
    with editions_of(loaded) as editions:
        held = editions.in_force()
        edition = None if held is None else editions.edition(held.now.edition)
    return from_files(loaded) if edition is None else (edition, compiled(loaded, edition))
