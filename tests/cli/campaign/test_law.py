"""`campaign law`: what is enforced in a country, for people and for programs."""

import json

import pytest
from typer.testing import CliRunner

from telebridge.cli.campaign.campaign import campaign
from telebridge.errors import ConfigurationError


def told(*arguments):
    done = CliRunner().invoke(campaign, ["law", *arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout


@pytest.mark.parametrize("country", ["CA", "GB", "FR", "DE", "ES", "IT", "AU", "IN", "BR", "US"])
def test_each_country_is_told_with_its_sources_and_that_counsel_must_check(country):
    text = told("--country", country)
    assert "  source: " in text
    assert "counsel must" in text.lower()
    law = json.loads(told("--country", country, "--json"))
    assert (law["region"], law["rules_known"]) == (country, True)


def test_a_state_has_its_own():
    assert told("--country", "US-FL") != told("--country", "US")


def test_what_is_no_country_is_refused():
    with pytest.raises(ConfigurationError, match="XX"):
        told("--country", "XX")
