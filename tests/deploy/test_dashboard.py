"""Grafana's dashboard: it shows only what is exposed, in PromQL, from the datasource that is set up."""

import json
import subprocess

import pytest
import yaml

from tests.deploy.exposed import exposed, unknown_names
from tests.deploy.tools import DEPLOY, compose, promtool

DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "hilferuf.json").read_text("utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_each_panel_asks_only_for_what_is_exposed(panel):
    assert [unknown_names(target["expr"], set()) for target in panel["targets"]] == [[]] * len(panel["targets"])


def test_every_expression_is_promql(tmp_path):
    rules = [
        {"record": "panel:expression", "expr": expr, "labels": {"n": str(n)}} for n, expr in enumerate(EXPRESSIONS)
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}), "utf-8")
    done = subprocess.run(
        [promtool(), "check", "rules", str(file)], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_metric_is_left_out_without_a_reason():
    shown = " ".join(EXPRESSIONS)
    # The embedded engine's, which has no partitions and counts its tickets; a count beside the bytes.
    reasons = {"hilferuf_stage_records", "hilferuf_stage_lag_records", "hilferuf_tickets", "hilferuf_spool_records"}
    left_out = {name for name in exposed() if name not in shown and not name.endswith(("_sum", "_count"))}
    assert left_out - {"up"} == reasons


def test_it_is_provisioned_with_its_datasource():
    folder = DEPLOY / "grafana" / "provisioning"
    datasource = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text("utf-8"))["datasources"][0]
    provider = yaml.safe_load((folder / "dashboards" / "hilferuf.yaml").read_text("utf-8"))["providers"][0]
    mounted = {volume.split(":")[1] for volume in compose()["services"]["grafana"]["volumes"]}
    assert {target["datasource"]["uid"] for panel in PANELS for target in panel["targets"]} == {datasource["uid"]}
    assert provider["options"]["path"] in mounted
    assert datasource["url"] == "http://prometheus:9090"


def test_panels_do_not_lie_on_each_other():
    places = set()
    for panel in DASHBOARD["panels"]:
        grid = panel["gridPos"]
        cells = {
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not cells & places, panel["title"]
        assert grid["x"] + grid["w"] <= 24
        places |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
