"""The lossy Twilio as a server on loopback: what a dialing process of its own sees."""

from email.utils import format_datetime

from aiohttp import web
from aiohttp.test_utils import TestServer

from support.lossy_twilio import LOST
from telebridge.errors import TwilioAPIError
from telebridge.twilio.calls import CallRequest

CALLS = "/2010-04-01/Accounts/AC1/Calls"


class LossyTwilioServer:
    def __init__(self, twilio):
        self.twilio = twilio
        app = web.Application()
        app.router.add_post(f"{CALLS}.json", self.create)
        app.router.add_get(f"{CALLS}.json", self.list)
        app.router.add_get(f"{CALLS}/{{sid}}.json", self.fetch)
        app.router.add_post(f"{CALLS}/{{sid}}.json", self.end)
        self.server = TestServer(app)

    async def __aenter__(self):
        await self.server.start_server()
        return str(self.server.make_url("")).rstrip("/")

    async def __aexit__(self, *_):
        await self.twilio.aclose()
        await self.server.close()

    async def create(self, request):
        form = await request.post()
        order = CallRequest(form["To"], form["From"], form["Url"], status_callback=form["StatusCallback"])
        try:
            return web.json_response(told(await self.twilio.create(order)), status=201)
        except TwilioAPIError as error:
            if error is LOST or not error.sent:
                request.transport.abort()
                return web.Response()
            return web.json_response({"code": error.code, "message": error.message}, status=error.status)

    async def list(self, request):
        limit = int(request.query.get("PageSize", 50))
        calls = await self.twilio.recent(to=request.query.get("To"), from_=request.query["From"], limit=limit)
        return web.json_response({"calls": [told(call) for call in calls], "next_page_uri": None})

    async def fetch(self, request):
        return web.json_response(told(await self.twilio.fetch(request.match_info["sid"])))

    async def end(self, request):
        await self.twilio.hang_up(request.match_info["sid"])
        return await self.fetch(request)


def told(call):
    return {
        "sid": call.sid,
        "status": call.status.value,
        "to": call.to,
        "from": call.from_,
        "duration": None,
        "answered_by": None,
        "queue_time": "0",
        "date_created": format_datetime(call.created_at),
    }
