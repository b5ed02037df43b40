"""Validates requests from Twilio by their signature, and builds the public URLs that Twilio is given.

Source: Twilio, "Security", *Validating requests*.

One rule: the URL that Twilio signed is the one it was given, so it is built from the configured public address, never
from what a proxy or a client claims, unless the proxy is trusted.
"""

from ipaddress import ip_address, ip_network

from aiohttp import web
from yarl import URL

from telebridge.twilio.request_signature import Fields, is_signed

FIELDS = web.RequestKey("FIELDS", dict[str, str])
"""The parameters of a request whose signature was checked."""


class RequestValidator:
    """Checks the signatures of requests, and builds public URLs.

    Args:
        public_url: Where Twilio reaches this bridge; empty to take the address that a request was sent to.
        auth_token: The account's auth token; empty when there is none to check against.
        trusted_proxies: Networks whose `X-Forwarded-…` headers are used when `public_url` is empty.
    """

    def __init__(self, public_url: str, auth_token: str, trusted_proxies: tuple[str, ...] = ()) -> None:
        self._public = URL(public_url.rstrip("/")) if public_url else None
        self._auth_token = auth_token
        self._proxies = tuple(ip_network(network) for network in trusted_proxies)

    @property
    def checks_signatures(self) -> bool:
        """Whether signatures are checked: there is an auth token."""
        return bool(self._auth_token)

    def public_url(self, request: web.Request, path: str) -> str:
        """The public URL of `path`."""
        return str(self._origin(request)) + path

    def stream_url(self, request: web.Request, path: str) -> str:
        """The public URL of a WebSocket; Twilio opens `wss` only, a local stand-in also `ws`."""
        origin = self._origin(request)
        return str(origin.with_scheme("wss" if origin.scheme == "https" else "ws")) + path

    def is_twilio(self, request: web.Request, form: Fields | None, *, stream: bool) -> bool:
        """Whether the request has Twilio's signature; always true when signatures are not checked.

        Args:
            request: The request.
            form: The fields of a POST; None for a GET.
            stream: Whether it opens a WebSocket, whose URL has another scheme.
        """
        if not self.checks_signatures:
            return True
        make_url = self.stream_url if stream else self.public_url
        url = make_url(request, request.raw_path)
        return is_signed(self._auth_token, url, form or {}, request.headers.get("X-Twilio-Signature"))

    def _origin(self, request: web.Request) -> URL:
        if self._public is not None:
            return self._public
        scheme, host = request.scheme, request.host
        if self._from_trusted_proxy(request):
            scheme = _first(request.headers.get("X-Forwarded-Proto"), scheme)
            host = _first(request.headers.get("X-Forwarded-Host"), host)
        return URL(f"{scheme}://{host}")

    def _from_trusted_proxy(self, request: web.Request) -> bool:
        if request.remote is None:
            return False
        peer = ip_address(request.remote)
        return any(peer in network for network in self._proxies)


def _first(header: str | None, otherwise: str) -> str:
    """The first value of a header to which proxies append."""
    return header.split(",")[0].strip() if header else otherwise
