"""An endpoint is declared at its handler, which gets what was checked."""

import aiohttp
import pytest
from aiohttp import web
from support.speech import serving

from telebridge.server.http.bodies import Nothing, RequestModel, ResponseModel
from telebridge.server.http.endpoint import endpoint, endpoints_of, register, respond
from telebridge.server.http.problems import problem_documents


class Which(RequestModel):
    last: str = "?"


class Name(RequestModel):
    name: str


class Greeting(ResponseModel):
    text: str


class Greeter:
    """Handlers, one of which declares nothing."""

    @endpoint("POST", "/api/greet", "Greet somebody.", {200: Greeting}, problems={409: "Nobody is there."})
    async def greet(self, _request: web.Request, query: Which, body: Name) -> web.Response:
        return respond(Greeting(text=f"Hello {body.name} {query.last}."))

    async def hide(self, _request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        raise AssertionError

    @endpoint("GET", "/api/last", "What was said last.", {200: Greeting})
    async def last(self, _request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        return respond(Greeting(text="Bye."))


def test_what_is_declared_is_found_in_the_order_of_the_source():
    greet, last = endpoints_of(Greeter())
    declared = greet.declared
    assert (declared.operation, declared.method, declared.path) == ("greet", "POST", "/api/greet")
    assert (declared.query, declared.body) == (Which, Name), "by the annotations of the handler"
    assert declared.problems == {409: "Nobody is there."}
    assert (last.declared.query, last.declared.body) == (Nothing, Nothing)
    assert (greet.reads, last.reads) == (False, True)


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [("?last=Lovelace", {"name": "Ada"}, 200), ("", {"name": 1}, 422), ("?first=x", {"name": "Ada"}, 422)],
)
async def test_a_handler_gets_a_query_and_a_body_that_were_checked(query, body, status):
    app = web.Application(middlewares=[problem_documents()])
    register(app, endpoints_of(Greeter()))
    async with (
        serving(app) as url,
        aiohttp.ClientSession() as session,
        session.post(f"{url}/api/greet{query}", json=body) as answer,
    ):
        assert answer.status == status
        if status == 200:
            assert await answer.json() == {"text": "Hello Ada Lovelace."}
