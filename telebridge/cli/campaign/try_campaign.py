"""`telebridge campaign test`: hear what a campaign says, with the words of a real contact, before anybody is called."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from telebridge.app.twilio import open_twilio
from telebridge.app.voice import open_voice
from telebridge.audio import wav
from telebridge.audio.mulaw import BYTES_PER_MS, silence
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.contact import Contact
from telebridge.campaigns.numbers.numbers import DialableNumber, read_number
from telebridge.campaigns.reporting.words import CallWords, call_words
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.cli.campaign.store import campaign_store, find_campaign, flows_of, run
from telebridge.cli.options import AppOption, ConfigOption
from telebridge.cli.process.printing import print_text
from telebridge.errors import CampaignRefused, ConfigurationError
from telebridge.flows.model import Flow
from telebridge.logs import configure_logs
from telebridge.server.api.originate import call_request
from telebridge.server.api.ports import OutboundCall
from telebridge.settings.loading import load_settings
from telebridge.settings.settings import Settings
from telebridge.speech.source import Audio, SpeechSource
from telebridge.twilio.signed_urls import CallVariables

PAUSE_MS = 600
"""Between the texts of two nodes."""
BETWEEN_CALLS_MS = 2000


def try_campaign(
    name: Annotated[str, typer.Argument(help="A campaign's name or id.")],
    to: Annotated[str, typer.Option(help="Your own number, such as +12125550123; it rings.")] = "",
    listen: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Speak the words to a WAV file instead of ringing.")
    ] = None,
    contact: Annotated[
        str, typer.Option(help="The number of the contact whose words are said.", show_default="the first contact")
    ] = "",
    first: Annotated[
        int, typer.Option(min=1, max=100, help="With --listen: the words of so many contacts, one after the other.")
    ] = 1,
    app: AppOption = None,
    config: ConfigOption = None,
) -> None:
    """Ring you with the words of a real contact, or speak them to a WAV file. The contact is not called.

    A call needs `telebridge serve` where `public_url` leads. It is no attempt of the campaign, which stays as it is.
    """
    settings = load_settings(config)
    configure_logs(level="error")
    if bool(to) == (listen is not None):
        raise ConfigurationError(
            "--to", "or --listen is needed, and not both", "--to +1… rings you, --listen FILE speaks"
        )
    if first > 1 and (to or contact):
        raise ConfigurationError("--first", "is for --listen alone, without --contact", "leave it out")
    if listen is None:
        run(_rung(settings, name, _e164(to), contact))
    else:
        run(_spoken(settings, name, listen, contact, app, first=first))


async def _rung(settings: Settings, name: str, to: str, contact: str) -> None:
    async with campaign_store(settings) as store:
        campaign = await find_campaign(store, name)
        [person] = await _people(store, campaign, contact)
    plan = campaign.plan
    call = OutboundCall(to, plan.numbers[0].number, flow=plan.flow, variables=_free(person.variables))
    request = call_request(call, settings.public_url, CallVariables(settings.stream_secret()))
    async with open_twilio(settings.twilio) as twilio:
        placed = await twilio.create(request)
    print_text(f"{placed.sid}: {to} rings, with the words of {person.phone}")


def _free(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables of a contact, without those of which a call has its own."""
    return {name: value for name, value in variables.items() if name not in {"from", "to"}}


async def _spoken(settings: Settings, name: str, file: Path, contact: str, app: str | None, *, first: int) -> None:
    flows = flows_of(settings, app)
    async with campaign_store(settings) as store:
        campaign = await find_campaign(store, name)
        people = await _people(store, campaign, contact, first=first)
    flow = flows.find(campaign.plan.flow)
    if not isinstance(flow, Flow):
        raise ConfigurationError(
            "--listen", f"flow '{campaign.plan.flow}' is written in Python", "ring yourself with --to"
        )
    number = campaign.plan.numbers[0].number
    calls = [call_words(flow, one.phone, one.variables, from_number=number) for one in people]
    audio = bytearray()
    async with open_voice(settings.rime) as opened:
        for call in calls:
            audio += silence(BETWEEN_CALLS_MS) if audio else b""
            audio += await _audio_of(opened.source, flow, call)
    try:
        await asyncio.to_thread(wav.write, file, bytes(audio))
    except OSError as error:
        raise ConfigurationError("--listen", f"{file} cannot be written ({error.strerror})") from error
    print_text(f"{file}: {len(audio) / BYTES_PER_MS / 1000:.1f} s by {opened.description}")
    for call in calls:
        print_text(f"the words of {call.phone}:")
        for line in call.spoken:
            print_text(f"  {line.text}")


async def _audio_of(source: SpeechSource, flow: Flow, call: CallWords) -> bytes:
    """What a call says, as mu-law."""
    audio = bytearray()
    for line in call.spoken:
        voice = {**flow.speech, **getattr(flow.nodes[line.node], "speech", {})}
        async for event in source.speak(line.text, voice=voice):
            if isinstance(event, Audio):
                audio += event.data
        audio += silence(PAUSE_MS)
    return bytes(audio)


async def _people(store: CampaignStore, campaign: Campaign, number: str, *, first: int = 1) -> list[Contact]:
    """The contact of a number, or the first ones.

    Raises:
        CampaignRefused: There is none.
    """
    if number:
        found = await store.contacts.find(campaign.id, _e164(number))
        if found is None:
            raise CampaignRefused(campaign.plan.name, f"has no contact {number}")
        return [found]
    people: list[Contact] = []
    async for one in store.reports.contacts(campaign.id):
        people.append(one)
        if len(people) == first:
            break
    if people:
        return people
    raise CampaignRefused(campaign.plan.name, "has no contacts: `telebridge campaign import` brings them in")


def _e164(written: str) -> str:
    number = read_number(written, country="", check="possible")
    if not isinstance(number, DialableNumber):
        raise ConfigurationError("number", number.reason, "for example '+12125550123'")
    return number.e164
