"""`telebridge campaign delete`: a campaign goes, and what the law asks to keep stays."""

import json
from datetime import UTC, datetime

from telebridge.campaigns.administration.deletion import delete_campaign_data
from telebridge.campaigns.engine.administration import KeptRecords
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.lifecycle import check_not_deleted
from telebridge.cli.campaign.confirming import YesOption, confirm
from telebridge.cli.campaign.store import NameArgument, campaign_store, find_campaign, run
from telebridge.cli.options import ConfigOption, JsonOption
from telebridge.cli.process.printing import number_of, print_line, print_text
from telebridge.settings.loading import load_settings
from telebridge.timing.epoch import iso_time


def delete(
    name: NameArgument,
    yes: YesOption = False,  # noqa: FBT002 - a flag of the command line
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Delete a draft, or a campaign that is done or cancelled: its contacts and all that was known of them.

    Kept are do-not-call entries, and the records of its calls (number, consent, times, outcome, what was said) for
    **campaigns.keep_attempts_days**: laws ask for them, and caps count them. On a terminal it asks once.
    """
    settings = load_settings(config)
    keep_days = settings.campaigns.keep_attempts_days

    async def deleted() -> tuple[Campaign, int, KeptRecords]:
        async with campaign_store(settings) as store:
            one = await find_campaign(store, name, deleted=True)
            check_not_deleted(one)
            count = sum((await store.reports.progress(one.id)).contacts.values())
            people = number_of(count, "contact")
            question = f"Delete campaign '{one.plan.name}' ({one.status.value}) with its {people} for good?"
            confirm(question, yes=yes)
            kept = await delete_campaign_data(store, one, keep_days=keep_days, wallclock=datetime.now(UTC))
            return one, count, kept

    one, count, kept = run(deleted())
    until = kept.until(keep_days)
    if json_:
        told = {
            "contacts": count,
            "kept_attempts": kept.attempts,
            "kept_until": None if until is None else iso_time(until),
            "kept_do_not_call": kept.do_not_call,
        }
        print_line(json.dumps({"id": one.id, "name": one.plan.name, "status": "deleted", **told}))
        return
    print_text(f"campaign '{one.plan.name}' is deleted, with its {number_of(count, 'contact')}")
    print_text(told_kept(one, kept, until))


def told_kept(one: Campaign, kept: KeptRecords, until: int | None) -> str:
    """What is kept of a deleted campaign, in one line."""
    entries = "do-not-call entries stay"
    if until is None:
        return f"nobody was called in it, so no record of a call is kept; {entries}"
    records = f"the records of its {number_of(kept.attempts, 'call')} are kept until {iso_time(until)[:10]}"
    return f"{records} (`telebridge campaign report {one.id[:8]}`), and {entries}"
