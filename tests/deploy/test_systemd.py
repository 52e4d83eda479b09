"""The units: systemd's own tool accepts them, and each keeps its promises."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import load_settings
from tests.deploy.tools import DEPLOY, program

FOLDER = DEPLOY / "systemd"
INSTALLED = "/opt/hilferuf/bin/hilferuf"
SERVICES = ("hilferuf-listen.service", "hilferuf-work@.service", "hilferuf-deliver@.service")


def _lines(name: str) -> list[str]:
    """Of a unit and of what all units share."""
    texts = [(FOLDER / name).read_text("utf-8"), (FOLDER / "hilferuf-.service.d/10-common.conf").read_text("utf-8")]
    return [line for text in texts for line in text.splitlines() if line and not line.startswith("#")]


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units as they would lie in /etc/systemd/system, for a program that is there."""
    shutil.copytree(FOLDER, tmp_path / "units")
    program = Path(sys.executable).with_name("hilferuf")
    for file in (tmp_path / "units").glob("*.service"):
        file.write_text(file.read_text("utf-8").replace(INSTALLED, str(program)), "utf-8")
    return tmp_path / "units"


@pytest.mark.parametrize(
    "name",
    ["hilferuf-topics.service", "hilferuf-listen.service", "hilferuf-work@1.service", "hilferuf-deliver@queue.service"],
)
def test_systemd_accepts_the_unit(units, name):
    analyze = program("systemd-analyze", "it comes with Debian's package systemd")
    command = [analyze, "verify", "--man=no", "--recursive-errors=no", str(units / name)]
    environment = {"SYSTEMD_UNIT_PATH": f"{units}:", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_comes_back_but_not_with_a_wrong_setting(name):
    lines = _lines(name)
    assert "Restart=always" in lines
    assert "RestartPreventExitStatus=2" in lines
    assert "StartLimitIntervalSec=0" in lines  # never given up, however long Kafka is away


@pytest.mark.parametrize("name", [*SERVICES, "hilferuf-topics.service"])
def test_a_service_may_do_little(name):
    lines = _lines(name)
    assert {
        "User=hilferuf",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateTmp=yes",
        "RestrictNamespaces=yes",
        "SystemCallFilter=@system-service",
        "UMask=0077",
    } <= set(lines)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_finds_its_own_folder_where_the_settings_say(name):
    text = "\n".join(_lines(name))
    [folder] = re.findall(r"^StateDirectory=(.*)$", text, re.M)
    data = load_settings(FOLDER / "hilferuf.yaml").settings.data_dir
    assert f"BindPaths=/var/lib/{folder}:{data}" in text.splitlines()


def test_settings_and_secrets_come_as_credentials():
    lines = _lines("hilferuf-listen.service")
    assert "LoadCredential=hilferuf.yaml:/etc/hilferuf/hilferuf.yaml" in lines
    assert "LoadCredential=webhook-secret:/etc/hilferuf/webhook-secret" in lines
    assert any("HILFERUF_CONFIG=%d/hilferuf.yaml" in line for line in lines)
    webhook = load_settings(FOLDER / "hilferuf.yaml").settings.listeners.webhook
    assert webhook is not None
    assert [Path(secret.file or "").name for secret in webhook.secrets] == ["webhook-secret"]


def test_the_shared_part_says_nothing_that_differs_between_the_units():
    shared = (FOLDER / "hilferuf-.service.d/10-common.conf").read_text("utf-8")
    assert not re.search(r"^(Type|Restart|ExecStart|StateDirectory)=", shared, re.M)
