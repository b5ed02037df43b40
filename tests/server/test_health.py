"""What operators ask: liveness, readiness with its reason, and metrics by their public names."""

import asyncio
import json

import pytest
from aiohttp.test_utils import make_mocked_request

from telebridge import metrics
from telebridge.server.health import HealthHandler

REQUEST = make_mocked_request("GET", "/")


class Calls:
    """Live calls."""

    def __init__(self, live=2, *, full=False, draining=False, overloaded=False):
        self.live, self.draining, self.overloaded = live, draining, overloaded
        self.full = full or overloaded

    def __len__(self):
        return self.live


@pytest.mark.parametrize(
    ("calls", "status", "word"),
    [
        (Calls(), 200, "ready"),
        (Calls(full=True), 503, "max_calls reached"),
        (Calls(overloaded=True), 503, "overloaded"),
        (Calls(full=True, draining=True), 503, "draining"),
    ],
)
async def test_readiness_says_why_no_call_is_taken(calls, status, word):
    answer = await HealthHandler(calls).readyz(REQUEST)
    assert (answer.status, json.loads(answer.text)) == (status, {"status": word, "live_calls": 2})
    alive = await HealthHandler(calls).healthz(REQUEST)
    assert (alive.status, json.loads(alive.text)) == (200, {"status": "ok", "live_calls": 2})


async def test_metrics_have_their_public_names_and_labels():
    metrics.REFUSED.labels("test", "reason").inc()
    metrics.ATTEMPTS.labels("test").inc()
    metrics.WEBHOOK_DELIVERIES.labels("test").inc()
    answer = await HealthHandler(Calls()).metrics(REQUEST)
    text = answer.body.decode()
    assert answer.headers["Content-Type"].startswith("text/plain")
    for line in (
        'telebridge_refused_total{endpoint="test",reason="reason"} 1.0',
        'telebridge_campaign_attempts_total{outcome="test"} 1.0',
        'telebridge_campaign_webhook_deliveries_total{outcome="test"} 1.0',
    ):
        assert line in text


async def test_metrics_count_the_tasks_of_the_event_loop():
    waiting = asyncio.create_task(asyncio.sleep(60))
    text = (await HealthHandler(Calls()).metrics(REQUEST)).body.decode()
    waiting.cancel()
    assert f"\ntelebridge_tasks {len(asyncio.all_tasks())}.0\n" in text
