"""A list of numbers is understood, or refused with the line that was not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.faults import fault

from telebridge.campaigns.importing.number_list import (
    Unreadable,
    examine,
    numbers_of,
    read_lines,
)
from telebridge.errors import ConfigurationError

BOTH = ["+12125550111", "+12125550112"]


@pytest.fixture
def list_of(tmp_path):
    def written(content):
        path = tmp_path / "list.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


def read(path, country="US"):
    examine(path, country=country)
    return list(numbers_of(path, country=country))


@pytest.mark.parametrize(
    "content",
    [
        "2125550111\n2125550112\n",
        "+1 (212) 555-0111\r\n\r\n212.555.0112",
        "212,5550111\n212,5550112\n",
        "212,555-0111\n212,555-0112\n",
        "212,5550111\n2125550112\n",
        "212,5550111,2026-01-02 03:04:05,A\n212,5550112,2026-01-02 03:04:05,A\n",
        "Area Code,Phone Number\n212,5550111\n212,5550112\n",
        "phone\n2125550111\n2125550112\n",
        "Do not call!\n2125550111\n2125550112\n",
        "id;Phone_Number;name\n1;2125550111;Ada\n2;2125550112;\n",
        'name,telephone\n"Lovelace, Ada",2125550111\n"Byron, Anne",2125550112\n',
        "Ada\t2125550111\nBen\t2125550112\n",
        "\ufeff2125550111\n2125550112\n",
        b"2125550111,Zo\xeb\n2125550112,Ada\n",
    ],
)
def test_a_list_is_read_however_it_is_written(list_of, content):
    assert read(list_of(content)) == BOTH


def test_seven_digits_behind_three_are_no_area_code_elsewhere(list_of):
    assert read(list_of("209,2079460958\n"), country="GB") == ["+442079460958"]


def test_a_stray_quote_costs_no_more_than_its_line(list_of):
    path = list_of('"2125550110\n' + "".join(f"212555{n:04d}\n" for n in range(2000, 4000)))
    assert len(read(path)) == 2001


def test_a_few_lines_that_are_no_numbers_are_counted_and_the_first_told(list_of):
    lines = [f"212555{n:04d}" for n in range(1000, 1200)]
    examined = examine(list_of("\n".join([*lines[:100], "total 100", *lines[100:], "-- end --"])), country="US")
    assert (examined.numbers, examined.unreadable) == (200, 2)
    assert examined.first_unreadable == Unreadable(101, "'total 100' has letters ('total'): write the number alone")


@fault(
    "A do-not-call register comes as XML, as a workbook, or with NULs.",
    caller="Nobody is called by a list that was half understood.",
    operator="One line that names the line and what to take instead.",
    kept="The list that was there before.",
)
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "list.txt: holds no telephone number"),
        ("phone\n", "list.txt: holds no telephone number"),
        ("212555011\n", "list.txt:1: '212555011' is no telephone number; 1 of 1 lines are no numbers"),
        ("2125550111\nnonsense\n", "list.txt:2: 'nonsense' is no telephone number; 1 of 2 lines"),
        ("5550111\n5550112\n", "list.txt:1: '5550111' is no telephone number"),
        ("2125550111\n212,5550112\n", "list.txt:2: "),
        ("name,city\nAda,London\n", "list.txt:1: has neither a number nor a column of numbers"),
        ("phone,mobile\n2125550111,2125550112\n", "list.txt:1: has several columns of numbers, 'phone' and 'mobile'"),
        ("2125550111\n".encode("utf-16"), "list.txt:1: is UTF-16, no list of numbers"),
        ("2125550111\n".encode("utf-16-le"), "list.txt:1: is no line of text"),
        (b"2125550111\n\0\n", "list.txt:2: is no line of text"),
        (b"PK\x03\x04\x00", "list.txt:1: is a workbook or zip archive"),
        ("<list><ac val='212'/></list>", "list.txt:1: is XML, no list of numbers; take the flat text file"),
        ("2" * 300_000, "list.txt:1: is no line of text"),
    ],
)
def test_a_file_that_is_not_understood_is_refused_by_its_line(list_of, content, problem):
    with pytest.raises(ConfigurationError) as refused:
        examine(list_of(content), country="US")
    assert problem in str(refused.value)


def test_what_can_be_read_only_once_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="is no regular file"):
        examine(tmp_path, country="US")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        examine(tmp_path / "nothing", country="US")


@given(st.binary(max_size=300))
def test_whatever_a_file_holds_it_is_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(content)
    try:
        found = list(read_lines(path, country="US"))
    except ConfigurationError:
        return
    assert all(isinstance(one, Unreadable) or one.startswith("+") for one in found)
