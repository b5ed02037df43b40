"""Endpoints of the API, declared at their handlers: one declaration registers, checks and documents each.

One rule: a handler gets a query and a body that have been checked, and nothing else reads them.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from inspect import signature
from types import FunctionType
from typing import Any, Generic, NoReturn, TypeVar

from aiohttp import hdrs, web
from pydantic import BaseModel, ValidationError

from telebridge.server.http.bodies import Nothing, RequestModel
from telebridge.server.http.problems import (
    FieldProblem,
    Problem,
    shown,
    wrong_fields,
)
from telebridge.server.http.request_bodies import read_bytes
from telebridge.unicode_text import repaired, repaired_values

MOST_BYTES = 64 * 1024
DEEPEST = 32
JSON = "application/json"

Q = TypeVar("Q", bound=RequestModel)
B = TypeVar("B", bound=RequestModel)


@dataclass(frozen=True, slots=True)
class Header:
    """A header of the request that means something."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Declaration(Generic[Q, B]):
    """What is declared of an endpoint: one method of one path.

    Args:
        method: GET, POST, PATCH or DELETE.
        path: As aiohttp and OpenAPI both write it.
        operation: Its name, unique: the handler's.
        summary: What it does, in one line.
        query: The model of the query.
        body: The model of the body; `Nothing` for none.
        responses: By status: the model of the response, or the media types, with ", " between, of one without.
        problems: Further statuses of problems, and when they come.
        headers: Headers of the request that mean something.
        example: A body that works.
        upload: The media type of a body that is no JSON, of any length, which the handler reads itself; empty for none.
    """

    method: str
    path: str
    operation: str
    summary: str
    query: type[Q]
    body: type[B]
    responses: Mapping[int, type[BaseModel] | str]
    problems: Mapping[int, str]
    headers: tuple[Header, ...]
    example: Mapping[str, Any] | None
    upload: str


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[Q, B]):
    """A declaration and the handler that answers.

    Args:
        declared: What is declared of it.
        handler: Gets the request, the query and the body, both checked.
    """

    declared: Declaration[Q, B]
    handler: Callable[[web.Request, Q, B], Awaitable[web.StreamResponse]]

    @property
    def reads(self) -> bool:
        """Whether it can be asked for without its body, by HEAD; a stream cannot."""
        declared = self.declared
        return declared.method == hdrs.METH_GET and "text/event-stream" not in declared.responses.values()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Check a request and hand it to the handler.

        Raises:
            Problem: The request is wrong, or the handler refuses it.
        """
        declared = self.declared
        query = read_query(request, declared.query)
        body = declared.body() if declared.upload else await read_body(request, declared.body)
        if declared.upload and request.content_type != declared.upload:
            raise Problem(415, f"Send it with 'Content-Type: {declared.upload}'.", headers={"Accept": declared.upload})
        return await self.handler(request, query, body)


DECLARED = "declared"
"""The attribute of a handler that has its declaration."""

Handling = TypeVar("Handling", bound=Callable[..., Awaitable[web.StreamResponse]])


def endpoint(
    method: str,
    path: str,
    summary: str,
    responses: Mapping[int, type[BaseModel] | str],
    *,
    problems: Mapping[int, str] | None = None,
    headers: tuple[Header, ...] = (),
    example: Mapping[str, Any] | None = None,
    upload: str = "",
) -> Callable[[Handling], Handling]:
    """Declare that a method answers an endpoint; `endpoints_of` finds it.

    The method takes the request, the query and the body. The last two are annotated with their models, and its name is
    that of the operation. See `Declaration` for the arguments.
    """

    def declare(handler: Handling) -> Handling:
        *_, query, body = (parameter.annotation for parameter in signature(handler).parameters.values())
        handler.__dict__[DECLARED] = Declaration(
            method, path, handler.__name__, summary, query, body, responses, problems or {}, headers, example, upload
        )
        return handler

    return declare


def endpoints_of(*objects: object) -> tuple[Endpoint[Any, Any], ...]:
    """The endpoints that the methods of objects declare, in the order of their source."""
    return tuple(
        Endpoint(function.__dict__[DECLARED], getattr(each, name))
        for each in objects
        for name, function in vars(type(each)).items()
        if isinstance(function, FunctionType) and DECLARED in function.__dict__
    )


def register(app: web.Application, endpoints: Iterable[Endpoint[Any, Any]]) -> None:
    """Put endpoints into an application."""
    for one in endpoints:
        methods = (hdrs.METH_GET, hdrs.METH_HEAD) if one.reads else (one.declared.method,)
        for method in methods:
            app.router.add_route(method, one.declared.path, one.answer, expect_handler=_expect)


def respond(model: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A response in JSON."""
    body = model.model_dump_json(by_alias=True).encode()
    return web.Response(body=body, status=status, content_type=JSON, headers=headers)


