"""The manifests are ones that Kubernetes takes, and what they say of the bridge is true."""

import re

import kubernetes_validate
import pytest
from prometheus_client import REGISTRY
from support.deployment import AFTER_DRAINING, DEPLOY, ROOT, documents, settings_of

from telebridge import metrics  # noqa: F401 - they enter themselves into the registry

FOLDER = DEPLOY / "kubernetes"
[KUSTOMIZATION] = documents(FOLDER / "kustomization.yaml")
MANIFESTS = [*KUSTOMIZATION["resources"], "secret.example.yaml"]
VERSIONS = ["1.28", "1.31", "1.37"]
"""The oldest that hosts still ran in 2026, and newer ones."""


def only(name):
    [document] = documents(FOLDER / name)
    return document


SETTINGS = only("settings.yaml")["data"]
SECRET = only("secret.example.yaml")["stringData"]
POD = only("deployment.yaml")["spec"]["template"]["spec"]
[BRIDGE] = POD["containers"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_follows_the_schema(name, version):
    kubernetes_validate.validate(only(name), version, strict=True)


def test_the_schema_refuses_what_is_no_field():
    wrong = only("deployment.yaml")
    wrong["spec"]["template"]["spec"]["terminationGrace"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_every_file_is_of_use():
    besides = {"kustomization.yaml", "prometheus.yaml", "prometheus-adapter.yaml"}
    assert {path.name for path in FOLDER.iterdir()} == {*MANIFESTS, *besides}


def test_its_variables_are_settings(monkeypatch):
    settings = settings_of(monkeypatch, {**SETTINGS, **SECRET})
    assert settings.server.trusted_proxies
    assert settings.secret
    assert settings.server.api_token
    assert settings.database.url.startswith("postgresql://")


def test_a_pod_has_the_time_to_drain(monkeypatch):
    settings = settings_of(monkeypatch, SETTINGS)
    program, seconds = BRIDGE["lifecycle"]["preStop"]["exec"]["command"]
    assert program == "sleep"
    drained = float(seconds) + settings.server.drain_seconds + AFTER_DRAINING
    assert POD["terminationGracePeriodSeconds"] > drained
    looks = BRIDGE["readinessProbe"]
    assert float(seconds) >= looks["periodSeconds"] * looks["failureThreshold"]


def test_the_probes_ask_for_what_the_server_answers():
    routes = (ROOT / "telebridge" / "server" / "twilio" / "routes.py").read_text()
    probes = {kind: BRIDGE[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")}
    assert {kind: probe["path"] for kind, probe in probes.items()} == {
        "startup": "/healthz",
        "readiness": "/readyz",
        "liveness": "/healthz",
    }
    for probe in probes.values():
        assert f'"{probe["path"]}"' in routes
        assert probe["port"] == BRIDGE["ports"][0]["name"]


def test_the_pod_fits_the_image():
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert f"EXPOSE {BRIDGE['ports'][0]['containerPort']}" in dockerfile
    assert f"--uid {POD['securityContext']['runAsUser']}" in dockerfile
    state = re.search(r"TELEBRIDGE_STATE_DIR=(\S+)", dockerfile)[1]
    assert state in {mount["mountPath"] for mount in BRIDGE["volumeMounts"]}
    assert {mount["name"] for mount in BRIDGE["volumeMounts"]} == {volume["name"] for volume in POD["volumes"]}


def test_the_autoscaler_looks_at_a_metric_that_is_there_and_that_the_adapter_offers(monkeypatch):
    [metric] = only("autoscaler.yaml")["spec"]["metrics"]
    name, target = metric["pods"]["metric"]["name"], metric["pods"]["target"]
    assert name in {family.name for family in REGISTRY.collect()}
    [rule] = only("prometheus-adapter.yaml")["rules"]["custom"]
    assert rule["name"]["matches"] == name
    assert rule["seriesQuery"].startswith(f"{name}{{")
    labels = {one.get("target_label") for one in only("prometheus.yaml")["scrape_configs"][0]["relabel_configs"]}
    assert set(rule["resources"]["overrides"]) <= labels
    most = settings_of(monkeypatch, SETTINGS).server.max_calls
    assert int(target["averageValue"]) <= most / 2


def test_prometheus_sends_the_token_of_the_api():
    [job] = only("prometheus.yaml")["scrape_configs"]
    assert job["authorization"]["credentials_file"].rpartition("/")[2] in SECRET


def test_everything_finds_the_pods():
    labels = only("deployment.yaml")["spec"]["template"]["metadata"]["labels"]
    for selector in (
        only("deployment.yaml")["spec"]["selector"]["matchLabels"],
        only("service.yaml")["spec"]["selector"],
        only("disruption-budget.yaml")["spec"]["selector"]["matchLabels"],
        POD["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    assert only("autoscaler.yaml")["spec"]["scaleTargetRef"]["name"] == only("deployment.yaml")["metadata"]["name"]
