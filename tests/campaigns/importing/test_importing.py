"""Whole imports, with the processes that parse numbers, and what surrounds an import of a campaign."""

import csv
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from support.campaigns import SteeredClock, memory_store, plan
from support.faults import fault

from telebridge.campaigns.definition.loading import load_campaign
from telebridge.campaigns.engine.contact import Added, ImportPosition, NewContact
from telebridge.campaigns.engine.states import CampaignInput
from telebridge.campaigns.importing import importing
from telebridge.campaigns.importing.filling import fill_campaign
from telebridge.campaigns.importing.importing import (
    CampaignImportBroken,
    ImportProgress,
    import_contacts,
    read_batch,
)
from telebridge.errors import CampaignRefused, ConfigurationError

CAMPAIGNS = Path(__file__).parents[3] / "config" / "campaigns"
REMINDERS = load_campaign(CAMPAIGNS / "reminders.toml")


class StoreGone(Exception):
    pass


class Sink:
    """Keeps contacts as a store would: each number once, the line with them."""

    def __init__(self, *, fails_after: int | None = None) -> None:
        self.contacts: dict[str, NewContact] = {}
        self.upto_lines: list[int] = []
        self._fails_after = fails_after

    async def add(self, campaign_id: str, contacts: Sequence[NewContact], *, upto_line: int) -> Added:
        assert campaign_id == "c1"
        if self._fails_after is not None and len(self.upto_lines) >= self._fails_after:
            raise StoreGone
        new = {contact.phone: contact for contact in contacts if contact.phone not in self.contacts}
        self.contacts |= new
        self.upto_lines.append(upto_line)
        return Added(len(new), len(contacts) - len(new))


async def run(path: Path, sink: Sink, rejects: Path, **options) -> ImportProgress:
    return await import_contacts(path, REMINDERS, sink, campaign_id="c1", rejects=rejects, workers=1, **options)


def rejected_lines(path: Path) -> list[int]:
    with path.open(newline="") as file:
        return [int(row["line"]) for row in csv.DictReader(file)]


async def test_the_example_is_imported_whole(tmp_path):
    sink = Sink()
    done = await run(CAMPAIGNS / "reminders.csv", sink, tmp_path / "rejects.csv")
    assert (done.rows, done.added, done.rejected, done.upto_line) == (200, 200, 0, 201)
    assert all(contact.lane.zones for contact in sink.contacts.values())
    assert rejected_lines(tmp_path / "rejects.csv") == []


@pytest.mark.slow
async def test_an_interrupted_import_goes_on_where_the_store_is(tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "BATCH_ROWS", 20)
    path, rejects = tmp_path / "contacts.csv", tmp_path / "rejects.csv"
    numbers = [f"+1212555{at:04}" if at % 10 else "12" for at in range(100)]
    path.write_text("phone\n" + "\n".join([*numbers, "+12125550001"]) + "\n")
    first = Sink(fails_after=2)
    with pytest.raises(StoreGone):
        await run(path, first, rejects)
    assert first.upto_lines == [21, 41]
    second = Sink()
    second.contacts = dict(first.contacts)
    told: list[ImportProgress] = []
    done = await run(path, second, rejects, resume_after_line=41, on_progress=told.append)
    assert (done.rows, done.added, done.duplicates, done.rejected) == (61, 54, 1, 6)
    assert len(second.contacts) == 90
    assert rejected_lines(rejects) == [2 + at for at in range(0, 100, 10)]
    assert [each.upto_line for each in told] == [61, 81, 101, 102]
    assert told[-1] == done
    assert done.rows_per_second > 0


async def test_a_wrong_header_ends_an_import_before_it_begins(tmp_path):
    path = tmp_path / "contacts.csv"
    path.write_text("telephone\n+12125550123\n")
    with pytest.raises(ConfigurationError, match="did you mean 'telephone'"):
        await run(path, Sink(), tmp_path / "rejects.csv")
    assert not (tmp_path / "rejects.csv").exists()


def test_the_rate_is_zero_at_the_beginning():
    assert ImportProgress(total_bytes=100).rows_per_second == 0


