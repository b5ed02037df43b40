"""Every table that is keyed by an enum: it has a row for each member, or it is listed here with what makes up for that.

mypy checks that a `match` is exhaustive. A dictionary it cannot check, so this test does.
"""

import ast
import importlib
import pkgutil
import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

import pytest

import telebridge
from telebridge.campaigns.engine.attempt import NotPlacedReason
from telebridge.simulator.caller.caller import Pickup
from telebridge.simulator.resources.call import NEXT
from telebridge.twilio.calls import CallStatus

ROOT = Path(telebridge.__file__).parent

DEFAULTED = {
    "telebridge.campaigns.engine.outcomes.SHORT": "other reports are of an answered call",
    "telebridge.cli.call_view.COLORS": "other events have no colour",
    "telebridge.cli.call_view.WORDS": "other events are shown by their name",
    "telebridge.testing.picture.SIGNS": "other events are not drawn",
    "telebridge.testing.call.timeline.SHOWN_EVENTS": "other events are no lines",
    "telebridge.campaigns.definition.plan._retry": "other outcomes are not retried",
    "telebridge.testing.campaign._plan": "other outcomes are not retried",
    "telebridge.campaigns.engine.outcomes.usual_delays": "other outcomes are not retried",
    "telebridge.cli.campaign.demo._hurried": "other outcomes are not retried",
}
"""Tables that may lack members: who reads them has a default, which is said here."""

REQUIRED = {
    "telebridge.campaigns.engine.outcomes.NOT_ANSWERED": {
        status for status in CallStatus if status.is_final and status is not CallStatus.COMPLETED
    },
    "telebridge.campaigns.engine.transitions.RELEASES": {why for why in NotPlacedReason if not why.ends_contact},
    "telebridge.simulator.http.webhook_fields.SIP_CODES": {status for status in CallStatus if status.is_final},
    "telebridge.simulator.phone_call.UNANSWERED": set(Pickup) - {Pickup.ANSWER},
}
"""Tables that are read for some members only: those they must have."""


def modules():
    """Every module of the package, by its name."""
    names = [name for _, name, _ in pkgutil.walk_packages([str(ROOT)], "telebridge.") if "migrations" not in name]
    return {name: importlib.import_module(name) for name in names if not name.endswith("__main__")}


def of_modules():
    """The tables that modules and their classes hold."""
    found = {}
    for module_name, module in modules().items():
        classes = {
            f".{name}": vars(kind)
            for name, kind in vars(module).items()
            if isinstance(kind, type) and kind.__module__ == module_name and not issubclass(kind, Enum)
        }
        for class_name, names in {"": vars(module), **classes}.items():
            for name, value in list(names.items()):  # a model that is built only now changes its class
                if isinstance(value, Mapping) and value and _enum_of(value) is not None:
                    found.setdefault(id(value), []).append((f"{module_name}{class_name}.{name}", value))
    return [next((one for one in names if _is_defined(one[0])), names[0]) for names in found.values()]


def _is_defined(name):
    """Whether the module of a table assigns it, and does not only import it."""
    module_name, _, table = name.rpartition(".")
    path = ROOT.parent.joinpath(*module_name.split(".")).with_suffix(".py")
    return path.exists() and re.search(rf"^{table}\b.*=", path.read_text(), re.MULTILINE) is not None


def _enum_of(table):
    """The enum whose members are the keys of a table; None for another table."""
    kinds = {type(key) for key in table}
    kind = kinds.pop()
    return kind if not kinds and issubclass(kind, Enum) else None


def in_functions():
    """The tables that functions write out: each with its place, its enum and the keys that are written."""
    for path in sorted(ROOT.rglob("*.py")):
        if "migrations" in path.parts:
            continue
        module_name = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")
        module = importlib.import_module(module_name) if not module_name.endswith("__main__") else None
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Dict) and node.keys and (keys := _members(node, module)):
                    yield f"{module_name}.{function.name}", dict.fromkeys(keys)


def _members(node, module):
    """The enum members that are the keys of a dictionary as it is written; nothing when they are others."""
    members = []
    for key in node.keys:
        if not (isinstance(key, ast.Attribute) and isinstance(key.value, ast.Name)):
            return []
        kind = getattr(module, key.value.id, None)
        if not (isinstance(kind, type) and issubclass(kind, Enum)):
            return []
        members.append(kind[key.attr])
    return members


@pytest.fixture(scope="module")
def tables():
    """All tables by their names. A fixture, because to import every module takes longer than to collect the tests."""
    return dict((*of_modules(), *in_functions()))


@pytest.mark.slow
def test_a_table_has_a_row_for_each_member_of_its_enum(tables):
    lacking = {}
    for name, table in tables.items():
        required = set() if name in DEFAULTED else REQUIRED.get(name, set(_enum_of(table)))
        if required - set(table):
            lacking[name] = required - set(table)
    assert lacking == {}


def test_no_table_is_listed_here_that_there_is_not(tables):
    assert (DEFAULTED.keys() | REQUIRED.keys()) - tables.keys() == set()


def test_the_search_finds_tables_of_every_form(tables):
    assert tables["telebridge.simulator.resources.call.NEXT"] is NEXT, "written with a comprehension inside"
    assert "telebridge.twilio.calls.ORDER" in tables, "a comprehension"
    assert "telebridge.campaigns.engine.outcomes.usual_delays" in tables, "in a function"


@pytest.mark.slow
def test_a_table_that_lacks_members_is_read_with_a_default():
    """Subscripts would raise for a member that is not there."""
    names = {name.rpartition(".")[2]: name for name in DEFAULTED if name.rpartition(".")[2].isupper()}
    read = [
        names[node.value.id]
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in names
    ]
    assert read == ["telebridge.testing.picture.SIGNS"], "of which only those events are read that are in it"
