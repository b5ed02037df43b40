"""The dashboard for Grafana shows every metric that there is, and none that there is not."""

import json
import re
from pathlib import Path

from prometheus_client import REGISTRY

from telebridge import metrics

DASHBOARD = Path(__file__).parents[2] / "config" / "deploy" / "grafana.json"
SAMPLES = {"histogram": ("_bucket",), "counter": ("_total",), "gauge": ("",)}


def expressions(dashboard):
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]


def test_every_metric_is_on_the_dashboard_and_every_query_is_of_a_metric():
    assert metrics.CALLS_LIVE is not None
    families = [family for family in REGISTRY.collect() if family.name.startswith("telebridge_")]
    known = {family.name + ending: family.name for family in families for ending in SAMPLES[family.type]}
    queried = {
        name for text in expressions(json.loads(DASHBOARD.read_text())) for name in re.findall(r"telebridge_\w+", text)
    }
    assert queried == known.keys()


def test_labels_that_are_shown_exist():
    labels = {label for metric in vars(metrics).values() for label in getattr(metric, "_labelnames", ())}
    dashboard = json.loads(DASHBOARD.read_text())
    for text in expressions(dashboard):
        for group in re.findall(r"by \(([^)]*)\)", text):
            assert set(group.split(", ")) <= labels | {"le"}, text


def test_panels_do_not_overlap():
    cells = [
        (x, y)
        for panel in json.loads(DASHBOARD.read_text())["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
