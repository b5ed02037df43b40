"""The least an aiohttp server can do for media streams: read the messages. Prints its port when it listens."""

import asyncio
import sys

import uvloop
from aiohttp import web


async def media(request: web.Request) -> web.WebSocketResponse:
    """Read until the stream ends."""
    socket = web.WebSocketResponse(decode_text=False, compress=False)
    await socket.prepare(request)
    async for _ in socket:
        pass
    return socket


async def serve() -> None:
    """Listen until the process ends."""
    app = web.Application()
    app.router.add_get("/twilio/media/{token}", media)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve())
