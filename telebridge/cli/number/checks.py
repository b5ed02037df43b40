"""What the doctor looks at of addresses and numbers: what Twilio can dial, and what it has.

One rule: a finding that is not ok says what is wrong and, apart from that, what to do.
"""

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from telebridge.app.twilio import open_twilio
from telebridge.cli.number.connecting import address_problem
from telebridge.errors import ConfigurationError, TwilioAPIError
from telebridge.server.http.base_path import base_path
from telebridge.settings.settings import Settings
from telebridge.twilio.numbers import AccountNumber, NumberWebhooks

TRIAL = "a trial account: it calls verified numbers alone, and callers hear an announcement and press a key first"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Args:
        state: "ok", "note" (works, with a restriction) or "fail".
        what: What was looked at: a setting, or a part.
        told: What was found.
        remedy: What to do about it; empty when nothing is to be done.
    """

    state: str
    what: str
    told: str
    remedy: str = ""


def public_address(settings: Settings) -> Finding:
    """Check whether Twilio could dial the public address."""
    if problem := address_problem(settings.public_url):
        stands_in = bool(settings.twilio.api_base_url) or not settings.public_url
        return Finding("note" if stands_in else "fail", "public_url", *problem)
    path = base_path(settings.public_url)
    served = f"; requests are served with the path '{path}' and without it" if path else ""
    return Finding("ok", "public_url", settings.public_url + served)


def state_folder(settings: Settings) -> Finding:
    """Check whether the state folder, or the folder in which it would be made, can be written."""
    folder = settings.state_dir
    there = next((each for each in (folder, *folder.absolute().parents) if each.exists()), Path("/"))
    if not there.is_dir():
        return Finding("fail", "state_dir", f"'{there}' is no folder", "choose another folder")
    if not os.access(there, os.W_OK | os.X_OK):
        return Finding(
            "fail", "state_dir", f"'{there}' cannot be written", "choose another folder, or give it to this user"
        )
    return Finding("ok", "state_dir", f"'{folder}'" if folder.exists() else f"'{folder}' will be made")


async def twilio(settings: Settings) -> AsyncIterator[Finding]:
    """Check what Twilio has of the account and its numbers."""
    try:
        async with open_twilio(settings.twilio) as asked:
            account, numbers = await asked.account(), await asked.numbers()
    except (ConfigurationError, TwilioAPIError) as error:
        yield Finding("fail", "twilio", str(error), "look at twilio.account_sid and twilio.auth_token")
        return
    if account.status != "active":
        yield Finding("fail", "twilio", f"the account is {account.status}", "ask Twilio why")
    elif account.trial:
        yield Finding("note", "twilio", TRIAL, "upgrade it, or verify the numbers you call")
    else:
        yield Finding("ok", "twilio", f"account {settings.twilio.account_sid} answers")
    if not numbers:
        yield Finding("note", "numbers", "the account has none", "buy one in Twilio's console")
    for finding in number_findings(settings, numbers):
        yield finding


def number_findings(settings: Settings, numbers: list[AccountNumber]) -> Iterator[Finding]:
    """Check where the calls of the account's numbers go, and whether the numbers of the settings are among them."""
    for one in numbers:
        webhooks, connecting = one.webhooks, f"telebridge number connect {one.number}"
        if not settings.public_url or not webhooks.leads_to(settings.public_url):
            state = "note" if one.number not in settings.numbers else "fail"
            where = webhooks.voice_url or "nowhere"
            yield Finding(state, one.number, f"its calls go to {where}, and not here", connecting)
            continue
        wanted = NumberWebhooks.of_bridge(settings.public_url)
        lacks = [each for each in wanted.differences(webhooks) if not each.startswith("voice_url")]
        if "#" not in webhooks.voice_url:
            lacks.append("voice_url has no '#rc=5&rp=all', so Twilio does not ask again")
        if lacks:
            yield Finding("note", one.number, "; ".join(lacks), connecting)
        else:
            yield Finding("ok", one.number, "its calls come here")
    known = {one.number for one in numbers}
    for number in settings.numbers:
        if number.startswith("+") and number not in known:
            yield Finding("note", f"numbers.{number}", "is no number of this account", "correct it, or remove it")
