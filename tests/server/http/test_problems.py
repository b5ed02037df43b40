"""Whatever goes wrong under /api and /prompts is a problem document that says what to change."""

import aiohttp
import pytest
from aiohttp import web
from pydantic import ValidationError
from structlog.testing import capture_logs
from support.api import SID, api, record
from support.speech import serving

from telebridge.server.api.models import OriginateRequest, SayRequest
from telebridge.server.http.problems import (
    FieldProblem,
    Problem,
    problem_documents,
    shown,
    wrong_fields,
)


def test_a_problem_without_a_meaning_of_its_own_is_about_blank():
    assert Problem(404, "There is none.").as_json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is none.",
    }


def test_a_problem_with_a_meaning_has_a_type_and_names_its_fields():
    told = Problem(422, "Wrong.", kind="invalid-fields", errors=[FieldProblem("to", "is missing", "add it")]).as_json()
    assert told["type"] == "urn:telebridge:problem:invalid-fields"
    assert told["errors"] == [{"field": "to", "problem": "is missing", "hint": "add it"}]


def errors_of(model, values):
    with pytest.raises(ValidationError) as raised:
        model.model_validate(values)
    return wrong_fields(raised.value, [field.alias or name for name, field in model.model_fields.items()])


def test_an_unknown_field_is_answered_with_the_nearest_name():
    assert errors_of(SayRequest, {"text": "Hello.", "bargein": "any"}) == [
        FieldProblem("bargein", "is not known here", "did you mean 'barge_in'?")
    ]


def test_an_unknown_field_near_none_is_answered_with_all_names():
    (error,) = errors_of(SayRequest, {"text": "Hello.", "qqq": 1})
    assert error.hint == "known are: text, barge_in, voice, wait"


def test_each_missing_field_is_named_as_it_is_written():
    assert [(error.field, error.problem) for error in errors_of(OriginateRequest, {})] == [
        ("to", "is missing"),
        ("from", "is missing"),
    ]


@pytest.mark.parametrize(("text", "told"), [("a\x00b\n", "a?b?"), ("x" * 90, "x" * 80 + "…"), ("plain", "plain")])
def test_text_from_outside_is_shown_short_and_without_control_characters(text, told):
    assert shown(text) == told


async def test_an_unknown_path_is_a_problem_that_says_where_the_list_is():
    async with api() as client:
        told = await client.get("/api/nothing", status=404)
    assert "openapi.json" in told["detail"]


async def test_a_wrong_method_is_told_with_those_that_are_allowed():
    async with api() as client, client.session.delete(f"{client.url}/api/calls") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET,HEAD,POST"
        assert "GET,HEAD,POST" in (await answer.json(content_type="application/problem+json"))["detail"]


async def test_a_fault_of_ours_is_logged_and_told_without_its_insides():
    with capture_logs() as logs:
        async with api() as client:
            client.originator.refusal = RuntimeError("the password is 1234")
            order = {"to": "+15551230000", "from": "+15551230001"}
            told = await client.post("/api/calls", order, status=500)
    assert "1234" not in str(told)
    assert [(log["event"], log["path"]) for log in logs] == [("request failed", "/api/calls")]


async def test_other_paths_are_left_alone():
    app = web.Application(middlewares=[problem_documents()])
    async with serving(app) as url, aiohttp.ClientSession() as session, session.get(f"{url}/apis") as answer:
        assert (answer.status, answer.content_type) == (404, "text/plain")


async def test_what_a_door_under_prompts_refuses_in_plain_text_is_a_problem_in_its_words():
    async def handler(request):
        match request.match_info["name"]:
            case "forged":
                raise web.HTTPForbidden(text="The signature does not fit.\n")
            case "wordless":
                raise web.HTTPGone(text="")
            case _:
                raise web.HTTPFound("/prompts/forged")

    app = web.Application(middlewares=[problem_documents()])
    app.router.add_get("/prompts/{name}", handler)
    async with serving(app) as url, aiohttp.ClientSession() as session:
        told = {}
        for name in ("forged", "wordless", "elsewhere"):
            async with session.get(f"{url}/prompts/{name}", allow_redirects=False) as answer:
                told[name] = answer.status, (await answer.json()).get("detail") if answer.status >= 400 else None
    assert told == {
        "forged": (403, "The signature does not fit."),
        "wordless": (410, "Gone."),
        "elsewhere": (302, None),
    }


@pytest.mark.parametrize(("kilobytes", "status"), [(60, 202), (70, 413), (2000, 413)])
async def test_a_body_of_unknown_length_is_refused_when_it_grows_too_large(kilobytes, status):
    async def pieces():
        yield b'{"text": "Hello."'
        for _ in range(kilobytes):
            yield b" " * 1024
        yield b"}"

    async with api() as client:
        client.calls.add(record())
        headers = {"Content-Type": "application/json"}
        await client.ask("POST", f"/api/calls/{SID}/say", data=pieces(), headers=headers, status=status)


async def test_a_body_beside_a_question_is_ignored():
    async with api() as client:
        await client.get("/api/calls", data=b"what is this", headers={"Content-Type": "text/plain"})


async def test_an_unknown_field_where_none_is_known():
    async with api() as client:
        client.calls.add(record())
        told = await client.post(f"/api/calls/{SID}/clear", {"now": True}, status=422)
    assert told["errors"] == [{"field": "now", "problem": "is not known here", "hint": "known are: none"}]
