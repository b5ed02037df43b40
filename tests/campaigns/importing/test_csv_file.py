"""CSV files as the world writes them."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.faults import fault

from telebridge.campaigns.importing.csv_file import LONGEST_LINE, MOST_LINES, ContactFile
from telebridge.campaigns.importing.row import RejectedRow
from telebridge.errors import ConfigurationError


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "contacts.csv"

    def read(content: bytes | str, *, after_line: int = 0, delimiter: str = ""):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with ContactFile(path, delimiter=delimiter) as file:
            return list(file.rows(after_line=after_line))

    return read


@pytest.fixture
def error(tmp_path):
    path = tmp_path / "contacts.csv"

    def read(content: bytes) -> str:
        path.write_bytes(content)
        with pytest.raises(ConfigurationError) as caught:
            ContactFile(path)
        return str(caught.value).removeprefix(str(path))

    return read


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(rows, delimiter):
    assert rows(f"phone{delimiter}name\n1{delimiter}a b\n") == [(2, 2, ["1", "a b"])]


def test_a_delimiter_in_quotes_does_not_count(rows):
    assert rows('phone;"last, first, middle"\n1;a\n') == [(2, 2, ["1", "a"])]


def test_the_delimiter_may_be_given(rows):
    assert rows("phone,x^name\n1,2^a\n", delimiter="^") == [(2, 2, ["1,2", "a"])]


def test_the_line_that_excel_begins_with_names_the_delimiter(rows):
    assert rows("sep=|\nphone|name\n1|a\n") == [(3, 3, ["1", "a"])]


def test_one_column_needs_no_delimiter(rows):
    assert rows("phone\n1\n2\n") == [(2, 2, ["1"]), (3, 3, ["2"])]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_every_way(rows, end):
    assert rows(end.join(["phone,name", "1,a", "2,b"])) == [(2, 2, ["1", "a"]), (3, 3, ["2", "b"])]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    path = tmp_path / "contacts.csv"
    path.write_bytes(b"\xef\xbb\xbfphone,name\n")
    with ContactFile(path) as file:
        assert file.header == ("phone", "name")
        assert file.where == f"{path}:1"


def test_a_quoted_cell_may_hold_line_breaks_and_lines_are_counted_through(rows):
    assert rows('phone,note\n1,"a\nb ""c"""\n\n2,d\n') == [(2, 3, ["1", 'a\nb "c"']), (5, 5, ["2", "d"])]


@pytest.mark.parametrize("bad", ['1,"a', '1,"a"b'])
def test_a_stray_quote_costs_its_own_row_alone(rows, bad):
    first, *rest = rows(f'phone,name\n{bad}\n2,b\n3,"c"\n4,d\n')
    assert isinstance(first, RejectedRow)
    assert (first.line, first.raw) == (2, (bad,))
    assert "quote" in first.reason
    assert rest == [(3, 3, ["2", "b"]), (4, 4, ["3", "c"]), (5, 5, ["4", "d"])]


@fault(
    "A quote in a list of contacts is opened and never closed.",
    caller="The contacts behind it are called.",
    operator="One reject with its line.",
    kept="Every row behind it.",
)
def test_a_quote_that_is_never_closed_does_not_swallow_the_file(rows):
    first, *rest = rows('phone,name\n1,"a\n' + "2,b\n" * MOST_LINES * 3)
    assert first == RejectedRow(2, "a quote is opened and never closed", ('1,"a',))
    assert len(rest) == MOST_LINES * 3
    assert rest[-1] == (MOST_LINES * 3 + 2, MOST_LINES * 3 + 2, ["2", "b"])


@fault(
    "A line of a list of contacts is hundreds of kilobytes long.",
    caller="The contacts behind it are called.",
    operator="One reject, shown short.",
    kept="Every row behind it, and the memory of the process.",
)
@pytest.mark.parametrize("length", [131_073, LONGEST_LINE + 10, LONGEST_LINE * 3])
def test_a_line_that_is_far_too_long_costs_its_own_row_alone(rows, length):
    first, second = rows("phone,name\n1," + "a" * length + "\n2,b\n")
    assert isinstance(first, RejectedRow)
    assert first.line == 2
    assert len(first.raw[0]) <= 1000
    assert second == (3, 3, ["2", "b"])


