"""Rows that have several numbers."""

import pytest

from telebridge.campaigns.definition.loading import read_campaign
from telebridge.campaigns.engine.contact import Lane
from telebridge.campaigns.importing.drafting import draft_campaign, sample_list
from telebridge.campaigns.importing.row import RejectedRow, layout_of, read_row
from telebridge.errors import ConfigurationError

FILE = 'name = "spring"\nflow = "reminder"\nkind = "informational"\nfrom = "+12125550100"\n'
TWO = '[columns]\nphone = ["Mobile", "Home"]\n'
NEW_YORK, ILLINOIS = Lane(("America/New_York",), "US-NY"), Lane(("America/Chicago",), "US-IL")


def contact(header, cells, added=""):
    definition = read_campaign(FILE + added, where="spring.toml")
    return read_row(cells, layout_of(header, definition.columns, where="a.csv:1"), definition, line=2)


def numbers(read):
    return (read.phone, *(phone for phone, _ in read.others))


def test_numbers_come_in_the_order_of_the_campaign_file_each_with_its_own_lane():
    read = contact(("Name", "Home", "Mobile"), ("Ann", "312 555 0112", "212 555 0111"), TWO)
    assert numbers(read) == ("+12125550111", "+13125550112")
    assert (read.lane, [lane for _, lane in read.others]) == (NEW_YORK, [ILLINOIS])
    assert read.variables == {"Name": "Ann"}


@pytest.mark.parametrize(
    ("mobile", "home", "expected"),
    [
        ("", "312 555 0112", ("+13125550112",)),
        ("212 555 0111", " ", ("+12125550111",)),
        ("212 555 0111", "(212) 555-0111", ("+12125550111",)),
    ],
)
def test_cells_without_a_number_and_numbers_that_come_twice_are_passed_over(mobile, home, expected):
    assert numbers(contact(("Mobile", "Home"), (mobile, home), TWO)) == expected


@pytest.mark.parametrize(
    ("mobile", "home", "reason"),
    [("212 555 0111", "12", "column 'Home'"), ("12", "312 555 0112", "too short"), ("", "", "the number is missing")],
)
def test_a_number_that_cannot_be_read_rejects_the_row_and_says_which(mobile, home, reason):
    read = contact(("Mobile", "Home"), (mobile, home), TWO)
    assert isinstance(read, RejectedRow)
    assert reason in read.reason


def test_the_zone_of_a_row_holds_for_all_of_its_numbers():
    read = contact(("Mobile", "Home", "zone"), ("212 555 0111", "312 555 0112", "America/Denver"), TWO)
    assert [lane.zones for lane in (read.lane, *(lane for _, lane in read.others))] == [("America/Denver",)] * 2


def test_columns_phone2_and_phone3_are_known():
    cells = ("+12125550111", "+13125550112", "+14155550113", "x")
    read = contact(("phone", "Phone 2", "phone3", "phone_type"), cells)
    assert numbers(read) == cells[:3]
    assert read.variables == {"phone_type": "x"}


def test_where_the_file_names_the_numbers_no_other_column_is_one():
    read = contact(("Mobile", "phone2"), ("+12125550111", "+13125550112"), '[columns]\nphone = "Mobile"\n')
    assert (read.others, read.variables) == ((), {"phone2": "+13125550112"})


def test_a_column_of_numbers_that_is_named_must_be_there():
    with pytest.raises(ConfigurationError, match="has no column 'Home'"):
        contact(("Mobile", "Work"), ("+12125550111", ""), TWO)


def test_a_drafted_file_says_which_columns_may_be_further_numbers(tmp_path):
    (tmp_path / "a.csv").write_text("Name,Mobile,Home,Room\nAnn,+12125550111,+13125550112,12\nBen,,+13125550113,14\n")
    text = draft_campaign(sample_list(tmp_path / "a.csv"), None, name="a", flow_name="reminder")
    assert 'phone = "Mobile"' in text
    assert '# phone = ["Mobile", "Home"]\n' in text
    assert "no text uses the columns 'Home'" not in text
