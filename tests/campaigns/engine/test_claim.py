"""Who of the due contacts may be called now, and from which number; what the store suite does not reach."""

from hypothesis import given
from hypothesis import strategies as st

from telebridge.campaigns.engine.campaign import Campaign, CampaignPlan, Cap, PoolNumber
from telebridge.campaigns.engine.claim import (
    PastCall,
    PhoneFacts,
    capped_until,
    quota,
    select_contacts,
)
from telebridge.campaigns.engine.contact import Contact
from telebridge.campaigns.engine.states import CampaignStatus, ContactState

PLAN = CampaignPlan("spring", "AC1", "hello", (PoolNumber("+15550002222"),))
CAMPAIGN = Campaign("c1", PLAN, CampaignStatus.RUNNING)
NOW = 1_000_000_000


def person(number, phone="+1"):
    return Contact(number, "c1", 1, f"{phone}{number}", ContactState.READY, 0)


def fresh_quota(wanted=9):
    return {"c1": quota(CAMPAIGN, live=0, made={}, turn=0, wanted=wanted, now=NOW)}


def test_those_beyond_what_is_wanted_are_left_as_they_are():
    selection = select_contacts([person(1), person(2)], {}, fresh_quota(), {}, wanted=1, now=NOW)
    assert [one.contact.id for one in selection.admitted] == [1]
    assert selection.changed == []


def test_a_number_is_rung_once_in_a_claim():
    twin = Contact(2, "c1", 1, "+11", ContactState.READY, 0)
    selection = select_contacts([person(1), twin], {}, fresh_quota(), {}, wanted=9, now=NOW)
    assert [one.contact.id for one in selection.admitted] == [1]
    assert [(one.id, one.held) for one in selection.changed] == [(2, "live_elsewhere")]


def test_who_is_refused_takes_nobodys_place():
    facts = {"+11": PhoneFacts(do_not_call=frozenset({""})), "+12": PhoneFacts(live=True)}
    selection = select_contacts([person(1), person(2), person(3)], facts, fresh_quota(), {}, wanted=1, now=NOW)
    assert [one.contact.id for one in selection.admitted] == [3]
    assert len(selection.changed) == 2


@given(st.lists(st.integers(NOW - 9000, NOW)), st.integers(1, 5), st.integers(1, 9))
def test_when_a_cap_says_a_number_may_be_called_again_it_may(times, attempts, within):
    cap, past = Cap(attempts, within), [PastCall(at, conversation=False) for at in times]
    free_at = capped_until(cap, past, now=NOW)
    assert free_at >= NOW
    assert capped_until(cap, past, now=free_at) == free_at
    counted = [at for at in times if at > NOW - 1000 * within]
    assert (free_at == NOW) == (len(counted) < attempts)
    assert sum(at > free_at - 1000 * within for at in times) < attempts
