"""The TwiML interpreter of one call: given the outcome of the last instruction, it returns the next one.

Follows Twilio's "TwiML for Programmable Voice": documents run from top to bottom, `action` and `<Redirect>` replace the
document, the end of a document ends the call, and a document that cannot be fetched or parsed is replaced by the
fallback's.

One rule: the interpreter returns one `Instruction` at a time; `resume` takes its outcome and returns the next.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urljoin, urlsplit

from telebridge.errors import LocalProtocolError
from telebridge.simulator.twiml.document import TwimlDocument, played_document, read_document, spoken_document
from telebridge.simulator.twiml.elements import TwimlWarning
from telebridge.simulator.twiml.verbs import (
    DialVerb,
    EnqueueVerb,
    GatherVerb,
    HangupVerb,
    LeaveVerb,
    PauseVerb,
    PerformedVerb,
    RecordVerb,
    RedirectVerb,
    ReferVerb,
    RejectVerb,
    SmsVerb,
    StreamVerb,
    TwimlError,
    Verb,
)

MOST_DOCUMENTS = 1000  # a call that redirects to itself for ever ends here
TWIML_TYPES = frozenset({"text/xml", "application/xml", "text/html", ""})
LEFT_QUEUE = "left the queue"


@dataclass(frozen=True, slots=True)
class Fetch:
    """Request the next document; `fields` are sent in addition to those of the call."""

    url: str
    method: str = "POST"
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EndOfTwiml:
    """The TwiML is over: hang up. `reason` is for people; `code` is Twilio's error code, if there was an error."""

    reason: str
    code: int | None = None


Instruction = Fetch | PerformedVerb | RejectVerb | EndOfTwiml


@dataclass(frozen=True, slots=True)
class Document:
    """The outcome of a fetch that succeeded."""

    body: bytes
    url: str
    content_type: str = "text/xml"


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """The outcome of a fetch that failed, with Twilio's error code."""

    code: int
    url: str


@dataclass(frozen=True, slots=True)
class VerbDone:
    """The outcome of a verb that ended; `fields` are sent to its action.

    After `<Gather>`, `Digits` and `SpeechResult` decide whether it is asked; after `<Record>`, `RecordingUrl`.
    """

    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VerbFailed:
    """The outcome of a verb that failed, with a warning or error of Twilio's; the document goes on."""

    code: int
    problem: str


InstructionOutcome = Document | FetchFailed | VerbDone | VerbFailed


class InterpreterState(Enum):
    """The state of an interpreter."""

    NEW = "new"
    FETCHING = "fetching"
    PERFORMING = "performing"
    ENDED = "ended"


