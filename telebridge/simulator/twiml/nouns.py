"""Reads the verbs that contain nouns: `<Dial>`, `<Connect>`, `<Start>` and `<Stop>`.

Follows the pages of Twilio on these verbs and on `<Number>`, `<Sip>`, `<Client>`, `<Conference>`, `<Queue>`, `<Stream>`
and `<Recording>`.
"""

from telebridge.simulator.twiml.elements import ElementReader
from telebridge.simulator.twiml.verbs import (
    ConferenceNoun,
    DialVerb,
    EventCallback,
    Party,
    QueueNoun,
    StartRecordingVerb,
    StartStreamVerb,
    StopStreamVerb,
    StreamVerb,
    TwimlError,
)

LONGEST_PARAMETER = 500
CALL_EVENTS = ("initiated", "ringing", "answered", "completed")
RECORDING_EVENTS = ("in-progress", "completed", "absent")
CONFERENCE_EVENTS = ("start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement")
RECORD_MODES = (
    "do-not-record",
    "record-from-answer",
    "record-from-ringing",
    "record-from-answer-dual",
    "record-from-ringing-dual",
    "true",
    "false",
)
TRACKS = {
    "inbound_track": ("inbound",),
    "outbound_track": ("outbound",),
    "both_tracks": ("inbound", "outbound"),
}


def recording_callback(element: ElementReader) -> EventCallback:
    """Return where the application is told about a recording."""
    return _callback(element, "recordingStatusCallback", "completed", RECORDING_EVENTS)


def _callback(element: ElementReader, name: str, default: str, allowed: tuple[str, ...]) -> EventCallback:
    url, method = element.text(name), element.method(f"{name}Method")
    events = element.words(f"{name}Event", default, allowed)
    return EventCallback(url, method, events) if url else EventCallback()


def read_dial(element: ElementReader) -> DialVerb:
    """Read `<Dial>` with whom it connects."""
    parties = [Party(element.content())] if element.content() else []
    conference: ConferenceNoun | None = None
    queue: QueueNoun | None = None
    for noun in element.children("Number", "Sip", "Client", "Conference", "Queue"):
        if noun.tag == "Conference":
            conference = _conference(noun)
        elif noun.tag == "Queue":
            queue = QueueNoun(noun.content(), noun.optional("url"), noun.method())
        else:
            parties.append(_party(noun))
    mode = element.word("record", "do-not-record", RECORD_MODES)
    return DialVerb(
        parties=tuple(parties),
        action=element.optional("action"),
        method=element.method(),
        timeout_seconds=element.whole("timeout", 30),
        time_limit_seconds=element.whole("timeLimit", 14_400),
        caller_id=element.optional("callerId"),
        hangup_on_star=element.flag("hangupOnStar", default=False),
        sequential=element.flag("sequential", default=False),
        record={"true": "record-from-answer", "false": "do-not-record"}.get(mode, mode),
        trim=element.word("trim", "do-not-trim", ("trim-silence", "do-not-trim")) == "trim-silence",
        recording=recording_callback(element),
        conference=conference,
        queue=queue,
    )


def _party(noun: ElementReader) -> Party:
    name = noun.content()
    if noun.tag == "Client":
        identities = [child.content() for child in noun.children("Identity")]
        name = f"client:{identities[0] if identities else name}"
    elif noun.tag == "Sip":
        addresses = [child.content() for child in noun.children("Uri")]
        name = addresses[0] if addresses else name
    return Party(
        name,
        noun.optional("url"),
        noun.method(),
        noun.text("sendDigits") if noun.tag == "Number" else "",
        _callback(noun, "statusCallback", "completed", CALL_EVENTS),
    )


def _conference(noun: ElementReader) -> ConferenceNoun:
    return ConferenceNoun(
        name=noun.content(),
        muted=noun.flag("muted", default=False),
        beep=noun.word("beep", "true", ("true", "false", "onEnter", "onExit")),
        start_on_enter=noun.flag("startConferenceOnEnter", default=True),
        end_on_exit=noun.flag("endConferenceOnExit", default=False),
        wait_url=noun.optional("waitUrl"),
        wait_method=noun.method("waitMethod"),
        max_participants=noun.whole("maxParticipants", 250, least=2),
        record=noun.word("record", "do-not-record", ("do-not-record", "record-from-start", "true", "false"))
        in {"record-from-start", "true"},
        label=noun.text("participantLabel"),
        status=_callback(noun, "statusCallback", "", CONFERENCE_EVENTS),
        recording=recording_callback(noun),
    )


def read_connect(element: ElementReader) -> StreamVerb | None:
    """Read `<Connect>`; None when its noun is a service that is not simulated.

    Raises:
        TwimlError: It has no noun, or its stream cannot be opened.
    """
    if element.is_empty:
        raise TwimlError(12200, "<Connect> must hold one noun, such as <Stream>")
    streams = element.children("Stream")
    action, method = element.optional("action"), element.method()
    if not streams:
        return None
    noun = streams[0]
    if noun.text("track", "inbound_track") != "inbound_track":
        raise TwimlError(31941, "with <Connect> the track can only be inbound_track")
    return _stream(noun, action, method)


def read_start(element: ElementReader) -> StartStreamVerb | StartRecordingVerb | None:
    """Read `<Start>`; None when its noun is a service that is not simulated.

    Raises:
        TwimlError: Its stream cannot be opened.
    """
    for noun in element.children("Stream", "Recording"):
        if noun.tag == "Recording":
            verb: StartStreamVerb | StartRecordingVerb = StartRecordingVerb(
                channels=2 if noun.word("channels", "mono", ("mono", "dual")) == "dual" else 1,
                track=noun.word("track", "both", ("inbound", "outbound", "both")),
                trim=noun.word("trim", "trim-silence", ("trim-silence", "do-not-trim")) == "trim-silence",
                recording=recording_callback(noun),
            )
        else:
            track = noun.word("track", "inbound_track", tuple(TRACKS))
            verb = StartStreamVerb(_stream(noun, None, "POST"), TRACKS[track])
        return verb
    return None


def read_stop(element: ElementReader) -> StopStreamVerb | None:
    """Read `<Stop>`; None when its noun is a service that is not simulated."""
    for noun in element.children("Stream"):
        name = noun.text("name")
        return StopStreamVerb(name)
    return None


def _stream(noun: ElementReader, action: str | None, method: str) -> StreamVerb:
    if not noun.text("url"):
        raise TwimlError(12200, "<Stream> has no url")
    return StreamVerb(
        url=noun.text("url"),
        name=noun.text("name"),
        parameters=tuple(_parameter(child) for child in noun.children("Parameter")),
        status_callback=noun.optional("statusCallback"),
        status_callback_method=noun.method("statusCallbackMethod"),
        action=action,
        method=method,
    )


def _parameter(element: ElementReader) -> tuple[str, str]:
    name, value = element.text("name"), element.text("value")
    if not name or len(name) + len(value) >= LONGEST_PARAMETER:
        raise TwimlError(12200, f"<Parameter> '{name[:40]}' must have a name and fewer than 500 characters")
    return name, value
