"""The API's description is made from its routes and says all of them."""

import json
import re

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from support.api import Api, api

from telebridge.server.api.endpoints import DECLARATIONS
from telebridge.server.http.bodies import Nothing
from telebridge.server.http.openapi import document

ROUTE_TABLE = Api().app[DECLARATIONS]
DESCRIPTION = document(ROUTE_TABLE, version="1.2.3")


def operations():
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in DESCRIPTION["paths"].items()
        for method, operation in methods.items()
    ]


def references(value):
    if isinstance(value, dict):
        for key, inside in value.items():
            if key == "$ref":
                yield inside
            yield from references(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from references(inside)


def test_every_route_that_answers_is_described_and_no_other():
    app = Api().app
    answering = {
        f"{route.method} {route.resource.canonical}" for route in app.router.routes() if route.method != "HEAD"
    }
    assert {name for name, _ in operations()} == answering


def test_every_operation_has_a_name_of_its_own():
    names = [operation["operationId"] for _, operation in operations()]
    assert len(set(names)) == len(names)


def test_every_reference_leads_somewhere():
    found = set(references(DESCRIPTION))
    assert found
    for reference in found:
        assert reference.removeprefix("#/components/schemas/") in DESCRIPTION["components"]["schemas"]


def test_every_schema_is_a_json_schema():
    for schema in DESCRIPTION["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(("name", "operation"), operations(), ids=[name for name, _ in operations()])
def test_every_operation_tells_its_problems_and_its_path(name, operation):
    assert {"400", "401", "403", "422", "500"} <= operation["responses"].keys()
    for status, answer in operation["responses"].items():
        assert ("application/problem+json" in answer["content"]) == (int(status) >= 400)
    in_path = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"]
    assert in_path == re.findall(r"{(\w+)}", name)


@pytest.mark.parametrize("route", ROUTE_TABLE, ids=lambda route: route.operation)
def test_every_example_is_a_body_that_works_and_every_body_has_one(route):
    if route.body is Nothing:
        assert route.example is None
        return
    route.body.model_validate(route.example)
    with pytest.raises(ValidationError):
        route.body.model_validate({**route.example, "misspelt": 1})


def test_no_parameter_of_a_query_is_sent_as_null():
    for _, operation in operations():
        for parameter in operation["parameters"]:
            assert "null" not in json.dumps(parameter["schema"])


async def test_it_is_served_and_describes_itself():
    async with api() as client:
        told = await client.get("/api/openapi.json")
    assert told["openapi"] == "3.1.0"
    assert "/api/openapi.json" in told["paths"]