def read_query(request: web.Request, model: type[Q]) -> Q:
    """The query of a request.

    Raises:
        Problem: A parameter is not known, given twice, or wrong.
    """
    names = [name for name, _ in request.query.items()]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise _invalid([FieldProblem(shown(name), "is given twice", "give it once") for name in twice])
    return _checked(model, dict(request.query))


async def read_body(request: web.Request, model: type[B]) -> B:
    """The body of a request.

    Raises:
        Problem: It is too large, no JSON object, or says something wrong.
    """
    if (request.content_length or 0) > MOST_BYTES:
        raise _too_large()
    try:
        text = await read_bytes(request, MOST_BYTES)
    except web.HTTPRequestEntityTooLarge as error:
        raise _too_large() from error
    if not text and model is Nothing:
        return model()
    if request.method == hdrs.METH_GET:
        return model()
    if request.content_type != JSON:
        sent = f"not {shown(request.content_type)}" if hdrs.CONTENT_TYPE in request.headers else "and name it"
        raise Problem(415, f"Send JSON with 'Content-Type: {JSON}', {sent}.", headers={"Accept": JSON})
    return _checked(model, parsed(text))


def parsed(text: bytes) -> dict[str, Any]:
    """A JSON object, strictly: no key twice, nothing that is not JSON, not too deep. Half characters are repaired.

    Raises:
        Problem: It is something else.
    """
    try:
        value = json.loads(text.decode(), object_pairs_hook=_each_once, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise Problem(400, f"The body is not UTF-8 at byte {error.start}.") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Problem(400, f"The body is no JSON: {error.msg[:1].lower()}{error.msg[1:]} at {where}.") from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:  # a number of too many digits
        raise Problem(400, "The body has a number that is too long.") from error
    if not isinstance(value, dict):
        raise Problem(400, "The body is JSON, but no object: send {…} with the fields in it.")
    if _is_deeper(value, DEEPEST):
        raise _too_deep()
    return {repaired(key): repaired_values(each) for key, each in value.items()}


def _checked(model: type[Q], values: Mapping[str, Any]) -> Q:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        known = [field.alias or name for name, field in model.model_fields.items()]
        raise _invalid(wrong_fields(error, known)) from error


def _invalid(errors: list[FieldProblem]) -> Problem:
    first = errors[0]
    hint = f" ({first.hint})" if first.hint else ""
    more = f" {len(errors) - 1} more under 'errors'." if len(errors) > 1 else ""
    return Problem(
        422, f"'{shown(first.field)}' {_sentence(first.problem)}{hint}.{more}", kind="invalid-fields", errors=errors
    )


def _sentence(problem: str) -> str:
    return problem if problem.startswith(("is ", "holds ")) else f"is wrong: {problem}"


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Problem(400, f"The body has '{shown(twice)}' twice; send it once.")
    return value


def _no_constant(name: str) -> NoReturn:
    raise Problem(400, f"The body has {name}, which is no JSON.")


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether something lies deeper than so many levels; goes no deeper itself."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(_is_deeper(each, levels - 1) for each in inside)


def _too_deep() -> Problem:
    return Problem(400, f"The body is nested deeper than {DEEPEST} levels.")


def _too_large() -> Problem:
    return Problem(413, f"The body has more than {MOST_BYTES} bytes; send less.")


async def _expect(request: web.Request) -> web.StreamResponse | None:
    """Meet `Expect` as aiohttp does, but refuse with a problem document."""
    if request.headers.get(hdrs.EXPECT, "").lower() != "100-continue":
        return Problem(417, "The only expectation met here is '100-continue'.").answer()
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # the answer has not begun by this
    return None
