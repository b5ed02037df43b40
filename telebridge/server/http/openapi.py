"""The API's description of itself, made from the table of routes and their models.

Source: OpenAPI 3.1.

One rule: nothing is written here that the table or a model knows.
"""

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from telebridge.server.http.bodies import Nothing, ProblemTold
from telebridge.server.http.endpoint import JSON, ApiRoute
from telebridge.server.http.problems import CONTENT_TYPE

REF = "#/components/schemas/{model}"
BEARER = "token"
ALWAYS = {
    400: "The request cannot be read.",
    401: "The token is missing or wrong.",
    403: "Without server.api_token the API is for programs of this machine.",
    422: "A field or parameter is wrong; `errors` says which.",
    500: "A fault of the bridge.",
}
WITH_BODY = {413: "The body is too large.", 415: "The body is not said to be JSON."}


def document(routes: Sequence[ApiRoute[Any, Any]], *, version: str) -> dict[str, Any]:
    """The OpenAPI document of `routes`."""
    refs, schemas = models_json_schema(_models(routes), ref_template=REF, by_alias=True)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "telebridge", "version": version, "summary": "Watch, place and steer telephone calls."},
        "servers": [{"url": "/"}],
        "security": [{BEARER: []}, {}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                BEARER: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "server.api_token. Without one the API is for programs of this machine.",
                }
            },
        },
    }


def _models(routes: Iterable[ApiRoute[Any, Any]]) -> list[tuple[type[BaseModel], Any]]:
    """Each model once: those that come in as they are checked, those that go out as they are written."""
    models: dict[tuple[type[BaseModel], Any], None] = {(ProblemTold, "serialization"): None}
    for route in routes:
        if route.body is not Nothing:
            models[route.body, "validation"] = None
        for told in route.answers.values():
            if isinstance(told, type):
                models[told, "serialization"] = None
    return list(models)


def _operation(route: ApiRoute[Any, Any], refs: Any) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_headers(route)],
        "responses": {**_answers(route, refs), **_problems(route, refs)},
    }
    if route.upload:
        operation["requestBody"] = {"required": True, "content": {route.upload: {"schema": {"type": "string"}}}}
    if route.body is not Nothing:
        content: dict[str, Any] = {"schema": refs[route.body, "validation"]}
        if route.example is not None:
            content["example"] = dict(route.example)
        operation["requestBody"] = {"required": True, "content": {JSON: content}}
    return operation


def _path_parameters(route: ApiRoute[Any, Any]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]


def _query_parameters(route: ApiRoute[Any, Any]) -> list[dict[str, Any]]:
    fields = route.query.model_json_schema().get("properties", {})
    return [{"name": name, "in": "query", "schema": _without_null(field)} for name, field in fields.items()]


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    """A parameter that is left away is not sent as null."""
    kinds = [kind for kind in field.get("anyOf", ()) if kind != {"type": "null"}]
    about = {key: value for key, value in field.items() if key not in ("anyOf", "title")}
    if about.get("default", "") is None:
        del about["default"]
    return {**(kinds[0] if kinds else {}), **about}


def _headers(route: ApiRoute[Any, Any]) -> list[dict[str, Any]]:
    return [
        {"name": header.name, "in": "header", "description": header.description, "schema": dict(header.schema)}
        for header in route.headers
    ]


def _answers(route: ApiRoute[Any, Any], refs: Any) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for status, told in route.answers.items():
        media = told.split(", ") if isinstance(told, str) else []
        content = {each: {} for each in media} if media else {JSON: {"schema": refs[told, "serialization"]}}
        answers[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
    return answers


def _problems(route: ApiRoute[Any, Any], refs: Any) -> dict[str, Any]:
    statuses = {**ALWAYS, **({} if route.method == "GET" else WITH_BODY), **route.problems}
    content = {CONTENT_TYPE: {"schema": refs[ProblemTold, "serialization"]}}
    return {str(status): {"description": description, "content": content} for status, description in statuses.items()}
