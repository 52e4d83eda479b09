"""Alert rules: they are valid, each is proved to fire, names only metrics that exist, and is explained in the runbook."""

import subprocess

import pytest
import yaml

from tests.deploy.exposed import unknown_names
from tests.deploy.tools import DEPLOY, ROOT, promtool

FOLDER = DEPLOY / "prometheus"
GROUPS = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
RUNBOOK = (ROOT / "docs" / "operations.md").read_text("utf-8")
PROOFS = sorted(FOLDER.glob("*.test.yml"))
NAMES = [alert["alert"] for alert in ALERTS]


@pytest.mark.parametrize(
    "arguments",
    [("check", "config", "prometheus.yml"), *(("test", "rules", file.name) for file in PROOFS)],
    ids=" ".join,
)
def test_prometheus_own_tool_finds_nothing_wrong(arguments):
    done = subprocess.run([promtool(), *arguments], check=False, cwd=FOLDER, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_each_alert_is_proved_to_fire_and_to_keep_quiet(name):
    cases = [
        case
        for file in PROOFS
        for test in yaml.safe_load(file.read_text("utf-8"))["tests"]
        for case in test["alert_rule_test"]
        if case["alertname"] == name
    ]
    assert any(case.get("exp_alerts") for case in cases)
    assert any(not case.get("exp_alerts") for case in cases)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_each_rule_asks_only_for_what_is_exposed(rule):
    assert unknown_names(rule["expr"], RECORDED) == []


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_each_alert_says_what_it_means_and_where_to_read_on(alert):
    notes = alert["annotations"]
    assert alert["labels"]["severity"] in ("critical", "warning")
    assert notes["summary"] and notes["description"].endswith(".")
    assert notes["runbook_url"] == f"docs/operations.md#{alert['alert'].lower()}"


@pytest.mark.parametrize("name", NAMES)
def test_the_runbook_has_a_paragraph_for_each_alert(name):
    _, found, after = RUNBOOK.partition(f"\n### {name}\n")
    assert found, f"docs/operations.md has no heading `### {name}`"
    paragraph = after.split("\n#", 1)[0]
    assert all(word in paragraph for word in ("*Means*", "*See*", "*Do*"))


def test_the_runbook_explains_no_alert_that_there_is_not():
    headings = [line[4:] for line in RUNBOOK.splitlines() if line.startswith("### Hilferuf")]
    assert sorted(headings) == sorted(NAMES)


def test_a_name_that_is_not_exposed_would_be_seen():
    assert unknown_names("sum by (stage) (rate(hilferuf_verdict_total[5m])) > 0", set()) == [
        "hilferuf_verdict_total",
        "stage",
    ]
    assert unknown_names('hilferuf_sink_up{sinc="queue"}', set()) == ["sinc"]
    assert unknown_names("sum by (chanel) (hilferuf_verdicts_total)", set()) == ["chanel"]
