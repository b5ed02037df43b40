"""Whole campaigns that go from one database to another."""

import gzip
import json
from dataclasses import replace

import pytest
from support.campaigns import (
    ACCOUNT,
    CHICAGO,
    FAST,
    NEW_YORK,
    START,
    SteeredClock,
    at,
    claim,
    contacts,
    memory_store,
    open_lanes,
    phone,
    plan,
    postgresql_store,
    running_campaign,
    said,
    spoken,
    sqlite_store,
)

from telebridge.campaigns.administration import exporting
from telebridge.campaigns.administration.archive import ArchiveCounts, archive_lines, check_archive
from telebridge.campaigns.administration.exporting import export_campaign, import_campaign
from telebridge.campaigns.engine.attempt import NotPlacedReason
from telebridge.campaigns.engine.campaign import Cap, Webhook
from telebridge.campaigns.engine.claim import OpenLane
from telebridge.campaigns.engine.states import CampaignInput, CampaignStatus
from telebridge.errors import CampaignRefused, ConfigurationError
from telebridge.timing.epoch import instant
from telebridge.twilio.calls import CallStatus

HOOK = Webhook("http://127.0.0.1/calls", "secret")


@pytest.fixture
async def elsewhere(clock):
    async with memory_store(clock) as made:
        await made.claims.set_pacing(ACCOUNT, FAST)
        yield made


@pytest.fixture
def file(tmp_path):
    return tmp_path / "spring.campaign.jsonl.gz"


async def paused_campaign(store, **fields):
    """Five contacts: spoken to, no such number, nobody answered, and two that were not called."""
    consent = {"consented_at": at("2026-01-02"), "consent_source": "form 7"}
    people = [one for n in range(4) for one in contacts(1, first=n, others=((phone(50 + n), CHICAGO),), **consent)]
    people += contacts(1, CHICAGO, first=4, priority=3)
    campaign = await running_campaign(store, people, max_live=3, webhook=HOOK, **fields)
    lanes = [
        OpenLane(lane.id, campaign.id, START * 2)
        for lane in await store.campaigns.lanes(ACCOUNT)
        if lane.lane == NEW_YORK
    ]
    first, second, third = await claim(store, 3, lanes=lanes)
    await store.attempts.report(first.attempt_id, spoken("CA1", answered_by="human"))
    await store.attempts.not_placed(second.attempt_id, NotPlacedReason.BAD_NUMBER, error="no such number")
    await store.attempts.report(third.attempt_id, said("CA3", CallStatus.NO_ANSWER))
    await store.do_not_call.add([phone(3)], source="letter", reason="asked")
    await store.do_not_call.add([phone(4), phone(9)], source="form", scope=campaign.id)
    await store.do_not_call.add([phone(8)], source="us-national")
    return await store.campaigns.change(campaign.id, CampaignInput.PAUSE, reason="lunch")


async def exported(store, campaign, file):
    return await export_campaign(store, campaign, file, wallclock=instant(START))


async def whole(store, campaign_id):
    """All that is known of a campaign, without the ids that only its database knows."""
    lanes, priorities = await store.reports.lanes(campaign_id), await store.reports.priorities(campaign_id)
    people = [one async for one in store.reports.contacts(campaign_id)]
    numbers = {one.id: one.phone for one in people}
    attempts = [replace(one, contact_id=0) async for one in store.reports.attempts(campaign_id)]
    entries = [
        one async for one in store.do_not_call.all() if one.scope == campaign_id or one.phone in numbers.values()
    ]
    return (
        [
            (
                replace(one, id=0, lane_id=0, numbers=tuple(number.phone for number in one.numbers)),
                lanes[one.lane_id],
                [lanes[number.lane_id] for number in one.numbers],
                priorities[one.lane_id],
            )
            for one in people
        ],
        attempts,
        entries,
    )


async def test_a_campaign_goes_to_another_database_and_nothing_of_it_is_lost(store, elsewhere, file):
    campaign = await paused_campaign(store)
    assert await exported(store, campaign, file) == ArchiveCounts(contacts=5, attempts=3, do_not_call=3)
    assert file.stat().st_mode & 0o077 == 0
    done = await import_campaign(elsewhere, file, account=ACCOUNT)
    assert done.counts == ArchiveCounts(contacts=5, attempts=3, do_not_call=3)
    imported = await elsewhere.campaigns.find(campaign.id)
    assert imported == done.campaign
    assert (imported.status, imported.plan) == (CampaignStatus.PAUSED, campaign.plan)
    assert imported.reason == f"imported from {file.name}"
    assert await whole(elsewhere, campaign.id) == await whole(store, campaign.id)


