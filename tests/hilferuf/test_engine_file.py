"""Reading beside a running service."""

import sqlite3
from pathlib import Path

import pytest

from config.settings import Loaded, Settings
from hilferuf.engine_file import opened, path_of
from streams.store import connect


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    found = Loaded(Settings(data_dir="."), "hilferuf.yaml", tmp_path)
    connect(path_of(found)).close()
    return found


def test_a_long_look_keeps_no_engine_from_writing(loaded):
    with opened(loaded) as store:
        store.size("mentions")
        engine = sqlite3.connect(path_of(loaded), timeout=0, isolation_level=None)
        engine.execute("BEGIN IMMEDIATE")
        engine.execute("COMMIT")
        engine.close()


def test_a_look_does_not_wait_for_a_long_turn(loaded):
    engine = sqlite3.connect(path_of(loaded), isolation_level=None)
    engine.execute("BEGIN IMMEDIATE")
    with opened(loaded) as store:  # would wait half a minute, and then fail
        assert store.size("mentions") == 0
    engine.execute("COMMIT")
    engine.close()
