"""The ports of a call: everything that it needs of its surroundings, handed in where calls are made."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from telebridge.call.flows.requests import ActionRunner
from telebridge.call.record import CallRecord
from telebridge.call.runner.call_recording import CallRecorder
from telebridge.call.runner.floor_judge import FloorJudge
from telebridge.call.runner.message_files import MessageFiles
from telebridge.call.session.checkpoint import Checkpoints, NoCheckpoints
from telebridge.flows.steps import CallBack
from telebridge.recognition.source import Recognizer
from telebridge.speech.source import SpeechSource


@dataclass(frozen=True, slots=True)
class CallPorts:
    """The ports of a call.

    Args:
        source: Makes speech of text.
        actions: Performs the web requests and functions of flows.
        message_files: Saves what callers said after the beep.
        checkpoints: Saves where calls stand.
        publish: Takes every event of a call: its kind, the CallSid, plain values. None to publish nothing.
        recorder: Records both tracks of calls, and their events; None for no recording.
        opted_out: Called at once when a caller wants no further call; must not wait. None without a do-not-call list.
        call_back: Likewise when a caller wants to be called at another time. None without campaigns.
        recognizer: Hears what callers say; None where nobody does.
        judge: Says what words over a prompt mean; None where the settings name no function for that.
    """

    source: SpeechSource
    actions: ActionRunner = field(default_factory=ActionRunner)
    message_files: MessageFiles = field(default_factory=lambda: MessageFiles(Path("var/recordings")))
    checkpoints: Checkpoints = field(default_factory=NoCheckpoints)
    publish: Callable[[str, str, dict[str, Any]], None] | None = None
    recorder: CallRecorder | None = None
    opted_out: Callable[[CallRecord], None] | None = None
    call_back: Callable[[CallRecord, CallBack], None] | None = None
    recognizer: Recognizer | None = None
    judge: FloorJudge | None = None
