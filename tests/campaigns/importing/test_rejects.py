"""The file of rows that are no contacts."""

import csv

import pytest

from telebridge.campaigns.importing.rejects import RejectFile
from telebridge.campaigns.importing.row import RejectedRow
from telebridge.errors import ConfigurationError


def lines(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_rejects_are_written_with_line_reason_and_cells_that_are_safe(tmp_path):
    path = tmp_path / "new" / "rejects.csv"
    with RejectFile(path, ["phone", "=name"], imported=tmp_path / "in.csv") as file:
        file.write([RejectedRow(2, "'12' is too short", ("12", "=1+1")), RejectedRow(3, "has 1 cells", ("+1,\n",))])
    assert lines(path) == [
        ["line", "reason", "phone", "'=name"],
        ["2", "'12' is too short", "12", "'=1+1"],
        ["3", "has 1 cells", "'+1,\n"],
    ]


def test_an_import_that_goes_on_keeps_what_is_done_and_writes_the_rest_anew(tmp_path):
    path = tmp_path / "rejects.csv"
    with RejectFile(path, ["phone"], imported=tmp_path / "in.csv") as file:
        file.write([RejectedRow(line, "bad", ("x",)) for line in (2, 5, 9)])
    with RejectFile(path, ["phone"], imported=tmp_path / "in.csv", keep_upto_line=5) as file:
        file.write([RejectedRow(9, "bad", ("x",))])
    assert [row[0] for row in lines(path)] == ["line", "2", "5", "9"]


def test_a_new_import_begins_a_new_file(tmp_path):
    path = tmp_path / "rejects.csv"
    path.write_text("line,reason\n2,old\n")
    with RejectFile(path, ["phone"], imported=tmp_path / "in.csv"):
        pass
    assert lines(path) == [["line", "reason", "phone"]]


def test_the_imported_file_is_never_written_over(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("phone\n")
    with pytest.raises(ConfigurationError, match="is the file that is imported"):
        RejectFile(tmp_path / "." / "in.csv", ["phone"], imported=path)
    assert path.read_text() == "phone\n"


def test_a_place_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be written"):
        RejectFile(tmp_path, ["phone"], imported=tmp_path / "in.csv")
