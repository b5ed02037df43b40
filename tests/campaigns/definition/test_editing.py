"""Keys of a campaign file that are changed one by one."""

import json
from datetime import UTC, datetime

import pytest

from telebridge.campaigns.definition.editing import (
    CHANGES_WHILE_PAUSED,
    CHANGES_WHILE_RUNNING,
    apply_changes,
    key_changes,
    limit_warnings,
    need_pause,
    read_change,
    shown_keys,
    shown_value,
)
from telebridge.campaigns.definition.loading import read_campaign
from telebridge.campaigns.definition.model import CampaignDefinition, keys_of
from telebridge.campaigns.engine.administration import KeyChange
from telebridge.errors import ConfigurationError

FILE = 'name = "spring"\nflow = "reminder"\nkind = "informational"\nfrom = "+12125550100"\n'


def definition(text=FILE):
    return read_campaign(text, where="spring.toml")


def after(*changes, file=FILE):
    return definition(apply_changes(file, [read_change(one) for one in changes]))


def changes_of(*changes, file=FILE):
    return {one.key: (one.before, one.after) for one in key_changes(definition(file), after(*changes, file=file))}


def test_every_key_of_a_file_is_said_to_change_while_it_runs_or_not():
    assert set(keys_of(CampaignDefinition)) == CHANGES_WHILE_RUNNING | CHANGES_WHILE_PAUSED
    assert not CHANGES_WHILE_RUNNING & CHANGES_WHILE_PAUSED


@pytest.mark.parametrize(
    ("written", "change"),
    [
        ("max_live=20", (("max_live",), 20)),
        (" max_live = 20 ", (("max_live",), 20)),
        ("flow=front-desk", (("flow",), "front-desk")),
        ('flow="front-desk"', (("flow",), "front-desk")),
        ("from=+12125550100", (("from",), "+12125550100")),
        ("from=+12125550100, +12125550101", (("from",), ["+12125550100", "+12125550101"])),
        ("window.sat=10:00-14:00", (("window", "sat"), "10:00-14:00")),
        ('retry.busy=["5m", "1h"]', (("retry", "busy"), ["5m", "1h"])),
        ("retry.no-answer=2h", (("retry", "no-answer"), "2h")),
        ("end_at=2026-03-31T20:00:00Z", (("end_at",), datetime(2026, 3, 31, 20, tzinfo=UTC))),
        ("end_at=", (("end_at",), None)),
        ("amd=on", (("amd",), "on")),
        ("webhook.url=http://a/?b=1", (("webhook", "url"), "http://a/?b=1")),
        ("flow=1\nmax_live = 2", (("flow",), "1\nmax_live = 2")),
    ],
)
def test_a_change_is_read_as_it_is_written_in_a_shell(written, change):
    assert read_change(written) == change


@pytest.mark.parametrize("written", ["max_live", "=3", "", "a.b.c=3", ".=1", "window.=1"])
def test_what_is_no_change_is_refused(written):
    with pytest.raises(ConfigurationError, match=r"is no (change|key)"):
        read_change(written)


def test_a_change_is_told_with_what_held_before():
    assert changes_of("max_live=20", "retry.busy=5m") == {"max_live": (10, 20), "retry.busy": (["15m"], ["5m"])}
    assert changes_of("max_live=10") == {}


