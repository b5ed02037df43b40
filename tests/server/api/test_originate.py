"""Whoever places a call asks Twilio in the same words."""

from urllib.parse import parse_qs, urlsplit

import pytest

from telebridge.errors import ConfigurationError
from telebridge.server.api.originate import TwilioOriginator, call_request
from telebridge.server.api.ports import OutboundCall
from telebridge.twilio.calls import CallRequest
from telebridge.twilio.signed_urls import CallVariables, VariablesTooLong

URL = "https://bridge.example.com"
ORDER = OutboundCall("+15551230000", "+15551230001")


def test_a_call_asks_for_the_voice_webhook_and_reports_its_status():
    assert call_request(ORDER, URL) == CallRequest(
        "+15551230000", "+15551230001", url=f"{URL}/twilio/voice", status_callback=f"{URL}/twilio/status"
    )


def test_a_flow_stands_in_the_path_whatever_its_name():
    assert call_request(OutboundCall("a", "b", "front/desk ü"), URL).url == f"{URL}/twilio/voice/front%2Fdesk%20%C3%BC"


def test_variables_stand_signed_in_the_query():
    signs = CallVariables("secret")
    url = call_request(OutboundCall("a", "b", "reminder", {"name": "Ada & Co"}), URL, signs).url
    assert urlsplit(url).path == "/twilio/voice/reminder"
    assert signs.read(parse_qs(urlsplit(url).query)["variables"][0]) == {"name": "Ada & Co"}


def test_how_long_it_rings_and_what_detects_machines_are_handed_on():
    request = call_request(OutboundCall("a", "b", ring_seconds=20, machine_detection="Enable"), URL)
    assert (request.ring_seconds, request.machine_detection) == (20, "Enable")


def test_without_a_public_address_nothing_can_be_placed():
    with pytest.raises(ConfigurationError, match="public_url: is not set"):
        call_request(ORDER, "")


async def test_what_does_not_fit_an_address_is_refused_before_twilio_is_asked():
    placer = TwilioOriginator(lambda: pytest.fail("Twilio was asked"), URL, CallVariables("secret"))
    long = {f"name_{number}": f"{number * 7919:x}" * 5 for number in range(400)}
    with pytest.raises(VariablesTooLong):
        await placer.originate(OutboundCall("a", "b", variables=long))
    await placer.aclose()
