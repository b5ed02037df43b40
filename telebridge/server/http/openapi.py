"""The API's description of itself, made from the declarations of its endpoints and their models.

Source: OpenAPI 3.1.

One rule: nothing is written here that the table or a model knows.
"""

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from telebridge.server.http.bodies import Nothing, ProblemResponse
from telebridge.server.http.endpoint import JSON, Declaration
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


def document(endpoints: Sequence[Declaration[Any, Any]], *, version: str) -> dict[str, Any]:
    """The OpenAPI document of endpoints."""
    refs, schemas = models_json_schema(_models(endpoints), ref_template=REF, by_alias=True)
    paths: dict[str, dict[str, Any]] = {}
    for declared in endpoints:
        paths.setdefault(declared.path, {})[declared.method.lower()] = _operation(declared, refs)
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


def _models(endpoints: Iterable[Declaration[Any, Any]]) -> list[tuple[type[BaseModel], Any]]:
    """Each model once: those that come in as they are checked, those that go out as they are written."""
    models: dict[tuple[type[BaseModel], Any], None] = {(ProblemResponse, "serialization"): None}
    for declared in endpoints:
        if declared.body is not Nothing:
            models[declared.body, "validation"] = None
        for response in declared.responses.values():
            if isinstance(response, type):
                models[response, "serialization"] = None
    return list(models)


def _operation(declared: Declaration[Any, Any], refs: Any) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": declared.operation,
        "summary": declared.summary,
        "parameters": [*_path_parameters(declared), *_query_parameters(declared), *_headers(declared)],
        "responses": {**_responses(declared, refs), **_problems(declared, refs)},
    }
    if declared.upload:
        operation["requestBody"] = {"required": True, "content": {declared.upload: {"schema": {"type": "string"}}}}
    if declared.body is not Nothing:
        content: dict[str, Any] = {"schema": refs[declared.body, "validation"]}
        if declared.example is not None:
            content["example"] = dict(declared.example)
        operation["requestBody"] = {"required": True, "content": {JSON: content}}
    return operation


def _path_parameters(declared: Declaration[Any, Any]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)}", declared.path)
    ]


def _query_parameters(declared: Declaration[Any, Any]) -> list[dict[str, Any]]:
    fields = declared.query.model_json_schema().get("properties", {})
    return [{"name": name, "in": "query", "schema": _without_null(field)} for name, field in fields.items()]


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    """A parameter that is left away is not sent as null."""
    kinds = [kind for kind in field.get("anyOf", ()) if kind != {"type": "null"}]
    about = {key: value for key, value in field.items() if key not in ("anyOf", "title")}
    if about.get("default", "") is None:
        del about["default"]
    return {**(kinds[0] if kinds else {}), **about}


def _headers(declared: Declaration[Any, Any]) -> list[dict[str, Any]]:
    return [
        {"name": header.name, "in": "header", "description": header.description, "schema": dict(header.schema)}
        for header in declared.headers
    ]


def _responses(declared: Declaration[Any, Any], refs: Any) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, response in declared.responses.items():
        media = response.split(", ") if isinstance(response, str) else []
        content = {each: {} for each in media} if media else {JSON: {"schema": refs[response, "serialization"]}}
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
    return responses


def _problems(declared: Declaration[Any, Any], refs: Any) -> dict[str, Any]:
    statuses = {**ALWAYS, **({} if declared.method == "GET" else WITH_BODY), **declared.problems}
    content = {CONTENT_TYPE: {"schema": refs[ProblemResponse, "serialization"]}}
    return {str(status): {"description": description, "content": content} for status, description in statuses.items()}
