"""Puts the pages together: who may use them, and the parts of the bridge that they show."""

from aiohttp import web

from telebridge.server.http.access import Access
from telebridge.server.http.base_path import base_path
from telebridge.server.pages.access import PageAccess
from telebridge.server.pages.login import LoginPages
from telebridge.server.pages.rendering import PageTemplates
from telebridge.server.pages.static import StaticFiles
from telebridge.server.pages.visits import PageRouter
from telebridge.settings import Settings


def add_pages(app: web.Application, settings: Settings, access: Access) -> None:
    """Add the pages to an application.

    Args:
        app: The application.
        settings: What its owner wants.
        access: Who may use the API.
    """
    server = settings.server
    templates = PageTemplates(base_path(settings.public_url))
    page_access = PageAccess(
        access, server.api_token, settings.stream_secret(), host=server.host, public_url=settings.public_url
    )
    router = PageRouter(app, page_access, templates)
    StaticFiles(templates, router)
    LoginPages(page_access, router)
