"""Flows written in Python: a coroutine function that leads the call, and awaits what the caller hears and types.

    @bridge.flow("reminder")
    async def reminder(call: Call) -> None:
        await call.say(f"Hello {call.variables['name']}.")
        answer = await call.ask("Press 1 to confirm, 2 to move it.", choices="12")
        call.result["answer"] = answer.digits

When the caller hangs up the coroutine is cancelled where it waits; `try … finally` works as usual.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from telebridge.audio.tones import dtmf
from telebridge.call.flows.flow_steps import CallSteps
from telebridge.call.flows.turn_stream import TurnStream
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.errors import LocalProtocolError, SmsNotSent
from telebridge.flows.node_steps import LONGEST_QUEUE_NAME
from telebridge.flows.steps import (
    CallBack,
    Collect,
    Done,
    Gathered,
    HangUp,
    LoadAudio,
    Play,
    Record,
    Recorded,
    Said,
    Say,
    SendSms,
    Transfer,
    Transferred,
    WordRules,
)
from telebridge.flows.values import ADDRESS, LONGEST_DELAY_SECONDS
from telebridge.flows.words.rules import language_of
from telebridge.speech.source import VoiceOverrides
from telebridge.speech.streamed_text import StreamedText
from telebridge.speech.tokens import cleaned_tokens
from telebridge.turns.barge_in import BargeIn, BargeInPolicy
from telebridge.turns.digits import DigitRules, Ending

PromptText = str | AsyncIterable[str]
Policy = Literal["any", "speech", "keys", "none"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller typed or said.

    Args:
        digits: The keys, without the one that finished them, or those that their words stand for.
        ending: Why the wait for them ended.
        words: What they said.
        confidence: How sure the recognizer is of that, from 0 to 1; None where it does not say.
    """

    digits: str
    ending: Ending
    words: str = ""
    confidence: float | None = None

    def __bool__(self) -> bool:
        """Whether the question was answered."""
        return bool(self.digits) or (bool(self.words) and self.ending is Ending.SPOKEN)


