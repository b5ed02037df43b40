"""The login form: whoever sends the API token gets a session.

One rule: a wrong token costs whoever tries many of them time, and nobody else.
"""

import asyncio
import re
from collections import deque

from aiohttp import web

from telebridge import metrics
from telebridge.logs import logger
from telebridge.server.pages.access import COOKIE, PageAccess
from telebridge.server.pages.visits import PageRouter, PageVisit, text_of

log = logger(__name__)

OWN_PATH = re.compile(r"/(calls|phone|flows|campaigns)(/[A-Za-z0-9._~-]+)*")
HOME = "/calls"
MOST_FAILURES, FAILURES_SECONDS = 20, 60.0
"""So many wrong tokens are taken in so many seconds; then no login is."""


class LoginPages:
    """Answers `/login` and `/logout`.

    Args:
        access: Makes sessions.
        router: Has the pages.
    """

    def __init__(self, access: PageAccess, router: PageRouter) -> None:
        self._access = access
        self._failed_at: deque[float] = deque(maxlen=MOST_FAILURES)
        router.get("/", self.home)
        router.get("/login", self.form, is_open=True)
        router.post("/login", self.log_in, is_open=True)
        router.post("/logout", self.log_out)

    async def home(self, visit: PageVisit) -> web.Response:
        """Lead to the calls."""
        visit.go_to(HOME)

    async def form(self, visit: PageVisit) -> web.Response:
        """The login form."""
        if self._access.refusal(visit.request, visit.session) is None:
            visit.go_to(_next(visit.request.query.get("next", "")))
        if not self._access.takes_login:
            raise web.HTTPForbidden(text=f"{self._access.refusal(visit.request, None)}\n")
        return await visit.page("login", next=_next(visit.request.query.get("next", "")), wrong=False)

    async def log_in(self, visit: PageVisit) -> web.StreamResponse:
        """Take the token, and lead to the page that was wanted."""
        now = asyncio.get_running_loop().time()
        if len(self._failed_at) == MOST_FAILURES and now - self._failed_at[0] < FAILURES_SECONDS:
            raise web.HTTPTooManyRequests(text="Too many wrong tokens: wait a minute.\n")
        wanted = _next(visit.fields.get("next", ""))
        session = self._access.logged_in(text_of(visit.fields, "token"))
        if session is None:
            self._failed_at.append(now)
            metrics.REFUSED.labels("pages", "token").inc()
            log.warning("a login to the pages is refused: wrong token", peer=visit.request.remote)
            return await visit.page("login", 403, next=wanted, wrong=True)
        visit.renew(session)
        log.info("logged in to the pages", peer=visit.request.remote)
        return web.Response(status=303, headers={"Location": visit.link(wanted)})

    async def log_out(self, visit: PageVisit) -> web.StreamResponse:
        """Forget the session."""
        answer = web.Response(status=303, headers={"Location": visit.link("/login")})
        answer.del_cookie(COOKIE, path=visit.link("") or "/")
        return answer


def _next(path: str) -> str:
    """The page to go to after a login: one of ours, whatever the address says."""
    return path if OWN_PATH.fullmatch(path) else HOME
