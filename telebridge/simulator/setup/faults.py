"""How the local Twilio can misbehave, on demand: what really happens to media streams, callbacks and REST requests.

One rule: no fault is the default, and each is a value, so a test reads as what goes wrong.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StreamFaults:
    """What goes wrong with a media stream; seconds count from its `start`.

    Args:
        drop_after_seconds: The socket is cut: no `stop`, no close frame.
        garbage_after_seconds: One message that is not JSON is sent.
        hang_after_seconds: Nothing is sent any more, and the socket stays open; the stream-error callback comes.
        omit_stop: The stream ends without `stop`.
        refuse: The stream cannot be connected at all, with this error of Twilio's (31901, 31920, …).
        only_first: Only the first stream of a call has these faults.
    """

    drop_after_seconds: float | None = None
    garbage_after_seconds: float | None = None
    hang_after_seconds: float | None = None
    omit_stop: bool = False
    refuse: int | None = None
    only_first: bool = True


@dataclass(frozen=True, slots=True)
class CallbackFault:
    """What happens to callbacks of one event.

    Args:
        event: initiated, ringing, answered, completed, amd, stream-started, stream-stopped, stream-error; `*` is any.
        lose: It is never sent.
        delay_seconds: It is sent so much later, while others overtake it.
        copies: How often it arrives.
    """

    event: str = "*"
    lose: bool = False
    delay_seconds: float = 0.0
    copies: int = 1


@dataclass(frozen=True, slots=True)
class RestFault:
    """What happens to one request to the REST API; each fault in the list is used up by one request of its method.

    Args:
        method: GET or POST.
        status: Answer with this HTTP status and `code`, and do nothing; None does what was asked.
        code: Twilio's error code.
        lose_answer: Do what was asked and cut the connection instead of answering.
        delay_seconds: Wait before answering.
    """

    method: str = "POST"
    status: int | None = None
    code: int = 20500
    lose_answer: bool = False
    delay_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Faults:
    """Everything that goes wrong."""

    stream: StreamFaults = field(default_factory=StreamFaults)
    callbacks: tuple[CallbackFault, ...] = ()
    rest: tuple[RestFault, ...] = ()

    def callback(self, event: str) -> CallbackFault:
        """What happens to a callback of this event."""
        return next((fault for fault in self.callbacks if fault.event in {event, "*"}), CallbackFault(event))
