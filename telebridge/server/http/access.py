"""Who may use the API and the metrics: whoever knows `server.api_token`; without a token only programs of this machine.

Source: RFC 6750, "Bearer Token Usage", for the headers.

One rule: without a token nothing is answered that may have come from elsewhere, not through a proxy on this machine,
and not through a browser that shows somebody else's page. A proxy on this machine need not leave a trace in the
request, so a server that has a public address answers nobody without a token.
"""

import hmac
from collections.abc import Mapping
from ipaddress import ip_address

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from yarl import URL

from telebridge import metrics
from telebridge.server.http.base_path import is_for
from telebridge.server.http.connections import known
from telebridge.server.http.problems import API, Problem

CHALLENGE = 'Bearer realm="telebridge"'
METRICS = "/metrics"
GUARDED = (API, METRICS)
"""The paths that the middleware guards, with all that lies under them."""
FORWARDING = ("forwarded", "x-real-ip", "via")
FORWARDING_PREFIX = "x-forwarded-"
"""Headers that proxies add, in lower case, and how the names of the others begin."""
SET_A_TOKEN = "set server.api_token, and send it as 'Authorization: Bearer …'"  # noqa: S105 - no token


class Access:
    """Decides whether a request may use the API and the metrics.

    Args:
        token: `server.api_token`; empty when there is none.
        host: The address that the server is bound to.
        public_url: `public_url` of the settings; empty when others do not reach the server through a proxy.
    """

    def __init__(self, token: str, host: str, public_url: str = "") -> None:
        self._token = token.encode()
        self._local = is_loopback(host)
        self._public = bool(public_url)

    @property
    def closed(self) -> bool:
        """Whether nobody may use the API, whatever they send."""
        return not self._token and (self._public or not self._local)

    def refusal(self, headers: Mapping[str, str], peer: str | None) -> Problem | None:
        """Why a request may not use the API; None when it may.

        Args:
            headers: Of the request, in a mapping that does not mind their case.
            peer: The address it came from.
        """
        return self._without_token(headers, peer) if not self._token else self._with_token(headers)

    def _with_token(self, headers: Mapping[str, str]) -> Problem | None:
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return _unauthorized("This needs the token: send 'Authorization: Bearer <server.api_token>'.", CHALLENGE)
        if hmac.compare_digest(token.strip().encode("utf-8", "surrogateescape"), self._token):
            return None
        return _unauthorized("The token is not that of server.api_token.", f'{CHALLENGE}, error="invalid_token"')

    def _without_token(self, headers: Mapping[str, str], peer: str | None) -> Problem | None:
        if self._public:
            why = "The server has a public_url and no token"
        elif not self._local:
            why = "The server listens for other machines and has no token"
        elif not is_loopback(peer or ""):
            why = "Without a token the API is for this machine only"
        elif any(_is_of_proxy(name.lower()) for name in headers):
            why = "Without a token the API answers nothing that came through a proxy"
        elif not _names_this_machine(headers.get("Host", "")) or _from_elsewhere(headers.get("Origin")):
            why = "Without a token the API answers no page of another site"
        else:
            return None
        return Problem(403, f"{why}: {SET_A_TOKEN}.", kind="api-closed")


def guarded(access: Access) -> Middleware:
    """The middleware that lets only those through to /api and /metrics who may use them."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if is_for(request, *GUARDED):
            refusal = access.refusal(request.headers, request.remote)
            if refusal is not None:
                endpoint = "metrics" if is_for(request, METRICS) else "api"
                metrics.REFUSED.labels(endpoint, str(refusal.status)).inc()
                if endpoint == "metrics":
                    return refusal.answer()  # no problem documents are made there
                raise refusal
            known(request)
        return await handler(request)

    return guard


def is_loopback(host: str) -> bool:
    """Whether an address or name can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _is_of_proxy(name: str) -> bool:
    return name in FORWARDING or name.startswith(FORWARDING_PREFIX)


def _names_this_machine(host: str) -> bool:
    try:
        return is_loopback(URL(f"http://{host}").host or "")
    except ValueError:
        return False


def _from_elsewhere(origin: str | None) -> bool:
    """Whether a browser says that it shows a page of another machine, or one it will not name."""
    if origin is None:
        return False
    try:
        return not is_loopback(URL(origin).host or "")
    except ValueError:
        return True


def _unauthorized(detail: str, challenge: str) -> Problem:
    return Problem(401, detail, headers={"WWW-Authenticate": challenge})
