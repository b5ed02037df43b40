"""Problem documents: the responses to requests of the API that are refused, with what to change.

Source: RFC 9457, "Problem Details for HTTP APIs". A problem with a meaning of its own has a `type` that a program may
compare; the others are `about:blank`, and their status says it all.

One rule: nothing leaves /api or /prompts with a status of 400 or more that is no problem document.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import ValidationError
from typing_extensions import override

from telebridge.errors import TelebridgeError
from telebridge.logs import logger
from telebridge.server.http.base_path import is_for
from telebridge.server.http.refusal_log import masked

log = logger(__name__)

CONTENT_TYPE = "application/problem+json"
API, PROMPTS = "/api", "/prompts"
TYPE_PREFIX = "urn:telebridge:problem:"
KEPT_HEADERS = ("Allow", "Connection", "Retry-After", "WWW-Authenticate")
MOST_ERRORS = 20


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field.

    Args:
        field: Its name, dotted where it lies deeper; empty for the body as a whole.
        problem: What is wrong.
        hint: What to do about it; empty when `problem` says it all.
    """

    field: str
    problem: str
    hint: str = ""

    def as_json(self) -> dict[str, str]:
        """As it stands in a problem document."""
        return {"field": self.field, "problem": self.problem, "hint": self.hint}


class Problem(TelebridgeError):
    """A request that is answered with a problem document.

    Args:
        status: The HTTP status, 400 or more.
        detail: What is wrong with this request, and what to do.
        kind: What a program compares, such as "call-over"; empty when the status says it all.
        errors: The fields that are wrong.
        headers: Further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str = "",
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, kind)
        self.status = status
        self.detail = detail
        self.kind = kind
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    @override
    def __str__(self) -> str:
        return f"{self.status}: {self.detail}"

    def as_json(self) -> dict[str, Any]:
        """The problem document."""
        document: dict[str, Any] = {
            "type": TYPE_PREFIX + self.kind if self.kind else "about:blank",
            "title": _title(self.status),
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = [error.as_json() for error in self.errors]
        return document

    def answer(self) -> web.Response:
        """The answer that carries the document."""
        body = json.dumps(self.as_json()).encode()
        return web.Response(body=body, status=self.status, content_type=CONTENT_TYPE, headers=self.headers)


def wrong_fields(error: ValidationError, known: Sequence[str]) -> list[FieldProblem]:
    """The errors of a model, in words for a client.

    Args:
        error: The model's own words.
        known: The names of the model's fields, to name the one that may have been meant.
    """
    return [_wrong_field(mistake["loc"], mistake["type"], mistake["msg"], known) for mistake in error.errors()][
        :MOST_ERRORS
    ]


def _wrong_field(path: Sequence[int | str], kind: str, message: str, known: Sequence[str]) -> FieldProblem:
    field = ".".join(str(part) for part in path)
    if kind == "extra_forbidden":
        near = get_close_matches(str(path[-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"known are: {', '.join(known) or 'none'}"
        return FieldProblem(field, "is not known here", hint)
    if kind == "missing":
        return FieldProblem(field, "is missing", "add it")
    words = message.removeprefix("Value error, ")
    return FieldProblem(field, words[:1].lower() + words[1:])


def problem_documents() -> Middleware:
    """The middleware that turns whatever goes wrong under /api and /prompts into a problem document."""

    @web.middleware
    async def documented(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_for(request, API, PROMPTS):
            return await handler(request)
        try:
            answer = await handler(request)
        except Problem as problem:
            return problem.answer()
        except web.HTTPException as refused:
            if refused.status < HTTPStatus.BAD_REQUEST:
                raise
            return _of_http(request, refused).answer()
        except Exception:  # the top of a request: whoever asked learns that it is our fault, and nothing else
            log.exception("request failed", method=request.method, path=masked(request.path))
            return Problem(500, "Something is wrong on our side. It has been written to the log.").answer()
        return answer

    return documented


def _of_http(request: web.Request, refused: web.HTTPException) -> Problem:
    """The problem for a refusal of the web server itself, with the headers that matter."""
    headers = {name: refused.headers[name] for name in KEPT_HEADERS if name in refused.headers}
    match refused:
        case web.HTTPNotFound():
            detail = f"There is nothing at {shown(request.path)}; GET /api/openapi.json lists what there is."
        case web.HTTPMethodNotAllowed():
            detail = (
                f"{shown(request.method)} is not for {shown(request.path)}; use {headers.get('Allow') or 'another'}."
            )
        case web.HTTPRequestEntityTooLarge():
            detail = "The body is too large; send less."
        case _:
            detail = (refused.text or "").strip() or f"{_title(refused.status)}."
    return Problem(refused.status, detail, headers=headers)


def shown(text: str) -> str:
    """Text from outside as it may stand in an answer: short, and without control characters."""
    plain = "".join(character if character.isprintable() else "?" for character in text[:80])
    return plain if len(text) <= len(plain) else f"{plain}…"


def unknown_campaign(campaign_id: str) -> Problem:
    """The problem for a campaign that is unknown."""
    detail = f"There is no campaign '{shown(campaign_id)}'; GET /api/campaigns lists them."
    return Problem(404, detail, kind="unknown-campaign")


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
