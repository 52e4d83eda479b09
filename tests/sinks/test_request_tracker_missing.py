"""Without Request Tracker: a skip with one line on a laptop, a failure in CI."""

from pathlib import Path

import pytest

from tests import servers


@pytest.fixture(autouse=True)
def _missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "PROGRAM", Path("/nowhere/rt-server"))


def test_on_a_laptop_it_is_skipped_and_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"deploy/request-tracker/install\.sh"):
        servers.need_request_tracker()


def test_in_ci_it_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"deploy/request-tracker/install\.sh"):
        servers.need_request_tracker()
