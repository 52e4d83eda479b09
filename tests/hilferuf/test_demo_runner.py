"""The demo as a newcomer runs it, without a terminal."""

import subprocess
import sys

import pytest

SECONDS = 6
PATIENCE = 100  # seconds: the demo is promised to end within 60, and this machine may be busy


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-c", "from hilferuf.cli import main; main()", "demo", "--seconds", str(SECONDS)]
    return folder, subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_it_ends_by_itself_with_everything_heard_and_delivered(ran):
    _, result = ran
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    assert "not complete" not in result.stdout


def test_it_leaves_nothing_outside_of_its_folder(ran):
    folder, _ = ran
    assert [path.name for path in folder.iterdir()] == [".demo"]


def test_it_prints_plain_lines_a_summary_and_the_explanation_of_the_first_ticket(ran):
    _, result = ran
    assert "\x1b" not in result.stdout
    assert "opened    rank 1" in result.stdout
    for part in ("The queue at 21:5", "The day in short", "Why rank 1: jule_mit_der_muetze", "Look further"):
        assert part in result.stdout


def test_the_burning_router_and_the_emergency_bracelet_end_on_top(ran):
    _, result = ran
    queue = result.stdout.split("The queue at")[1].splitlines()
    assert "DANGER" in queue[2] and "jule_mit" in queue[2]
    assert "PERSON" in queue[3] and "Anke" in queue[3]


def test_nothing_is_said_on_standard_error(ran):
    assert ran[1].stderr == ""
