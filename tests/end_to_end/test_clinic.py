"""A whole call through the newer verbs: opening hours, a sub-flow beside the file, a text message, a queue."""

from pathlib import Path

import pytest
from aiohttp import web
from support.bridge import bridge
from support.speech import serving
from support.virtual_time import virtually

from telebridge.call.flows.catalogue import FlowCatalogue

CLINIC = Path(__file__).parents[2] / "config" / "flows" / "clinic.yaml"
pytestmark = pytest.mark.telebridge(flow=str(CLINIC))


def test_a_text_message_is_sent_by_the_local_twilio(phone):
    with phone.call() as call:
        call.hears("This is Green Clinic")
        call.press("2")
        call.hears("We have sent you a text message")


def test_a_sub_flow_beside_the_file_comes_back_with_the_number(phone):
    with phone.call() as call:
        call.hears("press 1")
        call.press("1")
        call.hears("Please enter your number of 6 digits")
        call.press("123456#")
        call.hears("your next appointment is on Tuesday")
        call.ends(by="bridge")


def test_the_flows_beside_a_file_come_along_where_it_leads_to_them(tmp_path):
    flows = FlowCatalogue(tmp_path)
    assert flows.add_file(CLINIC) == "clinic"
    assert flows.names == ["clinic", "verify-caller"]
    assert flows.reference_errors() == []


QUEUE = """
flow: test
start: support
nodes:
  support: {{queue: support, wait_url: "{url}/wait", left: gone, failed: bye}}
  gone: {{say: "Nobody was free.", then: bye}}
  bye: {{hang_up: null}}
"""


@virtually
async def test_a_caller_who_leaves_the_queue_of_the_local_twilio_goes_on_in_the_flow(tmp_path):
    async def wait(_request):
        document = "<Response><Pause length='3'/><Leave/></Response>"
        return web.Response(text=document, content_type="text/xml")

    app = web.Application()
    app.router.add_post("/wait", wait)
    async with serving(app) as url, bridge(tmp_path, QUEUE.format(url=url)) as stack:
        placed, record = await stack.call("listen 30s")
    assert record.path == ["support", "gone", "bye"]
    assert [(each.to, each.status) for each in record.transfers] == [("support", "left")]
    assert [each.text for each in record.utterances] == ["Nobody was free."]
    assert placed.finished.done()
