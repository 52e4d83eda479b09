"""The manifests, as kustomize renders them: against Kubernetes' own schemas, and against what each role needs."""

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from config.settings import Settings, load_settings
from hilferuf.rules import rules_of
from tests.deploy.tools import DEPLOY, program

FOLDERS = ("base", "overlays/example")
VERSIONS = ("1.30", "1.37")  # the oldest that we mean to run on, and the newest whose schemas are there
OF_OTHERS = {"ScaledObject", "TriggerAuthentication", "ServiceMonitor"}  # KEDA's and the Prometheus Operator's
PODS = ("hilferuf-topics", "hilferuf-listen", "hilferuf-work", "hilferuf-deliver")


@cache
def _rendered(folder: str) -> list[dict[str, Any]]:
    kubectl = program("kubectl", "see https://kubernetes.io/docs/tasks/tools")
    command = [kubectl, "kustomize", str(DEPLOY / "kubernetes" / folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(params=FOLDERS)
def manifests(request: pytest.FixtureRequest) -> dict[tuple[str, str], dict[str, Any]]:
    """By kind and name."""
    return {(item["kind"], item["metadata"]["name"]): item for item in _rendered(request.param)}


@pytest.fixture
def pods(manifests) -> dict[str, dict[str, Any]]:
    """The pod templates by the name of what makes them."""
    return {
        name: item["spec"]["template"] for (kind, name), item in manifests.items() if kind in ("Job", "StatefulSet")
    }


def _settings(manifests: dict[tuple[str, str], dict[str, Any]], folder: Path) -> Settings:
    [files] = [item["data"] for (kind, _), item in manifests.items() if kind == "ConfigMap"]
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return rules_of(load_settings(folder / "hilferuf.yaml")).loaded.settings


@pytest.mark.parametrize("version", VERSIONS)
def test_everything_is_what_kubernetes_knows(manifests, version):
    for kind, name in manifests:
        if kind not in OF_OTHERS:
            kubernetes_validate.validate(manifests[kind, name], version, strict=True)


def test_a_key_that_kubernetes_does_not_know_would_be_seen(manifests):
    wrong = manifests["StatefulSet", "hilferuf-work"] | {"spce": {}}
    with pytest.raises(kubernetes_validate.ValidationError, match="spce"):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_the_settings_can_be_read(manifests, tmp_path):
    settings = _settings(manifests, tmp_path)
    assert settings.kafka is not None
    assert settings.data_dir == "/var/lib/hilferuf"
    assert settings.server.port == 9464


@pytest.mark.parametrize("name", PODS)
def test_each_pod_may_do_little(pods, name):
    pod = pods[name]["spec"]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(container["resources"]) == {"requests", "limits"}


@pytest.mark.parametrize("name", PODS[1:])
def test_each_service_is_asked_how_it_is_and_has_time_to_stop(pods, name):
    pod = pods[name]["spec"]
    [container] = pod["containers"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}
    assert container["startupProbe"]["failureThreshold"] * container["startupProbe"]["periodSeconds"] >= 600
    assert pod["terminationGracePeriodSeconds"] >= 75


@pytest.mark.parametrize("name", ["hilferuf-work", "hilferuf-deliver"])
def test_a_pod_is_a_static_member_by_its_name(pods, name):
    [container] = pods[name]["spec"]["containers"]
    by_name = {"name": "HILFERUF_INSTANCE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    assert container["env"] == [by_name]


def test_what_must_outlive_a_pod_lies_on_a_volume(manifests):
    for name in PODS[1:]:
        spec = manifests["StatefulSet", name]["spec"]
        [container] = spec["template"]["spec"]["containers"]
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert mounts["data"] == "/var/lib/hilferuf"
        assert [claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]] == ["data"]


def test_the_spool_and_the_local_queue_are_never_deleted_with_their_pods(manifests):
    for name in ("hilferuf-listen", "hilferuf-deliver"):
        assert "persistentVolumeClaimRetentionPolicy" not in manifests["StatefulSet", name]["spec"]


def test_there_is_one_listener_and_one_deliverer_of_a_local_queue(manifests, tmp_path):
    local = _settings(manifests, tmp_path).sinks.queue is not None
    assert manifests["StatefulSet", "hilferuf-listen"]["spec"]["replicas"] == 1
    assert manifests["StatefulSet", "hilferuf-deliver"]["spec"]["replicas"] == (1 if local else 2)


def test_each_role_is_given_only_its_own_secrets(pods, manifests, tmp_path):
    given = {name: {v["secret"]["secretName"] for v in pods[name]["spec"]["volumes"] if "secret" in v} for name in PODS}
    assert given == {
        "hilferuf-topics": {"hilferuf-kafka"},
        "hilferuf-listen": {"hilferuf-listen", "hilferuf-kafka"},
        "hilferuf-work": {"hilferuf-kafka"},
        "hilferuf-deliver": {"hilferuf-deliver", "hilferuf-kafka"},
    }
    assert not any(kind == "Secret" for kind, _ in manifests)


def test_services_budgets_and_network_rules_find_their_pods(manifests, pods):
    labels = [pod["metadata"]["labels"] for pod in pods.values()]
    for (kind, name), item in manifests.items():
        spec = item.get("spec", {})
        wanted = {
            "Service": lambda spec: spec["selector"],
            "PodDisruptionBudget": lambda spec: spec["selector"]["matchLabels"],
            "StatefulSet": lambda spec: spec["selector"]["matchLabels"],
        }.get(kind)
        if wanted is not None:
            assert any(wanted(spec).items() <= own.items() for own in labels), f"{kind} {name}"


def test_metrics_are_jobs_that_the_alert_rules_know(manifests):
    metrics = {
        name
        for (kind, name), item in manifests.items()
        if kind == "Service" and item["metadata"]["labels"].get("hilferuf/metrics")
    }
    assert metrics == {"hilferuf-listen", "hilferuf-work", "hilferuf-deliver"}


def test_workers_scale_by_the_lag_of_their_own_group_up_to_one_a_partition(tmp_path):
    manifests = {(item["kind"], item["metadata"]["name"]): item for item in _rendered("overlays/example")}
    kafka = _settings(manifests, tmp_path).kafka
    assert kafka is not None
    spec = manifests["ScaledObject", "hilferuf-work"]["spec"]
    [trigger] = spec["triggers"]
    assert spec["scaleTargetRef"]["name"] == "hilferuf-work"
    assert spec["maxReplicaCount"] == kafka.partitions
    assert trigger["metadata"]["consumerGroup"] == kafka.group("work")
    assert trigger["metadata"]["topic"] == kafka.topic("mentions")
    assert trigger["metadata"]["bootstrapServers"].split(",") == list(kafka.bootstrap)


def test_the_component_fits_the_defaults(tmp_path):
    scaled = yaml.safe_load((DEPLOY / "kubernetes/components/keda/scaledobject.yaml").read_text("utf-8"))["spec"]
    kafka = load_settings(DEPLOY / "kubernetes/base/hilferuf.yaml").settings.kafka
    assert kafka is not None
    assert scaled["maxReplicaCount"] == kafka.partitions
    assert scaled["triggers"][0]["metadata"]["consumerGroup"] == kafka.group("work")
