"""What a flow says, to be listened to before anybody is called: its prompts, and other voices on a text of one's own.

The addresses are those of `/prompts/{signed}.wav`, so they sound as a call does.

One rule: an address that a page shows is accepted for an hour, because whoever learns one can have a text spoken.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from telebridge.errors import ConfigurationError
from telebridge.flows.model import Flow
from telebridge.flows.prompts import DynamicPrompt, StaticPrompt, prompts_of
from telebridge.rime.parameters import speakers, speech_parameters
from telebridge.server.http.problems import Problem
from telebridge.speech.source import VoiceOverrides
from telebridge.timing.epoch import wallclock_now
from telebridge.twilio.signed_urls import PromptTokens

VALID_FOR = timedelta(hours=1)
LONGEST_TEXT = 500
MOST_VOICES = 12
VOICE = "voice."
"""What the names of fields begin with that choose a voice."""


@dataclass(frozen=True, slots=True)
class HeardPrompt:
    """A prompt of a flow.

    Args:
        node: Its node; empty for what is said when something goes wrong.
        text: As it is spoken; a template where it depends on the call.
        address: The path of its audio; empty where it depends on the call.
        reason: What it depends on.
    """

    node: str
    text: str
    address: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Audition:
    """A form that tries voices, and what it asked for.

    Args:
        text: What is spoken.
        speakers: The voices that are known for the model and language of the flow.
        chosen: Those that were chosen.
        other: A voice that is not among the known ones.
        model: The model of the flow.
        lang: The language of the flow.
        addresses: The path of the audio of each voice that was chosen.
    """

    text: str
    speakers: tuple[str, ...]
    chosen: tuple[str, ...]
    other: str
    model: str
    lang: str
    addresses: Mapping[str, str]


class Auditions:
    """Makes the addresses of what can be listened to.

    Args:
        parameters: The synthesis parameters of the settings.
        prompts: Sign the addresses.
    """

    def __init__(self, parameters: Mapping[str, Any], prompts: PromptTokens) -> None:
        self._parameters = parameters
        self._prompts = prompts

    def prompts(self, flow: Flow) -> list[HeardPrompt]:
        """Every prompt of a flow, in the order of the file; that of a failure is the last."""
        return [self._heard(prompt) for prompt in sorted(prompts_of(flow), key=lambda prompt: not prompt.node)]

    def opened(self, flow: Flow | None) -> Audition:
        """The form with the first prompt of a flow and its own voice; None for a flow that is in no file."""
        first = (
            "" if flow is None else next((one.text for one in prompts_of(flow) if isinstance(one, StaticPrompt)), "")
        )
        voice = self._voice(flow)
        return self._audition(voice, first[:LONGEST_TEXT], (voice["speaker"],), "")

    def asked(self, flow: Flow | None, fields: Mapping[str, str]) -> Audition:
        """What a form asks for.

        Raises:
            Problem: There is no text or no voice, or too much of either.
        """
        voice = self._voice(flow)
        text, other = fields.get("text", "").strip(), fields.get("other", "").strip()
        chosen = [name.removeprefix(VOICE) for name in fields if name.startswith(VOICE)]
        if not text or len(text) > LONGEST_TEXT:
            raise Problem(422, f"Write a text of at most {LONGEST_TEXT} characters.", kind="invalid-fields")
        if not chosen and not other:
            raise Problem(422, "Choose a voice.", kind="invalid-fields")
        if len(chosen) > MOST_VOICES:
            raise Problem(422, f"Choose at most {MOST_VOICES} voices.", kind="invalid-fields")
        audition = self._audition(voice, text, tuple(chosen), other)
        addresses = {
            speaker: self._address(text, {**voice, "speaker": speaker})
            for speaker in dict.fromkeys(filter(None, (*audition.chosen, other)))
        }
        return Audition(text, audition.speakers, audition.chosen, other, audition.model, audition.lang, addresses)

    def _audition(self, voice: Mapping[str, Any], text: str, chosen: tuple[str, ...], other: str) -> Audition:
        known = tuple(sorted({*speakers(voice["model"], voice["lang"]), voice["speaker"]}))
        kept = tuple(name for name in known if name in chosen)
        return Audition(text, known, kept, other, voice["model"], voice["lang"], {})

    def _voice(self, flow: Flow | None) -> dict[str, Any]:
        """The parameters of a flow with model, language and speaker, whether they are set or not."""
        own = {} if flow is None else flow.speech
        try:
            parameters = speech_parameters({**self._parameters, **own})
        except ConfigurationError:  # the flow's own voice is wrong, which the checks of the flow say
            parameters = speech_parameters(self._parameters)
        return parameters.given()

    def _heard(self, prompt: StaticPrompt | DynamicPrompt) -> HeardPrompt:
        if isinstance(prompt, DynamicPrompt):
            return HeardPrompt(prompt.node, prompt.template, "", prompt.reason)
        return HeardPrompt(prompt.node, prompt.text, self._address(prompt.text, prompt.voice))

    def _address(self, text: str, voice: VoiceOverrides | None) -> str:
        token = self._prompts.issue(text, voice or {}, expires=wallclock_now() + VALID_FOR)
        return f"/prompts/{token}.wav"
