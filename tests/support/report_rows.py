"""Rows of a campaign's report, and what they add up to."""

from support.campaigns import NEW_YORK, at
from telebridge.campaigns.engine.attempt import Attempt
from telebridge.campaigns.engine.contact import Contact, ContactNumber
from telebridge.campaigns.engine.outcomes import Outcome
from telebridge.campaigns.engine.states import AttemptState, ContactState
from telebridge.campaigns.reporting.report import ReportRow
from telebridge.campaigns.reporting.summary import CampaignSummary, Prices
from telebridge.timing.epoch import epoch_ms
from telebridge.twilio.calls import CallStatus

ANN = "+12125550111"
NO_PRICES = Prices()
LATE_EVENING = epoch_ms(at("2026-03-03T04:30:00"))
"""23:30 of the day before in New York, 22:30 in Chicago."""


def attempt(n=1, outcome=Outcome.ANSWERED, status=CallStatus.COMPLETED, begun=LATE_EVENING, lasted=90_000, **fields):
    ended = {"state": AttemptState.DONE, "status": status, "outcome": outcome, "ended_at": begun + lasted}
    return Attempt(
        **{
            "id": f"a{n}",
            "campaign_id": "c1",
            "contact_id": 1,
            "n": n,
            "phone": ANN,
            "account": "AC1",
            "from_number": "+2",
            "worker": "w",
            "intent_at": begun,
            "lease_until": begun,
            "check_at": None,
            **ended,
            **fields,
        }
    )


def row(*attempts, outcome="answered", state=ContactState.DONE, lane=NEW_YORK, variables=None, lanes=None):
    """A contact, with several numbers when `lanes` has where each of them is."""
    numbers = tuple(ContactNumber(phone, at) for at, phone in enumerate(lanes or {}))
    contact = Contact(1, "c1", 1, ANN, state, 0, outcome=outcome, variables=variables or {}, numbers=numbers)
    return ReportRow(contact, lane, attempts, lanes or {})


def summary(*rows, prices=NO_PRICES, **fields):
    made = CampaignSummary(prices, **fields)
    for one in rows:
        made.add(one)
    return made


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=http://evil.example/x onerror=alert(1)>',
    "</title></style></svg><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    '=HYPERLINK("http://evil.example";"x")',
    "=cmd|' /C calc'!A0",
    "+49 030 =1+1",
    "-2+3",
    "@SUM(1)",
    "{=1+1}",
    "\t=1+1",
    "http://evil.example",
    "mailto:x@evil.example",
    "internal:Contacts!A1",
    "0042",
    "1e5",
    "01.02.2026",
    "TRUE",
    "&lt;b&gt;",
    "a\x00b\x0bc\ufffe",
    "_x0041_",
    "\udce4",
    " padded ",
)
"""Names and texts as strangers may write them in a list, and results as callers may speak them."""
