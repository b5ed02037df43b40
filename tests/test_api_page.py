"""What docs/api.md shows is what the API has: every route with a command that is understood, every kind of problem."""

import json
import re
import shlex
from pathlib import Path

import pytest
from support.api import CAMPAIGN, SID, Api, api, exported_campaign, record

from telebridge.call.record import SpokenUtterance
from telebridge.call.runner.feed import KEPT_EVENTS
from telebridge.call.runner.live_calls import REMEMBERED_CALLS
from telebridge.campaigns.engine.states import CampaignInput
from telebridge.server.api.endpoints import DECLARATIONS
from telebridge.server.http.idempotency import KEPT_KEYS
from telebridge.twilio.signed_urls import MOST_CHARACTERS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "api.md").read_text()


def commands():
    shell = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
    return [shlex.split(command) for command in re.findall(r"^curl (?:[^\n']|'[^']*')*", shell, re.MULTILINE)]


def asked(command):
    """Method, path, headers and body of a curl command."""
    headers, body, method = {}, None, "GET"
    words = iter(command[1:])
    url = ""
    for word in words:
        match word:
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "--json":
                body, method = json.loads(next(words)), "POST"
            case "-X":
                method = next(words)
            case "--data-binary":
                next(words)
                body = "phone,name\n+12125550113,Ada\n"
            case "-o":
                next(words)
            case "-N":
                pass
            case _:
                url = word
    headers.pop("$AUTH")
    return method, url.removeprefix("$API").replace("CA0123", SID), headers, body


def test_every_route_has_a_command_and_every_command_a_route():
    routes = {(route.method, route.path) for route in Api().app[DECLARATIONS]}
    shown = {
        (
            method,
            path.partition("?")[0]
            .replace(f"{SID}-1", "{message}")
            .replace(SID, "{sid}")
            .replace("/c1", "/{id}")
            .replace("/hours/clinic", "/hours/{name}"),
        )
        for method, path, _, _ in map(asked, commands())
    }
    assert shown == routes


@pytest.mark.slow
@pytest.mark.parametrize("command", commands(), ids=lambda command: asked(command)[1].replace(SID, "SID"))
async def test_every_command_is_understood(command, tmp_path):
    method, path, headers, body = asked(command)
    async with api() as client:
        client.calls.add(record(), outcome=SpokenUtterance("Your taxi is here.", 900, None))
        if method == "DELETE":
            await client.store.campaigns.change(CAMPAIGN, CampaignInput.CANCEL)
        if path.endswith("/export"):
            await client.store.campaigns.change(CAMPAIGN, CampaignInput.PAUSE)
        if path.endswith("/import"):
            body = await exported_campaign(tmp_path / "spring")
        sent = {"data": body} if isinstance(body, str | bytes) else {"json": body}
        async with client.session.request(method, client.url + path, headers=headers, **sent) as answer:
            assert answer.status < 300, await answer.text()


def test_every_kind_of_problem_is_told_and_none_that_does_not_exist():
    source = "".join(path.read_text() for path in (ROOT / "telebridge" / "server").rglob("*.py"))
    kinds = set(re.findall(r'kind="([a-z-]+)"', source))
    table = PAGE[PAGE.index("## Refusals") :]
    assert {kind for kind in re.findall(r"`([a-z-]+)`", table) if "-" in kind} - {"detail"} == kinds


def test_every_kind_of_event_is_told():
    folders = (ROOT / "telebridge" / "server", ROOT / "telebridge" / "call")
    source = "".join(path.read_text() for folder in folders for path in folder.rglob("*.py"))
    kinds = set(re.findall(r'(?:publish|PublishEvent)\("([a-z-]+)"', source)) | {"gap", "overrun"}
    table = PAGE[PAGE.index("| event |") : PAGE.index("## Refusals")]
    told = set()
    for first in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE):
        told |= set(re.findall(r"`([a-z-]+)`", first))
    assert told == kinds


def test_its_numbers_are_those_of_the_code():
    for number in (KEPT_EVENTS, KEPT_KEYS, REMEMBERED_CALLS, MOST_CHARACTERS):
        assert f"{number:,}" in PAGE
