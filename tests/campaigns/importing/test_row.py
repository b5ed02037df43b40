"""Rows into contacts or rejects."""

from datetime import UTC, datetime
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.campaigns.definition.model import CampaignDefinition, ColumnTable
from telebridge.campaigns.engine.contact import Lane, NewContact
from telebridge.campaigns.importing.row import (
    ColumnLayout,
    RejectedRow,
    layout_of,
    read_row,
    variable_name,
)
from telebridge.errors import ConfigurationError

HEADER = ("phone", "First name", "zone", "postal_code", "due_at", "priority", "consent_at", "consent_source")
LEAST = MappingProxyType({"name": "x", "flow": "f", "kind": "informational", "from": "+12125550100"})


def definition(**values: object) -> CampaignDefinition:
    return CampaignDefinition.model_validate({**LEAST, **values})


def layout(*header: str, **columns: str) -> ColumnLayout:
    return layout_of(header or HEADER, ColumnTable(**columns), where="contacts.csv:1")


def read(campaign: CampaignDefinition | None = None, **cells: str) -> NewContact | RejectedRow:
    row = {
        "phone": "(212) 555-0123",
        **{name.replace("First_name", "First name"): cell for name, cell in cells.items()},
    }
    return read_row([row.get(name, "") for name in HEADER], layout(), campaign or definition(), line=7)


def reason(read_: NewContact | RejectedRow) -> str:
    assert isinstance(read_, RejectedRow)
    return read_.reason


def test_a_row_is_a_contact_and_its_other_columns_are_variables():
    assert read(First_name="Ada", priority="3") == NewContact(
        phone="+12125550123",
        lane=Lane(("America/New_York",), "US-NY"),
        variables={"First_name": "Ada"},
        priority=3,
    )


def test_a_formula_in_a_cell_is_data():
    contact = read(First_name="=cmd|' /C calc'!A0")
    assert isinstance(contact, NewContact)
    assert contact.variables["First_name"] == "=cmd|' /C calc'!A0"


def test_a_time_without_an_offset_is_on_the_contacts_clock():
    contact = read(due_at="2026-03-02T09:30", consent_at="2026-01-05")
    assert isinstance(contact, NewContact)
    assert contact.due_at == datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
    assert contact.consented_at == datetime(2026, 1, 5, 5, tzinfo=UTC)


def test_on_several_clocks_the_latest_counts():
    contact = read(phone="+12195550123", due_at="2026-03-02 09:30")
    assert isinstance(contact, NewContact)
    assert contact.due_at == datetime(2026, 3, 2, 15, 30, tzinfo=UTC)


def test_a_time_with_an_offset_is_that_instant():
    contact = read(due_at="2026-03-02T09:30+01:00")
    assert isinstance(contact, NewContact)
    assert contact.due_at == datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"phone": ""}, "the number is missing"),
        ({"phone": "12"}, "'12' is too short for a number of US"),
        ({"zone": "Mars/Base"}, "'Mars/Base' is no time zone that people live in"),
        ({"postal_code": "ABC"}, "'ABC' is no postal code of a state or province"),
        ({"due_at": "tomorrow"}, "due_at 'tomorrow' is no date and time: write it as 2026-03-02 or"),
        ({"due_at": "0001-01-01T00:00+14:00"}, "due_at '0001-01-01T00:00+14:00' is no date and time"),
        ({"priority": "high"}, "priority 'high' is no whole number from -1000 to 1000"),
        ({"priority": "1001"}, "priority '1001' is no whole number"),
        ({"priority": "\u0663"}, "priority '\u0663' is no whole number"),
        ({"First_name": "A\0"}, "column 'First name' holds a NUL character"),
        ({"First_name": "x" * 10_001}, "column 'First name' is longer than 10,000 characters"),
        ({"First_name": "Zo\udceb"}, "byte 0xEB in column 'First name' is not UTF-8: save the file as UTF-8"),
    ],
)
def test_a_row_that_is_no_contact_says_why(cells, why):
    rejected = read(**cells)
    assert reason(rejected).startswith(why)
    assert isinstance(rejected, RejectedRow)
    assert rejected.line == 7
    assert len(rejected.raw) == len(HEADER)


def test_a_row_with_too_many_cells_is_rejected():
    rejected = read_row(["x"] * 9, layout(), definition(), line=2)
    problem = "has 9 cells where the header has 8: is a delimiter in a cell not quoted?"
    assert rejected == RejectedRow(2, problem, ("x",) * 9)


@pytest.mark.parametrize("length", range(1, len(HEADER)))
def test_cells_that_are_missing_at_the_end_of_a_row_are_empty(length):
    row = ["(212) 555-0123", "Ada", "America/Denver", "", "", "3", "2026-01-05", "form 7"]
    whole = read_row(row[:length] + [""] * (len(HEADER) - length), layout(), definition(), line=2)
    assert isinstance(whole, NewContact)
    assert read_row(row[:length], layout(), definition(), line=2) == whole


def test_consent_is_asked_for_where_the_campaign_needs_it():
    telemarketing = definition(kind="telemarketing")
    assert reason(read(telemarketing)) == "has no consent_at, which this campaign requires"
    assert reason(read(telemarketing, consent_at="2026-01-05")) == "has no consent_source, which this campaign requires"
    assert isinstance(read(telemarketing, consent_at="2026-01-05", consent_source="form 12"), NewContact)
    assert isinstance(read(definition(kind="telemarketing", require_consent=False)), NewContact)


