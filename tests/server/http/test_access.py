"""Who may use the API: with a token whoever sends it, without one only programs of this machine."""

import aiohttp
import pytest
from multidict import CIMultiDict
from support.api import api

from telebridge.server.http.access import Access, is_loopback

LOCAL = {"Host": "127.0.0.1:8080"}


def refusal(token, host, headers, peer="127.0.0.1"):
    return Access(token, host).refusal(CIMultiDict(headers), peer)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "::ffff:127.0.0.1", "::1%lo"])
def test_addresses_of_this_machine(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "10.0.0.1", "localhost.example.com", "127.0.0.1.example.com"])
def test_addresses_that_others_reach(host):
    assert not is_loopback(host)


@pytest.mark.parametrize("header", ["Bearer secret", "bearer secret", "Bearer   secret "])
def test_the_token_opens_it_wherever_the_server_listens(header):
    assert refusal("secret", "0.0.0.0", {"Authorization": header}, "203.0.113.9") is None


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        (None, 'Bearer realm="telebridge"'),
        ("Basic c2VjcmV0", 'Bearer realm="telebridge"'),
        ("Bearer", 'Bearer realm="telebridge"'),
        ("Bearer wrong", 'Bearer realm="telebridge", error="invalid_token"'),
        ("Bearer secre", 'Bearer realm="telebridge", error="invalid_token"'),
        ("Bearer \udcff\udcfe", 'Bearer realm="telebridge", error="invalid_token"'),
    ],
)
def test_without_the_token_it_is_closed_even_to_this_machine(header, challenge):
    problem = refusal("secret", "127.0.0.1", LOCAL if header is None else {**LOCAL, "Authorization": header})
    assert (problem.status, problem.headers["WWW-Authenticate"]) == (401, challenge)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"])
def test_without_a_token_programs_of_this_machine_may_use_it(host):
    assert refusal("", "127.0.0.1", {"Host": host}) is None


@pytest.mark.parametrize(
    ("host", "headers", "peer"),
    [
        ("0.0.0.0", LOCAL, "127.0.0.1"),
        ("127.0.0.1", LOCAL, "203.0.113.9"),
        ("127.0.0.1", LOCAL, None),
        ("127.0.0.1", {**LOCAL, "x-forwarded-for": "203.0.113.9"}, "127.0.0.1"),
        ("127.0.0.1", {**LOCAL, "Forwarded": "for=203.0.113.9"}, "127.0.0.1"),
        ("127.0.0.1", {"Host": "bridge.example.com"}, "127.0.0.1"),
        ("127.0.0.1", {}, "127.0.0.1"),
        ("127.0.0.1", {"Host": "127.0.0.1:no-port"}, "127.0.0.1"),
        ("127.0.0.1", {**LOCAL, "Origin": "https://example.com"}, "127.0.0.1"),
        ("127.0.0.1", {**LOCAL, "Origin": "null"}, "127.0.0.1"),
        ("127.0.0.1", {**LOCAL, "Origin": "http://["}, "127.0.0.1"),
    ],
)
def test_without_a_token_what_may_come_from_elsewhere_is_refused_and_told_what_to_set(host, headers, peer):
    problem = refusal("", host, headers, peer)
    assert problem.status == 403
    assert "server.api_token" in problem.detail


@pytest.mark.parametrize(("token", "host", "closed"), [("", "0.0.0.0", True), ("", "::1", False), ("x", "", False)])
def test_it_is_closed_to_everybody_where_others_reach_it_and_no_token_is_set(token, host, closed):
    assert Access(token, host).closed is closed


@pytest.mark.parametrize("headers", [LOCAL, {"Host": "bridge.example.com"}, {**LOCAL, "X-Real-IP": "203.0.113.9"}])
def test_with_a_public_address_nobody_is_answered_without_a_token(headers):
    access = Access("", "127.0.0.1", "https://bridge.example.com")
    problem = access.refusal(CIMultiDict(headers), "127.0.0.1")
    assert (access.closed, problem.status) == (True, 403)
    assert "server.api_token" in problem.detail


def test_with_a_public_address_the_token_opens_it():
    access = Access("secret", "127.0.0.1", "https://bridge.example.com")
    assert access.refusal(CIMultiDict({"Authorization": "Bearer secret"}), "127.0.0.1") is None
    assert access.refusal(CIMultiDict(LOCAL), "127.0.0.1").status == 401
    assert not access.closed


async def test_a_path_that_does_not_exist_is_guarded_too():
    async with api(token="secret") as client:
        await client.get("/api/nothing", status=401)
        await client.get("/api", status=401)
        await client.get("/api/calls", headers={"Authorization": "Bearer secret"})


async def test_a_client_is_told_how_to_authorize():
    async with api(token="secret") as client, client.session.get(f"{client.url}/api/calls") as answer:
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="telebridge"'


async def test_a_page_of_another_name_for_this_machine_is_refused():
    async with api() as client:
        await client.get("/api/calls", status=403, headers={aiohttp.hdrs.HOST: "rebound.example.com"})
