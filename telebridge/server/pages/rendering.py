"""Renders the pages, and serves their style sheet and scripts.

The templates and files are in the folder `data` of this package. Templates escape whatever they show: names, texts and
numbers come from callers, contacts and language models.

One rule: a page loads nothing from another host and runs nothing that is not a file of this server.
"""

import asyncio
import hashlib
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from telebridge.server.pages.masking import masked_number

DATA = Path(__file__).parent / "data"
STATIC = "/static"
CONTENT = '<main id="content">'
"""What the base of all pages has before the content of a page: what comes before it may be sent first."""
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

IMPORTED = re.compile(rb'from "\./([a-z-]+\.js)"')
"""How a script of ours names another that it imports."""

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

    def beginning(self, template: str, values: Mapping[str, Any]) -> str:
        """The part of a page before its content.

        Args:
            template: The name of the file without its ending.
            values: What this part shows; what the content shows may be missing.
        """
        begun = []
        for piece in self._environment.get_template(f"{template}.html.jinja").generate(values):
            begun.append(piece)
            if CONTENT in piece:
                break
        return "".join(begun).partition(CONTENT)[0] + CONTENT

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
        return static_files({file.name: file.read_bytes() for file in files if file.suffix in TYPES})

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


def static_files(bodies: Mapping[str, bytes]) -> dict[str, StaticFile]:
    """Static files by their names; scripts import one another by addresses that change with the content.

    So a browser that has been here asks for no script again.

    Args:
        bodies: The files as they are written; no two import one another.
    """
    made: dict[str, StaticFile] = {}

    def file(name: str) -> StaticFile:
        if name not in made:
            body = IMPORTED.sub(versioned, bodies[name]) if name.endswith(".js") else bodies[name]
            made[name] = StaticFile(body, TYPES[Path(name).suffix])
        return made[name]

    def versioned(found: re.Match[bytes]) -> bytes:
        return b'from "./%b?v=%b"' % (found[1], file(found[1].decode()).version.encode())

    return {name: file(name) for name in bodies}


def seconds(value: float) -> str:
    """A length of time as people read it: 0:42, 12:05, 1:02:03."""
    whole = max(0, int(value))
    minutes, left = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
