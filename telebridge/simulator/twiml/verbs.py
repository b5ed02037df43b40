"""TwiML verbs as values, and a parser that reads them from a document.

Follows Twilio's "TwiML for Programmable Voice" and errors 11750, 12100, 12200 and 31941 of its error dictionary.

One rule: parsing takes any bytes and raises nothing but TwimlError.
"""

import re
from dataclasses import dataclass
from xml.etree import ElementTree

from telebridge.errors import TelebridgeError

LARGEST_DOCUMENT_BYTES = 64 * 1024
LONGEST_PARAMETER = 500


class TwimlError(TelebridgeError):
    """A document cannot be executed.

    Args:
        code: Twilio's error code.
        problem: What is wrong.
    """

    def __init__(self, code: int, problem: str) -> None:
        super().__init__(code, problem)
        self.code = code
        self.problem = problem


@dataclass(frozen=True, slots=True)
class SayVerb:
    """Speak a text."""

    text: str
    loop: int = 1


@dataclass(frozen=True, slots=True)
class PlayVerb:
    """Play a file, or the tones of `digits`."""

    url: str = ""
    digits: str = ""
    loop: int = 1


@dataclass(frozen=True, slots=True)
class PauseVerb:
    """Wait in silence."""

    length_seconds: int = 1


PromptVerb = SayVerb | PlayVerb | PauseVerb


@dataclass(frozen=True, slots=True)
class GatherVerb:
    """Collect keys while prompts play."""

    prompts: tuple[PromptVerb, ...] = ()
    action: str | None = None
    method: str = "POST"
    timeout_seconds: float = 5.0
    num_digits: int | None = None
    finish_on_key: str = "#"
    action_on_empty_result: bool = False


@dataclass(frozen=True, slots=True)
class Party:
    """A party that is dialed. The document at `url` is played to that party alone before the two are connected."""

    number: str
    url: str | None = None
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class DialVerb:
    """Connect the caller to the first of `parties` that answers."""

    parties: tuple[Party, ...]
    action: str | None = None
    method: str = "POST"
    timeout_seconds: float = 30.0
    time_limit_seconds: float = 14_400.0
    caller_id: str | None = None
    hangup_on_star: bool = False


@dataclass(frozen=True, slots=True)
class StreamVerb:
    """`<Connect><Stream>`: a bidirectional media stream until the other end closes it."""

    url: str
    name: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    status_callback: str | None = None
    status_callback_method: str = "POST"
    action: str | None = None
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class RedirectVerb:
    """Go on with another document."""

    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class HangupVerb:
    """End the call."""


@dataclass(frozen=True, slots=True)
class RejectVerb:
    """Refuse the call without answering it."""

    reason: str = "rejected"


Verb = SayVerb | PlayVerb | PauseVerb | GatherVerb | DialVerb | StreamVerb | RedirectVerb | HangupVerb | RejectVerb


def read_document(document: bytes) -> tuple[Verb, ...]:
    """The verbs of a TwiML document, in order.

    Raises:
        TwimlError: 11750 too large, 12100 not XML, 12200 not TwiML or not of the simulator's part of it, 31941 for the
            track of a stream.
    """
    if len(document) > LARGEST_DOCUMENT_BYTES:
        raise TwimlError(11750, f"the document has {len(document)} bytes")
    if b"<!DOCTYPE" in document or b"<!ENTITY" in document:
        raise TwimlError(12100, "document type declarations are not read")
    try:
        root = ElementTree.fromstring(document)  # noqa: S314 - without a document type there are no entities to expand
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise TwimlError(12100, f"not XML: {error}") from None
    if root.tag != "Response":
        raise TwimlError(12200, f"the document is a <{root.tag}>, not a <Response>")
    return tuple(_verb(element) for element in root)