async def test_and_back_again(store, elsewhere, file, tmp_path, clock):
    campaign = await paused_campaign(store)
    await exported(store, campaign, file)
    await import_campaign(elsewhere, file, account=ACCOUNT)
    again = await elsewhere.campaigns.find(campaign.id)
    await exported(elsewhere, again, tmp_path / "back")
    (tmp_path / "third").mkdir()
    async with sqlite_store(tmp_path / "third", clock) as third:
        await import_campaign(third, tmp_path / "back", account=ACCOUNT)
        assert await whole(third, campaign.id) == await whole(store, campaign.id)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_from_sqlite_to_postgresql_and_back(postgresql_cluster, tmp_path, clock, file):
    async with sqlite_store(tmp_path, clock) as first, postgresql_store(postgresql_cluster.url, clock) as second:
        campaign = await paused_campaign(first)
        await exported(first, campaign, file)
        there = await import_campaign(second, file, account=ACCOUNT)
        await exported(second, there.campaign, tmp_path / "back")
        (tmp_path / "third").mkdir()
        async with sqlite_store(tmp_path / "third", clock) as third:
            await import_campaign(third, tmp_path / "back", account=ACCOUNT)
            assert await whole(second, campaign.id) == await whole(first, campaign.id)
            assert await whole(third, campaign.id) == await whole(first, campaign.id)


async def test_a_campaign_that_is_imported_twice_is_there_once(store, elsewhere, file):
    campaign = await paused_campaign(store)
    await exported(store, campaign, file)
    await import_campaign(elsewhere, file, account=ACCOUNT)
    before = await whole(elsewhere, campaign.id)
    for name in ("", "other"):
        with pytest.raises(CampaignRefused, match="is here already, so nothing was imported"):
            await import_campaign(elsewhere, file, account=ACCOUNT, name=name)
    with pytest.raises(CampaignRefused, match="is here already"):
        await import_campaign(store, file, account=ACCOUNT)
    assert await whole(elsewhere, campaign.id) == before
    assert len(await elsewhere.campaigns.all()) == 1


async def test_nobody_is_called_twice_by_a_campaign_that_moved(store, elsewhere, file):
    campaign = await paused_campaign(store)
    await exported(store, campaign, file)
    await import_campaign(elsewhere, file, account=ACCOUNT)
    assert await claim(elsewhere) == []
    await elsewhere.campaigns.change(campaign.id, CampaignInput.START)
    assert await claim(elsewhere) == []  # one is done, one has no number, one waits, two are on the list
    other = await elsewhere.campaigns.create(plan(name="other"))
    await elsewhere.contacts.add(other.id, contacts(1), upto_line=2)
    await elsewhere.campaigns.change(other.id, CampaignInput.START)
    assert await claim(elsewhere, lanes=await open_lanes(elsewhere, Cap(1, 3600))) == []


async def test_an_import_that_broke_off_goes_on_and_does_not_dial_before(store, elsewhere, file, monkeypatch):
    campaign = await paused_campaign(store)
    await exported(store, campaign, file)
    monkeypatch.setattr(exporting, "AT_ONCE", 2)
    add, batches = elsewhere.administration.add_archived, []

    async def failing(*given, **named):
        if len(batches) == 2:
            raise OSError("the database is away")
        batches.append(named["upto_line"])
        await add(*given, **named)

    monkeypatch.setattr(elsewhere.administration, "add_archived", failing)
    with pytest.raises(OSError, match="away"):
        await import_campaign(elsewhere, file, account=ACCOUNT)
    monkeypatch.setattr(elsewhere.administration, "add_archived", add)
    assert (await elsewhere.campaigns.find(campaign.id)).status is CampaignStatus.DRAFT
    with pytest.raises(CampaignRefused, match="is being imported from"):
        await import_campaign(elsewhere, file, account=ACCOUNT, name="other")
    await import_campaign(elsewhere, file, account=ACCOUNT)
    assert await whole(elsewhere, campaign.id) == await whole(store, campaign.id)


async def test_a_campaign_keeps_its_id_and_may_get_another_name_and_account(store, elsewhere, file):
    campaign = await paused_campaign(store, file='name = "spring"\nflow = "hello"\n')
    await exported(store, campaign, file)
    await elsewhere.campaigns.create(plan())
    with pytest.raises(CampaignRefused, match="there is another one of that name"):
        await import_campaign(elsewhere, file, account=ACCOUNT)
    done = await import_campaign(elsewhere, file, account="AC2", name="summer")
    assert (done.campaign.id, done.campaign.plan.name, done.campaign.plan.account) == (campaign.id, "summer", "AC2")
    assert done.campaign.plan.file.startswith('name = "summer"\n')


@pytest.mark.parametrize(
    ("happened", "status"),
    [
        (CampaignInput.CANCEL, CampaignStatus.CANCELLED),
        (None, CampaignStatus.DRAFT),
    ],
)
async def test_what_is_over_is_over_elsewhere_and_a_draft_is_a_draft(store, elsewhere, file, happened, status):
    campaign = await store.campaigns.create(plan())
    await store.contacts.add(campaign.id, contacts(2), upto_line=2)
    if happened is not None:
        campaign = await store.campaigns.change(campaign.id, happened)
    await exported(store, campaign, file)
    assert (await import_campaign(elsewhere, file, account=ACCOUNT)).campaign.status is status


