"""A live view of a call in the terminal: its events, and the latest texts that were said."""

from collections.abc import Callable, Iterable

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from telebridge.call.record import CallRecord
from telebridge.simulator.account import SimulatedCall
from telebridge.simulator.media.recording import EventKind, TimelineEvent

SHOWN_EVENTS = 14
TOGETHER_MS = 10.0
"""Marks that come back within this time came back together, after a clear for instance."""
QUIET = frozenset({EventKind.MEDIA, EventKind.MARK, EventKind.CALLBACK, EventKind.SPEAKING})
COLORS = {
    EventKind.KEY: "red",
    EventKind.CLEAR: "magenta",
    EventKind.MARK_RETURNED: "dim",
    EventKind.HUNG_UP: "bold",
    EventKind.WARNING: "yellow",
}
WORDS = {
    EventKind.STATUS: "call is {}",
    EventKind.REQUEST: "Twilio asked {}",
    EventKind.TWIML: "TwiML {}",
    EventKind.STREAM_STARTED: "media stream opened",
    EventKind.STREAM_STOPPED: "media stream closed",
    EventKind.MARK_RETURNED: "heard up to mark {}",
    EventKind.CLEAR: "bridge: clear",
    EventKind.KEY: "caller pressed {}",
    EventKind.CALLER: "caller {}",
    EventKind.HUNG_UP: "{} hung up",
    EventKind.WARNING: "warning {}",
    EventKind.NOT_SIMULATED: "not performed here: {}",
    EventKind.RECORDING: "recording {}",
    EventKind.CONFERENCE: "conference: {}",
    EventKind.QUEUE: "queue: {}",
    EventKind.SMS: "text message {}",
}


STEPS = {
    "Listen": "listens",
    "WaitForPrompt": "waits for the voice",
    "WaitForSilence": "waits for silence",
    "WaitUntil": "waits",
    "Speak": "speaks",
    "Noise": "has noise around",
    "Loudspeaker": "uses the loudspeaker",
}
"""The steps of a caller in words; a key and the end are events of their own."""


class CallView:
    """A renderable for `rich.live` that shows the current state of a call.

    Args:
        placed: The call at the local Twilio.
        record: Returns the call's record at the bridge, or None before it is known there.
    """

    def __init__(self, placed: SimulatedCall, record: Callable[[], CallRecord | None]) -> None:
        self._placed = placed
        self._record = record

    def __rich__(self) -> RenderableType:
        events = _shown(self._placed.recording.events)
        table = Table.grid(padding=(0, 2))
        table.add_column(justify="right", style="cyan")
        table.add_column()
        for event in events[-SHOWN_EVENTS:]:
            seconds = round(event.at_ms / 1000, 2) + 0.0  # -0.0 is 0.0
            table.add_row(f"{seconds:.2f} s", _words(event))
        said = [_said(text) for text in self._texts()]
        return Panel(Group(table, *said), title="a call on this machine", border_style="blue")

    def _texts(self) -> list[str]:
        record = self._record()
        return [] if record is None else [utterance.text for utterance in record.utterances[-2:]]


def _shown(events: Iterable[TimelineEvent]) -> list[TimelineEvent]:
    """The events that are shown, by their times; of marks that came back together the last."""
    shown: list[TimelineEvent] = []
    for event in sorted(filter(_is_shown, events), key=lambda event: event.at_ms):
        if shown and _came_back_together(shown[-1], event):
            shown.pop()
        shown.append(event)
    return shown


def _came_back_together(one: TimelineEvent, other: TimelineEvent) -> bool:
    return one.kind is other.kind is EventKind.MARK_RETURNED and other.at_ms - one.at_ms < TOGETHER_MS


def _is_shown(event: TimelineEvent) -> bool:
    return event.kind not in QUIET and (event.kind is not EventKind.CALLER or event.detail.split(" ")[0] in STEPS)


def _words(event: TimelineEvent) -> Text:
    detail = event.detail
    if event.kind is EventKind.CALLER:
        step, blank, spoken = detail.partition(" ")
        detail = f"{STEPS[step]}{blank}{spoken}"
    words = WORDS.get(event.kind, "{}").format(detail)
    return Text(words, style=COLORS.get(event.kind, ""), overflow="ellipsis", no_wrap=True)


def _said(text: str) -> Text:
    return Text(f"said: {text}", style="green", overflow="ellipsis", no_wrap=True)
