"""A receiver of webhooks on loopback, and the check of signatures that the documentation gives."""

import json
import re
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from support.speech import serving

PAGE = Path(__file__).parent.parent.parent / "docs" / "campaigns.md"


class Receiver:
    """Answers with these statuses in turn, then 200; keeps what it got."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)
        self.requests = []
        self.url = ""

    async def take(self, request):
        body = await request.read()
        self.requests.append((dict(request.headers), body))
        status = self.statuses.pop(0) if self.statuses else 200
        if callable(status):
            return await status(request)
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else {})

    @property
    def bodies(self):
        return [json.loads(body) for _, body in self.requests]

    def events(self):
        """The ids of what came, by the event's name."""
        return [(body["event"], body["id"]) for body in self.bodies]


@asynccontextmanager
async def receiving(*statuses):
    receiver = Receiver(*statuses)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.take)
    async with serving(app) as url:
        receiver.url = f"{url}/calls"
        yield receiver


def documented_check():
    """`is_genuine` as the page about campaigns has it."""
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names = {}
    exec(compile(code, str(PAGE), "exec"), names)
    return names["is_genuine"], names
