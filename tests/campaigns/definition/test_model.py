"""What a campaign file may say."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from telebridge.campaigns.calling_hours.windows import Window
from telebridge.campaigns.definition.model import PARTS, CampaignDefinition, keys_of

LEAST = {"name": "reminders", "flow": "front-desk", "kind": "informational", "from": "+12125550100"}


def definition(**values: object) -> CampaignDefinition:
    return CampaignDefinition.model_validate({**LEAST, **values})


def problem(**values: object) -> str:
    with pytest.raises(ValidationError) as caught:
        definition(**values)
    return str(caught.value)


def test_what_is_left_out_is_the_careful_choice():
    least = definition()
    assert least.window == {day: (Window(540, 1200),) for day in range(7)}
    assert (least.calls_per_second, least.max_attempts, least.ring_timeout, least.amd) == (1.0, 3, 25, "on")
    assert (least.on_machine, least.number_check, least.default_zone) == ("hang_up", "valid", "")


def test_a_number_to_call_from_is_a_text_a_table_or_a_list_of_both():
    assert [caller.number for caller in definition().from_] == ["+12125550100"]
    both = definition(**{"from": ["+12125550100", {"number": "+13125550100", "daily_cap": 500}]}).from_
    assert [(caller.number, caller.daily_cap) for caller in both] == [("+12125550100", None), ("+13125550100", 500)]


def test_windows_are_given_by_day_or_from_day_to_day():
    window = definition(window={"mon-wed": "09:00-20:00", "Sat": ["10:00-12:00", "11:00-13:00"]}).window
    assert window == {0: (Window(540, 1200),), 1: (Window(540, 1200),), 2: (Window(540, 1200),), 5: (Window(600, 780),)}


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ({"monday": "09:00-20:00"}, "'monday' is no day"),
        ({"fri-mon": "09:00-20:00"}, "goes backwards"),
        ({"mon-fri": "09:00-20:00", "tue": "09:00-10:00"}, "tue has its windows already"),
        ({"mon": "nine"}, "is no window"),
        ("09:00-20:00", "should be a table"),
        ({}, "at least 1"),
    ],
)
def test_a_wrong_window_is_refused(window, said):
    assert said in problem(window=window)


def test_delays_are_durations():
    retry = definition(retry={"busy": ["90s", "15m", "2 h"], "no-answer": ["1d"], "hung-up": []}).retry
    assert retry.busy == (timedelta(seconds=90), timedelta(minutes=15), timedelta(hours=2))
    assert (retry.no_answer, retry.hung_up) == ((timedelta(days=1),), ())


@pytest.mark.parametrize("delay", ["15", "soon", "0m", "61d", "-5m", 15, "1.5h"])
def test_what_is_no_delay_is_refused(delay):
    assert "retry.busy.0" in problem(retry={"busy": [delay]})


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"name": "two words"}, "name"),
        ({"kind": "sales"}, "kind"),
        ({"from": []}, "from"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"ring_timeout": 14}, "ring_timeout"),
        ({"calls_per_second": 0}, "calls_per_second"),
        ({"max_live": 0}, "max_live"),
        ({"weight": 0}, "weight"),
        ({"amd": "maybe"}, "amd"),
        ({"on_machine": "shout"}, "on_machine"),
        ({"on_unknown": "guess"}, "on_unknown"),
        ({"failure_breaker": {"share": 1.5}}, "failure_breaker.share"),
        ({"caps": [{"attempts": 0, "within": "1d"}]}, "caps.0.attempts"),
        ({"price_per_minute": -1}, "price_per_minute"),
        ({"start_at": "2026-03-02T09:00:00"}, "start_at"),
        ({"default_country": "usa"}, "default_country"),
        ({"delimiter": ";;"}, "delimiter"),
        ({"columns": {"phone": ""}}, "columns.phone.0"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_value_is_refused_under_its_key(values, key):
    assert f"\n{key}\n" in problem(**values)


def test_true_and_false_are_on_and_off():
    assert definition(amd=False).amd == "off"
    assert definition(amd=True).amd == "on"


@pytest.mark.parametrize(
    ("values", "needed"),
    [
        ({"kind": "telemarketing"}, True),
        ({"kind": "informational"}, False),
        ({"kind": "informational", "require_consent": True}, True),
        ({"kind": "telemarketing", "require_consent": False}, False),
    ],
)
def test_telemarketing_needs_consent_unless_its_owner_says_otherwise(values, needed):
    assert definition(**values).needs_consent is needed


def test_every_table_is_a_key():
    assert set(PARTS) <= set(keys_of(CampaignDefinition))


@pytest.mark.parametrize(
    "url",
    ["", "ftp://a.example", "https://", "https:///calls", " https://a.example", "https://a.example:x", "http://[::1"],
)
def test_a_webhook_needs_an_address_of_the_web(url):
    assert "should be an address such as 'https://example.com/calls'" in problem(webhook={"url": url})


@pytest.mark.parametrize("url", ["https://a.example", "http://10.0.0.1:8080/x?y=1", "https://user:key@a.example/"])
def test_a_webhooks_address_is_kept_as_it_is_written(url):
    assert definition(webhook={"url": url}).webhook.url == url


def test_a_webhook_that_is_told_nothing_is_refused():
    assert "names no event" in problem(webhook={"url": "https://a.example", "events": []})
