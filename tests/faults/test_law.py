"""The calling law of other countries, and contacts whose place is not certain."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from support.faults import fault
from typer.testing import CliRunner

from telebridge.campaigns.calling_hours.hours import CallingHours
from telebridge.campaigns.calling_hours.law import calling_rules
from telebridge.campaigns.calling_hours.windows import ALL_DAY
from telebridge.campaigns.engine.contact import Lane
from telebridge.campaigns.numbers.location import lane_of
from telebridge.campaigns.numbers.numbers import DialableNumber, read_number
from telebridge.cli.campaign.campaign import campaign

ALL_WEEK = dict.fromkeys(range(7), (ALL_DAY,))
MADE = 'name = "abroad"\nflow = "front-desk"\nkind = "informational"\nfrom = "+12125550100"\n'


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Writes a campaign file and a list, and returns them as a command takes them."""
    monkeypatch.setenv("TELEBRIDGE_STATE_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC1")

    def write(made: str, rows: str) -> list[str]:
        (tmp_path / "made.toml").write_text(made)
        (tmp_path / "people.csv").write_text(rows)
        return [str(tmp_path / "made.toml"), "--contacts", str(tmp_path / "people.csv")]

    return write


def run(*arguments: str):
    done = CliRunner().invoke(campaign, list(arguments))
    assert done.exit_code == 0, done.output
    return done


def preflight(files: list[str]):
    return json.loads(run("preflight", *files, "--json").stdout)


def lane(written: str, **known) -> Lane:
    number = read_number(written, country="US")
    assert isinstance(number, DialableNumber)
    found = lane_of(number, **known)
    assert isinstance(found, Lane)
    return found


def is_open(at: Lane, zone: str, *moment: int) -> bool:
    hours = CallingHours(ALL_WEEK, kind="telemarketing", rules=calling_rules())
    return hours.open_until(at, wallclock=datetime(*moment, tzinfo=ZoneInfo(zone)).astimezone(UTC)) is not None


@fault(
    "a telemarketing campaign has French, German and Italian numbers, and windows from 8:00 to 21:00 on every day",
    caller="no ring at lunch in France, on Sundays, on holidays, or on the eve of one after 19:00 in Italy",
    operator="`campaign law --country FR` prints the hours and caps with their sources; `status` counts who waits",
    kept="nobody is called outside the hours of their own country; the contacts wait",
)
def test_numbers_abroad_are_called_by_the_law_of_their_country():
    paris, berlin, rome = lane("+33612345678"), lane("+4930123456"), lane("+393123456789")
    assert is_open(paris, "Europe/Paris", 2026, 3, 2, 12, 59)
    assert not is_open(paris, "Europe/Paris", 2026, 3, 2, 13, 0)
    assert not is_open(paris, "Europe/Paris", 2026, 5, 14, 11, 0)
    assert not is_open(berlin, "Europe/Berlin", 2026, 3, 8, 11, 0)
    assert is_open(berlin, "Europe/Berlin", 2026, 3, 7, 17, 59)
    assert is_open(rome, "Europe/Rome", 2026, 6, 1, 18, 59)
    assert not is_open(rome, "Europe/Rome", 2026, 6, 1, 19, 0)


@fault(
    "a campaign calls a country of which no calling rules are known",
    caller="calls between 8:00 and 21:00 on their own clock, on every day",
    operator="`preflight` and `start` warn: no calling rules are known of SE, with the hours that hold and what to do",
    kept="the floor of 8:00 to 21:00 everywhere; whoever starts the campaign knows that it is all there is",
)
def test_a_country_without_rules_is_named_before_anybody_is_called(files):
    paths = files(MADE, "phone\n+46812345678\n+12125550111\n")
    told = preflight(paths)
    assert told["callable"] == 2
    warning = "no calling rules are known of SE: calls go out 08:00-21:00"
    assert [line for line in told["warnings"] if line.startswith(warning)]
    run("create", *paths)
    assert f"warning: {warning}" in run("start", "abroad").stderr


@fault(
    "a contact moved: its area code is Florida's and its ZIP code Washington's",
    caller='with `zones = "both"` a ring only while both places are within their hours',
    operator="`preflight` counts such contacts, and says which of the two decides and how to have both hold",
    kept="nobody is called at five in the morning because they kept or moved their number",
)
def test_a_contact_whose_codes_disagree_is_called_only_while_both_places_are_open(files):
    rows = "phone,postal_code\n+13055550123,98101\n+13055550124,33101\n"
    plain, both = (preflight(files(MADE + more, rows)) for more in ("", 'zones = "both"\n'))
    assert plain["codes_disagree"] == both["codes_disagree"] == 1
    assert [line for line in plain["warnings"] if "the postal code decides; zones = 'both'" in line]
    assert [line for line in both["warnings"] if "only while both places are within their hours" in line]
    moved = lane("+13055550123", postal_code="98101", both=True)
    assert not is_open(moved, "America/New_York", 2026, 3, 2, 10, 59)
    assert is_open(moved, "America/New_York", 2026, 3, 2, 11, 0)
    assert not is_open(moved, "America/Los_Angeles", 2026, 3, 2, 17, 0)


@fault(
    "a Brazilian number does not tell its state, and states close what the country allows",
    caller="no ring on a Saturday, after 18:00, or on the holiday of a state with a law of its own",
    operator="`campaign law --country BR` prints the laws of the states that hold in the whole country",
    kept="nobody is called outside the hours of their state",
)
def test_where_the_part_of_a_country_is_not_known_the_laws_of_all_parts_hold():
    anywhere = lane("+5511987654321")
    assert not is_open(anywhere, "America/Belem", 2026, 3, 7, 14, 0)
    assert is_open(anywhere, "America/Belem", 2026, 3, 2, 14, 0)
    assert not is_open(anywhere, "America/Noronha", 2026, 3, 2, 18, 0)
    assert not is_open(anywhere, "America/Belem", 2026, 4, 23, 14, 0)
