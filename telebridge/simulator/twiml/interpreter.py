"""Carrying out TwiML: what to do next, given how the last thing ended.

Follows Twilio's "TwiML for Programmable Voice": documents run from top to bottom, `action` and `<Redirect>` replace the
document, the end of a document ends the call, a document that cannot be had or read is replaced by the fallback's.

One rule: it answers one `Act` at a time and is told that act's `Outcome` before it answers the next.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urljoin, urlsplit

from telebridge.errors import LocalProtocolError
from telebridge.simulator.twiml.verbs import (
    Dial,
    Gather,
    Hangup,
    Pause,
    Play,
    Redirect,
    Reject,
    Say,
    Stream,
    TwimlError,
    Verb,
    read_document,
)

MOST_DOCUMENTS = 1000  # a call that redirects to itself for ever ends here


@dataclass(frozen=True, slots=True)
class Fetch:
    """Ask for the next document; `fields` go along with the call's own."""

    url: str
    method: str = "POST"
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EndCall:
    """Hang up; `reason` is for people, `code` is Twilio's error when there was one."""

    reason: str
    code: int | None = None


Act = Fetch | Say | Play | Pause | Gather | Dial | Stream | Reject | EndCall


@dataclass(frozen=True, slots=True)
class Document:
    """A fetch ended well."""

    body: bytes
    url: str
    content_type: str = "text/xml"


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """A fetch ended badly, with Twilio's error code."""

    code: int
    url: str


@dataclass(frozen=True, slots=True)
class Done:
    """A verb ended; `fields` are what its action is told. `digits` decides about `<Gather>`."""

    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """A verb could not be carried out: a warning or error of Twilio's; the document goes on."""

    code: int
    problem: str


Outcome = Document | FetchFailed | Done | Failed


class State(Enum):
    """Where the interpreter is; it moves as `Interpreter` says."""

    NEW = "new"
    FETCHING = "fetching"
    PERFORMING = "performing"
    ENDED = "ended"


class Interpreter:
    """One call's TwiML, from its first document to its end.

    Attributes:
        problems: What went wrong so far, as Twilio's console would list it.
    """

    def __init__(self, *, fallback_url: str | None = None, fallback_method: str = "POST") -> None:
        self.state = State.NEW
        self.problems: list[TwimlError] = []
        self._fallback = Fetch(fallback_url, fallback_method) if fallback_url else None
        self._verbs: list[Verb] = []
        self._base_url = ""
        self._current: Act | None = None
        self._documents = 0
        self._answered = False

    def start(self, url: str, method: str = "POST", fields: Mapping[str, str] | None = None) -> Act:
        """Begin with the document at `url`, or, in a call that is updated, go on with it instead."""
        self._verbs = []
        return self._act(Fetch(url, method, fields or {}))

    def start_document(self, body: bytes) -> Act:
        """Begin, or go on, with a document that came with a REST request: relative URLs have no base (15004)."""
        self._verbs, self._base_url = [], ""
        return self._read(Document(body, ""))

    def resume(self, outcome: Outcome) -> Act:
        """What to do after the last act ended so.

        Raises:
            LocalProtocolError: There was no act, or it cannot end so.
        """
        if self.state is State.FETCHING:
            match outcome:
                case Document():
                    return self._read(outcome)
                case FetchFailed(code, url):
                    return self._fail(TwimlError(code, f"{url} could not be fetched"), url)
                case Done() | Failed():
                    raise LocalProtocolError("a fetch ends with a Document or FetchFailed")
        if self.state is State.PERFORMING:
            match outcome:
                case Failed(code, problem):
                    self.problems.append(TwimlError(code, problem))
                    return self._after(Done())
                case Done():
                    return self._after(outcome)
                case Document() | FetchFailed():
                    raise LocalProtocolError("a verb ends with Done or Failed")
        raise LocalProtocolError(f"nothing can end in state {self.state.value}")

    def abandoned(self, *, connected: bool) -> Fetch | None:
        """What Twilio still asks when a call ends in the middle of a verb: the action of a `<Dial>`.

        Args:
            connected: Whether the two had been connected.
        """
        match self._current:
            case Dial(action=str() as action, method=method) if urlsplit(url := urljoin(self._base_url, action)).scheme:
                return Fetch(url, method, {"DialCallStatus": "completed" if connected else "canceled"})
            case _:
                return None

    def _read(self, document: Document) -> Act:
        self._base_url = document.url
        media_type = document.content_type.partition(";")[0].strip().lower()
        if media_type not in {"text/xml", "application/xml", "text/html", ""}:
            return self._fail(TwimlError(12300, f"content type {media_type} is not TwiML"), document.url)
        try:
            self._verbs = list(read_document(document.body))
        except TwimlError as error:
            return self._fail(error, document.url)
        return self._next()

    def _next(self) -> Act:
        if not self._verbs:
            return self._act(EndCall("end of document"))
        verb = self._verbs.pop(0)
        match verb:
            case Hangup():
                return self._act(EndCall("hangup"))
            case Redirect(url, method):
                return self._go_to(url, method, {})
            case Reject() if self._answered:
                # Twilio ignores the verb unless it is the first; here that is a mistake worth showing.
                self.problems.append(TwimlError(12200, "<Reject> is only allowed as the first verb"))
                return self._act(EndCall("reject after answer"))
            case Reject():
                return self._act(verb)
            case _:
                self._answered = self._answered or not isinstance(verb, Pause)
                return self._act(verb)

    def _after(self, outcome: Done) -> Act:
        """Where the document goes on after the current verb."""
        match self._current:
            case Gather(action=action, method=method, action_on_empty_result=on_empty):
                if outcome.fields.get("Digits") or on_empty:
                    return self._go_to(action or "", method, outcome.fields)
            case Dial(action=action, method=method) | Stream(action=action, method=method) if action is not None:
                return self._go_to(action, method, outcome.fields)
            case _:
                pass
        return self._next()

    def _go_to(self, url: str, method: str, fields: Mapping[str, str]) -> Act:
        absolute = urljoin(self._base_url, url) if url else self._base_url
        if not absolute or not urlsplit(absolute).scheme:
            return self._fail(TwimlError(15004, f"'{url}' is relative to nothing"), url)
        self._verbs = []
        return self._act(Fetch(absolute, method, fields))

    def _fail(self, error: TwimlError, url: str) -> Act:
        """Go to the fallback, once; without one Twilio says a canned sentence and hangs up."""
        self.problems.append(error)
        fallback, self._fallback = self._fallback, None
        if fallback is None:
            return self._act(EndCall("application error", error.code))
        self._verbs = []
        return self._act(Fetch(fallback.url, fallback.method, {"ErrorCode": str(error.code), "ErrorUrl": url}))

    def _act(self, act: Act) -> Act:
        if isinstance(act, Fetch):
            self._documents += 1
            if self._documents > MOST_DOCUMENTS:
                act = EndCall("too many documents", 12200)
        self._current = act
        if isinstance(act, Fetch):
            self.state = State.FETCHING
        else:
            self.state = State.ENDED if isinstance(act, EndCall | Reject) else State.PERFORMING
        return act
