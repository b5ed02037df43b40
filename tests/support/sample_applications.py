"""Applications in the way of Twilio's samples: sessions in cookies, redirects, voicemail, media streams, a conference.

Each checks the signature of every request and writes its documents with the official package. None knows of the local
Twilio; their public address is https://voice.example.
"""

import base64
import io
import json
import wave

import aiohttp
from aiohttp import web
from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import Dial, Gather, Start, VoiceResponse

PUBLIC = "https://voice.example"


def answer(response):
    """A TwiML document as a web response."""
    return web.Response(text=str(response), content_type="text/xml")


class Sample:
    """An application with a validator before its handlers.

    Attributes:
        app: The aiohttp application.
        kept: What it has noted.
    """

    def __init__(self, auth_token):
        self._validator = RequestValidator(auth_token)
        self.kept = []

        @web.middleware
        async def validated(request, handler):
            return await handler(request) if await self.is_signed(request) else web.Response(status=403)

        self.app = web.Application(middlewares=[validated])

    async def is_signed(self, request):
        """Whether Twilio has signed a request."""
        fields = dict(await request.post()) if request.method == "POST" else {}
        scheme = "wss" if request.headers.get("Upgrade") else "https"
        url = f"{scheme}://voice.example{request.rel_url}"
        return self._validator.validate(url, fields, request.headers.get("X-Twilio-Signature", ""))


class SessionTree(Sample):
    """A phone tree that keeps its place in a cookie, and moves by redirects of HTTP and of TwiML."""

    def __init__(self, auth_token):
        super().__init__(auth_token)
        self.app.router.add_post("/voice", self.voice)
        self.app.router.add_post("/menu", self.menu)
        self.app.router.add_get("/bye", self.bye)

    async def voice(self, request):
        response = web.Response(status=307, headers={"Location": "/menu"})
        response.set_cookie("caller", (await request.post())["From"])
        return response

    async def menu(self, request):
        tries = int(request.cookies.get("tries", "0"))
        digits = (await request.post()).get("Digits")
        self.kept.append((request.cookies.get("caller"), tries, digits))
        document = VoiceResponse()
        if digits == "2":
            document.redirect("/bye", method="GET")
        else:
            gather = Gather(num_digits=1, timeout=3)
            gather.say("For the office, press 2.")
            document.append(gather)
            document.redirect("/menu")
        response = answer(document)
        response.set_cookie("tries", str(tries + 1))
        return response

    async def bye(self, request):
        self.kept.append((request.cookies.get("caller"), request.cookies["tries"], request.query["CallStatus"]))
        document = VoiceResponse()
        document.say("The office is closed. Goodbye.")
        return answer(document)


class Voicemail(Sample):
    """Records a message, and fetches it when Twilio says that it is there."""

    def __init__(self, auth_token):
        super().__init__(auth_token)
        self.app.router.add_post("/voice", self.voice)
        self.app.router.add_post("/thanks", self.thanks)
        self.app.router.add_post("/ready", self.ready)

    async def voice(self, _):
        document = VoiceResponse()
        document.say("Please leave a message after the beep.")
        document.record(
            action="/thanks",
            max_length=20,
            finish_on_key="#",
            transcribe=True,
            recording_status_callback="/ready",
            recording_status_callback_event="completed",
        )
        document.say("I did not hear a message.")
        return answer(document)

    async def thanks(self, request):
        fields = await request.post()
        self.kept.append((fields["Digits"], fields["RecordingDuration"]))
        document = VoiceResponse()
        document.say("Thank you.")
        return answer(document)

    async def ready(self, request):
        fields = await request.post()
        async with aiohttp.ClientSession() as session, session.get(fields["RecordingUrl"]) as response:
            with wave.open(io.BytesIO(await response.read())) as file:
                seconds = file.getnframes() / file.getframerate()
        self.kept.append((fields["RecordingStatus"], round(seconds)))
        return web.Response(status=204)


class Listener(Sample):
    """Streams the call to itself while it asks for a key."""

    def __init__(self, auth_token):
        super().__init__(auth_token)
        self.app.router.add_post("/voice", self.voice)
        self.app.router.add_post("/chosen", self.chosen)
        self.app.router.add_get("/media", self.media)
        self.audio = {"inbound": b"", "outbound": b""}

    async def voice(self, _):
        document = VoiceResponse()
        start = Start()
        stream = start.stream(url="wss://voice.example/media", track="both_tracks", name="listener")
        stream.parameter(name="language", value="en")
        document.append(start)
        gather = document.gather(num_digits=1, action="/chosen")
        gather.say("This call is listened to. Press a key.")
        return answer(document)

    async def chosen(self, request):
        self.kept.append((await request.post())["Digits"])
        document = VoiceResponse()
        document.hangup()
        return answer(document)

    async def media(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            event = json.loads(message.data)
            if event["event"] == "media":
                self.audio[event["media"]["track"]] += base64.b64decode(event["media"]["payload"])
            else:
                self.kept.append(event["event"])
        return socket


class ConferenceLine(Sample):
    """Lets everybody who calls into one room, and is told who comes and goes and where the recording is."""

    def __init__(self, auth_token):
        super().__init__(auth_token)
        self.app.router.add_post("/voice", self.voice)
        self.app.router.add_post("/events", self.events)
        self.app.router.add_post("/recorded", self.recorded)

    async def voice(self, _):
        document = VoiceResponse()
        dial = Dial()
        dial.conference(
            "Standup",
            start_conference_on_enter=True,
            end_conference_on_exit=True,
            record="record-from-start",
            status_callback="/events",
            status_callback_event="start end join leave",
            recording_status_callback="/recorded",
        )
        document.append(dial)
        return answer(document)

    async def events(self, request):
        self.kept.append((await request.post())["StatusCallbackEvent"])
        return web.Response(status=204)

    async def recorded(self, request):
        fields = await request.post()
        self.kept.append(f"recorded {fields['RecordingSource']}")
        return web.Response(status=204)
