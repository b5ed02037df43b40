"""What a trusted proxy says of the address that was dialled, and of the client."""

from ipaddress import ip_network

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict
from yarl import URL

from telebridge.server.http.forwarding import client_address, dialled_url

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
OUTER = "bridge.example.com"


def request(*headers, host="inner:8080"):
    return make_mocked_request("GET", "/twilio/voice", headers=CIMultiDict([("Host", host), *headers]))


def x(**values):
    return [(f"X-Forwarded-{name}", value) for name, value in values.items()]


@pytest.mark.parametrize(
    ("headers", "dialled"),
    [
        # Traefik, an upgrade; its StripPrefix
        (x(Proto="wss", Host=OUTER, Port="443"), f"https://{OUTER}"),
        (x(Proto="https", Host=OUTER, Port="443", Prefix="/bridge"), f"https://{OUTER}/bridge"),
        (x(Proto="ws", Host=OUTER), f"http://{OUTER}"),
        # load balancers of the clouds: Host is the client's
        (x(Proto="https", Port="443"), "https://inner"),
        (x(Proto="HTTPS", Host=f"{OUTER}:8443"), f"https://{OUTER}:8443"),
        (x(Proto="https", Host=OUTER, Port="8443"), f"https://{OUTER}:8443"),
        (x(Proto="https", Host=f"{OUTER}:8080", Port="443"), f"https://{OUTER}"),
        # behind another proxy, which ends TLS
        (x(Proto="https, http", Host=f"{OUTER}, middle", Port="80"), f"https://{OUTER}"),
        (x(Host=OUTER, Proto="https", Port="443, 8080"), f"https://{OUTER}"),
        ([*x(Proto="https", Host=OUTER, Prefix="/a"), ("X-Forwarded-Prefix", "/b/")], f"https://{OUTER}/a/b"),
        # RFC 7239
        ([("Forwarded", f"for=192.0.2.60;proto=https;by=203.0.113.43;host={OUTER}")], f"https://{OUTER}"),
        ([("Forwarded", f'for="[2001:db8::1]:47011";host="{OUTER}:8443";proto=wss, for=10.0.0.1')],
         f"https://{OUTER}:8443"),
        ([("Forwarded", "proto=http;host=other"), *x(Proto="https", Host=OUTER)], f"https://{OUTER}"),
        ([("Forwarded", f"host={OUTER}"), *x(Proto="https")], f"https://{OUTER}"),
        # IPv6
        (x(Proto="https", Host="[2001:db8::1]", Port="8443"), "https://[2001:db8::1]:8443"),
        # nothing that can be meant
        (x(Proto="gopher", Host="a b", Port="x", Prefix="//evil"), "http://inner:8080"),
        (x(Port="0"), "http://inner:8080"),
        (x(Port="65536"), "http://inner:8080"),
        (x(Prefix="bridge"), "http://inner:8080"),
        ([("Forwarded", "=;,,host=")], "http://inner:8080"),
        ([], "http://inner:8080"),
    ],
)  # fmt: skip
def test_the_dialled_address(headers, dialled):
    assert dialled_url(request(*headers)) == dialled


NAMES = st.sampled_from(["Forwarded", *(f"X-Forwarded-{name}" for name in ("Proto", "Host", "Port", "Prefix", "For"))])
VALUES = st.one_of(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
    st.sampled_from(["https", "wss", OUTER, "[::1]:80", "443", "/a", "/%2e/", "for=1.2.3.4;proto=https;host=x:1"]),
)


@settings(max_examples=40)
@given(st.lists(st.tuples(NAMES, VALUES), max_size=6))
def test_any_headers_lead_to_an_address(headers):
    url = URL(dialled_url(request(*headers)))
    assert url.scheme in ("http", "https")
    assert url.host
    assert not url.query_string
    client_address(request(*headers), PROXIES)


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.7, 203.0.113.9", "203.0.113.9"),  # a client may write what it likes in front
        ("203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("203.0.113.9, 10.0.0.3 , 10.0.0.2", "203.0.113.9"),
        ("203.0.113.9:4711, ::ffff:10.0.0.2", "203.0.113.9"),
        ("2001:db8::1, fd00::1", "2001:db8::/64"),
        ("[2001:db8::1]:4711", "2001:db8::/64"),
        ("nonsense", ""),
        ("10.0.0.2", ""),
        ("", ""),
    ],
)
def test_the_client_is_whom_the_last_trusted_proxy_names(header, address):
    assert client_address(request(("X-Forwarded-For", header)), PROXIES) == address
    header = ", ".join(f'for="{node.strip()}"' for node in header.split(","))
    assert client_address(request(("Forwarded", header)), PROXIES) == address


def test_a_client_that_writes_a_header_of_its_own_changes_nothing():
    written = [("X-Forwarded-For", "198.51.100.7"), ("X-Forwarded-For", "203.0.113.9"), ("Forwarded", "for=192.0.2.1")]
    assert client_address(request(*written), PROXIES) == "203.0.113.9"
