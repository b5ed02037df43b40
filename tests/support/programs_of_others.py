"""Applications that run beside a test, on an event loop in a thread of their own, as programs of others do."""

import asyncio
import json
import threading
from base64 import b64encode
from contextlib import contextmanager

from aiohttp import ClientSession, WSMsgType, web

from telebridge.simulator.caller.voices import speech

PROMPT = speech(8000, seed=3)


@contextmanager
def serving_apart(app):
    """Serve an application, and give its address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def start():
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    try:
        yield asyncio.run_coroutine_threadsafe(start(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def talking_bot(*, rime=None, text=""):
    """A bot that speaks over a media stream, and stops when the caller is loud: not of telebridge.

    Args:
        rime: The address of a Rime that speaks `text`; None for a voice of its own.
    """
    app = web.Application()

    async def voice(request):
        stream = f"wss://{request.host}/media"
        return web.Response(
            text=f'<Response><Connect><Stream url="{stream}"/></Connect></Response>', content_type="text/xml"
        )

    async def media(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            event = json.loads(message.data)
            sid = event.get("streamSid")
            if event["event"] == "start":
                async for audio in _spoken(rime, text):
                    payload = b64encode(audio).decode()
                    await socket.send_json({"event": "media", "streamSid": sid, "media": {"payload": payload}})
            elif event["event"] == "media" and event["media"]["payload"].strip("/w="):
                await socket.send_json({"event": "clear", "streamSid": sid})
        return socket

    app.router.add_post("/voice", voice)
    app.router.add_get("/media", media)
    return app


async def _spoken(rime, text):
    """Yield the audio of a text."""
    if rime is None:
        yield PROMPT
        return
    address = f"{rime}/ws?speaker=astra&modelId=coda&audioFormat=mulaw&samplingRate=8000"
    async with (
        ClientSession() as session,
        session.ws_connect(address, headers={"Authorization": "Bearer key"}) as socket,
    ):
        await socket.send_str(text)
        await socket.send_str("<EOS>")
        async for message in socket:
            yield message.data