def test_a_batch_is_short_where_rows_are_long(monkeypatch):
    monkeypatch.setattr(importing, "BATCH_CHARACTERS", 100)
    rows = iter([(line, line, ["x" * 60]) for line in range(2, 10)])
    assert [len(importing._next_batch(rows)) for _ in range(5)] == [2, 2, 2, 2, 0]


def test_a_process_that_was_not_set_up_says_so(monkeypatch):
    monkeypatch.setattr(importing, "_instructions", None)
    with pytest.raises(RuntimeError, match="not set up"):
        read_batch([])


@fault(
    "A list of contacts holds broken numbers, bytes that are no UTF-8, NULs, stray quotes and missing cells.",
    caller="The contacts whose rows are right are called.",
    operator="The file of rejects with line and reason of each.",
    kept="Every good row.",
)
async def test_every_bad_row_is_rejected_with_its_line_and_the_good_ones_go_on(tmp_path):
    path, rejects = tmp_path / "contacts.csv", tmp_path / "rejects.csv"
    path.write_bytes(
        b"phone,name,zone\r\n"
        b"+12125550101,good,\r\n"
        b"12,short,\r\n"
        b"+12125550102,Zo\xeb,\r\n"
        b'+12125550103,"stray,\r\n'
        b"+12125550104,nul\0,\r\n"
        b"+12125550105,many,,\r\n"
        b"+12125550106,zone,Mars/Base\r\n"
        b"+18005550107,free,\r\n"
        b'+12125550108,"=1+1\r\nsecond",America/Denver\r\n'
        b"+12125550101,again,\r\n"
    )
    sink = Sink()
    done = await run(path, sink, rejects)
    assert (done.rows, done.added, done.duplicates, done.rejected, done.upto_line) == (10, 2, 1, 7, 12)
    assert rejected_lines(rejects) == [3, 4, 5, 6, 7, 8, 9]
    assert sink.contacts["+12125550108"].variables == {"name": "=1+1\r\nsecond"}
    assert "'+18005550107,free" in rejects.read_text()


@fault(
    "A process of an import dies, as for want of memory.",
    caller="Nobody is called from half a list.",
    operator="One line: after which line, and to run the import again.",
    kept="The contacts that are in.",
)
async def test_a_process_that_dies_leaves_an_import_that_can_be_resumed(tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "_set_up", int)  # which fails on what it is given
    path = tmp_path / "contacts.csv"
    path.write_text("phone\n+12125550123\n")
    with pytest.raises(CampaignImportBroken, match="after line 0; run the import again"):
        await run(path, Sink(), tmp_path / "rejects.csv")


async def test_a_small_file_is_read_without_another_process(tmp_path, monkeypatch):
    def no_process(*_args, **_kwargs):
        raise AssertionError("a process was started")

    monkeypatch.setattr(importing, "ProcessPoolExecutor", no_process)
    sink, rejects = Sink(), tmp_path / "rejects.csv"
    done = await import_contacts(
        CAMPAIGNS / "reminders.csv", REMINDERS, sink, campaign_id="c1", rejects=rejects, workers=0
    )
    assert (done.rows, done.added) == (200, 200)


FILE = 'name = "spring"\nflow = "hello"\nkind = "informational"\nfrom = "+12125550100"\n'
PEOPLE = "tel,phone\n2125550111,2125550112\n"


@pytest.fixture
async def store():
    async with memory_store(SteeredClock()) as made:
        yield made


