"""ActionRunner against real web services on loopback, and functions that do everything wrong."""

import asyncio
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from support.faults import fault
from support.speech import serving

from telebridge.audio import wav
from telebridge.audio.mulaw import silence
from telebridge.call.flows import http_client as module
from telebridge.call.flows.http_client import is_public
from telebridge.call.flows.requests import MAX_RESPONSE_BYTES, ActionRunner
from telebridge.flows.steps import Done, LoadAudio, Request, Run


class Service:
    """A web service whose every answer a test decides; `asked` are the requests it got."""

    def __init__(self):
        self.asked = []
        self.answers = {}

    async def answer(self, request):
        body = await request.text()
        self.asked.append((request.method, request.path_qs, body, request.headers.copy()))
        answer = self.answers[request.path]
        return await answer(request) if callable(answer) else answer


@asynccontextmanager
async def at_work(functions=None):
    """A service, its address, and somebody who does actions."""
    service, actions = Service(), ActionRunner(functions)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service.answer)
    async with serving(app) as url:
        try:
            yield service, url, actions
        finally:
            await actions.aclose()


async def got(answer, **request):
    """What comes of one request that is answered so."""
    async with at_work() as (service, url, actions):
        service.answers["/"] = answer
        return await actions.run(Request("GET", f"{url}/", **request))


def redirect(to, status=302):
    return web.Response(status=status, headers={"Location": to})


# What comes back.


async def test_json_is_decoded_and_text_is_text():
    assert await got(web.json_response({"name": "Ann", "tries": 2})) == Done({"name": "Ann", "tries": 2})
    assert await got(web.Response(text="öpen", charset="latin-1")) == Done("öpen")
    assert await got(web.Response(body=b'{"a": 1}', content_type="application/problem+json")) == Done({"a": 1})
    assert await got(web.Response(status=204, content_type="application/json")) == Done("")


@fault(
    "A web service answers JSON that is cut off, 200,000 levels deep, or none.",
    caller="What the flow says in `failed`.",
    operator="The problem with method and address.",
    kept="The call.",
)
@pytest.mark.parametrize(
    "body", ["{", "[" * 200_000, "nonsense", '{"a": }'], ids=["cut off", "too deep", "text", "no value"]
)
async def test_json_that_is_none_is_a_problem(body):
    done = await got(web.Response(text=body, content_type="application/json"))
    assert done.problem.startswith("GET http://127.0.0.1:")


@fault(
    "A web service answers bytes that are no UTF-8, or names a charset that does not exist.",
    caller="What the flow says with the answer, or in `failed`.",
    operator="The problem names the charset.",
    kept="The call.",
)
async def test_bytes_that_are_no_text_and_charsets_that_do_not_exist_end_nothing():
    assert await got(web.Response(body=b"a\xffb", content_type="text/plain")) == Done("a\ufffdb")
    unknown = await got(web.Response(body=b"ab", headers={"Content-Type": "text/plain; charset=klingon"}))
    assert "klingon" in unknown.problem


@fault(
    "A web service answers 400, 404, 409, 500 or 503.",
    caller="What the flow says in `failed`.",
    operator="The problem with the status; the flow has the body.",
    kept="What the service said.",
)
@pytest.mark.parametrize("status", [400, 404, 409, 500, 503])
async def test_anything_but_success_is_a_problem_and_its_body_is_there(status):
    done = await got(web.json_response({"error": "no"}, status=status))
    assert done.value == {"error": "no"}
    assert done.problem.endswith(f"answered {status}")


@pytest.mark.parametrize(("size", "fits"), [(MAX_RESPONSE_BYTES, True), (MAX_RESPONSE_BYTES + 1, False)])
async def test_an_answer_has_a_mebibyte_at_most(size, fits):
    done = await got(web.Response(body=b"a" * size))
    assert (done.problem is None) is fits
    assert done.value == ("a" * size if fits else None)


@fault(
    "A web service answers a kilobyte that unpacks to 50 MiB.",
    caller="What the flow says in `failed`.",
    operator="The problem 'more than' a mebibyte.",
    kept="The memory of the process.",
)
async def test_an_answer_that_unpacks_to_more_is_refused_too():
    async def packed(request):
        response = web.Response(body=b"a" * (MAX_RESPONSE_BYTES * 50))
        response.enable_compression(web.ContentCoding.gzip)
        return response

    assert "more than" in (await got(packed)).problem


async def test_a_service_that_is_slow_is_given_up():
    async def slow(request):
        await asyncio.sleep(1)

    done = await got(slow, timeout_seconds=0.1)
    assert done == Done(problem="took longer than 0.1 s")


@fault(
    "A web service sends a byte now and then, for ever.",
    caller="What the flow says in `failed`, after `timeout`.",
    operator="The problem 'took longer than … s'.",
    kept="The bound of the wait.",
)
async def test_a_service_that_answers_slowly_is_given_up():
    async def dripping(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"a")
            await asyncio.sleep(0.03)

    assert (await got(dripping, timeout_seconds=0.2)).problem == "took longer than 0.2 s"


