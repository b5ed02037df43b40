"""The errors that telebridge raises, by whose fault they are and what can be done about them.

    TelebridgeError
      ConfigurationError        where it is and what to do; the command line prints it without a traceback
        FlowError               a flow file: line, column, node
        AppFailed               a module of Python flows raises when it is imported: the lines of it
      ProtocolError             abstract
        LocalProtocolError      we would break the protocol: a bug, never caught
        RemoteProtocolError     the peer broke it: who, how, and what it sent, shortened
      SpeechError               has `retryable`
        SpeechUnavailable       connecting, timing out, closing early
        SpeechIncomplete      less audio than the text can take, though the service says that it is done
        SpeechRejected          an error answer
          SpeechTextError       the text or its author is at fault, and no provider
      TwilioAPIError            status, Twilio's code, `retryable`
      NotLive                   a call is over or not ready, so a command to it is refused
      CampaignRefused           the state of a campaign does not allow a command

One rule: messages are built from attributes, so a caller reads fields and never parses text. The text of an error is
one line of bounded length, whatever a file or a peer put into it.
"""

import re

from typing_extensions import override

SHOWN_CHARACTERS = 120
LONGEST_PART = 1000
_UNSHOWN = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")
"""Control characters, line separators, directions of writing and half surrogate pairs."""


def shortened(value: str | bytes) -> str:
    """What a peer sent, cut to a length for log lines; bytes are shown as in a literal."""
    text = value if isinstance(value, str) else repr(value[: SHOWN_CHARACTERS + 1])[2:-1]
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}… ({len(value)} long)"


def one_line(text: str) -> str:
    """A text as a part of an error: what would break a line, or act on a terminal, is written as an escape."""
    if len(text) > LONGEST_PART:
        text = f"{text[:LONGEST_PART]}… ({len(text)} long)"
    return _UNSHOWN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class TelebridgeError(Exception):
    """The root of the tree: catch it to catch every error that telebridge raises on purpose."""


class ConfigurationError(TelebridgeError):
    """A setting, option or file is wrong, and its owner can correct it.

    Args:
        where: The setting, option or file (with line and column where there are any), as its owner would look for it.
        problem: What is wrong, without a final full stop.
        hint: What to do about it; empty when `problem` says it all.
    """

    def __init__(self, where: str, problem: str, hint: str = "") -> None:
        super().__init__(where, problem, hint)
        self.where = where
        self.problem = problem
        self.hint = hint

    @override
    def __str__(self) -> str:
        hint = f"; {one_line(self.hint)}" if self.hint else ""
        return f"{one_line(self.where)}: {one_line(self.problem)}{hint}"


class FlowError(ConfigurationError):
    """A flow file is wrong.

    Args:
        file: Its path.
        line: The line, counted from 1.
        column: The column, counted from 1.
        problem: What is wrong, without a final full stop.
        hint: What to do about it; may be empty.
        node: The node; None outside of nodes.
    """

    def __init__(
        self, *, file: str, line: int, column: int, problem: str, hint: str = "", node: str | None = None
    ) -> None:
        super().__init__(f"{file}:{line}:{column}", problem if node is None else f"{problem} in node '{node}'", hint)
        self.file = file
        self.line = line
        self.column = column
        self.node = node


class AppFailed(ConfigurationError):
    """A module of Python flows raises when it is imported.

    Args:
        where: The option or setting that names the module.
        problem: What was raised, without a final full stop.
        excerpt: The lines of the module that led there, as the command line prints them below the error.
    """

    def __init__(self, where: str, problem: str, excerpt: tuple[str, ...] = ()) -> None:
        super().__init__(where, problem)
        self.excerpt = excerpt


class ProtocolError(TelebridgeError):
    """Abstract: a protocol was or would be broken. Raise one of the two below."""


