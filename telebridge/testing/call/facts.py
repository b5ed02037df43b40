"""What is known of a call, while it goes on and afterwards.

One rule: to read takes no time; the call stands still between two steps of a test.
"""

import asyncio
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from telebridge.audio.wav import write_stereo
from telebridge.call.record import CallRecord
from telebridge.simulator.account import SimulatedCall
from telebridge.simulator.media.recording import DualChannelRecording, EventKind, TimelineEvent
from telebridge.testing.bench.bench import Bench
from telebridge.testing.call.failure import CallFailure
from telebridge.testing.call.timeline import (
    FAILED,
    PASSED,
    TimelineLine,
    event_lines,
    heard_lines,
    timeline_text,
)
from telebridge.testing.hearing.ear import CallerEar

T = TypeVar("T")

SETTLE_SECONDS = 0.001
"""Messages of one moment are taken together."""


@dataclass(frozen=True, slots=True)
class PromptLine:
    """A sentence that the caller heard, or the beginning of it.

    Args:
        text: The whole sentence; empty for a sound that is not known.
        start_ms: When it began, after the line opened.
        end_ms: When it ended or was cut off.
        heard: The words that were heard to their ends.
        cut: Whether it was cut off before its end.
        source: Who said it: "rime", "say" (TwiML), or empty.
    """

    text: str
    start_ms: float
    end_ms: float
    heard: str
    cut: bool
    source: str