async def test_a_campaign_that_does_not_stand_still_is_not_exported(store, file):
    campaign = await running_campaign(store, contacts(2))
    with pytest.raises(CampaignRefused, match="`telebridge campaign pause spring` first"):
        await exported(store, campaign, file)
    [one, _] = await claim(store)
    await store.attempts.report(one.attempt_id, spoken("CA1"))
    paused = await store.campaigns.change(campaign.id, CampaignInput.PAUSE)
    with pytest.raises(CampaignRefused, match="1 call is not settled yet"):
        await exported(store, paused, file)
    filled = await store.campaigns.create(plan(name="filled"))
    await store.contacts.begin_import(filled.id, "a.csv", owner="o1")
    with pytest.raises(CampaignRefused, match="an import that is not complete"):
        await exported(store, filled, file)
    assert not file.exists()


async def test_a_campaign_that_is_started_meanwhile_leaves_no_file(store, file, monkeypatch):
    campaign = await paused_campaign(store)
    entries = store.administration.do_not_call_of

    async def started(*given):
        await store.campaigns.change(campaign.id, CampaignInput.START)
        return await entries(*given)

    monkeypatch.setattr(store.administration, "do_not_call_of", started)
    with pytest.raises(CampaignRefused, match="was started or changed while it was exported"):
        await exported(store, campaign, file)
    assert list(file.parent.glob("*.gz*")) + list(file.parent.glob(".*.new")) == []


async def test_a_deleted_campaign_does_not_come_back(store, file):
    campaign = await store.campaigns.change((await paused_campaign(store)).id, CampaignInput.CANCEL)
    await exported(store, campaign, file)
    await store.administration.delete(campaign.id)
    with pytest.raises(CampaignRefused, match="was deleted here at 20"):
        await import_campaign(store, file, account=ACCOUNT)
    with pytest.raises(CampaignRefused, match="was deleted at 20"):
        await exported(store, await store.campaigns.find(campaign.id), file)


def cut(lines):
    return gzip.compress(b"".join(lines[:-1]))


def with_end(lines, **counts):
    return gzip.compress(b"".join([*lines[:-1], json.dumps({"end": counts}).encode() + b"\n"]))


BROKEN = [
    (lambda lines: b"name,phone\n", "is no exported campaign"),
    (lambda lines: b"", "is no exported campaign"),
    (lambda lines: gzip.compress(b'{"a": 1}\n'), "is no exported campaign"),
    (cut, "its end is missing"),
    (lambda lines: gzip.compress(b"".join(lines))[:-20], "it breaks off"),
    (lambda lines: with_end(lines, contacts=1, attempts=0, do_not_call=0), "its last line counts otherwise"),
    (lambda lines: gzip.compress(b"".join([*lines, lines[1]])), "stands behind its end"),
    (lambda lines: gzip.compress(b"".join([lines[0], b'{"contact": 3}\n', *lines[1:]])), "line 2"),
    (lambda lines: gzip.compress(b"".join([lines[0], b'{"unknown": 3}\n', *lines[1:]])), "line 2"),
    (lambda lines: gzip.compress(lines[0].replace(b'campaign":1', b'campaign":2')), "is of format 2"),
]


@pytest.mark.parametrize(("breaking", "problem"), BROKEN)
async def test_of_a_broken_file_nothing_is_imported(breaking, problem, file, tmp_path):
    async with memory_store(SteeredClock()) as store:
        await exported(store, await paused_campaign(store), file)
        file.write_bytes(breaking(gzip.decompress(file.read_bytes()).splitlines(keepends=True)))
    async with memory_store(SteeredClock()) as elsewhere:
        with pytest.raises(ConfigurationError, match=problem):
            await import_campaign(elsewhere, file, account=ACCOUNT)
        assert await elsewhere.campaigns.all() == []


async def test_a_file_that_is_changed_while_it_is_read_is_noticed(file):
    async with memory_store(SteeredClock()) as store:
        await exported(store, await paused_campaign(store), file)
    checked = check_archive(file)
    text = gzip.decompress(file.read_bytes()).replace(phone(0).encode(), phone(7).encode())
    file.write_bytes(gzip.compress(text))
    with pytest.raises(ConfigurationError, match="was changed while it was read"):
        list(archive_lines(checked))


@pytest.mark.parametrize(("path", "problem"), [("missing", "cannot be read"), (".", "cannot be read")])
def test_a_file_that_cannot_be_read_is_named(tmp_path, path, problem):
    with pytest.raises(ConfigurationError, match=problem):
        check_archive(tmp_path / path)