def test_the_owner_may_answer_for_a_zone():
    assert "toll-free" in reason(read(phone="18005550123"))
    contact = read(definition(default_zone="America/New_York"), phone="18005550123")
    assert isinstance(contact, NewContact)
    assert contact.lane == Lane(("America/New_York",), "US")


def test_columns_are_found_whatever_their_case_and_under_other_names():
    found = layout("Customer", "PHONE", "TZ", zone="tz")
    assert found.fields == {"phone": 1, "zone": 2}
    assert found.variables == {"Customer": 0}


def test_columns_that_no_flow_could_name_are_renamed():
    assert layout("phone", "First name", "plain").variables == {"First_name": 1, "plain": 2}


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("First name", "First_name"),
        ("e-mail", "e_mail"),
        ("2nd phone", "_2nd_phone"),
        ("to", "to_"),
        ("from", "from_"),
        ("if", "if_"),
        ("", "column_4"),
        ("Größe", "Gr_e"),
        ("{{ x }}", "x"),
    ],
)
def test_a_variable_has_a_name_that_templates_take(column, name):
    assert variable_name(column, 3) == name


@pytest.mark.parametrize(
    ("header", "columns", "error"),
    [
        (("telephone", "name"), {}, "has no column 'phone'; did you mean 'telephone'? Then set columns.phone"),
        (("a", "b"), {}, "has no column 'phone'; it has a, b"),
        (
            ("phone", "Zone"),
            {"zone": "time zone"},
            "has no column 'time zone'; did you mean 'Zone'? Then set columns.zone",
        ),
        (("phone", "name", "name"), {}, "has two columns 'name'; give each a name of its own"),
        (
            ("phone", "first name", "first-name"),
            {},
            "the columns 'first name' and 'first-name' would both be 'first_name' in a flow; rename one of them",
        ),
        (tuple(f"c{at}" for at in range(501)), {}, "has 501 columns, more than 500; leave some out"),
    ],
)
def test_a_wrong_header_is_an_error_that_says_what_to_do(header, columns, error):
    with pytest.raises(ConfigurationError) as caught:
        layout(*header, **columns)
    assert str(caught.value) == f"contacts.csv:1: {error}"


@pytest.mark.slow
@given(st.lists(st.text(max_size=30), min_size=8, max_size=8))
def test_whatever_a_row_holds_it_is_a_contact_or_a_reject(cells):
    assert isinstance(read_row(cells, layout(), definition(), line=2), NewContact | RejectedRow)
    assert isinstance(read_row(["+12125550123", *cells[1:]], layout(), definition(), line=2), NewContact | RejectedRow)


def test_columns_are_found_without_regard_to_blanks():
    found = layout("Post code", "Postal Code", "PHONE", "consent-at")
    assert found.fields == {"phone": 2, "postal_code": 1, "consent_at": 3}


def test_a_campaign_may_say_which_column_a_variable_is():
    found = layout("phone", "Termin am", "Other", appointment="termin am")
    assert found.variables == {"appointment": 1, "Other": 2}
    with pytest.raises(
        ConfigurationError, match=r"has no column 'Termin'; did you mean 'Termine'\? Then set columns.day"
    ):
        layout("phone", "Termine", day="Termin")


def test_two_columns_that_a_flow_cannot_tell_apart_are_refused():
    with pytest.raises(ConfigurationError, match="the columns 'Name' and 'NAME' would both be 'NAME' in a flow"):
        layout("phone", "Name", "NAME")
    with pytest.raises(ConfigurationError, match="the columns 'Kunde' and 'Name' would both be 'Name' in a flow"):
        layout("phone", "Kunde", "Name", name="Kunde")


def test_what_a_flow_needs_is_a_column_with_something_in_every_row():
    needing = layout_of(["phone", "First name"], ColumnTable(), where="people.csv:1", needs=["first_name"])
    assert needing.needs == {"first_name": 1}
    assert isinstance(read_row(["+12125550123", "Ada"], needing, definition(), line=2), NewContact)
    for cells in (["+12125550123", " "], ["+12125550123"]):
        assert reason(read_row(cells, needing, definition(), line=2)) == (
            "has no {{ first_name }}, which the flow needs: its column 'First name' is empty"
        )
    with pytest.raises(ConfigurationError) as caught:
        layout_of(["phone", "Firstnaam"], ColumnTable(), where="people.csv:1", needs=["first_name"])
    problem = "people.csv:1: has no column 'first_name', which the flow needs"
    assert str(caught.value) == f"{problem}; did you mean 'Firstnaam'? Then set columns.first_name"


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        (("Name", "Appointment", "number"), "did you mean 'number'? Then set columns.phone"),
        (("Phone owner", "Mobile Phone"), "did you mean 'Mobile Phone'? Then set columns.phone"),
        (("Customers 2026", "", ""), "a title stands there: delete the lines above the names of the columns"),
    ],
)
def test_the_column_of_numbers_is_guessed_at_by_what_it_is_called(header, hint):
    with pytest.raises(ConfigurationError) as caught:
        layout(*header)
    assert caught.value.hint == hint
