"""Every command that changes a campaign has an event for its webhook."""

import typer

from telebridge.campaigns.engine.campaign import WebhookEvent
from telebridge.cli.campaign.campaign import campaign

OF_CONTACTS = {WebhookEvent.CONTACT_DONE, WebhookEvent.ATTEMPT_DONE}
TELLS = {
    "start": WebhookEvent.CAMPAIGN_STATUS,
    "pause": WebhookEvent.CAMPAIGN_STATUS,
    "resume": WebhookEvent.CAMPAIGN_STATUS,
    "cancel": WebhookEvent.CAMPAIGN_STATUS,
    "edit": WebhookEvent.CAMPAIGN_EDITED,
    "retry": WebhookEvent.CAMPAIGN_RETRIED,
    "clone": WebhookEvent.CAMPAIGN_CLONED,
    "export": WebhookEvent.CAMPAIGN_EXPORTED,
    "import": WebhookEvent.CAMPAIGN_IMPORTED,
    "delete": WebhookEvent.CAMPAIGN_DELETED,
}
QUIET = {
    *("init", "preflight", "law", "list", "status", "report", "test", "demo", "work"),  # these change nothing
    *("create", "do-not-call"),  # a draft that nobody follows yet; a list of all campaigns
}


def test_every_command_has_its_event_and_every_event_its_command():
    commands = set(typer.main.get_command(campaign).commands)
    assert commands == set(TELLS) | QUIET
    assert set(WebhookEvent) - OF_CONTACTS == set(TELLS.values())
