"""The faults that the local Twilio simulates on demand, in media streams, callbacks and REST requests.

Each of them happens with the real Twilio. One rule: the default is no fault, and each fault is a value.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StreamFaults:
    """The faults of a media stream; seconds count from its `start`.

    Args:
        drop_after_seconds: The socket is cut: no `stop`, no close frame.
        garbage_after_seconds: One message that is not JSON is sent.
        hang_after_seconds: Nothing is sent any more, and the socket stays open; the stream-error callback comes.
        delay_marks_seconds: Marks come back so much later than their audio was heard.
        late_marks_after_clear: Marks that a clear returns come back when the audio that it dropped would have been
            heard. Twilio does not document when they come.
        unknown_messages: Twilio sends a message of an event that is not documented; it may add events at any time.
        omit_stop: The stream ends without `stop`.
        refuse: The stream cannot be connected at all, with this error of Twilio's (31901, 31920, …).
        only_first: Only the first stream of a call has these faults.
    """

    drop_after_seconds: float | None = None
    garbage_after_seconds: float | None = None
    hang_after_seconds: float | None = None
    delay_marks_seconds: float = 0.0
    late_marks_after_clear: bool = False
    unknown_messages: bool = False
    omit_stop: bool = False
    refuse: int | None = None
    only_first: bool = True


@dataclass(frozen=True, slots=True)
class CallbackFault:
    """The fault of callbacks of one event.

    Args:
        event: initiated, ringing, answered, completed, amd, stream-started, stream-stopped, stream-error; `*` is any.
        lose: The callback is never sent.
        delay_seconds: The callback is sent that much later; others may overtake it.
        copies: How many times the callback is sent.
    """

    event: str = "*"
    lose: bool = False
    delay_seconds: float = 0.0
    copies: int = 1


@dataclass(frozen=True, slots=True)
class RestFault:
    """The fault of one request to the REST API; each fault in the list applies to one request of its method.

    Args:
        method: GET or POST.
        status: Respond with this HTTP status and `code` without executing the request; None executes it.
        code: Twilio's error code.
        lose_answer: Execute the request, and cut the connection instead of responding.
        delay_seconds: Wait before the request is executed.
    """

    method: str = "POST"
    status: int | None = None
    code: int = 20500
    lose_answer: bool = False
    delay_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SimulatorFaults:
    """All faults of a simulator.

    Args:
        stream: Those of media streams.
        callbacks: Those of status callbacks.
        rest: Those of REST requests.
        webhook_copies: How many times each webhook that asks for TwiML is sent, as after a response that was lost; the
            last response counts.
    """

    stream: StreamFaults = field(default_factory=StreamFaults)
    callbacks: tuple[CallbackFault, ...] = ()
    rest: tuple[RestFault, ...] = ()
    webhook_copies: int = 1

    def callback(self, event: str) -> CallbackFault:
        """Return the fault of a callback of this event."""
        return next((fault for fault in self.callbacks if fault.event in {event, "*"}), CallbackFault(event))
