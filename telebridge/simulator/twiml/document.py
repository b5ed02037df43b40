"""Reads a TwiML document: its verbs in order, and a warning for each part that is not executed as written.

Follows Twilio's "TwiML for Programmable Voice" and errors 11750, 12100, 12200 and 31941 of its error dictionary. An
element that Twilio does not know is skipped with warning 12200, as by Twilio; an element or attribute that Twilio knows
and the simulator does not perform is skipped with a warning of the simulator's own.

One rule: parsing takes any bytes and raises nothing but TwimlError.
"""

from collections.abc import Callable
from dataclasses import dataclass
from xml.etree import ElementTree

from telebridge.simulator.twiml import nouns
from telebridge.simulator.twiml.elements import SCHEMA_WARNING, ElementReader, TwimlWarning
from telebridge.simulator.twiml.published import is_published
from telebridge.simulator.twiml.verbs import (
    EchoVerb,
    EnqueueVerb,
    GatherVerb,
    HangupVerb,
    LeaveVerb,
    PauseVerb,
    PlayVerb,
    PromptVerb,
    RecordVerb,
    RedirectVerb,
    ReferVerb,
    RejectVerb,
    SayVerb,
    SmsVerb,
    TwimlError,
    Verb,
)

LARGEST_DOCUMENT_BYTES = 64 * 1024
AUTOMATIC_SPEECH_TIMEOUT = 1.0
"""What `speechTimeout="auto"` is here; Twilio does not document when it takes a sentence to be over."""


@dataclass(frozen=True, slots=True)
class TwimlDocument:
    """What a document says.

    Args:
        verbs: What is executed, in order.
        warnings: What is not executed as written.
    """

    verbs: tuple[Verb, ...]
    warnings: tuple[TwimlWarning, ...] = ()


def read_document(document: bytes) -> TwimlDocument:
    """Read a TwiML document.

    Raises:
        TwimlError: 11750 too large, 12100 not XML, 12200 not TwiML or a `<Connect>` that cannot be carried out, 31941
            for the track of a stream.
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
    warnings: list[TwimlWarning] = []
    verbs: list[Verb] = []
    for element in root:
        read = VERBS.get(element.tag)
        if read is not None:
            reader = ElementReader(element, "Response", warnings)
            verb = read(reader)
            reader.finish()
            if verb is not None:
                verbs.append(verb)
        elif is_published("Response", element.tag):
            warnings.append(TwimlWarning(0, f"<{element.tag}>"))
        else:
            warnings.append(TwimlWarning(SCHEMA_WARNING, f"<{element.tag}> is no verb of TwiML"))
    return TwimlDocument(tuple(verbs), tuple(warnings))


def spoken_document(text: str) -> TwimlDocument:
    """Return what a response in plain text means: Twilio speaks it, then hangs up ("Twilio understands MIME types")."""
    return TwimlDocument((SayVerb(text.strip()),))


def played_document(url: str) -> TwimlDocument:
    """Return what an audio file in place of a document means: Twilio plays it, then hangs up."""
    return TwimlDocument((PlayVerb(url),))


def _prompt(element: ElementReader) -> PromptVerb:
    match element.tag:
        case "Say":
            return SayVerb(element.all_text(), element.whole("loop", 1))
        case "Play":
            return PlayVerb(element.content(), element.text("digits"), element.whole("loop", 1))
        case _:
            return PauseVerb(element.whole("length", 1))


def _prompts(element: ElementReader) -> tuple[PromptVerb, ...]:
    return tuple(_prompt(child) for child in element.children("Say", "Play", "Pause"))


def _gather(element: ElementReader) -> GatherVerb:
    kinds = element.words("input", "dtmf", ("dtmf", "speech")) or ("dtmf",)
    timeout = element.whole("timeout", 5)
    speech_timeout: float = 5.0
    if "speech" in kinds:
        automatic = element.text("speechTimeout") == "auto"
        speech_timeout = AUTOMATIC_SPEECH_TIMEOUT if automatic else element.whole("speechTimeout", timeout)
    return GatherVerb(
        prompts=_prompts(element),
        action=element.optional("action"),
        method=element.method(),
        timeout_seconds=timeout,
        num_digits=element.whole("numDigits", 0) or None,
        finish_on_key=element.text("finishOnKey", "#"),
        action_on_empty_result=element.flag("actionOnEmptyResult", default=False),
        keys="dtmf" in kinds,
        speech="speech" in kinds,
        speech_timeout_seconds=speech_timeout,
        barge_in=element.flag("bargeIn", default=True),
    )


def _record(element: ElementReader) -> RecordVerb:
    if element.text("transcribe", "false").lower() == "true":
        element.ignore("transcribe of <Record>")
    return RecordVerb(
        action=element.optional("action"),
        method=element.method(),
        timeout_seconds=element.whole("timeout", 5),
        finish_on_key=element.text("finishOnKey", "1234567890*#"),
        max_length_seconds=element.whole("maxLength", 3600, least=1),
        play_beep=element.flag("playBeep", default=True),
        trim=element.word("trim", "trim-silence", ("trim-silence", "do-not-trim")) == "trim-silence",
        recording=nouns.recording_callback(element),
    )


def _enqueue(element: ElementReader) -> EnqueueVerb:
    if element.has("workflowSid"):
        element.ignore("TaskRouter: the call waits in a queue of its own")
    return EnqueueVerb(
        name=element.content() or element.text("workflowSid"),
        action=element.optional("action"),
        method=element.method(),
        wait_url=element.optional("waitUrl"),
        wait_method=element.method("waitUrlMethod"),
        max_size=element.whole("maxQueueSize", 1000, least=1),
    )


def _refer(element: ElementReader) -> ReferVerb | None:
    targets = [child.content() for child in element.children("Sip")]
    action, method = element.optional("action"), element.method()
    return ReferVerb(targets[0], action, method) if targets else None


def _sms(element: ElementReader) -> SmsVerb:
    return SmsVerb(
        body=element.content(),
        to=element.text("to"),
        from_=element.text("from"),
        action=element.optional("action"),
        method=element.method(),
        status_callback=element.optional("statusCallback"),
    )


def _alone(verb: Verb) -> Callable[[ElementReader], Verb]:
    """Return the reader of a verb that says nothing but its name."""
    return lambda _: verb


def _redirect(element: ElementReader) -> RedirectVerb:
    return RedirectVerb(element.content(), element.method())


def _reject(element: ElementReader) -> RejectVerb:
    return RejectVerb(element.word("reason", "rejected", ("rejected", "busy")))


VERBS: dict[str, Callable[[ElementReader], Verb | None]] = {
    "Say": _prompt,
    "Play": _prompt,
    "Pause": _prompt,
    "Gather": _gather,
    "Dial": nouns.read_dial,
    "Connect": nouns.read_connect,
    "Start": nouns.read_start,
    "Stop": nouns.read_stop,
    "Record": _record,
    "Enqueue": _enqueue,
    "Leave": _alone(LeaveVerb()),
    "Refer": _refer,
    "Sms": _sms,
    "Echo": _alone(EchoVerb()),
    "Redirect": _redirect,
    "Hangup": _alone(HangupVerb()),
    "Reject": _reject,
}
"""The reader of each verb that is performed; None of a reader means that nothing of it is."""
