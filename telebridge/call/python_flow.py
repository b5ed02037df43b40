"""Flows written in Python: a coroutine leads the call, and awaits what the caller hears and types.

    bridge = Bridge()

    @bridge.flow("reminder")
    async def reminder(call: Call) -> None:
        await call.say(f"Hello {call.variables['name']}.")
        answer = await call.ask("Press 1 to confirm, 2 to move it.", choices="12")
        call.result["answer"] = answer.digits

When the caller hangs up the coroutine is cancelled where it waits; `try … finally` works as everywhere.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from telebridge.audio.tones import dtmf
from telebridge.call.events import AudioAsked, CallEvent, StepAsked, StepCancelled
from telebridge.call.record import CallRecord
from telebridge.errors import ConfigurationError, LocalProtocolError, SpeechError
from telebridge.flows.steps import Collect, Gathered, HangUp, Outcome, Play, Said, Say, Step
from telebridge.speech.source import Voice
from telebridge.turns.barge_in import BargeIn, BargeInPolicy
from telebridge.turns.digits import DigitRules, Ending

Text = str | AsyncIterable[str]
Policy = Literal["any", "speech", "keys", "none"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller typed: the keys, without the one that finished them, and why the wait for them ended."""

    digits: str
    ending: Ending

    def __bool__(self) -> bool:
        """Whether anything was typed."""
        return bool(self.digits)


class Call:
    """A live call in the hands of a Python flow; one thing is said or asked at a time, in the order it was awaited.

    Args:
        deliver: Takes events into the call's session.
        record: Who calls whom; `result` is kept with it.
        variables: What the flow was started with.
    """

    def __init__(self, deliver: Callable[[CallEvent], None], record: CallRecord, variables: dict[str, Any]) -> None:
        self.sid = record.call_sid
        self.from_number = record.from_number
        self.to_number = record.to_number
        self.variables = variables
        self.result = record.result
        self._deliver = deliver
        self._turn = asyncio.Lock()
        self._outcome: asyncio.Future[Outcome] | None = None
        self._over = False
        self._audio: asyncio.Queue[bytes | None] | None = None

    async def say(self, text: Text, *, barge_in: Policy | None = None, voice: Voice | None = None) -> BargeIn | None:
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
        outcome = await self._perform(Say(text, voice=voice, barge_in=_policy(barge_in)))
        return outcome.interruption if isinstance(outcome, Said) else None

    async def collect(
        self,
        prompt: Text | None = None,
        *,
        rules: DigitRules | None = None,
        barge_in: Policy | None = None,
        voice: Voice | None = None,
    ) -> Answer:
        """Ask for digits, and return what was typed. By default a pound sign or a pause of three seconds ends them.

        Raises:
            SpeechError: The prompt could not be spoken to its end.
        """
        say = None if prompt is None else Say(prompt, voice=voice, barge_in=_policy(barge_in))
        outcome = await self._perform(Collect(say, DigitRules() if rules is None else rules))
        if not isinstance(outcome, Gathered):
            raise LocalProtocolError(f"a question ended with {outcome}")
        return Answer(outcome.digits, outcome.ending)

    async def ask(
        self,
        prompt: str,
        *,
        choices: str,
        reprompt: int = 2,
        no_match: str = "That is not one of the choices.",
        wait_seconds: float = 5.0,
    ) -> Answer:
        """Ask for one key out of `choices`, again when another or none is pressed.

        Args:
            prompt: The question.
            choices: The keys that answer it, such as "12#".
            reprompt: How many times it is asked again.
            no_match: Said before asking again when another key was pressed.
            wait_seconds: How long silence lasts before it counts as no answer.

        Returns:
            The answer; without digits when none came within all tries.
        """
        rules = DigitRules(min_digits=1, max_digits=1, finish_on_key="", no_input_seconds=wait_seconds)
        answer = Answer("", Ending.NO_INPUT)
        text = prompt
        for _ in range(1 + reprompt):
            answer = await self.collect(text, rules=rules)
            if answer and answer.digits in choices:
                return answer
            text = f"{no_match} {prompt}" if answer else prompt
        return Answer("", answer.ending)

    async def play(self, audio: bytes, *, name: str = "audio") -> None:
        """Play audio, and return when the caller has heard it: G.711 mu-law at 8000 Hz, without a header."""
        await self._perform(Play(audio, name))

    async def send_digits(self, digits: str) -> None:
        """Play the tones of telephone keys into the call; `w` is half a second's pause.

        Raises:
            ValueError: A character is no key of a telephone.
        """
        await self.play(dtmf(digits), name=f"digits {digits}")

    async def hang_up(self, goodbye: str | None = None) -> None:
        """End the call, after a last word that cannot be interrupted. The flow is cancelled once the line is closed."""
        if goodbye is not None:
            await self.say(goodbye, barge_in="none")
        await self._perform(HangUp())

    async def caller_audio(self) -> AsyncIterator[bytes]:
        """The caller's audio as it comes, until the call is over: G.711 mu-law at 8000 Hz, in pieces of any length.

        It begins with what the caller said since they last began to speak, a barge-in for example, and a moment before
        that, so that no syllable is lost. One listener at a time: a second one takes over where the first one is, which
        ends. It stops when the iterator is closed.
        """
        if self._over:
            return
        audio: asyncio.Queue[bytes | None] = asyncio.Queue()
        if self._audio is not None:
            self._audio.put_nowait(None)
        self._audio = audio
        self._deliver(AudioAsked(wanted=True))
        try:
            while (piece := await audio.get()) is not None:
                yield piece
        finally:
            if self._audio is audio:  # nobody took over
                self._audio = None
                self._deliver(AudioAsked(wanted=False))

    def hear(self, audio: bytes) -> None:
        """Take the caller's audio for whoever listens."""
        if self._audio is not None and audio:
            self._audio.put_nowait(audio)

    def report(self, outcome: Outcome | SpeechError) -> None:
        """Take the outcome of the step that the flow waits for."""
        waiting, self._outcome = self._outcome, None
        if waiting is None or waiting.done():
            return
        if isinstance(outcome, SpeechError):
            waiting.set_exception(outcome)
        else:
            waiting.set_result(outcome)

    def end(self) -> None:
        """The call is over: whatever the flow still asks for is cancelled, so that it cannot wait for ever."""
        self._over = True
        if self._outcome is not None:
            self._outcome.cancel()
        if self._audio is not None:
            self._audio.put_nowait(None)

    async def _perform(self, step: Step) -> Outcome:
        async with self._turn:
            if self._over:
                raise asyncio.CancelledError("the call is over")
            waiting: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
            self._outcome = waiting
            self._deliver(StepAsked(step))
            try:
                return await waiting
            except asyncio.CancelledError:
                self._deliver(StepCancelled())
                raise


def _policy(name: Policy | None) -> BargeInPolicy | None:
    return None if name is None else BargeInPolicy(name)


PythonFlow = Callable[[Call], Awaitable[None]]


class Bridge:
    """The Python flows of an application, by name."""

    def __init__(self) -> None:
        self.flows: dict[str, PythonFlow] = {}

    def flow(self, name: str) -> Callable[[PythonFlow], PythonFlow]:
        """Register the decorated coroutine function as the flow `name`.

        Raises:
            ConfigurationError: There is a flow of that name already.
        """

        def register(function: PythonFlow) -> PythonFlow:
            if name in self.flows:
                raise ConfigurationError(f"flow '{name}'", "is defined twice", "give one of them another name")
            self.flows[name] = function
            return function

        return register
