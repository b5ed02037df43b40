"""Puts the pages together: who may use them, and the parts of the bridge that they show."""

from dataclasses import dataclass

from aiohttp import web

from telebridge.call.runner.live_calls import LiveCalls
from telebridge.call.store.store import CallStore
from telebridge.server.api.call_lookup import CallLookup
from telebridge.server.api.control import ControlEndpoints
from telebridge.server.http.access import Access
from telebridge.server.http.base_path import base_path
from telebridge.server.pages.access import PageAccess
from telebridge.server.pages.call import CallPages
from telebridge.server.pages.calls import CallListPages
from telebridge.server.pages.live import LiveStreams
from telebridge.server.pages.login import LoginPages
from telebridge.server.pages.rendering import PageTemplates
from telebridge.server.pages.static import StaticFiles
from telebridge.server.pages.visits import PageRouter
from telebridge.settings import Settings


@dataclass(frozen=True, slots=True)
class PageParts:
    """The parts of the bridge that the pages show.

    Args:
        calls: The calls of this process.
        store: The calls that are over.
        control: Does what the API does to a live call.
    """

    calls: LiveCalls
    store: CallStore
    control: ControlEndpoints


def add_pages(app: web.Application, settings: Settings, access: Access, parts: PageParts) -> None:
    """Add the pages to an application.

    Args:
        app: The application.
        settings: What its owner wants.
        access: Who may use the API.
        parts: What the pages show.
    """
    server = settings.server
    templates = PageTemplates(base_path(settings.public_url))
    page_access = PageAccess(
        access, server.api_token, settings.stream_secret(), host=server.host, public_url=settings.public_url
    )
    router, streams = PageRouter(app, page_access, templates), LiveStreams()
    app.on_shutdown.append(streams.close)
    lookup = CallLookup(parts.calls, parts.store)
    StaticFiles(templates, router)
    LoginPages(page_access, router)
    CallListPages(parts.calls, parts.store, streams, router)
    CallPages(parts.calls, lookup, parts.control, settings.state_dir, streams, router)
