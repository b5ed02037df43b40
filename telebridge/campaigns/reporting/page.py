"""The report of a campaign as one HTML page: it opens without a network, on a phone, and in print.

One rule: every text of the page is escaped, and the page may load nothing and run nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.reporting.chart import Column, column_chart
from telebridge.campaigns.reporting.summary import CampaignSummary
from telebridge.epoch import iso_instant

OUTCOME_WORDS = {
    "answered": "answered by a person",
    "hung_up": "hung up at once",
    "machine": "answering machine",
    "busy": "busy",
    "no_answer": "no answer",
    "failed": "could not be connected",
    "cancelled": "cancelled before a word",
    "abandoned": "answered, nobody spoke in time",
    "lost": "answered, not known what was said",
    "call_back": "wants to be called at another time",
    "opted_out": "wants no further calls",
    "bad_number": "number does not exist",
    "refused": "refused by Twilio",
    "unknown": "not known whether it rang",
    "do_not_call": "on the do-not-call list",
    "waiting": "not called yet, or to be called again",
    "calling": "being called",
}
"""Outcomes in words for readers who do not know telebridge; an outcome that is missing is shown by its name."""


def report_page(campaign: Campaign, summary: CampaignSummary, variables: Sequence[str], *, wallclock: datetime) -> str:
    """Return the page.

    Args:
        campaign: Whose report it is.
        summary: To which all its contacts were added.
        variables: The contacts' own columns, in their order.
        wallclock: When the report is made.
    """
    days = sorted(summary.days.items())
    return _template().render(
        campaign=campaign,
        summary=summary,
        made_at=iso_instant(wallclock),
        outcomes=[(outcome_words(outcome), count) for outcome, count in summary.outcomes.most_common()],
        days=days,
        hours=[(f"{hour:02}:00", counts) for hour, counts in enumerate(summary.hours)],
        variables=variables,
        day_chart=column_chart(
            "days",
            "Calls per day, and in how many of them a person was reached",
            [Column(f"{day:%m-%d}", counts.calls, counts.reached) for day, counts in days],
        ),
        hour_chart=column_chart(
            "hours",
            "Calls per hour of the day, and in how many of them a person was reached",
            [Column(f"{hour}", counts.calls, counts.reached) for hour, counts in enumerate(summary.hours)],
        ),
        zones=[zone for zone, _ in summary.zones.most_common()],
        answers=sorted(summary.answers.values(), key=lambda listed: -listed.count),
    )


def outcome_words(outcome: str) -> str:
    """An outcome in words."""
    return OUTCOME_WORDS.get(outcome, outcome.replace("_", " "))


@cache
def _template() -> Template:
    text = (files("telebridge.campaigns.reporting") / "data" / "report.html.jinja").read_text(encoding="utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(
        text
    )
