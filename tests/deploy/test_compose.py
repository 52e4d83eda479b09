"""docker-compose.yml, as far as it can be judged without a container engine."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from config.settings import load_settings
from hilferuf.rules import rules_of
from tests.deploy.tools import DEPLOY, ROOT, compose

OURS = ("topics", "listen", "work-1", "work-2", "deliver")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return compose()["services"]


def test_it_is_what_the_compose_specification_allows():
    assert set(OURS) < set(PyCompose.from_json(json.dumps(compose())).service_names())


def test_a_key_that_the_specification_does_not_know_would_be_seen():
    wrong = {"services": {"listen": {"image": "hilferuf", "read_onyl": True}}}
    with pytest.raises(ValueError, match="read_onyl"):
        PyCompose.from_json(json.dumps(wrong))


def test_a_missing_secret_says_so():
    with pytest.raises(ValueError, match=r"HILFERUF_WEBHOOK_SECRET: set it in \.env"):
        compose({"HILFERUF_IMAGE": "hilferuf:local"})


def test_the_example_of_the_environment_names_every_variable_that_must_be_set_and_no_secret():
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == ["HILFERUF_WEBHOOK_SECRET="]


def test_the_settings_and_the_brand_can_be_read():
    loaded = load_settings(DEPLOY / "compose" / "hilferuf.yaml")
    assert rules_of(loaded).lexicon.brands
    assert loaded.settings.kafka is not None
    assert loaded.settings.kafka.bootstrap == ("kafka:9092",)


def test_nothing_is_published_beyond_this_machine(services):
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert len(published) == 3
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_metrics_and_kafka_stay_in_the_network_without_a_way_out(services):
    assert compose()["networks"]["inside"] == {"internal": True}
    assert all(services[name]["networks"] == ["inside"] for name in ("kafka", "topics", "work-1", "work-2"))
    assert not any(":9464" in port for name in OURS for port in services[name].get("ports", ()))


@pytest.mark.parametrize("name", OURS)
def test_each_of_ours_may_do_little(services, name):
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"][0].startswith("/tmp")
    assert service["init"] is True


@pytest.mark.parametrize("name", ["listen", "work-1", "work-2", "deliver"])
def test_each_role_starts_after_the_topics_and_comes_back(services, name):
    service = services[name]
    assert service["depends_on"]["topics"] == {"condition": "service_completed_successfully"}
    assert service["restart"] == "unless-stopped"
    assert service["stop_grace_period"] == "75s"


def test_workers_have_names_and_disks_of_their_own(services):
    names = [services[name]["environment"]["HILFERUF_INSTANCE"] for name in ("work-1", "work-2", "deliver")]
    disks = [
        volume for name in OURS[1:] for volume in services[name]["volumes"] if volume.endswith(":/var/lib/hilferuf")
    ]
    assert len(set(names)) == 3
    assert len(set(disks)) == 4
    assert {disk.split(":")[0] for disk in disks} < set(compose()["volumes"])


def test_every_file_that_is_mounted_is_there(services):
    sources = [volume.split(":")[0] for service in services.values() for volume in service.get("volumes", ())]
    files = [Path(source) for source in sources if source.startswith("./")]
    assert len(files) > 5
    assert all((ROOT / file).exists() for file in files)


def test_only_the_listener_is_given_the_webhook_secret(services):
    given = [name for name in OURS if "HILFERUF_WEBHOOK_SECRET" in services[name].get("environment", {})]
    assert given == ["listen"]


def test_prometheus_asks_the_services_that_there_are(services):
    prometheus = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8"))
    targets = {
        target for job in prometheus["scrape_configs"] for group in job["static_configs"] for target in group["targets"]
    }
    port = load_settings(DEPLOY / "compose" / "hilferuf.yaml").settings.server.port
    assert targets == {f"{name}:{port}" for name in OURS if name != "topics"}


def test_nobody_can_log_in_to_grafana_with_a_password_that_everybody_knows(services):
    environment = services["grafana"]["environment"]
    assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert environment["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"


def test_the_image_is_made_of_files_that_the_builder_may_see():
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    lines = [line.split() for line in (ROOT / "Dockerfile").read_text("utf-8").splitlines()]
    copied = {
        source for words in lines if words[:1] == ["COPY"] and "--from=build" not in words for source in words[1:-1]
    }
    assert copied == allowed
    assert all((ROOT / source).exists() for source in copied)


def test_the_image_holds_every_package_of_the_wheel():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    assert [name for name in packages if f"COPY {name} {name}\n" not in dockerfile] == []