@pytest.mark.parametrize(
    ("file", "changes", "window"),
    [
        ("", ["window.sat=10:00-14:00"], {"mon-fri": "09:00-20:00", "sat": "10:00-14:00", "sun": "09:00-20:00"}),
        ("", ["window.sat-sun="], {"mon-fri": "09:00-20:00"}),
        ('[window]\nmon-fri = "10:00-12:00"\n', ["window.wed=09:00-10:00"],
         {"mon-tue": "10:00-12:00", "wed": "09:00-10:00", "thu-fri": "10:00-12:00"}),
        ('[window]\nmon-fri = "10:00-12:00"\n', ["window="], {"mon-sun": "09:00-20:00"}),
        ("", ['window={mon = ["09:00-10:00", "11:00-12:00"]}'], {"mon": ["09:00-10:00", "11:00-12:00"]}),
    ],
)  # fmt: skip
def test_the_hours_of_a_day_change_and_other_days_keep_theirs(file, changes, window):
    assert shown_keys(after(*changes, file=FILE + file))["window"] == window


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("maxlive=20", "did you mean 'max_live'"),
        ("max_live=many", "max_live"),
        ("max_live=0", "max_live"),
        ("window.sonday=10:00-12:00", "'sonday' is no day"),
        ("window.sat=22:00-23:00", "a window that never opens: sat"),
        ("window.mon-sun=", "names no hours"),
        ("end_at=2026-03-31", "has no time zone"),
        ("end_at=2026-03-31T20:00", "has no time zone"),
        ("end_at=tomorrow", "end_at: should be a date and time with its offset such as '2026"),
        ("end_at=2026-03-31T20:00:00 America/New_York", "should be a date and time with its offset"),
        ("start_at=5", "start_at: should be a date and time with its offset"),
        ("max_live=1,5", "max_live: '1,5' is no whole number"),
        ("max_live=true", "max_live: should be a number"),
        ("weight=fast", "weight: 'fast' is no number"),
        ("price_per_call=inf", "price_per_call: inf is no number"),
        ('max_live=""', "max_live: is empty"),
        ("name=two words", "is no name of a campaign"),
        ("flow.name=x", "flow"),
        ("weight=", "weight: is not set"),
        ("window.sat.from=3", "is no key of a campaign"),
    ],
)
def test_a_mistake_is_told_as_in_a_file(change, problem):
    with pytest.raises(ConfigurationError, match=problem):
        after(change)


def test_a_value_that_no_file_can_have_is_refused():
    with pytest.raises(ConfigurationError, match="cannot stand in a campaign file"):
        apply_changes(FILE, [(("retry", "busy"), [None])])


def test_the_secret_of_a_webhook_is_told_as_changed_and_never_shown():
    hooked = f'{FILE}[webhook]\nurl = "http://a/"\nsecret = "first-secret"\n'
    told = changes_of("webhook.secret=other-secret", file=hooked)
    assert told == {"webhook.secret": ("(secret)", "(secret)")}
    for text in (json.dumps(shown_keys(definition(hooked))), json.dumps(changes_of("webhook=", file=hooked))):
        assert "first-secret" not in text


def test_keys_by_which_contacts_are_read_need_a_pause():
    edited = after("max_live=3", "flow=other", "columns.phone=Mobile", "window.sun=")
    assert need_pause(key_changes(definition(), edited)) == ["flow", "columns.phone"]


def test_all_keys_are_shown_as_a_file_spells_them():
    shown = shown_keys(definition())
    assert (shown["from"], shown["retry.no-answer"], shown["window"]) == (
        [{"number": "+12125550100"}],
        ["2h", "1d"],
        {"mon-sun": "09:00-20:00"},
    )
    assert shown_value(shown["window"]) == "mon-sun 09:00-20:00"
    assert [shown_value(value) for value in (None, "", [], 2.0, True, ["2h", "1d"])] == [
        *("nothing", "nothing", "nothing", "2", "true", "2h, 1d")
    ]
    assert shown_value([{"number": "+1212", "daily_cap": 5}]) == "+1212 (at most 5 a day)"


def test_an_edit_above_the_limits_of_the_account_is_warned_of():
    changes = [KeyChange("max_live", 10, 900), KeyChange("calls_per_second", 1.0, 2.0), KeyChange("name", "a", "b")]
    [warning] = limit_warnings({"max_live": 100, "calls_per_second": 2.0}, changes)
    assert warning == "campaigns.max_live is 100 for all campaigns together: 900 is never reached"
