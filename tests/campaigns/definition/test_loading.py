"""Campaign files, right and wrong."""

from pathlib import Path

import pytest

from telebridge.campaigns.definition.loading import load_campaign, parse_file
from telebridge.errors import ConfigurationError

CONFIG = Path(__file__).parents[3] / "config"
LEAST = 'name = "reminders"\nflow = "front-desk"\nkind = "informational"\nfrom = "+12125550100"\n'


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "campaign.toml"

    def write(text: str) -> Path:
        path.write_text(text)
        return path

    return write


def errors(path: Path) -> list[str]:
    return [str(error).removeprefix(str(path)) for error in parse_file(path)[1]]


@pytest.mark.parametrize("path", sorted((CONFIG / "campaigns").glob("*.toml")), ids=lambda path: path.name)
def test_the_examples_load_and_their_flows_exist(path):
    campaign = load_campaign(path)
    assert (CONFIG / "flows" / f"{campaign.flow}.yaml").exists()


def test_a_right_file_has_no_mistakes(file):
    assert errors(file(LEAST)) == []
    assert load_campaign(file(LEAST)).name == "reminders"


def test_a_file_may_begin_with_a_byte_order_mark(file):
    assert errors(file("\ufeff" + LEAST)) == []


@pytest.mark.parametrize(
    ("added", "error"),
    [
        ("max_atempts = 3", ":5: max_atempts: is no key of a campaign; did you mean 'max_attempts'?"),
        ("[retry]\nbussy = ['15m']", ":6: retry.bussy: is no key of a campaign; did you mean 'busy'?"),
        (
            "[columns]\nfirst-name = 'x'",
            ":6: columns.first-name: is no name of a variable; letters, digits and _ make one",
        ),
        (
            "[webhook]\nurl = 'example.com/calls'",
            ":6: webhook.url: should be an address such as 'https://example.com/calls', not 'example.com/calls'",
        ),
        (
            "[webhook]\nurl = 'https://a.example'\nevents = ['contact']",
            ":7: webhook.events.0: input should be 'contact.done', 'attempt.done', 'campaign.status', "
            "'campaign.edited', 'campaign.retried', 'campaign.cloned', 'campaign.exported', "
            "'campaign.imported' or 'campaign.deleted', not 'contact'",
        ),
        ("[webhook]\nsecret = 'x'", ":5: webhook.url: is missing"),
        (
            "[webhook]\nurl = 'https://a.example'\nevent = []",
            ":7: webhook.event: is no key of a campaign; did you mean 'events'?",
        ),
        ("ring_timeout = 5", ":5: ring_timeout: input should be greater than or equal to 15, not 5"),
        (
            "[retry]\nbusy = ['15']",
            ":6: retry.busy.0: should be a duration such as '90s', '15m', '2h' or '1d', not '15'",
        ),
        (
            "start_at = 2026-03-02T09:00:00",
            ":5: start_at: has no time zone; write it with its offset, as 2026-03-02T09:00:00-05:00",
        ),
        ("default_country = 'XX'", ":5: default_country: 'XX' is no country; write it by ISO 3166, as 'US'"),
        (
            "default_zone = 'America/Newyork'",
            ":5: default_zone: 'America/Newyork' is no time zone that people live in; did you mean 'America/New_York'?",
        ),
        (
            "[window]\nmon = '21:00-23:00'",
            ":5: window: a window that never opens: mon 21:00-23:00; calls of its kind are allowed 08:00-21:00",
        ),
        (
            "[window]\nmon = []",
            ":5: window: a window that never opens: it names no hours; write it as mon-fri = '09:00-20:00'",
        ),
        (
            "[window]\nmon-fri = '20:00-09:00'",
            ":5: window: the window '20:00-09:00' crosses midnight: end it at 24:00 and begin the next day at 00:00",
        ),
        (
            "start_at = 2026-03-02T09:00:00Z\nend_at = 2026-03-02T09:00:00Z",
            ":6: end_at: is not after start_at",
        ),
        (
            "on_machine = 'leave_message'",
            ": message_node: is missing; on_machine = 'leave_message' needs the node where the message begins",
        ),
        ("message_node = 'x'", ":5: message_node: is never used; set on_machine = 'leave_message', or leave it out"),
        (
            "amd = 'off'\non_machine = 'carry_on'",
            ":6: on_machine: is never used, because machines are not looked for; set amd = 'on', or leave it out",
        ),
        ("delimiter = 'a'", ":5: delimiter: 'a' cannot stand between cells; ',', ';', '|' and '\\t' can"),
        (
            "columns = {phone = 'x', zone = 'x'}",
            ":5: columns.zone: column 'x' is 'phone' already; each column holds one thing",
        ),
    ],
)
def test_a_mistake_names_its_line_and_key(file, added, error):
    assert errors(file(LEAST + added)) == [error]


def test_a_number_to_call_from_must_be_one_and_be_there_once(file):
    text = LEAST.replace('"+12125550100"', '["12", "+12125550100", {number = "212 555 0100"}]')
    assert errors(file(text)) == [
        ":4: from.0.number: '12' is too short for a number of US; for example '+12125550123'",
        ":4: from.2.number: '212 555 0100' is there twice",
    ]


def test_every_mistake_is_told_at_once(file):
    assert errors(file("name = 'x'\nkind = 'sales'\n")) == [
        ": flow: is missing",
        ":2: kind: input should be 'telemarketing', 'informational', 'debt' or 'other', not 'sales'",
        ": from: is missing",
    ]


def test_the_first_mistake_is_raised(file):
    with pytest.raises(ConfigurationError, match="flow: is missing"):
        load_campaign(file("name = 'x'"))


@pytest.mark.parametrize("text", ["name = ", "[[[", "a = 1\na = 2", "x = " + "[" * 2000])
def test_what_is_no_toml_is_an_error(file, text):
    assert errors(file(text))[0].startswith(": is not TOML")


def test_a_file_that_is_missing_or_no_text_or_too_large_is_an_error(tmp_path):
    path = tmp_path / "campaign.toml"
    assert errors(path) == [": cannot be read (No such file or directory)"]
    path.write_bytes(b'name = "\xff"')
    assert errors(path)[0].startswith(": is not TOML")
    path.write_bytes(b"#" * ((1 << 20) + 1))
    assert errors(path) == [": is larger than a mebibyte, which no campaign file is"]
