"""Who may use the pages: whoever has logged in with `server.api_token`; without a token, programs of this machine.

Sources: RFC 6265bis for cookies, RFC 6454 for `Origin`, OWASP's "Cross-Site Request Forgery Prevention".

A browser sends cookies and reaches loopback addresses for the pages of any site. So a request must name this server as
its host (a name of somebody else that resolves to this machine is DNS rebinding), and whatever changes something must
come from a page of ours: its `Origin` is this server's, and its form carries a token of the session.

One rule: whether the token, or no token, opens the pages is decided by `telebridge.server.http.access`, as for the API.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from secrets import token_urlsafe

from aiohttp import web
from itsdangerous import BadData, Signer, URLSafeTimedSerializer
from yarl import URL

from telebridge.server.http.access import Access, is_loopback

COOKIE = "telebridge-session"
SESSION_SECONDS = 12 * 3600
SESSION_SALT = "telebridge.pages-session"
FORM_SALT = "telebridge.pages-form"
KEY_SALT = "telebridge.pages-key"
DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class PageSession:
    """The session of one browser, which is kept in its cookie.

    Args:
        id: Random; the tokens of forms belong to it.
        key: A fingerprint of the API token that it was opened with; empty before a login.
    """

    id: str
    key: str = ""


class PageAccess:
    """Decides whether a request may use the pages, and makes and reads the cookie.

    Args:
        access: The rule of the API.
        token: `server.api_token`; empty when there is none.
        secret: Signs cookies and forms; the processes of one server share it.
        host: The address that the server is bound to.
        public_url: `public_url` of the settings; empty when there is none.
    """

    def __init__(self, access: Access, token: str, secret: str, *, host: str = "", public_url: str = "") -> None:
        self._access = access
        self._token = token.encode()
        self._sessions = URLSafeTimedSerializer(secret, salt=SESSION_SALT)
        self._forms = Signer(secret, salt=FORM_SALT)
        self._key = Signer(secret, salt=KEY_SALT).get_signature(token).decode() if token else ""
        self._host = host
        self._public = _origin(public_url)

    @property
    def takes_login(self) -> bool:
        """Whether there is a token to log in with."""
        return bool(self._token)

    def refusal(self, request: web.Request, session: PageSession | None) -> str | None:
        """Why a request may not see the pages; None when it may."""
        if self._token and session is not None and hmac.compare_digest(session.key, self._key):
            return None
        problem = self._access.refusal(request.headers, request.remote)
        return None if problem is None else problem.detail

    # The address of a request.

    def is_addressed(self, request: web.Request) -> bool:
        """Whether a request names this server: an address, `localhost`, or the host of `public_url` or `server.host`.

        Any other name may belong to somebody who lets it resolve to this machine.
        """
        name = _host_of(request.host)
        if name is None:
            return False
        named = {self._host, self._public.host if self._public is not None else None}
        return name in named or is_loopback(name) or _is_address(name)

    def own_origins(self, request: web.Request) -> frozenset[str]:
        """What browsers write as the `Origin` of this server's own pages."""
        if self._public is not None and _host_of(request.host) == self._public.host:
            return frozenset({str(self._public)})
        dialled = _origin(f"{request.scheme}://{request.host}")
        return frozenset(str(origin) for origin in (self._public, dialled) if origin is not None)

    def is_from_here(self, request: web.Request, *, needed: bool) -> bool:
        """Whether a request comes from a page of this server.

        Args:
            request: The request.
            needed: Whether it must say so. Browsers do with every WebSocket; with a form older ones may not, and then
                its token decides.
        """
        origin = request.headers.get("Origin")
        if origin is None:
            return not needed and request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")
        named = _origin(origin)
        return named is not None and str(named) in self.own_origins(request)

    def is_embedded_elsewhere(self, request: web.Request) -> bool:
        """Whether a page of another site embeds or fetches this, rather than leading a person here."""
        return (
            request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
            and request.headers.get("Sec-Fetch-Mode") != "navigate"
        )

    # Sessions.

    def session_of(self, cookies: Mapping[str, str]) -> PageSession | None:
        """The session that a browser sends; None when it has none that is valid."""
        try:
            session_id, key = self._sessions.loads(cookies.get(COOKIE, ""), max_age=SESSION_SECONDS)
        except (BadData, ValueError, TypeError):
            return None
        return PageSession(str(session_id), str(key))

    def new_session(self) -> PageSession:
        """A session in which nobody has logged in."""
        return PageSession(token_urlsafe(18))

    def logged_in(self, token: str) -> PageSession | None:
        """A new session for whoever knows the API token; None when this is another one."""
        if not self._token or not hmac.compare_digest(token.encode("utf-8", "surrogateescape"), self._token):
            return None
        return PageSession(token_urlsafe(18), self._key)

    def set_cookie(self, request: web.Request, response: web.StreamResponse, session: PageSession, path: str) -> None:
        """Let the browser keep a session; over https it never sends it in the clear."""
        response.set_cookie(
            COOKIE,
            self._sessions.dumps([session.id, session.key]),
            path=path,
            httponly=True,
            samesite="Strict",
            secure=all(origin.startswith("https:") for origin in self.own_origins(request)),
        )

    def form_token(self, session: PageSession) -> str:
        """The token that each form of a session carries."""
        return self._forms.get_signature(session.id).decode()

    def is_form_token(self, session: PageSession, token: str) -> bool:
        """Whether a form has the token of its session."""
        return self._forms.verify_signature(session.id.encode(), token.encode("utf-8", "surrogateescape"))


def _origin(url: str) -> URL | None:
    """The origin of an address, with its port only if that is not the usual one; None where it has none."""
    try:
        parsed = URL(url)
        if parsed.scheme not in DEFAULT_PORTS or not parsed.host:
            return None
        return parsed.origin()
    except ValueError:
        return None


def _host_of(header: str) -> str | None:
    """The name in a `Host` header, without its port; None for what is none."""
    try:
        return URL(f"http://{header}").host
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
