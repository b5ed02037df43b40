"""Validates requests from Twilio by their signature, and builds the public URLs that Twilio is given.

Source: Twilio, "Security", *Validating requests*.

One rule: the URL that Twilio signed is the one it was given, so it is built from the configured public address, never
from what a proxy or a client claims, unless the proxy is trusted. A path in the public address counts whether the proxy
strips it or not.
"""

from ipaddress import ip_network

from aiohttp import web
from yarl import URL

from telebridge.server.http.base_path import base_path
from telebridge.server.http.forwarding import dialled_url
from telebridge.server.http.network_addresses import is_in
from telebridge.twilio.request_signature import Fields, is_signed

FIELDS = web.RequestKey("FIELDS", dict[str, str])
"""The parameters of a request whose signature was checked."""


class RequestValidator:
    """Checks the signatures of requests, and builds public URLs.

    Args:
        public_url: Where Twilio reaches this bridge; empty to take the address that a request was sent to.
        auth_token: The account's auth token; empty when there is none to check against.
        trusted_proxies: Networks whose `Forwarded` and `X-Forwarded-…` headers are used when `public_url` is empty.
    """

    def __init__(self, public_url: str, auth_token: str, trusted_proxies: tuple[str, ...] = ()) -> None:
        self._public = str(URL(public_url.rstrip("/"))).rstrip("/")
        self._auth_token = auth_token
        self._proxies = tuple(ip_network(network) for network in trusted_proxies)

    @property
    def checks_signatures(self) -> bool:
        """Whether signatures are checked: there is an auth token."""
        return bool(self._auth_token)

    def public_url(self, request: web.Request, path: str) -> str:
        """The public URL of `path`, which is a path of the bridge without that of the public address."""
        return self._base(request) + path

    def stream_url(self, request: web.Request, path: str) -> str:
        """The public URL of a WebSocket; Twilio opens `wss` only, a local stand-in also `ws`."""
        return _for_stream(self._base(request) + path)

    def is_twilio(self, request: web.Request, form: Fields | None, *, stream: bool) -> bool:
        """Whether the request has Twilio's signature; always true when signatures are not checked.

        Args:
            request: The request.
            form: The fields of a POST; None for a GET.
            stream: Whether it opens a WebSocket, whose URL has another scheme.
        """
        if not self.checks_signatures:
            return True
        signature = request.headers.get("X-Twilio-Signature")
        return any(
            is_signed(self._auth_token, _for_stream(url) if stream else url, form or {}, signature)
            for url in self._dialled(request, request.raw_path)
        )

    def checked_url(self, request: web.Request) -> str:
        """The address over which a signature is expected, without the query: signed variables are in it."""
        return self._dialled(request, request.rel_url.raw_path)[0]

    def _dialled(self, request: web.Request, path: str) -> list[str]:
        """What may have been dialled: the proxy has left the path of the public address there, or has stripped it."""
        base = self._base(request)
        prefix = base_path(base)
        left = [base.removesuffix(prefix) + path] if prefix and path.startswith(f"{prefix}/") else []
        return [*left, base + path]

    def _base(self, request: web.Request) -> str:
        """The public address without a slash at its end."""
        if self._public:
            return self._public
        if is_in(request.remote or "", self._proxies):
            return dialled_url(request)
        return f"{request.scheme}://{request.host}"


def _for_stream(url: str) -> str:
    return f"ws{url.removeprefix('http')}"