@pytest.fixture
def people(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(PEOPLE)
    return path


async def fill(store, campaign, path, **options):
    rejects = path.with_name("rejects.csv")
    return await fill_campaign(store.contacts, campaign, path, rejects=rejects, workers=0, **options)


@pytest.mark.parametrize(
    "spoil",
    [lambda path: path.write_text("tel\n2125550111\n"), lambda path: path.unlink(), lambda path: path.write_text("")],
)
async def test_a_file_that_cannot_be_imported_was_never_begun(store, people, spoil):
    campaign = await store.campaigns.create(plan(file=FILE))
    spoil(people)
    with pytest.raises(ConfigurationError):
        await fill(store, campaign, people)
    assert await store.contacts.import_position(campaign.id) == ImportPosition()


async def test_rejects_that_cannot_be_written_are_told_before_anything_is_begun(store, people):
    campaign = await store.campaigns.create(plan(file=FILE))
    people.with_name("rejects.csv").mkdir()
    with pytest.raises(ConfigurationError, match=r"rejects.csv: cannot be written \(Is a directory\)"):
        await fill(store, campaign, people)
    assert await store.contacts.import_position(campaign.id) == ImportPosition()


async def test_the_same_file_is_read_again_when_the_campaign_reads_it_otherwise(store, people):
    campaign = await store.campaigns.create(plan(file=FILE))
    assert (await fill(store, campaign, people)).added == 1
    assert (await fill(store, campaign, people)).duplicates == 1
    mended = await store.campaigns.replan(campaign.id, replace(campaign.plan, file=FILE + '[columns]\nphone = "tel"\n'))
    assert (await fill(store, mended, people)).added == 1


class _BrokenAfter:
    """A store whose second batch is lost."""

    def __init__(self, contacts):
        self._contacts = contacts
        self.batches = 0

    def __getattr__(self, name):
        return getattr(self._contacts, name)

    async def add(self, *arguments, **options):
        self.batches += 1
        if self.batches == 2:
            raise RuntimeError("gone")
        return await self._contacts.add(*arguments, **options)


async def _interrupted(store, campaign, people):
    people.write_text("phone\n" + "".join(f"212555{n:04d}\n" for n in range(1000, 7000)))
    os.utime(people, ns=(1, 1))
    with pytest.raises(RuntimeError):
        await fill_campaign(
            _BrokenAfter(store.contacts), campaign, people, rejects=people.with_name("rejects.csv"), workers=0
        )


@fault(
    "An import breaks off after 5,000 rows.",
    caller="Each contact once.",
    operator="The next run says behind which line it goes on.",
    kept="Every row; none is taken twice.",
)
async def test_an_interrupted_import_goes_on_and_says_where(store, people):
    campaign = await store.campaigns.create(plan(file=FILE))
    await _interrupted(store, campaign, people)
    resumed = []
    done = await fill(store, campaign, people, on_resume=resumed.append)
    assert (resumed, done.rows, done.added) == ([5001], 1000, 1000)
    assert await store.contacts.is_filled(campaign.id)


@fault(
    "The list is changed between two runs of an interrupted import.",
    caller="Each contact once.",
    operator="The import begins anew.",
    kept="Every row of the new list.",
)
async def test_a_file_that_changed_behind_its_beginning_is_read_anew(store, people):
    campaign = await store.campaigns.create(plan(file=FILE))
    await _interrupted(store, campaign, people)
    os.utime(people, ns=(2, 2))
    resumed = []
    assert (await fill(store, campaign, people, on_resume=resumed.append)).rows == 6000
    assert resumed == []


async def test_a_cancelled_campaign_is_not_filled(store, people):
    campaign = await store.campaigns.create(plan(file=FILE))
    await store.campaigns.change(campaign.id, CampaignInput.CANCEL)
    with pytest.raises(CampaignRefused, match="make a new campaign"):
        await fill(store, campaign, people)


async def test_corrected_data_update_the_contacts_that_were_not_called(store, people):
    campaign = await store.campaigns.create(plan(file=FILE))
    people.write_text("phone,name\n+12125550111,Adda\n+12125550112,Ben\n")
    assert (await fill(store, campaign, people)).added == 2
    people.write_text("phone,name\n+12125550111,Ada\n+12125550112,Ben\n\n,\n")
    for update, changed, name in ((False, 0, "Adda"), (True, 1, "Ada"), (True, 0, "Ada")):
        done = await fill(store, campaign, people, update=update)
        assert (done.rows, done.duplicates, done.updated, done.empty) == (2, 2, changed, 2)
        assert (await store.contacts.find(campaign.id, "+12125550111")).variables == {"name": name}
