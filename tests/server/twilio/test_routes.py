"""The routes that are not the API's: signatures are checked first, and a fault of ours is an error message."""

import aiohttp
import pytest
from aiohttp import web
from support.speech import serving

from telebridge.server.twilio.prompts import PromptHandler
from telebridge.server.twilio.request_validation import RequestValidator
from telebridge.server.twilio.routes import add_routes
from telebridge.server.twilio.voice import ERROR_MESSAGE
from telebridge.twilio.request_signature import webhook_signature

TOKEN = "12345"
WEBHOOKS = [
    "voice",
    "voice/front-desk",
    "next",
    "dial-status",
    "queue-status",
    "whisper",
    "status",
    "amd",
    "stream-status",
]


class Failing:
    """Parts of a bridge, each of which fails when it is used."""

    full = False

    def __getattr__(self, name):
        raise RuntimeError(name)


def bridge(auth_token=TOKEN):
    app = web.Application()
    validator = RequestValidator("https://bridge.example.com", auth_token)
    prompts = PromptHandler(None, None)
    add_routes(app, Failing(), validator, None, None, prompts, Failing(), default_flow="test", numbers={})
    return app


async def asked(app, path, **options):
    async with (
        serving(app) as url,
        aiohttp.ClientSession() as session,
        session.request("POST", url + path, **options) as answer,
    ):
        return answer.status, await answer.text()


@pytest.mark.parametrize("webhook", WEBHOOKS)
@pytest.mark.parametrize("signature", [{}, {"X-Twilio-Signature": "x"}])
async def test_a_webhook_without_twilios_signature_is_refused(webhook, signature):
    status, text = await asked(bridge(), f"/twilio/{webhook}", headers=signature, data={"CallSid": "CA" + "1" * 32})
    assert status == 403
    assert "X-Twilio-Signature" in text


@pytest.mark.parametrize("webhook", ["voice", "next", "dial-status"])
async def test_a_fault_of_ours_is_an_error_message_to_the_caller(webhook):
    fields = {"CallSid": "CA" + "1" * 32}
    signature = webhook_signature(TOKEN, f"https://bridge.example.com/twilio/{webhook}", fields)
    status, text = await asked(bridge(), f"/twilio/{webhook}", headers={"X-Twilio-Signature": signature}, data=fields)
    assert status == 200
    assert ERROR_MESSAGE in text


async def test_a_webhook_without_a_call_is_refused_and_not_apologised_for():
    status, text = await asked(bridge(auth_token=""), "/twilio/voice", data={"From": "+1"})
    assert status == 400
    assert "CallSid is missing" in text


def test_every_webhook_is_answered_to_get_and_post():
    found = {(route.method, route.resource.canonical) for route in bridge().router.routes()}
    for webhook in WEBHOOKS:
        path = f"/twilio/{webhook}".replace("front-desk", "{flow}")
        assert {("GET", path), ("POST", path)} <= found
    assert ("GET", "/twilio/media/{token}") in found
    assert ("GET", "/metrics") in found
