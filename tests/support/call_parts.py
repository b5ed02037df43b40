"""The parts of a call's session without the session, for tests of one of them."""

from datetime import UTC, datetime

from support.line import flow_of
from telebridge.call.record import CallRecord
from telebridge.call.session.audio.full_duplex import FullDuplex
from telebridge.call.session.audio.listening import ListeningOptions
from telebridge.call.session.audio.speaking import Speaking
from telebridge.call.session.checkpointer import Checkpointer
from telebridge.call.session.dialogue import Dialogue
from telebridge.call.session.ending import CallEnding
from telebridge.call.session.stream_phase import PhaseInput, PhaseMachine
from telebridge.call.session.transfer import CallTransfer
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.playback.writer import PlaybackOptions


class CallParts:
    """Parts that belong to one call; with a flow file, or without one as for a Python flow."""

    DIALOGUE = Dialogue

    def __init__(self, flow=None, **variables):
        self.record = CallRecord("CA1", "test", "+1555", "+1666", "inbound", datetime.now(UTC))
        self.flow = None if flow is None else FlowInterpreter(flow_of(flow), variables)
        self.phases = PhaseMachine(wait_seconds=30.0, silent_seconds=10.0, close_seconds=10.0, held_seconds=60.0)
        self.speaking = Speaking(PlaybackOptions())
        self.duplex = FullDuplex(self.record, self.speaking, ListeningOptions())
        self.dialogue = self.DIALOGUE(self.record, self.duplex)
        self.checkpointer = Checkpointer(self.flow, self.record, self.dialogue, self.speaking)
        self.ending = CallEnding(self.flow, self.record, self.phases, self.dialogue, self.checkpointer)
        self.transfer = CallTransfer(self.phases, self.checkpointer, self.dialogue, self.speaking)

    def live(self):
        """Start the stream at time 0."""
        self.phases.handle(PhaseInput.STREAM_STARTED, now=0.0)
        self.dialogue.stream_started(now=0.0)
        return self
