"""What follows from a receiver's answer, without a receiver."""

import pytest

from telebridge.campaigns.engine.campaign import Webhook, WebhookEvent
from telebridge.campaigns.webhooks.delivery import (
    Again,
    Delivered,
    DeliveryResult,
    Dropped,
    Endpoints,
    EventDelivery,
    Tally,
    request_headers,
    retry_seconds,
    verdict,
)
from telebridge.campaigns.webhooks.signature import sign

DAY_MS = 86_400_000
START = 1_790_000_000_000


def answer(status, *, tries=1):
    return DeliveryResult(EventDelivery("e1", WebhookEvent.CONTACT_DONE, "{}", START, tries), status)


def test_the_back_off_doubles_up_to_an_hour():
    waits = [retry_seconds(tries) for tries in range(1, 12)]
    assert waits == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
    assert retry_seconds(10_000) == 3600


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_2xx_is_delivered_however_late(status):
    assert verdict(answer(status), now=START) == Delivered()
    assert verdict(answer(status, tries=90), now=START + 4 * DAY_MS) == Delivered()


@pytest.mark.parametrize("status", [None, 199, 300, 302, 400, 404, 429, 500, 503])
def test_anything_else_comes_again_for_three_days(status):
    assert verdict(answer(status), now=START + 7) == Again(START + 7 + 10_000)
    assert verdict(answer(status, tries=3), now=START) == Again(START + 40_000)
    assert verdict(answer(status, tries=80), now=START + 3 * DAY_MS - 1) == Again(START + 3 * DAY_MS - 1 + 3_600_000)
    assert verdict(answer(status, tries=80), now=START + 3 * DAY_MS) == Dropped()


def test_gone_is_final():
    assert verdict(answer(410), now=START) == Dropped()


def test_a_request_has_the_headers_of_standard_webhooks_and_the_event():
    webhook = Webhook("https://example.com", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = request_headers(webhook, answer(None).delivery, now=START + 999)
    assert headers == {
        "Content-Type": "application/json",
        "Telebridge-Event": "contact.done",
        "webhook-id": "e1",
        "webhook-timestamp": "1790000000",
        "webhook-signature": sign(webhook.secret, "e1", b"{}", at_seconds=1_790_000_000),
    }


def test_without_a_secret_nothing_is_signed():
    headers = request_headers(Webhook("http://a"), answer(None).delivery, now=START)
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("e1", "1790000000")
    assert "webhook-signature" not in headers


def test_an_endpoint_that_takes_nothing_is_backed_off_longer_each_time_and_at_most_a_minute():
    endpoints = Endpoints()
    assert not endpoints.in_backoff("c1", now=0)
    waits = []
    for _ in range(5):
        endpoints.record("c1", Tally(failed=3), now=100.0)
        waits.append(next(s for s in range(1, 100) if not endpoints.in_backoff("c1", now=100.0 + s)))
    assert waits == [10, 20, 40, 60, 60]
    assert not endpoints.in_backoff("c2", now=100.0)


@pytest.mark.parametrize("tally", [Tally(delivered=1, failed=19), Tally(dropped=2)])
def test_an_endpoint_that_answers_is_not_backed_off(tally):
    endpoints = Endpoints()
    endpoints.record("c1", Tally(failed=1), now=0.0)
    endpoints.record("c1", tally, now=1.0)
    assert not endpoints.in_backoff("c1", now=1.0)
    endpoints.record("c1", Tally(failed=1), now=2.0)
    assert not endpoints.in_backoff("c1", now=12.0)
