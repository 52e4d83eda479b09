"""Every command line that a deployment starts, or that the docs tell an operator to type, is one that Hilferuf understands."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from hilferuf.cli import app
from tests.deploy.tools import DEPLOY, ROOT, compose


def _of_compose() -> list[tuple[str, list[str]]]:
    services = compose()["services"]
    return [(f"compose {name}", service["command"]) for name, service in services.items() if "build" in service]


def _of_kubernetes() -> list[tuple[str, list[str]]]:
    found = []
    for file in sorted((DEPLOY / "kubernetes").rglob("*.yaml")):
        for item in yaml.safe_load_all(file.read_text("utf-8")):
            pod = (item or {}).get("spec", {}) if isinstance(item, dict) else {}
            pod = pod.get("template", {}).get("spec", {}) if isinstance(pod, dict) else {}
            found += [(f"kubernetes {file.name}", box["args"]) for box in pod.get("containers", ()) if "args" in box]
    return found


def _of_systemd() -> list[tuple[str, list[str]]]:
    found = []
    for file in sorted((DEPLOY / "systemd").glob("*.service")):
        [line] = re.findall(r"^ExecStart=(.*)$", file.read_text("utf-8"), re.M)
        program, *words = shlex.split(line.replace("%i", "1").replace("${HILFERUF_HEALTH_PORT}", "9466"))
        assert program == "/opt/hilferuf/bin/hilferuf"
        found.append((f"systemd {file.name}", words))
    return found


def _of_docs() -> list[tuple[str, list[str]]]:
    found = []
    for name in ("operations.md", "deployment.md"):
        text = (ROOT / "docs" / name).read_text("utf-8")
        for line in re.findall(r"`hilferuf ([^`…]+)`", text) + re.findall(r"^ +(?:sudo )?hilferuf (.+)$", text, re.M):
            found.append((f"docs/{name}: {line}", shlex.split(line, comments=True)))
    return found


STARTED = _of_compose() + _of_kubernetes() + _of_systemd()


def unknown_words(words: list[str]) -> list[str]:
    """Commands and options of a command line that Hilferuf does not know."""
    command: Any = typer.main.get_command(app)
    left = list(words)
    while hasattr(command, "commands"):
        name = left.pop(0) if left else ""
        if name not in command.commands:
            return [name]
        command = command.commands[name]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return [word for word in left if word.startswith("-") and word.split("=")[0] not in options | {"--help"}]


@pytest.mark.parametrize("words", [words for _, words in STARTED], ids=[where for where, _ in STARTED])
def test_a_deployment_starts_a_command_that_there_is(words):
    assert unknown_words(words) == []
    name = words[0] if words[0] != "topics" else "topics apply"
    assert name in ("topics apply", "listen", "work", "deliver")


def test_every_role_is_started_by_every_kind_of_deployment():
    for kind in ("compose", "kubernetes", "systemd"):
        started = {words[0] for where, words in STARTED if where.startswith(kind)}
        assert started == {"topics", "listen", "work", "deliver"}


@pytest.mark.parametrize("words", [words for _, words in _of_docs()], ids=[where for where, _ in _of_docs()])
def test_the_docs_name_commands_that_there_are(words):
    assert unknown_words(words) == []


def test_a_command_that_there_is_not_would_be_seen():
    assert unknown_words(["wrok"]) == ["wrok"]
    assert unknown_words(["listen", "--helth-port", "1"]) == ["--helth-port"]
    assert unknown_words(["topics", "aply"]) == ["aply"]


def test_the_image_starts_hilferuf_and_is_asked_by_it_how_it_is():
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    assert 'ENTRYPOINT ["hilferuf"]' in dockerfile
    assert "http://127.0.0.1:9464/healthz" in dockerfile
    assert "STOPSIGNAL SIGTERM" in dockerfile
    assert re.search(r"^USER 10001", dockerfile, re.M)
    assert Path(ROOT / "deploy" / "compose" / "hilferuf.yaml").read_text("utf-8").count("port: 9464") == 1
