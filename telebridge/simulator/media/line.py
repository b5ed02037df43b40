"""The media of one call, from the moment the line opens: the caller's frames, the playout, and a stream if any.

A caller who has been silent for a while may send longer frames (`silent_frames`), so that a long call on virtual time
costs little; Twilio's own frames are always of 20 ms.

One rule: a frame of 20 ms is processed when it has passed, at a time counted from the opening, so nothing drifts.
"""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from telebridge.audio.mulaw import FRAME_BYTES, FRAME_MS
from telebridge.simulator.caller.caller import QUIET_FRAME, Caller, CallerStep, Speak, Turn
from telebridge.simulator.caller.sounds import SILENCE
from telebridge.simulator.media.fork import ForkLeg
from telebridge.simulator.media.playout import PlayoutBuffer
from telebridge.simulator.media.recording import DualChannelRecording, EventKind
from telebridge.simulator.media.stream import StreamLeg

FRAME_SECONDS = FRAME_MS / 1000
SETTLED_FRAMES = 100
"""After two seconds of silence frames may be longer: who listens for the end of speech has found it by then."""


class FarEnd(Protocol):
    """Whoever is connected with the caller: a dialed party, or a seat in a conference."""

    def frame(self, heard: bytes, /) -> Turn:
        """Take 20 ms of the caller's audio, and return what the caller hears of the far end."""
        ...


@dataclass(frozen=True, slots=True)
class CallerInput:
    """What a caller gave to a `<Gather>`: a key, the beginning of speech, or the words that were spoken."""

    kind: Literal["key", "speech", "words"]
    text: str = ""


@dataclass(slots=True)
class Passed:
    """The result of time passing: messages for sockets, what the caller gave, and whether somebody hung up.

    `forked` are messages of one-way streams, each with the stream that it belongs to.
    """

    messages: list[bytes] = field(default_factory=list)
    forked: list[tuple[ForkLeg, bytes]] = field(default_factory=list)
    inputs: list[CallerInput] = field(default_factory=list)
    hung_up: bool = False
    far_hung_up: bool = False

    @property
    def keys(self) -> str:
        """The keys that were pressed."""
        return "".join(given.text for given in self.inputs if given.kind == "key")


class PhoneLine:
    """An open line with a scripted caller at its end.

    Attributes:
        playout: Plays audio to the caller.
        stream: Receives the caller's audio and keys while it is set.
        forks: The one-way streams, which receive what the caller says and hears.
        far: Whoever is connected with the caller; both hear each other while it is set.

    Args:
        caller: The person at this end.
        recording: Receives both legs.
        opened_at: When the line opened (monotonic seconds).
        silent_frames: How many frames of a silent caller are sent as one; 1 as Twilio does.
    """

    def __init__(
        self, caller: Caller, recording: DualChannelRecording, *, opened_at: float, silent_frames: int = 1
    ) -> None:
        self.caller = caller
        self.recording = recording
        self.opened_at = opened_at
        self.playout = PlayoutBuffer()
        self.stream: StreamLeg | None = None
        self.forks: list[ForkLeg] = []
        self.far: FarEnd | None = None
        self._frames = 0
        self._silent_frames = silent_frames
        self._quiet = 0  # how many frames before now were silence

    def act(self, step: CallerStep, *, now: float) -> Passed:
        """Let the caller do something further; returns what has passed up to now."""
        passed = self.catch_up(now=now)
        self.caller.add(step)
        return passed

    def catch_up(self, *, now: float) -> Passed:
        """Process everything up to `now`, and cut a long frame short, because frames of 20 ms follow."""
        passed = self.handle_timeout(now=now)
        whole = int((now - self._frame_began()) / FRAME_SECONDS + 1e-6)
        if whole > 0:
            self._pass_silence(passed, whole)
        return passed

    def next_deadline(self) -> float:
        """Return when the current frame ends, or when a mark is due if that is earlier."""
        frame = self._frame_ends()
        mark = self.playout.next_deadline()
        late = None if self.stream is None else self.stream.next_deadline()
        return min(each for each in (frame, mark, late) if each is not None)

    def handle_timeout(self, *, now: float) -> Passed:
        """Process everything up to `now`."""
        passed = Passed()
        while (deadline := self.next_deadline()) <= now:
            self._return_marks(passed, now=deadline)
            if self._frame_ends() > deadline:
                continue
            if (frames := self._frames_at_once()) > 1:
                self._pass_silence(passed, frames)
            else:
                self._pass_frame(passed, now=deadline)
        return passed

    def close(self, *, now: float) -> None:
        """Close the line and put what the caller heard into the recording."""
        self.recording.heard = self.playout.heard(now=now)

    def _frame_began(self) -> float:
        return self.opened_at + self._frames * FRAME_SECONDS

    def _frame_ends(self) -> float:
        return self.opened_at + (self._frames + self._frames_at_once()) * FRAME_SECONDS

    def _frames_at_once(self) -> int:
        alone = self.far is None and not self.forks
        settled = self._quiet >= SETTLED_FRAMES and alone and self.caller.silent
        return self._silent_frames if settled else 1

    def _return_marks(self, passed: Passed, *, now: float) -> None:
        names = self.playout.handle_timeout(now=now)
        if self.stream is not None:
            passed.messages += self.stream.send_marks(names, now=now)
            passed.messages += self.stream.handle_timeout(now=now)

    def _pass_silence(self, passed: Passed, frames: int) -> None:
        self._frames += frames
        self.caller.rest(frames)
        silence = SILENCE * (frames * FRAME_BYTES)
        self.recording.caller += silence
        if self.stream is not None:
            passed.messages.append(self.stream.send_frame(silence))

    def _pass_frame(self, passed: Passed, *, now: float) -> None:
        start = self._frame_began()
        self._frames += 1
        heard = self.playout.heard_between(start, now)
        turn = self.caller.frame(heard)
        self._quiet = self._quiet + 1 if turn.audio == QUIET_FRAME and not turn.keys else 0
        self._note(turn, start)
        self.recording.caller += turn.audio
        if self.stream is not None:
            passed.messages.append(self.stream.send_frame(turn.audio))
            passed.messages += [self.stream.send_digit(key) for key in turn.keys]
        for fork in self.forks:
            passed.forked += [(fork, message) for message in fork.send_frame(turn.audio, heard)]
        if self.far is not None:
            far_turn = self.far.frame(turn.audio)
            self.playout.queue_audio(far_turn.audio, now=now)
            passed.far_hung_up = passed.far_hung_up or far_turn.hung_up
        passed.inputs += _inputs(turn)
        passed.hung_up = passed.hung_up or turn.hung_up

    def _note(self, turn: Turn, at: float) -> None:
        if turn.began is not None:
            detail = type(turn.began).__name__.removesuffix("Step")
            if isinstance(turn.began, Speak) and turn.began.words:
                detail += f" {turn.began.words}"
            self.recording.note(EventKind.CALLER, detail, now=at)
        for key in turn.keys:
            self.recording.note(EventKind.KEY, key, now=at)


def _inputs(turn: Turn) -> list[CallerInput]:
    """Return what a `<Gather>` may take of a frame."""
    inputs = [CallerInput("key", key) for key in turn.keys]
    if isinstance(turn.began, Speak):
        inputs.append(CallerInput("speech"))
    if turn.spoke is not None:
        inputs.append(CallerInput("words", turn.spoke.words))
    return inputs
