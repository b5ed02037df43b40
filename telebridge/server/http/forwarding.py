"""What a trusted proxy says about the request that it passes on: the address that was dialled, and the client's.

Sources: RFC 7239 for `Forwarded`; for the `X-Forwarded-…` headers, which have no standard, what Traefik, nginx, HAProxy
and the load balancers of the large clouds send. Where a proxy appends, the first value is the client's side.

One rule: an `X-Forwarded-…` header counts before the field of `Forwarded` that says the same, and a value that can be
no scheme, host, port or prefix counts as if it were not there.
"""

import re
from collections.abc import Mapping
from typing import Protocol

from multidict import CIMultiDict, CIMultiDictProxy

from telebridge.server.http.network_addresses import Network, address_of, is_in

SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
"""What `X-Forwarded-Proto` may say; Traefik names the scheme of a WebSocket in it."""
DEFAULT_PORTS = {"http": "80", "https": "443"}
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?")
PREFIX = re.compile(r"(/[\w.~!$&'()*+,;=:@%-]+)+", re.ASCII)
NODE = re.compile(r"(\[[^\]]*\]|[^:]*)(?::\w+)?")
"""The node of RFC 7239, 6: an address, one of IPv6 in brackets, and perhaps a port."""
PREFIX_HEADER = "X-Forwarded-Prefix"


class ForwardedRequest(Protocol):
    """What is read of a request; aiohttp's requests are such."""

    @property
    def headers(self) -> CIMultiDict[str] | CIMultiDictProxy[str]:
        """All headers."""

    @property
    def forwarded(self) -> tuple[Mapping[str, str], ...]:
        """The elements of `Forwarded`, the one nearest to the client first."""

    @property
    def scheme(self) -> str:
        """The scheme of the connection to us."""

    @property
    def host(self) -> str:
        """What the header `Host` says."""


def dialled_url(request: ForwardedRequest) -> str:
    """The address that the client dialled, without the request's path: scheme, host, and the prefix that was stripped.

    Args:
        request: It came from a trusted proxy.
    """
    headers = request.headers
    element: Mapping[str, str] = request.forwarded[0] if request.forwarded else {}
    scheme = next(
        (SCHEMES[named] for named in (_first(headers, "X-Forwarded-Proto").lower(), element.get("proto", "").lower())
         if named in SCHEMES),
        request.scheme,
    )  # fmt: skip
    named_hosts = (_first(headers, "X-Forwarded-Host"), element.get("host", ""))
    host = next((named for named in named_hosts if HOST.fullmatch(named)), request.host)
    return f"{scheme}://{_with_port(host, _first(headers, 'X-Forwarded-Port'), scheme)}{_prefix(headers)}"


def client_address(request: ForwardedRequest, proxies: tuple[Network, ...]) -> str:
    """The address of the client that the last trusted proxy names, as it is counted; empty if none does.

    Args:
        request: It came from a trusted proxy.
        proxies: Networks whose word counts.
    """
    told = ",".join(request.headers.getall("X-Forwarded-For", ()))
    nodes = told.split(",") if told.strip() else [element.get("for", "") for element in request.forwarded]
    for node in reversed(nodes):
        written = _without_port(node.strip())
        address = address_of(written)
        if not address or not is_in(written, proxies):
            return address
    return ""


def _with_port(host: str, port: str, scheme: str) -> str:
    """The host with the port that the client dialled.

    A proxy behind another one may name its own port: the default port of the other scheme is not believed.
    """
    found = HOST.fullmatch(host)
    if found is None or not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > 65535:
        return host
    if port in DEFAULT_PORTS.values():
        return found[1] if port == DEFAULT_PORTS[scheme] else host
    return f"{found[1]}:{port}"


def _prefix(headers: CIMultiDict[str] | CIMultiDictProxy[str]) -> str:
    """What proxies have stripped from the path, the outermost first."""
    told = [part.strip().rstrip("/") for part in ",".join(headers.getall(PREFIX_HEADER, ())).split(",")]
    return "".join(part for part in told if PREFIX.fullmatch(part))


def _without_port(node: str) -> str:
    """The address of a node; Azure's gateways write ports into `X-Forwarded-For` too."""
    found = NODE.fullmatch(node)
    return found[1].strip("[]") if found else node


def _first(headers: Mapping[str, str], name: str) -> str:
    """The first value of a header to which proxies append; empty when there is none."""
    return headers.get(name, "").split(",")[0].strip()
