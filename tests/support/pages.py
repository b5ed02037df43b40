"""The pages alone on a loopback port, over real calls whose control is played."""

import json
from contextlib import asynccontextmanager
from types import SimpleNamespace

import aiohttp
from aiohttp import web
from sqlalchemy.exc import OperationalError

from support.api import PlayedCalls, PlayedFlows, check_voice
from support.speech import serving
from telebridge.call.runner.feed import CallFeed
from telebridge.server.api.call_lookup import CallLookup
from telebridge.server.api.control import ControlEndpoints
from telebridge.server.http.access import Access
from telebridge.server.pages.access import COOKIE, PageAccess
from telebridge.server.pages.call import CallPages
from telebridge.server.pages.calls import CallListPages
from telebridge.server.pages.live import LiveStreams
from telebridge.server.pages.login import LoginPages
from telebridge.server.pages.rendering import CONTENT, PageTemplates
from telebridge.server.pages.shown.elsewhere import CallsElsewhere
from telebridge.server.pages.static import StaticFiles
from telebridge.server.pages.visits import PageRouter

SECRET = "secret"


class ShownCalls(PlayedCalls):
    """Calls of a process that pages show."""

    def __init__(self):
        super().__init__()
        self.flows = PlayedFlows()
        self.feed = CallFeed()

    def __len__(self):
        return len(self.live)


class PastCallsInMemory:
    """The calls that are over; `away` is whether the database is."""

    def __init__(self):
        self.records, self.away, self.searches = [], False, []
        self.elsewhere = []

    async def search(self, text, limit, *, flow="", before=None):
        if self.away:
            raise OperationalError("select", {}, OSError("away"))
        self.searches.append((text, limit, flow, before))
        return [SimpleNamespace(as_json=one.as_json) for one in self.records][:limit]

    async def live(self, limit, *, since):
        return self.elsewhere[:limit]

    async def find(self, call_sid):
        return next((one for one in self.records if one.call_sid == call_sid), None)

    async def recent(self, limit, *, before=None):
        return self.records[:limit]


class ServedPages:
    """The pages, and a browser that shows them."""

    def __init__(self, folder, *, token="", every_seconds=0.01):
        self.app, self.calls, self.past = web.Application(), ShownCalls(), PastCallsInMemory()
        self.access = PageAccess(Access(token, "127.0.0.1"), token, SECRET)
        self.streams = LiveStreams(every_seconds=every_seconds)
        self.router = router = PageRouter(self.app, self.access, PageTemplates(""))
        self.app.on_shutdown.append(self.streams.close)
        lookup = CallLookup(self.calls, self.past)
        control = ControlEndpoints(self.calls.find, lookup, self.calls.feed, check_voice)
        StaticFiles(PageTemplates(""), router)
        LoginPages(self.access, router)
        self.elsewhere = CallsElsewhere(self.calls, self.past)
        CallListPages(self.calls, self.elsewhere, self.past, self.streams, router)
        CallPages(self.calls, lookup, control, folder, self.streams, router)
        self.url, self.session = "", None

    async def get(self, path, status=200, **options):
        async with self.session.get(self.url + path, **options) as answer:
            text = await answer.text()
            assert answer.status == status, text
            if text.startswith("<!doctype"):
                assert (text.count(CONTENT), text.rstrip()[-7:]) == (1, "</html>"), text  # also one sent in two parts
            return text

    async def post(self, path, status=303, **fields):
        """Send a form with the token of the session; gives where it leads, or the page."""
        await self.get("/calls")
        [cookie] = [each for each in self.session.cookie_jar if each.key == COOKIE]
        fields["form"] = self.access.form_token(self.access.session_of({COOKIE: cookie.value}))
        async with self.session.post(self.url + path, data=fields, allow_redirects=False) as answer:
            text = await answer.text()
            assert answer.status == status, text
            return answer.headers.get("Location") or text


async def events(answer, count):
    """The next events of a stream, as values."""
    told = []
    while len(told) < count:
        line = (await answer.content.readline()).decode()
        if line.startswith("data: "):
            told.append(json.loads(line.removeprefix("data: ")))
    return told


@asynccontextmanager
async def pages(folder, *, extend=None, **options):
    """The pages, served; `extend` may add some more before they are."""
    served = ServedPages(folder, **options)
    if extend is not None:
        extend(served)
    async with (
        serving(served.app) as url,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
    ):
        served.url, served.session = url, session
        yield served
