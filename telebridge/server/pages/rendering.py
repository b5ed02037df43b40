"""Renders the pages, and serves their style sheet and scripts.

The templates and files are in the folder `data` of this package. Templates escape whatever they show: names, texts and
numbers come from callers, contacts and language models.

One rule: a page loads nothing from another host and runs nothing that is not a file of this server.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from telebridge.server.pages.masking import masked_number

DATA = Path(__file__).parent / "data"
STATIC = "/static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self' blob:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""The headers of every answer of the pages.

With `Referrer-Policy: no-referrer` browsers would write `Origin: null` into our own forms (Fetch, "append a request
`Origin` header").
"""


class PageTemplates:
    """Renders templates, and knows the static files; both are read when they are first used.

    Args:
        base: The path of `public_url`, which every link begins with.
    """

    def __init__(self, base: str) -> None:
        self.base = base
        self._loaded = False

    async def load(self) -> None:
        """Read and compile everything, in a thread, unless it was done: calls go on meanwhile."""
        if not self._loaded:
            await asyncio.to_thread(self._load)

    def _load(self) -> None:
        for name in self._environment.list_templates():
            self._environment.get_template(name)
        self._loaded = bool(self._files)

    def render(self, template: str, values: Mapping[str, Any]) -> str:
        """A page as HTML.

        Args:
            template: The name of the file without its ending.
            values: What it shows.
        """
        return self._environment.get_template(f"{template}.html.jinja").render(values)

    def static(self, name: str) -> "StaticFile | None":
        """A style sheet or script; None when there is none of that name."""
        return self._files.get(name)

    def link(self, path: str) -> str:
        """The address of a path of ours in the browser; that of a static file changes with its content."""
        if path.startswith(f"{STATIC}/") and (file := self.static(path.removeprefix(f"{STATIC}/"))) is not None:
            return f"{self.base}{path}?v={file.version}"
        return f"{self.base}{path}"

    @cached_property
    def _files(self) -> dict[str, "StaticFile"]:
        files = sorted((DATA / "static").iterdir())
        return {file.name: StaticFile(file.read_bytes(), TYPES[file.suffix]) for file in files if file.suffix in TYPES}

    @cached_property
    def _environment(self) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(DATA / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.globals["link"] = self.link
        environment.filters |= {"masked": masked_number, "seconds": seconds}
        return environment


class StaticFile:
    """A style sheet or script of the pages.

    Args:
        body: Its content.
        content_type: Its media type.
    """

    def __init__(self, body: bytes, content_type: str) -> None:
        self._body = body
        self._content_type = content_type
        self.version = hashlib.sha256(body).hexdigest()[:12]

    def response(self, request: web.Request) -> web.Response:
        """The answer; a browser keeps it for as long as its address is the same."""
        known = request.query.get("v") == self.version
        headers = {"Cache-Control": "public, max-age=31536000, immutable" if known else "no-cache"}
        return web.Response(body=self._body, content_type=self._content_type, charset="utf-8", headers=headers)


def seconds(value: float) -> str:
    """A length of time as people read it: 0:42, 12:05, 1:02:03."""
    whole = max(0, int(value))
    minutes, left = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
