"""The steps of a Python flow: what the flow asks of its call, performed by the call's session.

One rule: a flow has one step in progress, and the flow of a call that is over is cancelled at its next step.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any, Protocol

from typing_extensions import override

from telebridge.call.flows.turn_stream import QueuedTurns, TurnStream
from telebridge.call.record import CallRecord
from telebridge.call.session.effects import CallEffect
from telebridge.call.session.session import CallSession
from telebridge.errors import TelebridgeError
from telebridge.flows.steps import CallBack, Step, StepResult
from telebridge.turns.caller_turn import CallerTurn


class CallSteps(Protocol):
    """Performs the steps of a Python flow: in a call, or in a rehearsal."""

    @property
    def record(self) -> CallRecord:
        """The record of the call."""
        ...

    @property
    def clean_streams(self) -> bool:
        """Whether streamed texts are cleaned of markup."""
        ...

    async def perform(self, step: Step) -> StepResult:
        """Perform a step, and return its result.

        Raises:
            SpeechError: A text could not be spoken to its end.
            asyncio.CancelledError: The call is over.
        """
        ...

    def caller_audio(self) -> AsyncGenerator[bytes, None]:
        """The caller's audio as it comes, until the call is over."""
        ...

    def turns(self) -> TurnStream:
        """What the caller says as they say it, until the call is over."""
        ...

    def checkpoint(self, name: str, variables: dict[str, Any]) -> None:
        """Save how far the flow is."""
        ...

    def opt_out(self) -> None:
        """Add the person called to the do-not-call list."""
        ...

    def call_back(self, call_back: CallBack) -> None:
        """Have the campaign call the person again."""
        ...


class SessionSteps(CallSteps):
    """The steps of a Python flow in a call. The runner reports their outcomes.

    Args:
        session: The call's session.
        perform_effects: Performs the effects that a command to the session returned.
    """

    def __init__(self, session: CallSession, perform_effects: Callable[[list[CallEffect]], None]) -> None:
        self._session = session
        self._perform_effects = perform_effects
        self._turn = asyncio.Lock()
        self._outcome: asyncio.Future[StepResult] | None = None
        self._over = False
        self._audio: asyncio.Queue[bytes | None] | None = None
        self._turns: QueuedTurns | None = None

    @property
    @override
    def record(self) -> CallRecord:
        return self._session.record

    @property
    @override
    def clean_streams(self) -> bool:
        return self._session.clean_streams

    @override
    async def perform(self, step: Step) -> StepResult:
        async with self._turn:
            if self._over:
                raise asyncio.CancelledError("the call is over")
            waiting: asyncio.Future[StepResult] = asyncio.get_running_loop().create_future()
            self._outcome = waiting
            self._perform_effects(self._session.perform_step(step, now=_now()))
            try:
                return await waiting
            except asyncio.CancelledError:
                self._perform_effects(self._session.cancel_step(now=_now()))
                raise

    @override
    async def caller_audio(self) -> AsyncGenerator[bytes, None]:
        if self._over:
            return
        audio: asyncio.Queue[bytes | None] = asyncio.Queue()
        if self._audio is not None:
            self._audio.put_nowait(None)
        self._audio = audio
        self._perform_effects(self._session.forward_audio(wanted=True, now=_now()))
        try:
            while (piece := await audio.get()) is not None:
                yield piece
        finally:
            if self._audio is audio:  # no second listener continues
                self._audio = None
                self._perform_effects(self._session.forward_audio(wanted=False, now=_now()))

    @override
    def turns(self) -> TurnStream:
        turns = QueuedTurns(self._stop_turns)
        if self._turns is not None:
            self._turns.put(None)
        self._turns = turns
        if self._over:
            turns.put(None)
        else:
            self._perform_effects(self._session.take_turns(wanted=True, now=_now()))
        return turns

    def _stop_turns(self, turns: QueuedTurns) -> None:
        if self._turns is turns:  # no second listener continues
            self._turns = None
            self._perform_effects(self._session.take_turns(wanted=False, now=_now()))

    @override
    def checkpoint(self, name: str, variables: dict[str, Any]) -> None:
        self._perform_effects(self._session.checkpoint(name, variables, now=_now()))

    @override
    def opt_out(self) -> None:
        self._perform_effects(self._session.opt_out())

    @override
    def call_back(self, call_back: CallBack) -> None:
        self._perform_effects(self._session.call_back(call_back))

    # What the runner reports.

    def receive_audio(self, audio: bytes) -> None:
        """Take the caller's audio for `caller_audio`."""
        if self._audio is not None and audio:
            self._audio.put_nowait(audio)

    def receive_turn(self, turn: CallerTurn) -> None:
        """Take what the caller says for `turns`."""
        if self._turns is not None:
            self._turns.put(turn)

    def report(self, outcome: StepResult | TelebridgeError) -> None:
        """Take the outcome of the step that the flow waits for."""
        waiting, self._outcome = self._outcome, None
        if waiting is None or waiting.done():
            return
        if isinstance(outcome, TelebridgeError):
            waiting.set_exception(outcome)
        else:
            waiting.set_result(outcome)

    def end(self) -> None:
        """Cancel what the flow waits for now or later: the call is over."""
        self._over = True
        if self._outcome is not None:
            self._outcome.cancel()
        if self._audio is not None:
            self._audio.put_nowait(None)
        if self._turns is not None:
            self._turns.put(None)


def _now() -> float:
    """The event loop's monotonic time, in seconds."""
    return asyncio.get_running_loop().time()