def _verb(element: ElementTree.Element) -> Verb:
    match element.tag:
        case "Say" | "Play" | "Pause":
            return _prompt(element)
        case "Gather":
            return _gather(element)
        case "Dial":
            return _dial(element)
        case "Connect":
            return _connect(element)
        case "Redirect":
            return RedirectVerb(_text(element), _method(element))
        case "Hangup":
            return HangupVerb()
        case "Reject":
            return RejectVerb(element.get("reason", "rejected"))
        case unknown:
            raise TwimlError(12200, f"<{unknown}> is not a verb the simulator knows")


def _prompt(element: ElementTree.Element) -> PromptVerb:
    match element.tag:
        case "Say":
            return SayVerb("".join(element.itertext()).strip(), _whole(element, "loop", 1))
        case "Play":
            return PlayVerb(_text(element), element.get("digits", ""), _whole(element, "loop", 1))
        case "Pause":
            return PauseVerb(_whole(element, "length", 1))
        case unknown:
            raise TwimlError(12200, f"<{unknown}> is not allowed in <Gather>")


def _gather(element: ElementTree.Element) -> GatherVerb:
    return GatherVerb(
        prompts=tuple(_prompt(child) for child in element),
        action=element.get("action"),
        method=_method(element),
        timeout_seconds=_whole(element, "timeout", 5),
        num_digits=_whole(element, "numDigits", 0) or None,
        finish_on_key=element.get("finishOnKey", "#"),
        action_on_empty_result=element.get("actionOnEmptyResult", "false").lower() == "true",
    )


def _dial(element: ElementTree.Element) -> DialVerb:
    parties = [Party(_text(element))] if _text(element) else []
    for child in element:
        if child.tag not in {"Number", "Sip", "Client"}:
            raise TwimlError(12200, f"<{child.tag}> in <Dial> is not a noun the simulator knows")
        scheme = "client:" if child.tag == "Client" else ""
        parties.append(Party(scheme + _text(child), child.get("url"), _method(child)))
    return DialVerb(
        parties=tuple(parties),
        action=element.get("action"),
        method=_method(element),
        timeout_seconds=_whole(element, "timeout", 30),
        time_limit_seconds=_whole(element, "timeLimit", 14_400),
        caller_id=element.get("callerId"),
        hangup_on_star=element.get("hangupOnStar", "false").lower() == "true",
    )


def _connect(element: ElementTree.Element) -> StreamVerb:
    if len(element) != 1 or element[0].tag != "Stream":
        raise TwimlError(12200, "<Connect> must hold one <Stream>")
    noun = element[0]
    if noun.get("track", "inbound_track") != "inbound_track":
        raise TwimlError(31941, "with <Connect> the track can only be inbound_track")
    if not noun.get("url"):
        raise TwimlError(12200, "<Stream> has no url")
    return StreamVerb(
        url=noun.get("url", ""),
        name=noun.get("name", ""),
        parameters=tuple(_parameter(child) for child in noun),
        status_callback=noun.get("statusCallback"),
        status_callback_method=_method(noun, "statusCallbackMethod"),
        action=element.get("action"),
        method=_method(element),
    )


def _parameter(element: ElementTree.Element) -> tuple[str, str]:
    if element.tag != "Parameter":
        raise TwimlError(12200, f"<{element.tag}> is not allowed in <Stream>")
    name, value = element.get("name", ""), element.get("value", "")
    if not name or len(name) + len(value) >= LONGEST_PARAMETER:
        raise TwimlError(12200, f"<Parameter> '{name[:40]}' must have a name and fewer than 500 characters")
    return name, value


def _text(element: ElementTree.Element) -> str:
    return (element.text or "").strip()


def _method(element: ElementTree.Element, name: str = "method") -> str:
    method = element.get(name, "POST").upper()
    if method not in {"GET", "POST"}:
        raise TwimlError(12200, f"{name} must be GET or POST")
    return method


def _whole(element: ElementTree.Element, name: str, default: int) -> int:
    text = element.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise TwimlError(12200, f"{name} of <{element.tag}> must be a whole number")
    return int(text)
