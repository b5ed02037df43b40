"""What follows when the media stream of a call starts, breaks, stops, is requested again, or stays away.

One rule: a stream that is gone does not end the call. What it cut is said again over the next one, until Twilio reports
the end of the call or the phase has lasted too long.
"""

from telebridge.call.session.audio.speaking import Speaking
from telebridge.call.session.checkpointer import Checkpointer
from telebridge.call.session.dialogue import Dialogue
from telebridge.call.session.effects import CallEffect, CloseStream
from telebridge.call.session.ending import CallEnding
from telebridge.call.session.events import CallOver, StreamLost, StreamRequested
from telebridge.call.session.stream_phase import Phase, PhaseInput, PhaseMachine
from telebridge.twilio.media_stream import StreamStarted, StreamStopped

HUNG_UP = "caller hung up"

StreamEvent = StreamStarted | StreamLost | StreamRequested | StreamStopped | CallOver
"""What happened to the stream, or to the whole call at Twilio."""


class StreamLifecycle:
    """Follows the streams of one call, one after another.

    Args:
        phases: Where the stream is.
        speaking: What is said into it.
        dialogue: Starts with each stream.
        checkpointer: Saves for whichever process Twilio asks what follows.
        ending: Ends the call.
    """

    __slots__ = ("_checkpointer", "_dialogue", "_ending", "_phases", "_speaking")

    def __init__(
        self,
        phases: PhaseMachine,
        speaking: Speaking,
        dialogue: Dialogue,
        checkpointer: Checkpointer,
        ending: CallEnding,
    ) -> None:
        self._phases = phases
        self._speaking = speaking
        self._dialogue = dialogue
        self._checkpointer = checkpointer
        self._ending = ending

    def handle(self, event: StreamEvent, *, now: float) -> list[CallEffect]:
        """Return what follows from an event."""
        match event:
            case StreamStarted():
                if not self._phases.handle(PhaseInput.STREAM_STARTED, now=now).is_live:
                    return [CloseStream()]  # Twilio connected it after a transfer, or after the end of the flow
                return self._dialogue.stream_started(now=now)
            case StreamLost():
                return self._lost(now)
            case StreamRequested():
                return self._requested(now)
            case StreamStopped():
                return self._stopped(now)
            case CallOver("completed") if self._phases.phase.is_held:
                return self._ending.end(HUNG_UP, now=now)
            case CallOver(status):
                return self._ending.end(f"call {status}", now=now)

    def handle_timeout(self, *, now: float) -> list[CallEffect]:
        """Return what follows from the time being `now`: nothing, unless the phase has lasted too long."""
        if not self._phases.is_overdue(now=now):
            return []
        match self._phases.phase:
            case Phase.LIVE:
                return self._lost(now)
            case Phase.WAITING:
                return self._ending.end("the media stream never came", now=now)
            case Phase.AWAY | Phase.HELD:
                return self._ending.end(HUNG_UP, now=now)
            case Phase.CLOSING | Phase.OVER:
                return self._ending.end("", now=now)

    def _stopped(self, now: float) -> list[CallEffect]:
        """Twilio ended the stream; whether the call is over, it will say. What was cut is kept until then."""
        was_live = self._phases.phase.is_live
        if self._phases.handle(PhaseInput.STREAM_STOPPED, now=now).is_over:
            return self._ending.end("", now=now)
        if not was_live:
            return []
        cut = self._speaking.stream_lost(now=now, request=False)
        return [*cut, self._checkpointer.save(now=now), CloseStream()]

    def _requested(self, now: float) -> list[CallEffect]:
        """The call is brought back: what was cut is requested while Twilio connects the stream."""
        if not self._phases.handle(PhaseInput.STREAM_REQUESTED, now=now).is_waiting:
            return []
        if self._phases.cannot_stream(now=now):
            return self._ending.close("the media stream cannot be kept up", now=now, apology=True)
        return self._speaking.request_speech()

    def _lost(self, now: float) -> list[CallEffect]:
        """The stream is gone but the call may live: wait for Twilio to bring it back, then say again what it cut."""
        was_live = self._phases.phase.is_live
        if self._phases.handle(PhaseInput.STREAM_LOST, now=now).is_over:
            return self._ending.end("", now=now)
        if not was_live:
            return []
        # Its socket may be half open for minutes; once closed, Twilio asks what follows, and brings the call back.
        return [CloseStream(), *self._speaking.stream_lost(now=now)]