class CallFacts:
    """One call of a test.

    Args:
        bench: Where it takes place.
        placed: The call at the local Twilio; it has not begun to ring.
    """

    def __init__(self, bench: Bench, placed: SimulatedCall) -> None:
        self.ear = CallerEar(bench.speeches)
        self._bench = bench
        self._placed = placed
        self._checks: list[TimelineLine] = []
        self._began = bench.now()
        placed.phone.observer = self.ear
        placed.recording.on_event = self._noticed

    # Reads.

    @property
    def sid(self) -> str:
        """The CallSid."""
        return self._placed.record.sid

    @property
    def recording(self) -> DualChannelRecording:
        """Both legs, and all that the local Twilio saw."""
        return self._placed.recording

    @property
    def over(self) -> bool:
        """Whether the line is closed."""
        return self._placed.record.status.is_final or self._placed.finished.done()

    @property
    def status(self) -> str:
        """Twilio's status of the call, such as "in-progress", "completed" or "busy"."""
        return self._placed.record.status.value

    @property
    def seconds(self) -> float:
        """How long the line has been open."""
        return max(0.0, self._bench.now() - self.recording.opened_at)

    @property
    def quiet_seconds(self) -> float:
        """For how long the caller has heard nothing."""
        now = self._bench.now()
        ends = [min(piece.sound_ends, now) for piece in self.ear.pieces if piece.audible and piece.size]
        return now - max([self.recording.opened_at, *ends])

    @property
    def ended_by(self) -> str:
        """Who hung up: "caller", "bridge" or "limit"; empty while the call goes on."""
        ends = self.recording.of_kind(EventKind.HUNG_UP)
        return ends[0].detail if ends else ""

    @property
    def record(self) -> CallRecord:
        """What telebridge has recorded of the call.

        Raises:
            AttributeError: Another application than telebridge is tested.
        """
        found = self._bench.record(self.sid)
        if found is None:
            raise AttributeError("only a call that telebridge leads has a record, nodes, variables and a result")
        return found

    @property
    def path(self) -> list[str]:
        """The nodes of the flow so far."""
        return list(self.record.path)

    @property
    def at(self) -> str:
        """The node of the flow; empty before the first."""
        return self.path[-1] if self.path else ""

    @property
    def digits(self) -> list[str]:
        """What answered the questions so far."""
        return list(self.record.digits)

    @property
    def variables(self) -> dict[str, Any]:
        """The variables of the flow as they are, or were at the end of the call."""
        return {**self._bench.variables(self.sid), **self.record.result}

    @property
    def result(self) -> dict[str, Any]:
        """What the flow has found out."""
        return dict(self.record.result)

    @property
    def lines(self) -> list[PromptLine]:
        """What the caller heard so far, sentence by sentence."""
        now, opened = self._bench.now(), self.recording.opened_at
        return [
            PromptLine(
                "" if piece.speech is None else piece.speech.text,
                (piece.start_time - opened) * 1000,
                (min(piece.end_time, now) - opened) * 1000,
                piece.heard_by(now),
                piece.cut and not piece.complete_by(now),
                "" if piece.speech is None else piece.speech.source,
            )
            for piece in self.ear.pieces
            if piece.audible and piece.size and piece.start_time < now
        ]

    @property
    def heard(self) -> str:
        """All words that the caller has heard to their ends, as one text."""
        now = self._bench.now()
        return " ".join(word.text for word in self.ear.words() if word.end_time <= now)

    @property
    def recordings(self) -> list[bytes]:
        """The messages that the caller left, each a WAV file."""
        folder = self._bench.state_dir
        names = [name.rpartition("/")[2] for name in self.record.recordings]
        return [] if folder is None else [(folder / "recordings" / name).read_bytes() for name in names]

    @property
    def said(self) -> list[str]:
        """What telebridge began to say, in order, whether it was heard to its end or not."""
        return [utterance.text for utterance in self.record.utterances]

    @property
    def audio(self) -> bytes:
        """The call as a stereo WAV file, the caller on the left."""
        self._close_legs()
        file = io.BytesIO()
        write_stereo(file, self.recording.caller_leg(), self.recording.bridge_leg())
        return file.getvalue()

    @property
    def events(self) -> list[TimelineEvent]:
        """What the local Twilio saw, in order."""
        return list(self.recording.events)

    @property
    def unmet(self) -> list[tuple[float, str]]:
        """The expectations that were not met: milliseconds after the line opened, and in words."""
        return [(check.at_ms, check.text) for check in self._checks if check.sign == FAILED]

    def timeline(self) -> str:
        """The call as text, with what the test expected. It is the same in each run."""
        opened = self.recording.opened_at
        nodes = [
            TimelineLine((event.at - opened) * 1000, f"node {event.data.get('node', '')}")
            for event in self._bench.events
            if event.call_sid == self.sid and event.kind == "node"
        ]
        rung = [
            TimelineLine((each.at - opened) * 1000, f"rings {each.number}")
            for each in self._bench.people.rung
            if each.at >= self._began
        ]
        lines = [
            *event_lines(self.recording),
            *nodes,
            *rung,
            *heard_lines(self.ear, opened, self._bench.now()),
            *self._checks,
        ]
        return timeline_text(lines)

    # For those who act and expect.

    def _run(self, satisfied: Callable[[], T | None], *, within: float) -> T | None:
        """Let time pass until something is satisfied, at most so many seconds; None when it was not."""
        return self._bench.run(self._until(satisfied, within))

    async def _until(self, satisfied: Callable[[], T | None], within: float) -> T | None:
        deadline = self._bench.now() + within
        while (found := satisfied()) is None:
            left = deadline - self._bench.now()
            if left <= 0 or self.over:
                return satisfied() if self.over else None
            self.ear.changed.clear()
            try:
                async with asyncio.timeout(left):
                    await self.ear.changed.wait()
                await asyncio.sleep(SETTLE_SECONDS)
            except TimeoutError:
                return satisfied()
        return found

    def _noticed(self, event: TimelineEvent) -> None:
        if event.kind is EventKind.HUNG_UP:
            self.ear.cleared(ends_at=self._bench.now())
        if event.kind is not EventKind.MEDIA:
            self.ear.changed.set()

    def _passed(self, expectation: str, *, order: int = -1) -> None:
        """Enter an expectation that was met; by default before what else happened at that moment."""
        self._check(f"{PASSED} {expectation}", order=order)

    def _failure(self, expectation: str, problem: str, *, nearest: str = "") -> CallFailure:
        self._check(f"{expectation}: {problem}", sign=FAILED, order=1)
        return CallFailure(expectation, problem, nearest=nearest, timeline=self.timeline())

    def _check(self, text: str, *, sign: str = "", order: int = 0) -> None:
        at_ms = (self._bench.now() - self.recording.opened_at) * 1000
        self._checks.append(TimelineLine(at_ms, text, sign, order))

    def _close_legs(self) -> None:
        """Put what was heard so far into the recording of a call that goes on."""
        if not self.over and self._placed.phone.opened.is_set():
            self._placed.phone.note_heard()
