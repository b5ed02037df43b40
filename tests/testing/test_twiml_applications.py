"""Programs of others that answer in TwiML, called by their URL on real time."""

import json
import threading
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from aiohttp import WSMsgType, web
from support.programs_of_others import serving_apart

from telebridge.simulator.caller.voices import speech
from telebridge.testing import CallFailure, Phone

PROMPT = speech(8000, seed=3)


class PhoneTree(BaseHTTPRequestHandler):
    """A phone tree with the standard library alone."""

    def do_POST(self):
        fields = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        digits = fields.get("Digits", [""])[0]
        if self.path == "/voice":
            verbs = '<Gather numDigits="1" action="/chosen"><Say>For hours, press 1.</Say></Gather>'
        else:
            verbs = f"<Say>You pressed {digits}.</Say><Dial>+14155550100</Dial><Say>Goodbye.</Say>"
        body = f"<Response>{verbs}</Response>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def phone_tree():
    server = ThreadingHTTPServer(("127.0.0.1", 0), PhoneTree)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/voice"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
def test_a_phone_tree(phone_tree):
    with Phone() as phone:
        phone.answers("+14155550100", "ring 100ms; listen 200ms; hang up")
        with phone.call(url=phone_tree) as call:
            call.hears("for hours, press", within=3)
            call.press("1")
            call.hears("you pressed 1", within=3)
            call.transferred_to("+14155550100", within=5)
            call.hears("goodbye", within=5)
            call.ends(within=3, by="bridge", status="completed")
        assert [line.source for line in call.lines] == ["say"] * 3
        with pytest.raises(AttributeError, match="only a call that telebridge leads"):
            _ = call.path


def talking_bot():
    """A bot that speaks over a media stream, and stops when the caller is loud: neither telebridge nor Rime."""
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
                payload = b64encode(PROMPT).decode()
                await socket.send_json({"event": "media", "streamSid": sid, "media": {"payload": payload}})
            elif event["event"] == "media" and event["media"]["payload"].strip("/w="):
                await socket.send_json({"event": "clear", "streamSid": sid})
        return socket

    app.router.add_post("/voice", voice)
    app.router.add_get("/media", media)
    return app


@pytest.mark.slow
def test_the_interruption_of_a_bot_is_measured_in_milliseconds():
    with serving_apart(talking_bot()) as url, Phone() as phone, phone.call(f"{url}/voice") as call:
        call.hears_sound(within=3)
        call.waits(0.3)
        with pytest.raises(CallFailure, match='hears "hello": not heard within 0'):
            call.hears("hello", within=0.1)
        call.says("excuse me")
        cut = call.cut(within=2, after=0.25)
        assert 0 < cut.after_ms < 250
        call.hears_nothing(for_=0.3)
        call.hangs_up()
    assert "a sound of" in call.timeline()
