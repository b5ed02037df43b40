"""A campaign is filled from a CSV: complete, to be gone on with, or never begun."""

import os
from dataclasses import replace

import pytest
from support.campaigns import SteeredClock, memory_store, plan

from telebridge.campaigns.engine.contact import ImportPosition
from telebridge.campaigns.engine.states import CampaignInput
from telebridge.campaigns.importing.importing import fill_campaign
from telebridge.errors import CampaignRefused, ConfigurationError

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


async def test_an_interrupted_import_goes_on_and_says_where(store, people):
    campaign = await store.campaigns.create(plan(file=FILE))
    await _interrupted(store, campaign, people)
    resumed = []
    done = await fill(store, campaign, people, on_resume=resumed.append)
    assert (resumed, done.rows, done.added) == ([5001], 1000, 1000)
    assert await store.contacts.is_filled(campaign.id)


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
