"""Lists as spreadsheets, address books, CRMs and people write them: who is taken, and who is not and why."""

from pathlib import Path

import pytest
from support.contact_lists import imported
from support.real_lists import FOLDER, page, real_lists

from telebridge.errors import ConfigurationError

LISTS = real_lists()
PAGE = Path(__file__).parents[3] / "docs" / "lists.md"


@pytest.mark.parametrize("expected", [one for one in LISTS if not one.refused], ids=lambda one: one.name)
async def test_a_list_is_read_as_its_writer_means_it(tmp_path, expected):
    taken = await imported(tmp_path, expected.content, **expected.options)
    assert {phone: dict(one.variables) for phone, one in taken.contacts.items()} == expected.taken
    assert {reject["line"]: reject["reason"] for reject in taken.rejects} == expected.rejects
    assert (taken.done.duplicates, taken.done.empty) == (expected.duplicates, expected.empty)
    assert taken.done.rows == len(expected.taken) + len(expected.rejects) + expected.duplicates, "no row is lost"


@pytest.mark.parametrize("expected", [one for one in LISTS if one.refused], ids=lambda one: one.name)
async def test_a_list_that_cannot_be_read_is_refused_as_a_whole(tmp_path, expected):
    with pytest.raises(ConfigurationError) as refused:
        await imported(tmp_path, expected.content, **expected.options)
    assert str(refused.value).replace(f"{tmp_path}/", "") == expected.refused


def test_there_are_sixty_lists_and_more_each_with_what_is_expected():
    assert len(LISTS) >= 60
    assert sorted(one.name for one in LISTS) == sorted(path.stem for path in FOLDER.glob("*.csv"))


def test_the_page_of_lists_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: python tests/support/write_lists.py"
