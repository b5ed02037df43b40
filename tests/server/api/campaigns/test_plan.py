"""A campaign file is checked against its flow."""

from datetime import UTC, datetime

import pytest

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.flows.python.registry import Bridge
from telebridge.errors import ConfigurationError
from telebridge.server.api.campaigns.plan import planned

FLOW = (
    "flow: hello\nstart: a\nneeds: [day]\nvariables: {name: ''}\n"
    "nodes:\n  a: {hang_up: 'Hello {{ name }}, see you {{ day }}.'}\n"
)
FILE = 'name = "c"\nflow = "hello"\nkind = "other"\nfrom = "+12125550100"\n[columns]\n'
NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def flows(tmp_path):
    (tmp_path / "hello.yaml").write_text(FLOW)
    bridge = Bridge()

    @bridge.flow("open")
    async def open_(call):
        await call.say("Hello.")

    @bridge.flow("closed", needs=["day"])
    async def closed(call):
        await call.say("Hello.")

    catalogue = FlowCatalogue(tmp_path, bridge)
    catalogue.load()
    return catalogue


def plan(flows, text):
    return planned(text, where="c.toml", flows=flows, account="AC1", wallclock=NOW)


def test_a_column_may_be_named_for_each_variable_of_the_flow(flows):
    definition, _ = plan(flows, FILE + 'phone = "Tel"\nname = "Kunde"\nday = "Termin"\n')
    assert definition.columns.variables == {"name": "Kunde", "day": "Termin"}


@pytest.mark.parametrize(
    ("flow", "key", "told"),
    [
        ("hello", "phne", "c.toml: columns.phne: flow 'hello' has no such variable; did you mean 'phone'?"),
        ("hello", "xyzzy", "c.toml: columns.xyzzy: flow 'hello' has no such variable; it has day, name"),
        ("closed", "xyzzy", "c.toml: columns.xyzzy: flow 'closed' has no such variable; it has day"),
    ],
)
def test_a_column_for_no_variable_is_refused(flows, flow, key, told):
    with pytest.raises(ConfigurationError) as caught:
        plan(flows, FILE.replace("hello", flow) + f'{key} = "Kunde"\n')
    assert str(caught.value) == told


def test_a_python_flow_that_does_not_say_what_it_needs_may_be_given_anything(flows):
    definition, _ = plan(flows, FILE.replace("hello", "open") + 'xyzzy = "Kunde"\n')
    assert definition.columns.variables == {"xyzzy": "Kunde"}