class Interpreter:
    """Runs the TwiML of one call, from its first document to its end.

    Call `start` or `start_document` first, then `resume` with the outcome of each instruction until it returns
    `EndOfTwiml` or `RejectVerb`.

    Attributes:
        problems: What went wrong so far, as Twilio's console would list it.

    Args:
        fallback_url: Replaces the first document that cannot be fetched or read.
        fallback_method: GET or POST.
        in_queue: Whether the documents are those of a queue's `waitUrl`, where `<Leave>` is allowed.
    """

    def __init__(
        self, *, fallback_url: str | None = None, fallback_method: str = "POST", in_queue: bool = False
    ) -> None:
        self.state = InterpreterState.NEW
        self.problems: list[TwimlError | TwimlWarning] = []
        self._in_queue = in_queue
        self._fallback = Fetch(fallback_url, fallback_method) if fallback_url else None
        self._verbs: list[Verb] = []
        self._base_url = ""
        self._current: Instruction | None = None
        self._documents = 0
        self._answered = False

    def start(self, url: str, method: str = "POST", fields: Mapping[str, str] | None = None) -> Instruction:
        """Start with the document at `url`. In a call that was updated, it replaces the current document."""
        self._verbs = []
        return self._issue(Fetch(url, method, fields or {}))

    def start_document(self, body: bytes) -> Instruction:
        """Start with a document that came with a REST request, where relative URLs have no base (15004)."""
        self._verbs, self._base_url = [], ""
        return self._read(Document(body, ""))

    def resume(self, outcome: InstructionOutcome) -> Instruction:
        """Return the next instruction, given the outcome of the last one.

        Raises:
            LocalProtocolError: There was no instruction, or the outcome does not belong to it.
        """
        if self.state is InterpreterState.FETCHING:
            match outcome:
                case Document():
                    return self._read(outcome)
                case FetchFailed(code, url):
                    return self._fail(TwimlError(code, f"{url} could not be fetched"), url)
                case VerbDone() | VerbFailed():
                    raise LocalProtocolError("a fetch ends with a Document or FetchFailed")
        if self.state is InterpreterState.PERFORMING:
            match outcome:
                case VerbFailed(code, problem):
                    self.problems.append(TwimlError(code, problem))
                    return self._after(VerbDone())
                case VerbDone():
                    return self._after(outcome)
                case Document() | FetchFailed():
                    raise LocalProtocolError("a verb ends with VerbDone or VerbFailed")
        raise LocalProtocolError(f"nothing can end in state {self.state.value}")

    def abandoned(self, fields: Mapping[str, str]) -> Fetch | None:
        """Return the request that Twilio makes when a call ends in the middle of a verb; its response is ignored.

        Args:
            fields: The fields for its action; none when the action is not requested.
        """
        match self._current:
            case DialVerb(action=action, method=method) | EnqueueVerb(action=action, method=method) if action is None:
                return None
            case (
                DialVerb(action=action, method=method)
                | EnqueueVerb(action=action, method=method)
                | RecordVerb(action=action, method=method)
            ) if fields:
                url = urljoin(self._base_url, action or "")
                return Fetch(url, method, fields) if urlsplit(url).scheme else None
            case _:
                return None

    def _read(self, document: Document) -> Instruction:
        self._base_url = document.url
        media_type = document.content_type.partition(";")[0].strip().lower()
        try:
            twiml = self._twiml(document, media_type)
        except TwimlError as error:
            return self._fail(error, document.url)
        self._verbs = list(twiml.verbs)
        self.problems += twiml.warnings
        return self._next()

    def _twiml(self, document: Document, media_type: str) -> TwimlDocument:
        if media_type in TWIML_TYPES:
            return read_document(document.body)
        if media_type == "text/plain":
            return spoken_document(document.body.decode(errors="replace"))
        if media_type.startswith("audio/"):
            return played_document(document.url)
        raise TwimlError(12300, f"content type {media_type} is not TwiML")

    def _next(self) -> Instruction:
        if not self._verbs:
            return self._issue(EndOfTwiml("end of document"))
        verb = self._verbs.pop(0)
        match verb:
            case HangupVerb():
                return self._issue(EndOfTwiml("hangup"))
            case RedirectVerb(url, method):
                return self._go_to(url, method, {})
            case RejectVerb() if self._answered:
                # Twilio ignores the verb unless it is the first; here that is a mistake worth showing.
                self.problems.append(TwimlError(12200, "<Reject> is only allowed as the first verb"))
                return self._issue(EndOfTwiml("reject after answer"))
            case RejectVerb():
                return self._issue(verb)
            case LeaveVerb() if self._in_queue:
                return self._issue(EndOfTwiml(LEFT_QUEUE))
            case LeaveVerb():
                self.problems.append(TwimlWarning(12200, "<Leave> is only allowed in the waitUrl of a queue"))
                return self._next()
            case _:
                self._answered = self._answered or not isinstance(verb, PauseVerb)
                return self._issue(verb)

    def _after(self, outcome: VerbDone) -> Instruction:
        """Return the instruction that follows the current verb."""
        match self._current:
            case GatherVerb(action=action, method=method, action_on_empty_result=on_empty):
                if outcome.fields.get("Digits") or outcome.fields.get("SpeechResult") or on_empty:
                    return self._go_to(action or "", method, outcome.fields)
            case RecordVerb(action=action, method=method):
                if outcome.fields.get("RecordingUrl"):
                    return self._go_to(action or "", method, outcome.fields)
            case (
                DialVerb(action=action, method=method)
                | StreamVerb(action=action, method=method)
                | EnqueueVerb(action=action, method=method)
                | ReferVerb(action=action, method=method)
                | SmsVerb(action=action, method=method)
            ) if action is not None:
                return self._go_to(action, method, outcome.fields)
            case _:
                pass
        return self._next()

    def _go_to(self, url: str, method: str, fields: Mapping[str, str]) -> Instruction:
        absolute = urljoin(self._base_url, url) if url else self._base_url
        if not absolute or not urlsplit(absolute).scheme:
            return self._fail(TwimlError(15004, f"'{url}' is relative to nothing"), url)
        self._verbs = []
        return self._issue(Fetch(absolute, method, fields))

    def _fail(self, error: TwimlError, url: str) -> Instruction:
        """Continue with the fallback, once. Without one, Twilio says a canned sentence and hangs up."""
        self.problems.append(error)
        fallback, self._fallback = self._fallback, None
        if fallback is None:
            return self._issue(EndOfTwiml("application error", error.code))
        self._verbs = []
        return self._issue(Fetch(fallback.url, fallback.method, {"ErrorCode": str(error.code), "ErrorUrl": url}))

    def _issue(self, instruction: Instruction) -> Instruction:
        if isinstance(instruction, Fetch):
            self._documents += 1
            if self._documents > MOST_DOCUMENTS:
                instruction = EndOfTwiml("too many documents", 12200)
        self._current = instruction
        if isinstance(instruction, Fetch):
            self.state = InterpreterState.FETCHING
        else:
            self.state = (
                InterpreterState.ENDED
                if isinstance(instruction, EndOfTwiml | RejectVerb)
                else InterpreterState.PERFORMING
            )
        return instruction
