"""The least an aiohttp server can do for media streams: read the messages. Prints its port when it listens."""

import uvloop
from aiohttp import web

from live.serving import serve


async def media(request: web.Request) -> web.WebSocketResponse:
    """Read until the stream ends."""
    socket = web.WebSocketResponse(decode_text=False, compress=False)
    await socket.prepare(request)
    async for _ in socket:
        pass
    return socket


if __name__ == "__main__":
    app = web.Application()
    app.router.add_get("/twilio/media/{token}", media)
    uvloop.run(serve(app))