# What is sent.


async def test_a_body_is_sent_as_json_or_as_a_form():
    async with at_work() as (service, url, actions):
        service.answers["/"] = web.json_response(1)
        await actions.run(Request("POST", f"{url}/?a=b", {"X-Key": "k"}, json={"phone": "+1"}))
        service.answers["/"] = web.json_response(1)
        await actions.run(Request("PUT", f"{url}/", form={"phone": "+1"}))
    (post, put) = service.asked
    assert post[:3] == ("POST", "/?a=b", '{"phone": "+1"}')
    assert post[3]["X-Key"] == "k"
    assert put[:3] == ("PUT", "/", "phone=%2B1")


@fault(
    "A web service sets a cookie in the request of one caller.",
    caller="The answers that are for them.",
    operator="Nothing unusual.",
    kept="Each caller's session: the next caller's request has no cookie.",
)
async def test_cookies_of_one_caller_are_not_sent_for_the_next():
    async with at_work() as (service, url, actions):
        url = url.replace("127.0.0.1", "localhost")  # a jar keeps no cookies of bare addresses
        for _ in range(2):
            service.answers["/"] = web.Response(headers={"Set-Cookie": "session=ann"})
            assert (await actions.run(Request("GET", f"{url}/"))).problem is None
    assert [headers.get("Cookie") for *_, headers in service.asked] == [None, None]


@pytest.mark.parametrize(
    "url", ["", "example", "ftp://example.com/", "file:///etc/passwd", "http://", "http://[bad/", "http://a:99999/"]
)
async def test_an_address_that_is_none_is_a_problem(url):
    done = await ActionRunner().run(Request("GET", url))
    assert done.problem.startswith(f"GET {url}: ")


@fault(
    "A header of a request holds a line break, or its body what is no JSON.",
    caller="What the flow says in `failed`.",
    operator="The problem; nothing was sent.",
    kept="The other headers: no text adds one.",
)
async def test_headers_and_bodies_that_cannot_be_sent_are_problems():
    async with at_work() as (service, url, actions):
        for wrong in ({"headers": {"X": "a\r\nY: b"}}, {"json": {"a": object()}}):
            assert (await actions.run(Request("POST", f"{url}/", **wrong))).problem
    assert service.asked == []


# Trying again.


async def test_a_connection_that_is_refused_is_tried_twice(monkeypatch, unused_tcp_port_factory):
    tried = []
    connect = aiohttp.TCPConnector.connect

    async def counted(self, *args, **kwargs):
        tried.append(1)
        return await connect(self, *args, **kwargs)

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", counted)
    actions = ActionRunner()
    done = await actions.run(Request("GET", f"http://127.0.0.1:{unused_tcp_port_factory()}/"))
    await actions.aclose()
    assert done.problem
    assert len(tried) == 2


@fault(
    "A web service cuts the connection after it has taken an order.",
    caller="What the flow says in `failed`.",
    operator="The problem; one request at the service.",
    kept="The order: it is not placed twice.",
)
async def test_a_request_that_arrived_is_never_sent_again():
    async def cut(request):
        request.transport.abort()
        await asyncio.sleep(0)

    async with at_work() as (service, url, actions):
        service.answers["/"] = cut
        done = await actions.run(Request("POST", f"{url}/", json={"order": 1}))
    assert done.problem
    assert len(service.asked) == 1


# Redirects.


@pytest.fixture
def loopback_is_open(monkeypatch):
    """The services of these tests are on loopback, which redirects must not lead to."""
    monkeypatch.setattr(module, "is_public", lambda address: address == "127.0.0.1" or is_public(address))


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [(301, "GET", "GET"), (302, "POST", "GET"), (301, "POST", "GET"), (303, "PUT", "GET"), (307, "POST", "POST"),
     (308, "PUT", "PUT"), (302, "PUT", "PUT")],
)  # fmt: skip
@pytest.mark.usefixtures("loopback_is_open")
async def test_a_redirect_is_followed_with_the_method_that_its_status_says(status, method, then):
    async with at_work() as (service, url, actions):
        service.answers["/old/a"] = redirect("b?c=1", status)
        service.answers["/old/b"] = web.json_response("there")
        body = None if method == "GET" else {"n": 1}
        done = await actions.run(Request(method, f"{url}/old/a", {"X-Key": "k"}, json=body))
    assert done == Done("there")
    second = service.asked[1]
    assert second[:3] == (then, "/old/b?c=1", "" if then == "GET" else '{"n": 1}')
    assert second[3]["X-Key"] == "k", "the same service"


@pytest.mark.usefixtures("loopback_is_open")
async def test_keys_are_not_handed_to_another_service():
    async with at_work() as (service, url, actions), at_work() as (other, elsewhere, _):
        service.answers["/"] = redirect(f"{elsewhere}/", 307)
        other.answers["/"] = web.json_response("there")
        done = await actions.run(Request("POST", f"{url}/", {"Authorization": "Bearer 1", "X-Key": "k"}, json=1))
    assert done == Done("there")
    assert not {"Authorization", "X-Key"} & set(other.asked[0][3])