def test_a_line_of_many_cells_that_is_too_long_is_a_reject(rows):
    first, second = rows("phone,name\n" + "a," * LONGEST_LINE + "\n2,b\n")
    assert isinstance(first, RejectedRow)
    assert "has a line of more than 262,144 characters" in first.reason
    assert second == (3, 3, ["2", "b"])


def test_bytes_that_are_no_utf_8_come_through_for_the_row_to_be_rejected(rows):
    assert rows(b"phone,name\n1,Zo\xeb\n2,b\n") == [(2, 2, ["1", "Zo\udceb"]), (3, 3, ["2", "b"])]


def test_a_nul_comes_through_for_the_row_to_be_rejected(rows):
    assert rows(b"phone,name\n1,a\0\n") == [(2, 2, ["1", "a\0"])]


def test_lines_that_are_done_are_passed_over(rows):
    content = 'phone,name\n1,a\n2,"b\nc"\n3,"d\n4,e\n'
    assert [row if isinstance(row, RejectedRow) else row[0] for row in rows(content, after_line=4)] == [
        RejectedRow(5, "a quote is opened and never closed", ('3,"d',)),
        6,
    ]
    assert rows(content, after_line=5) == [(6, 6, ["4", "e"])]
    assert rows(content, after_line=2)[0] == (3, 4, ["2", "b\nc"])


@fault(
    "A list of contacts is a workbook, UTF-16, or has no header.",
    caller="Nobody is called.",
    operator="One line that names the file, the line and what to export instead.",
    kept="The campaign: the import was never begun.",
)
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ":1: has no header; name the columns in its first line"),
        (b"\n1,2\n", ":1: has no header; name the columns in its first line"),
        (b" , \n1,2\n", ":1: has no header; name the columns in its first line"),
        ("phone,name\n".encode("utf-16"), ":1: is UTF-16, not UTF-8 text; export it as 'CSV UTF-8'"),
        ("phone,name\n".encode("utf-32"), ":1: is UTF-32, not UTF-8 text; export it as 'CSV UTF-8'"),
        (
            "phone,name\n".encode("utf-16-le"),
            ":1: has a NUL at byte 2: it is UTF-16 or no text; export it as 'CSV UTF-8'",
        ),
        (b"PK\x03\x04....", ":1: is a workbook or zip archive, not UTF-8 text; export it as 'CSV UTF-8'"),
        (b"\xd0\xcf\x11\xe0....", ":1: is a workbook of an old Excel, not UTF-8 text; export it as 'CSV UTF-8'"),
        (b"phone,pr\xe9nom\n", ":1: byte 0xE9 in the column 'pr\\xe9nom' is not UTF-8; export it as 'CSV UTF-8'"),
        (b'"phone\n', ":1: is no header: a quote is opened and never closed"),
        (
            b'sep="\nphone"name\n',
            ":1: names '\"' as what stands between cells, which cannot be; write 'sep=;' or 'sep=,'",
        ),
        (b"a," * LONGEST_LINE, ":1: has more than 500 columns; is this a CSV?"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_with_line_and_byte(error, content, said):
    assert error(content) == said


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        ContactFile(tmp_path / "nothing.csv")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        ContactFile(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([b'"', b",", b"\n", b"\r", b"a", b"\xff", b"\0", b"\xc3\xa4", b";"]), max_size=60))
def test_whatever_bytes_a_file_holds_every_line_is_a_row_a_reject_or_empty(tmp_path, parts):
    path = tmp_path / "contacts.csv"
    path.write_bytes(b"phone,name" + b" " * 400 + b"\n" + b"".join(parts))  # long, so that NULs are few
    with ContactFile(path) as file:
        rows = list(file.rows())
    places = [(row.line, row.line) if isinstance(row, RejectedRow) else row[:2] for row in rows]
    assert all(first <= last for first, last in places)
    assert all(before[1] < after[0] for before, after in pairwise(places))


def test_rows_of_nothing_but_delimiters_and_blanks_are_passed_over_and_counted(tmp_path):
    path = tmp_path / "contacts.csv"
    path.write_text('phone,name,note\n1,a,b\n,,\n\n  ,\t,\u00a0\n"",,""\n2,,\n,,\n', encoding="utf-8")
    with ContactFile(path) as file:
        assert list(file.rows()) == [(2, 2, ["1", "a", "b"]), (7, 7, ["2", "", ""])]
        assert file.empty_rows == 5
