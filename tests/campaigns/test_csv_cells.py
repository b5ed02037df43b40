"""Cells that a spreadsheet takes for text."""

import pytest

from telebridge.campaigns.csv_cells import safe_cell


@pytest.mark.parametrize(
    "cell",
    [
        *("=1+1", "+12125550123", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\r\n =1", " =1", "\xa0@A1", "\ufeff=1"),
        *("\uff1d1", "\uff0b1", "\uff0d1", "\uff20A1", "\n\uff1d1", "\nAda"),
    ],
)
def test_what_a_spreadsheet_would_run_is_made_text(cell):
    assert safe_cell(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Ada", "1+1", "Zoë", "a=b", " ", " Ada", "Ada\n=1"])
def test_everything_else_stays_as_it_is(cell):
    assert safe_cell(cell) == cell


def test_bytes_that_were_no_text_are_shown():
    assert safe_cell("Zo\udceb") == "Zo\\xeb"
