"""What all pages share: a visit is checked, then handled, and answered with the headers of the pages.

One rule: no handler of a page is called before host, access, origin and the token of the form were checked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, NoReturn

from aiohttp import hdrs, web
from multidict import MultiDict
from sqlalchemy.exc import SQLAlchemyError

from telebridge import metrics
from telebridge.errors import TelebridgeError
from telebridge.logs import logger
from telebridge.server.http.connections import known
from telebridge.server.http.problems import Problem, shown
from telebridge.server.http.refusal_log import RefusalLog, masked
from telebridge.server.http.request_bodies import FORM, read_form
from telebridge.server.pages.access import PageAccess, PageSession
from telebridge.server.pages.rendering import CONTENT, HEADERS, PageTemplates

log = logger(__name__)

FORM_FIELD = "form"
"""The field of each form that has the token of the session."""
HELD = "held"
"""In the address of a page that a browser without script does not load again by itself: somebody types or listens."""
UPLOAD = "multipart/form-data"
HTML = "text/html"
NOT_STORED = {"Cache-Control": "no-store"}
PAGES = {"calls": "Calls", "phone": "Phone", "flows": "Flows", "campaigns": "Campaigns"}


class PageVisit:
    """One request for a page that was let through.

    Args:
        request: The request.
        session: Of the browser.
        templates: Render the page.
        access: Makes the tokens of forms.
        is_new: Whether the browser has yet to keep the session.

    Attributes:
        fields: Of the form that was sent, without its token.
    """

    def __init__(
        self,
        request: web.Request,
        session: PageSession,
        templates: PageTemplates,
        access: PageAccess,
        *,
        is_new: bool = False,
    ) -> None:
        self.request = request
        self.session = session
        self.fields: MultiDict[str] = MultiDict()
        self._templates = templates
        self._access = access
        self._is_new = is_new
        self._begun: web.StreamResponse | None = None

    async def page(self, template: str, status: int = 200, **values: Any) -> web.Response:
        """The answer with a page. It is rendered in a thread: a large one takes long, and calls go on meanwhile.

        Args:
            template: Its template.
            status: The HTTP status.
            values: What the template shows; nothing in them may change any more.
        """
        text = await asyncio.to_thread(self._templates.render, template, self._common() | values)
        return web.Response(text=text, status=status, content_type=HTML, headers=NOT_STORED)

    async def begin(self, template: str, **values: Any) -> None:
        """Send what a page has before its content, which the browser shows while the rest is looked up.

        The status is 200 from then on: whatever fails is told in the content of the page. Call it once it is certain
        that there is such a page.

        Args:
            template: Its template.
            values: What its title shows.
        """
        if self.request.method != hdrs.METH_GET:
            return
        answer = web.StreamResponse(headers=HEADERS | NOT_STORED)
        answer.content_type, answer.charset = HTML, "utf-8"
        self._keep_session(answer)
        self._begun = answer
        await answer.prepare(self.request)
        await answer.write(self._templates.beginning(template, self._common() | values).encode())

    async def finished(self, answer: web.StreamResponse) -> web.StreamResponse:
        """The answer to send: the one that was made, or the one that was begun, with what is still missing of it."""
        if self._begun is None or not isinstance(answer, web.Response):
            if not answer.prepared:
                for name, value in HEADERS.items():
                    answer.headers.setdefault(name, value)
                self._keep_session(answer)
            return answer
        with suppress(ConnectionError):  # the reader is gone
            await self._begun.write((answer.text or "").partition(CONTENT)[2].encode())
            await self._begun.write_eof()
        return self._begun

    def renew(self, session: PageSession) -> None:
        """Go on with another session, which the browser keeps from then on."""
        self.session, self._is_new = session, True

    def _keep_session(self, answer: web.StreamResponse) -> None:
        """Let the browser keep the session if it is new, unless the answer says something of it itself."""
        if self._is_new and not answer.cookies:
            self._access.set_cookie(self.request, answer, self.session, self._templates.base or "/")

    def _common(self) -> dict[str, Any]:
        """What the base of all pages shows."""
        return {
            "pages": PAGES,
            "here": self.request.path.removeprefix(self._templates.base).split("/")[1],
            "form_token": self._access.form_token(self.session),
            "can_log_out": bool(self.session.key),
            "held": HELD in self.request.query,
            "other_hold": self._other_hold(),
        }

    def _other_hold(self) -> str:
        """The address of this page that is not loaded again by itself, or, where this is that one, of the other."""
        here = self.request.rel_url
        other = here.without_query_params(HELD) if HELD in here.query else here.extend_query({HELD: "1"})
        return f"?{other.raw_query_string}"

    def go_to(self, path: str) -> NoReturn:
        """Lead the browser to another page with GET.

        Raises:
            web.HTTPSeeOther: Always.
        """
        raise web.HTTPSeeOther(self.link(path))

    def link(self, path: str) -> str:
        """The address of a path of ours in the browser."""
        return self._templates.link(path)


PageHandler = Callable[[PageVisit], Awaitable[web.StreamResponse]]


class PageRouter:
    """Adds pages to an application.

    Args:
        app: The application.
        access: Who may use them.
        templates: Render them.
    """

    def __init__(self, app: web.Application, access: PageAccess, templates: PageTemplates) -> None:
        self._app = app
        self._access = access
        self._templates = templates
        self._refusals = RefusalLog()

    def get(self, path: str, handler: PageHandler, *, is_open: bool = False) -> None:
        """Answer GET with a page; `is_open` for one that anybody may see."""
        self._app.router.add_get(path, self._visited(handler, is_open=is_open))

    def post(self, path: str, handler: PageHandler, *, is_open: bool = False) -> None:
        """Answer a form that was sent."""
        self._app.router.add_post(path, self._visited(handler, is_open=is_open))

    def socket(self, path: str, handler: PageHandler) -> None:
        """Answer a WebSocket."""
        self._app.router.add_get(path, self._visited(handler, socket=True), allow_head=False)

    def _visited(
        self, handler: PageHandler, *, is_open: bool = False, socket: bool = False
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def visited(request: web.Request) -> web.StreamResponse:
            await self._templates.load()
            session = self._access.session_of(request.cookies)
            visit = PageVisit(
                request,
                session or self._access.new_session(),
                self._templates,
                self._access,
                is_new=session is None,
            )
            try:
                self._check_address(request, socket=socket)
                if not is_open:
                    self._check_access(visit, session, socket=socket)
                if request.method == hdrs.METH_POST:
                    await self._check_form(visit, session)
                answer = await handler(visit)
            except (web.HTTPException, TelebridgeError, SQLAlchemyError, OSError) as error:
                answer = await _answer_of(visit, error)
            return await visit.finished(answer)

        return visited

    def _check_address(self, request: web.Request, *, socket: bool) -> None:
        """Refuse a request that another site's page may have caused.

        Raises:
            web.HTTPForbidden: It is one.
        """
        if not self._access.is_addressed(request):
            self._refuse(request, "host", f"This server is not {shown(request.host)}: set public_url to its address.")
        changes = request.method not in (hdrs.METH_GET, hdrs.METH_HEAD)
        if (socket or changes) and not self._access.is_from_here(request, needed=socket):
            self._refuse(request, "origin", "This was not sent by a page of this server.")
        if self._access.is_embedded_elsewhere(request):
            self._refuse(request, "embedded", "A page of another site may not read this.")

    def _check_access(self, visit: PageVisit, session: PageSession | None, *, socket: bool) -> None:
        request = visit.request
        why = self._access.refusal(request, session)
        if why is None:
            known(request)
            return
        if not self._access.takes_login:
            self._refuse(request, "closed", why)
        if request.method == hdrs.METH_GET and not socket and "text/html" in request.headers.get(hdrs.ACCEPT, ""):
            visit.go_to(f"/login?next={request.rel_url.raw_path.removeprefix(self._templates.base)}")
        metrics.REFUSED.labels("pages", "login").inc()
        raise web.HTTPUnauthorized(text="Log in first.\n")

    async def _check_form(self, visit: PageVisit, session: PageSession | None) -> None:
        """Read a form, and refuse one that is not of this session. An upload has its token in the address."""
        request = visit.request
        if request.content_type == UPLOAD:
            token = request.query.get(FORM_FIELD, "")
        else:
            if request.content_type != FORM:
                raise web.HTTPUnsupportedMediaType(text=f"Send '{FORM}'.\n")
            visit.fields = await read_form(request)
            token = visit.fields.pop(FORM_FIELD, "")
        if session is None or not self._access.is_form_token(session, token):
            self._refuse(request, "form", "The form is too old, or is not of this server: load its page again.")

    def _refuse(self, request: web.Request, reason: str, detail: str) -> NoReturn:
        metrics.REFUSED.labels("pages", reason).inc()
        self._refusals.write("page refused", path=masked(request.path), reason=reason, host=shown(request.host))
        raise web.HTTPForbidden(text=f"{detail}\n")


async def _answer_of(visit: PageVisit, error: Exception) -> web.StreamResponse:
    """The page that tells of an error; a redirection is left as it is."""
    match error:
        case web.HTTPException(status=status) if status < web.HTTPBadRequest.status_code:
            return web.Response(status=status, headers={hdrs.LOCATION: error.headers[hdrs.LOCATION]})
        case web.HTTPException(status=status):
            return await visit.page("problem", status, detail=(error.text or error.reason).strip())
        case Problem(status=status, detail=detail):
            return await visit.page("problem", status, detail=detail)
        case TelebridgeError():
            return await visit.page("problem", 409, detail=f"{error}.")
        case _:
            log.error("a page cannot be shown", path=masked(visit.request.path), error=str(error))
            return await visit.page("problem", 503, detail="The database is away; load the page again.")


def text_of(fields: Mapping[str, str], name: str) -> str:
    """A field of a form without spaces at its ends; empty when it is not there."""
    return fields.get(name, "").strip()