@pytest.mark.parametrize(("redirects", "arrives"), [(3, True), (4, False)])
@pytest.mark.usefixtures("loopback_is_open")
async def test_three_redirects_are_enough(redirects, arrives):
    async with at_work() as (service, url, actions):
        for number in range(redirects):
            service.answers[f"/{number}"] = redirect(f"/{number + 1}")
        service.answers[f"/{redirects}"] = web.json_response("there")
        done = await actions.run(Request("GET", f"{url}/0"))
    assert (done.value == "there") is arrives
    assert len(service.asked) == 4


async def test_a_redirect_without_an_address_is_no_success():
    assert (await got(web.Response(status=302))).problem.endswith("answered 302")


@fault(
    "A web service redirects to an address inside the network of the bridge.",
    caller="What the flow says in `failed`.",
    operator="The problem names the redirect.",
    kept="What only the bridge's own network may see.",
)
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "[fd00::1]",
        "[fe80::1]",
        "224.0.0.1",
        "localhost",
        "LOCALHOST.",
    ],
)
async def test_a_redirect_never_leads_into_the_network_of_the_bridge(host):
    async with at_work() as (service, url, actions):
        port = url.rpartition(":")[2]
        service.answers["/"] = redirect(f"http://{host}:{port}/inside")
        service.answers["/inside"] = web.json_response("secret")
        done = await actions.run(Request("GET", f"{url}/", timeout_seconds=5.0))
    assert done.value is None
    assert done.problem
    assert len(service.asked) == 1


async def test_a_recording_is_fetched_over_redirects_by_the_same_rule():
    async with at_work() as (service, url, actions):
        service.answers["/a.wav"] = redirect(f"{url}/inside.wav")
        service.answers["/inside.wav"] = web.Response(body=wav.mulaw_file(silence(20)))
        done = await actions.run(LoadAudio(f"{url}/a.wav"))
    assert "not on the open Internet" in done.problem
    assert len(service.asked) == 1


@pytest.mark.parametrize("to", ["file:///etc/passwd", "//", "ftp://example.com/", "javascript:1", "http://[x/"])
async def test_a_redirect_leads_to_addresses_of_the_web_alone(to):
    async with at_work() as (service, url, actions):
        service.answers["/"] = redirect(to)
        assert (await actions.run(Request("GET", f"{url}/"))).problem


@pytest.mark.parametrize(
    ("address", "public"),
    [("93.184.216.34", True), ("2606:2800:220:1::1", True), ("::ffff:93.184.216.34", True), ("127.0.0.1", False),
     ("::ffff:10.0.0.1", False), ("64:ff9b::a00:1", False),
     ("64:ff9b::5db8:d822", True), ("2002:a00:1::1", False),
     ("fe80::1%eth0", False), ("ff02::1", False), ("0.0.0.0", False)],
)  # fmt: skip
def test_which_addresses_are_on_the_open_internet(address, public):
    assert is_public(address) is public


# Functions.


async def run(function, timeout_seconds=5.0):
    return await ActionRunner({"it": function}).run(Run("it", {"name": "Ann"}, timeout_seconds))


async def test_a_function_is_given_the_variables_and_its_value_comes_back():
    async def it(variables):
        variables["name"] += "!"
        return variables

    variables = {"name": "Ann"}
    done = await ActionRunner({"it": it}).run(Run("it", variables))
    assert done == Done({"name": "Ann!"})
    assert variables == {"name": "Ann"}, "it has its own"


async def test_a_function_that_raises_is_a_problem():
    async def it(variables):
        raise KeyError("phone")

    assert (await run(it)).problem == "KeyError: 'phone'"


async def test_a_time_out_of_the_functions_own_is_told_as_such():
    async def it(variables):
        raise TimeoutError("the database")

    assert (await run(it)).problem == "TimeoutError: the database"


@fault(
    "A function of the flow hangs.",
    caller="What the flow says in `failed`, after its time-out.",
    operator="The problem 'took longer than … s'.",
    kept="The call.",
)
async def test_a_function_that_hangs_is_given_up():
    async def it(variables):
        await asyncio.sleep(60)

    assert (await run(it, 0.05)).problem == "took longer than 0.05 s"


async def test_a_function_whose_own_task_was_cancelled_leaves_nobody_waiting():
    async def it(variables):
        inner = asyncio.ensure_future(asyncio.sleep(60))
        asyncio.get_running_loop().call_soon(inner.cancel)
        await inner

    assert (await run(it)).problem == "was cancelled"


async def test_a_function_that_is_no_coroutine_function_is_a_problem():
    assert (await run(lambda variables: 5)).problem.startswith("TypeError")


async def test_an_unknown_function_is_a_problem():
    assert (await ActionRunner().run(Run("lost", {}))).problem == "there is no function 'lost'"
