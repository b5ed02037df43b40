"""Serves the style sheet and the scripts of the pages; anybody may have them, for the login form needs them too."""

from aiohttp import web

from telebridge.server.pages.rendering import STATIC, PageTemplates
from telebridge.server.pages.visits import PageRouter, PageVisit


class StaticFiles:
    """Answers `/static/{name}`.

    Args:
        templates: Know the files.
        router: Has the pages.
    """

    def __init__(self, templates: PageTemplates, router: PageRouter) -> None:
        self._templates = templates
        router.get(f"{STATIC}/{{name}}", self.file, is_open=True)

    async def file(self, visit: PageVisit) -> web.Response:
        """One file."""
        file = self._templates.static(visit.request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound(text="There is no such file.\n")
        return file.response(visit.request)
