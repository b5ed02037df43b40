"""What the commands tell of an import, and how many processes read a file."""

import pytest

from telebridge.campaigns.importing.importing import ImportProgress
from telebridge.cli.campaign.lists.importing import readers_for, rejects_beside, told, told_json


def test_a_small_file_is_read_by_this_process_alone():
    assert (readers_for(1_999_999), readers_for(2_000_000)) == (0, None)


def test_rejected_rows_go_beside_the_file(tmp_path):
    assert rejects_beside(tmp_path / "people.csv") == tmp_path / "people.rejects.csv"


@pytest.mark.parametrize(
    ("done", "line"),
    [
        (ImportProgress(1, rows=4, added=4, seconds=2.0), "4 added"),
        (
            ImportProgress(1, rows=1500, added=1000, duplicates=300, rejected=200, seconds=1.0),
            "1,000 added, 300 already there, 200 rejected, see r.csv (1,500 rows/s)",
        ),
        (
            ImportProgress(1, rows=9, added=2, duplicates=7, updated=3, empty=12, seconds=1.0),
            "2 added, 4 already there, 3 updated, 12 empty rows",
        ),
    ],
)
def test_the_result_of_an_import_is_one_line(tmp_path, done, line):
    assert told(done, tmp_path.joinpath("r.csv").relative_to(tmp_path)) == line


def test_a_program_is_told_of_the_file_of_rejects_only_when_there_are_some(tmp_path):
    path = tmp_path / "r.csv"
    assert told_json(ImportProgress(1, added=2), path)["rejects"] is None
    rejected = told_json(ImportProgress(1, rejected=2), path)
    assert (rejected["rejects"], rejected["rejected"]) == (str(path), 2)
