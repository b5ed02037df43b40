"""The compose file is one, and what it says of the bridge is true."""

import json
import re
from importlib.metadata import distribution

import jsonschema
import pytest
from support.deployment import AFTER_DRAINING, DEPLOY, ROOT, documents, environment_file, settings_of

FOLDER = DEPLOY / "compose"
[FILE] = documents(FOLDER / "compose.yaml")
BRIDGE = FILE["services"]["telebridge"]
EXAMPLE = environment_file((FOLDER / ".env.example").read_text())
VARIABLE = re.compile(r"\$\{(\w+):\?[^}]*\}")


def filled(text):
    return VARIABLE.sub(lambda name: EXAMPLE[name[1]] or "given", text)


def seconds(text):
    return float(text.removesuffix("s"))


def test_it_follows_the_compose_specification():
    carried = "check_jsonschema/builtin_schemas/vendor/compose-spec.json"
    schema = json.loads(distribution("check-jsonschema").locate_file(carried).read_text())
    jsonschema.Draft202012Validator(schema).validate(FILE)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate({"services": {"telebridge": {"stop_grace": "75s"}}})


def test_the_example_of_the_variables_has_all_and_no_others():
    assert set(VARIABLE.findall((FOLDER / "compose.yaml").read_text())) == set(EXAMPLE)


def test_the_variables_of_the_bridge_are_settings(monkeypatch):
    settings = settings_of(monkeypatch, {name: filled(value) for name, value in BRIDGE["environment"].items()})
    assert settings.public_url == "https://bridge.example.com"
    assert settings.database.url == "postgresql://telebridge:given@postgres/telebridge"
    [network] = FILE["networks"]["inside"]["ipam"]["config"]
    assert settings.server.trusted_proxies == (network["subnet"],)
    for service in ("telebridge", "caddy"):  # calls go through both
        assert seconds(FILE["services"][service]["stop_grace_period"]) > settings.server.drain_seconds + AFTER_DRAINING


def test_what_it_names_is_there():
    dockerfile = (FOLDER / BRIDGE["build"] / "Dockerfile").resolve()
    assert dockerfile == ROOT / "Dockerfile"
    home = re.search(r"--home-dir (\S+)", dockerfile.read_text())[1]
    assert f"state:{home}" in BRIDGE["volumes"]
    port = re.search(r"reverse_proxy telebridge:(\d+)", (FOLDER / "Caddyfile").read_text())[1]
    assert f"EXPOSE {port}" in dockerfile.read_text()
    named = {volume.partition(":")[0] for service in FILE["services"].values() for volume in service["volumes"]}
    assert {name for name in named if not name.startswith(".")} == set(FILE["volumes"])
