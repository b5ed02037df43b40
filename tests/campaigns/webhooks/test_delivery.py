"""What follows from a receiver's answer, without a receiver."""

import hashlib
import hmac

import pytest

from telebridge.campaigns.engine.campaign import Webhook, WebhookEvent
from telebridge.campaigns.webhooks.delivery import (
    Again,
    Answer,
    Delivered,
    Delivery,
    Dropped,
    Receivers,
    Tally,
    back_off_seconds,
    request_headers,
    verdict,
)

DAY_MS = 86_400_000
START = 1_790_000_000_000


def answer(status, *, tries=1):
    return Answer(Delivery("e1", WebhookEvent.CONTACT_DONE, "{}", START, tries), status)


def test_the_back_off_doubles_up_to_an_hour():
    waits = [back_off_seconds(tries) for tries in range(1, 12)]
    assert waits == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
    assert back_off_seconds(10_000) == 3600


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


def test_a_body_is_signed_with_the_time_before_it():
    webhook = Webhook("https://example.com", "a secret")
    headers = request_headers(webhook, answer(None).delivery, now=START + 999)
    proof = hmac.new(b"a secret", b"1790000000.{}", hashlib.sha256).hexdigest()
    assert headers == {
        "Content-Type": "application/json",
        "Telebridge-Event": "contact.done",
        "Telebridge-Event-Id": "e1",
        "Telebridge-Signature": f"t=1790000000,v1={proof}",
    }


def test_without_a_secret_nothing_is_signed():
    assert "Telebridge-Signature" not in request_headers(Webhook("http://a"), answer(None).delivery, now=START)


def test_a_receiver_that_takes_nothing_rests_longer_each_time_and_at_most_a_minute():
    receivers = Receivers()
    assert not receivers.rests("c1", now=0)
    rests = []
    for _ in range(5):
        receivers.answered("c1", Tally(failed=3), now=100.0)
        rests.append(next(s for s in range(1, 100) if not receivers.rests("c1", now=100.0 + s)))
    assert rests == [10, 20, 40, 60, 60]
    assert not receivers.rests("c2", now=100.0)


@pytest.mark.parametrize("tally", [Tally(delivered=1, failed=19), Tally(dropped=2)])
def test_a_receiver_that_answers_does_not_rest(tally):
    receivers = Receivers()
    receivers.answered("c1", Tally(failed=1), now=0.0)
    receivers.answered("c1", tally, now=1.0)
    assert not receivers.rests("c1", now=1.0)
    receivers.answered("c1", Tally(failed=1), now=2.0)
    assert not receivers.rests("c1", now=12.0)