class LocalProtocolError(ProtocolError):
    """We would break the protocol. This is a bug in telebridge; only the top of a task catches it."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol.

    Args:
        peer: "Twilio", "Rime", or the name of a client of the simulator or speech server.
        problem: What is wrong with what it sent.
        sent: What it sent; it is shortened.
    """

    def __init__(self, peer: str, problem: str, sent: str | bytes = "") -> None:
        super().__init__(peer, problem, sent)
        self.peer = peer
        self.problem = problem
        self.sent = shortened(sent)

    @override
    def __str__(self) -> str:
        sent = f": {self.sent}" if self.sent else ""
        return one_line(f"{self.peer} {self.problem}{sent}")


class SpeechError(TelebridgeError):
    """Text could not be turned into audio.

    Args:
        problem: What happened.
        status: The HTTP status or WebSocket close code; None when there was none.
    """

    retryable = False

    def __init__(self, problem: str, *, status: int | None = None) -> None:
        super().__init__(problem, status)
        self.problem = problem
        self.status = status

    @override
    def __str__(self) -> str:
        problem = one_line(self.problem)
        return problem if self.status is None else f"{problem} ({self.status})"


class SpeechUnavailable(SpeechError):
    """The service could not be reached, timed out, or went away early: the same request may work later."""

    retryable = True


class SpeechIncomplete(SpeechUnavailable):
    """The service ended a text as spoken, with less audio than the text can take.

    Args:
        problem: What happened.
        retried: Whether the text was requested a second time already.
    """

    def __init__(self, problem: str, *, retried: bool = False) -> None:
        super().__init__(problem)
        self.retried = retried


class SpeechRejected(SpeechError):
    """The service understood the request and refused it: the same request would be refused again."""


class SpeechTextError(SpeechRejected):
    """The text itself is at fault: its author failed, or it is no text. No provider could speak it."""


class SmsNotSent(TelebridgeError):
    """A text message was not sent, or nobody knows whether it was: why not."""


class TwilioAPIError(TelebridgeError):
    """Twilio's REST API answered with an error.

    Args:
        status: The HTTP status; 0 when there was no response.
        code: Twilio's error code (https://www.twilio.com/docs/api/errors); None when there was none.
        message: Twilio's message.
        sent: False when the connection failed before any of the request was sent.
    """

    def __init__(self, status: int, code: int | None, message: str, *, sent: bool = True) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message
        self.sent = sent

    @property
    def retryable(self) -> bool:
        """Whether trying again is known to be safe: only 429 is documented as never processed."""
        return self.status == 429

    @property
    def surely_not_done(self) -> bool:
        """Whether the request has certainly had no effect. Otherwise that is unknown: a phone may ring.

        Twilio refuses with 4xx before it acts; 408 comes from a proxy and says nothing about the request.
        """
        return not self.sent or (400 <= self.status < 500 and self.status != 408)

    @override
    def __str__(self) -> str:
        code = f", error {self.code}" if self.code is not None else ""
        if not self.status:
            return f"no answer from Twilio: {one_line(self.message)}"
        return f"Twilio answered {self.status}{code}: {one_line(self.message)}"


class NotLive(TelebridgeError):
    """A command to a call is refused because the call is ending or is not ready yet.

    Args:
        call_sid: The call.
        reason: Why, such as "is ending" or "has no media stream yet".
    """

    def __init__(self, call_sid: str, reason: str) -> None:
        super().__init__(call_sid, reason)
        self.call_sid = call_sid
        self.reason = reason

    @override
    def __str__(self) -> str:
        return f"call {self.call_sid} {self.reason}"


class CampaignRefused(TelebridgeError):
    """A command to a campaign is refused because of the state that the campaign is in.

    Args:
        campaign: Its name or id.
        problem: What is wrong, without a final full stop.
    """

    def __init__(self, campaign: str, problem: str) -> None:
        super().__init__(campaign, problem)
        self.campaign = campaign
        self.problem = problem

    @override
    def __str__(self) -> str:
        return f"campaign '{self.campaign}': {self.problem}"