class Call:
    """A live call, as a Python flow leads it. One thing is said or asked at a time, in the order of the awaits.

    Args:
        steps: Performs what the flow asks; made by the runner of the call.
        variables: What the flow was started with.
        resumed_from: Where another process left the call.

    Attributes:
        resumed: Whether another process, which has ended, began the call; the flow is then called again, with the
            variables of its last checkpoint.
        last_checkpoint: The name that the flow gave to that checkpoint; None when there is none.
    """

    def __init__(
        self,
        steps: CallSteps,
        variables: dict[str, Any],
        *,
        resumed_from: Checkpoint | None = None,
    ) -> None:
        record = steps.record
        self.resumed = resumed_from is not None
        self.last_checkpoint = None if resumed_from is None else resumed_from.name
        self.sid = record.call_sid
        self.from_number = record.from_number
        self.to_number = record.to_number
        self.variables = variables if resumed_from is None else {**variables, **resumed_from.variables}
        self.result = record.result
        self._steps = steps

    async def say(
        self, text: PromptText, *, barge_in: Policy | None = None, voice: VoiceOverrides | None = None
    ) -> BargeIn | None:
        """Say something, and return when the caller has heard it or interrupted it.

        Args:
            text: A string, or an asynchronous iterable of tokens that carry their own spaces.
            barge_in: What may interrupt it; None for `barge_in.policy` of the settings.
            voice: Synthesis parameters for this utterance only.

        Returns:
            The interruption, or None when all was heard.

        Raises:
            SpeechError: It could not be spoken to its end.
        """
        with _reread(text, clean=self._steps.clean_streams) as spoken:
            outcome = await self._steps.perform(Say(spoken, voice=voice, barge_in=_policy(barge_in)))
        return outcome.interruption if isinstance(outcome, Said) else None

    async def collect(
        self,
        prompt: PromptText | None = None,
        *,
        rules: DigitRules | None = None,
        spoken: bool = False,
        barge_in: Policy | None = None,
        voice: VoiceOverrides | None = None,
    ) -> Answer:
        """Ask for digits, and return what was typed. By default a pound sign or a pause of three seconds ends them.

        Args:
            prompt: The question; None for silence.
            rules: Which digits answer, and when they are complete.
            spoken: Whether digits may also be said, where `[recognition]` is set.
            barge_in: What may interrupt the question; None for `barge_in.policy` of the settings.
            voice: Synthesis parameters for the question only.

        Raises:
            SpeechError: The prompt could not be spoken to its end.
        """
        words = WordRules(digits=True, language=language_of(voice)) if spoken else None
        return await self._ask(prompt, DigitRules() if rules is None else rules, words, barge_in, voice)

    async def listen(
        self,
        prompt: PromptText | None = None,
        *,
        hints: Iterable[str] = (),
        silence_seconds: float = 1.0,
        longest_seconds: float = 30.0,
        wait_seconds: float = 5.0,
        barge_in: Policy | None = None,
        voice: VoiceOverrides | None = None,
    ) -> Answer:
        """Let the caller speak freely, and return their words; a key ends it too.

        Args:
            prompt: The question; None for silence.
            hints: Words that are likely.
            silence_seconds: So much silence ends what they say.
            longest_seconds: It ends after this time in any case.
            wait_seconds: How long silence lasts before it counts as no answer.
            barge_in: What may interrupt the question; None for `barge_in.policy` of the settings.
            voice: Synthesis parameters for the question only.

        Returns:
            The words; `ending` is `Ending.UNHEARD`, at once, where nobody hears words, and `Ending.NOT_UNDERSTOOD`
            where they were not understood.

        Raises:
            SpeechError: The prompt could not be spoken to its end.
        """
        rules = DigitRules(max_digits=1, finish_on_key="", no_input_seconds=wait_seconds)
        words = WordRules(
            free=True,
            hints=tuple(hints),
            language=language_of(voice),
            silence_seconds=silence_seconds,
            longest_seconds=longest_seconds,
        )
        return await self._ask(prompt, rules, words, barge_in, voice)

    async def _ask(
        self,
        prompt: PromptText | None,
        rules: DigitRules,
        words: WordRules | None,
        barge_in: Policy | None = None,
        voice: VoiceOverrides | None = None,
    ) -> Answer:
        with _reread(prompt or "", clean=self._steps.clean_streams) as spoken:
            say = None if prompt is None else Say(spoken, voice=voice, barge_in=_policy(barge_in))
            outcome = await self._steps.perform(Collect(say, rules, words))
        if not isinstance(outcome, Gathered):
            raise LocalProtocolError(f"a question ended with {outcome}")
        return Answer(outcome.digits, outcome.ending, outcome.words, outcome.confidence)

    async def ask(
        self,
        prompt: str,
        *,
        choices: str,
        words: Mapping[str, Iterable[str]] | None = None,
        reprompt: int = 2,
        no_match: str = "That is not one of the choices.",
        wait_seconds: float = 5.0,
    ) -> Answer:
        """Ask for one key out of `choices`, or for what stands for it, again when another or none is pressed.

        Args:
            prompt: The question.
            choices: The keys that answer it, such as "12#".
            words: The phrases that stand for each key, such as `{"1": ["yes"]}`, where `[recognition]` is set.
            reprompt: How many times it is asked again.
            no_match: Said before asking again when another key was pressed.
            wait_seconds: How long silence lasts before it counts as no answer.

        Returns:
            The answer; without digits when none came within all tries.
        """
        rules = DigitRules(min_digits=1, max_digits=1, finish_on_key="", no_input_seconds=wait_seconds)
        phrases = {key: tuple(said) for key, said in (words or {}).items()}
        spoken = WordRules({key: phrases.get(key, ()) for key in choices}) if phrases else None
        answer = Answer("", Ending.NO_INPUT)
        text = prompt
        for _ in range(1 + reprompt):
            answer = await self._ask(text, rules, spoken)
            if answer and answer.digits in choices:
                return answer
            text = f"{no_match} {prompt}" if answer or answer.ending is Ending.NOT_UNDERSTOOD else prompt
        return Answer("", answer.ending)

    async def play(self, audio: bytes, *, name: str = "audio") -> None:
        """Play audio, and return when the caller has heard it: G.711 mu-law at 8000 Hz, without a header."""
        await self._steps.perform(Play(audio, name))

    async def play_file(self, source: str | Path, *, loop: int = 1, barge_in: Policy | None = None) -> BargeIn | None:
        """Play a WAV file, or one at an address of the web, and return when the caller has heard or interrupted it.

        Args:
            source: The path of the file, or an address that begins with `https://` or `http://`.
            loop: How many times it is played.
            barge_in: What may interrupt it; None for `barge_in.policy` of the settings.

        Returns:
            The interruption, or None when all was heard.

        Raises:
            ValueError: It cannot be read or played.
        """
        loaded = await self._steps.perform(LoadAudio(str(source)))
        if not isinstance(loaded, Done) or loaded.problem is not None:
            raise ValueError(loaded.problem if isinstance(loaded, Done) else f"loading ended with {loaded}")
        for _ in range(loop):
            outcome = await self._steps.perform(Play(loaded.value, Path(source).name, _policy(barge_in)))
            if isinstance(outcome, Said) and outcome.interruption is not None:
                return outcome.interruption
        return None

    async def record(
        self,
        prompt: str | None = None,
        *,
        longest_seconds: float = 120.0,
        silence_seconds: float = 5.0,
        finish_on_key: str = "#",
        beep: bool = True,
        mail_to: str | None = None,
    ) -> Recorded:
        """Record the caller after a prompt and a beep, until they are silent, press a key, or have said enough.

        Args:
            prompt: Said before the beep; None for nothing.
            longest_seconds: It ends after this time.
            silence_seconds: It ends after this much silence.
            finish_on_key: A key that ends it; "" for none.
            beep: Whether a tone tells the caller to speak.
            mail_to: Addresses that get it by e-mail, with commas between; None for `mail.to` of the settings.

        Returns:
            Where the recording is, and how long. `file` is None when nothing was said.

        Raises:
            SpeechError: The prompt could not be spoken to its end.
        """
        say = None if prompt is None else Say(prompt)
        outcome = await self._steps.perform(Record(say, beep, longest_seconds, silence_seconds, finish_on_key, mail_to))
        if not isinstance(outcome, Recorded):
            raise LocalProtocolError(f"a recording ended with {outcome}")
        return outcome

    async def transfer(
        self, to: str, *, timeout_seconds: float = 30.0, caller_id: str | None = None, whisper: str | None = None
    ) -> Transferred:
        """Connect the caller with another party, and return when they have talked, or could not.

        Args:
            to: A number in E.164, or an address that begins with `sip:` or `client:`.
            timeout_seconds: How long it rings there.
            caller_id: The number shown there; None for the caller's own.
            whisper: Said to who answers before they are connected.

        Raises:
            ValueError: `to` is nothing that can be dialled.
        """
        if not ADDRESS.fullmatch(to):
            raise ValueError(f"'{to}' cannot be called: write it with + and the country, or as sip:… or client:…")
        outcome = await self._steps.perform(Transfer(to, timeout_seconds, caller_id, whisper))
        if not isinstance(outcome, Transferred):
            raise LocalProtocolError(f"a transfer ended with {outcome}")
        return outcome

    async def enqueue(self, queue: str, *, wait_url: str | None = None) -> Transferred:
        """Put the caller into a queue of Twilio's, and return when they have talked with an agent, or could not.

        Args:
            queue: Its name, up to 64 characters; Twilio makes it.
            wait_url: An address of TwiML or of a recording that the caller hears meanwhile; None for Twilio's music.

        Returns:
            How the wait ended: "completed", "left" when TwiML of `wait_url` left the queue, "full", or "failed".

        Raises:
            ValueError: `queue` is no name of a queue.
        """
        if not 0 < len(queue) <= LONGEST_QUEUE_NAME:
            raise ValueError(f"'{queue}' is no name of a queue: it has 1 to {LONGEST_QUEUE_NAME} characters")
        outcome = await self._steps.perform(Transfer(queue, queue=True, wait_url=wait_url))
        if not isinstance(outcome, Transferred):
            raise LocalProtocolError(f"a queue ended with {outcome}")
        return outcome

    async def send_sms(self, body: str, *, to: str | None = None, sender: str | None = None) -> str:
        """Send a text message by Twilio.

        Args:
            body: The text, up to 1600 characters.
            to: The number that gets it; None for the person at the other end. Others must be allowed by `sms.allowed`.
            sender: A number of the account, or the SID of a messaging service; None for the account's number in this
                call.

        Returns:
            The SID of the message, which Twilio has queued.

        Raises:
            SmsNotSent: Twilio refused it or gave no answer, or the number gets no messages.
        """
        outcome = await self._steps.perform(SendSms(body, to, sender))
        if not isinstance(outcome, Done) or outcome.problem is not None:
            raise SmsNotSent(outcome.problem or "" if isinstance(outcome, Done) else f"it ended with {outcome}")
        return str(outcome.value["sid"])

    def checkpoint(self, name: str) -> None:
        """Save how far the flow is: a process that resumes the call gets this name and these variables.

        Values should be of JSON's types; any other value comes back as its text.
        """
        self.last_checkpoint = name
        self._steps.checkpoint(name, self.variables)

    def opt_out(self) -> None:
        """Add the person called to the do-not-call list, permanently and at once. Tell them afterwards."""
        self._steps.opt_out()

    def call_back(self, *, at: datetime | None = None, in_seconds: float | None = None) -> None:
        """Have the campaign of this call call the person again, within the calling hours. Tell them afterwards.

        Args:
            at: At this time; without a time zone it is local time of the person.
            in_seconds: After so many seconds from now.

        Raises:
            ValueError: Neither is given, or both, or the time is out of range.
        """
        if (at is None) == (in_seconds is None):
            raise ValueError("give one of 'at' and 'in_seconds'")
        if in_seconds is not None and not 0 < in_seconds <= LONGEST_DELAY_SECONDS:
            raise ValueError(f"{in_seconds} s is no time to call again: up to 60 days are")
        self._steps.call_back(CallBack(in_seconds, at))

    async def send_digits(self, digits: str) -> None:
        """Play the tones of telephone keys into the call; `w` is half a second's pause.

        Raises:
            ValueError: A character is no key of a telephone.
        """
        await self.play(dtmf(digits), name=f"digits {digits}")

    async def hang_up(self, goodbye: str | None = None) -> None:
        """End the call, after a goodbye that cannot be interrupted. The flow is cancelled once the stream is closed."""
        if goodbye is not None:
            await self.say(goodbye, barge_in="none")
        await self._steps.perform(HangUp())

    def caller_audio(self) -> AsyncGenerator[bytes, None]:
        """The caller's audio as it comes, until the call is over: G.711 mu-law at 8000 Hz, in pieces of any length.

        It begins a moment before the caller last began to speak, for example with the barge-in, so that no syllable is
        lost. There is one listener at a time: a second one continues where the first one is, and the first one ends.
        Forwarding stops when the iterator is closed.
        """
        return self._steps.caller_audio()

    def turns(self) -> TurnStream:
        """What the caller says as they say it, until the call is over, for a language model of your own.

        A turn comes with its partial words, each replacing those before, and once with its final ones. It goes on while
        something is being said: `say` returns when the caller interrupts it, and the turn that did has `interruption`.
        Turns are kept from the moment of this call on, and what was said in the three seconds before is the first of
        them. There is one listener at a time: a second one continues where the first one is, and the first one ends.

        Without a recognizer, or where it fails, final turns come without words, and `heard` is False.
        """
        return self._steps.turns()


@contextmanager
def _reread(text: PromptText, *, clean: bool) -> Iterator[PromptText]:
    """Wrap a text so that it can continue after a lost stream; tokens are read only as they are needed."""
    if isinstance(text, str):
        yield text
        return
    streamed = StreamedText.by(cleaned_tokens(text) if clean else text)
    try:
        yield streamed
    finally:
        streamed.stop()


def _policy(name: Policy | None) -> BargeInPolicy | None:
    return None if name is None else BargeInPolicy(name)
