"""`campaign preflight`: who would be called, who would not and why, and what else its owner should know."""

import pytest
from support.campaign_commands import FILE, told
from support.campaigns import plan

from telebridge.campaigns.engine.campaign import Webhook
from telebridge.cli.campaign.preflight import warnings_of


def test_a_preflight_says_who_is_skipped_and_why_and_writes_nothing(campaign, tmp_path):
    checked = told(campaign("preflight", "spring.toml", "--contacts", "people.csv", "--json"))
    assert (checked["rows"], checked["callable"]) == (5, 3)
    assert checked["skipped"]["duplicate"] == 1
    assert list(checked["skipped"]["rejected"].values()) == [1]
    assert checked["cost"] > 0
    assert not (tmp_path / "var" / "telebridge.db").exists()
    assert not (tmp_path / "people.rejects.csv").exists()


def test_a_secret_that_standard_webhooks_does_not_know_is_warned_of(campaign, tmp_path):
    webhook = '[webhook]\nurl = "https://example.com/calls"\nsecret = "b7c1f0e2"\n'
    (tmp_path / "spring.toml").write_text(FILE + webhook)
    done = campaign("preflight", "spring.toml", "--contacts", "people.csv")
    assert done.returncode == 0
    assert "warning: webhook.secret is no 'whsec_' secret" in done.stderr
    warnings = told(campaign("preflight", "spring.toml", "--contacts", "people.csv", "--json"))["warnings"]
    assert [warning for warning in warnings if "UTF-8 bytes" in warning]


@pytest.mark.parametrize(
    "webhook", [None, Webhook("http://a"), Webhook("http://a", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
)
def test_nothing_is_warned_of_without_a_secret_or_with_a_standard_one(webhook):
    assert warnings_of(plan(webhook=webhook)) == ()
