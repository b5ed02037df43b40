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
from telebridge.campaigns.reporting.outcome_words import outcome_words
from telebridge.campaigns.reporting.summary import CampaignSummary
from telebridge.timing.epoch import iso_instant


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


@cache
def _template() -> Template:
    text = (files("telebridge.campaigns.reporting") / "data" / "report.html.jinja").read_text(encoding="utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(
        text
    )
