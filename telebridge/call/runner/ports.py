"""Everything that a call needs of the world around it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from telebridge.call.flows.requests import ActionRunner
from telebridge.call.record import CallRecord
from telebridge.call.runner.call_recording import CallRecorder
from telebridge.call.runner.message_files import MessageFiles
from telebridge.call.session.checkpoint import Checkpoints, NoCheckpoints
from telebridge.flows.steps import CallBack
from telebridge.speech.source import SpeechSource


def unwatched(_: str, __: str, ___: dict[str, Any]) -> None:
    """Nobody watches."""


def nobody_asks(_: CallRecord) -> None:
    """There is no do-not-call list."""


def nobody_calls(_: CallRecord, __: CallBack) -> None:
    """There are no campaigns."""


@dataclass(frozen=True, slots=True)
class CallPorts:
    """The world, as a call sees it.

    Args:
        source: Speaks.
        errands: Does what a flow wants done elsewhere.
        recordings: Keeps what callers said after the beep.
        checkpoints: Keeps where calls stand.
        watch: Told of everything that happens in a call: its kind, the CallSid, plain values.
        flights: Records both legs of calls, and what happened; None when nobody wants that.
        opted_out: Told at once when somebody wants no further call; nothing is waited for.
        call_back: Likewise when somebody wants to be called at another time.
    """

    source: SpeechSource
    errands: ActionRunner = field(default_factory=ActionRunner)
    recordings: MessageFiles = field(default_factory=lambda: MessageFiles(Path("var/recordings")))
    checkpoints: Checkpoints = field(default_factory=NoCheckpoints)
    watch: Callable[[str, str, dict[str, Any]], None] = unwatched
    flights: CallRecorder | None = None
    opted_out: Callable[[CallRecord], None] = nobody_asks
    call_back: Callable[[CallRecord, CallBack], None] = nobody_calls
