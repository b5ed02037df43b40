"""The decoders that are fuzzed: each takes any bytes, and only the error that it documents may come out, in one line.

A decoder is a function of bytes. It returns None, and raises `Found` or any other exception when its property does not
hold. `scripts/fuzz` calls it with bytes that nobody wrote, `tests/fuzz/test_corpus.py` with those that are kept.
"""

import io
import tempfile
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path

from telebridge.audio import wav
from telebridge.campaigns.definition.loading import parse_file
from telebridge.campaigns.definition.model import CampaignDefinition
from telebridge.campaigns.definition.plan import plan_of
from telebridge.campaigns.importing.csv_file import ContactFile
from telebridge.campaigns.importing.number_list import examine, numbers_of
from telebridge.campaigns.importing.rejects import RejectFile, reasons_in
from telebridge.campaigns.importing.row import RejectedRow, layout_of, read_row
from telebridge.errors import ConfigurationError, RemoteProtocolError, SpeechRejected, TelebridgeError
from telebridge.flows.drawing.graph import graph_of, mermaid
from telebridge.flows.loading import check_flow, flow_warnings, load_flow
from telebridge.flows.rehearsal import CannotRehearse, Rehearsal
from telebridge.playback.transcript import Transcript
from telebridge.rime.container_check import ContainerCheck
from telebridge.rime.messages import ChunkReceived, TextReceived, TimestampsReceived
from telebridge.rime.messages import Side as RimeSide
from telebridge.rime.plain import PlainConnection
from telebridge.rime.structured import Edition, StructuredConnection, WordClock
from telebridge.simulator.twiml.elements import TwimlWarning
from telebridge.simulator.twiml.interpreter import Document, Interpreter, VerbDone
from telebridge.simulator.twiml.interpreter import InterpreterState as TwimlState
from telebridge.simulator.twiml.verbs import TwimlError
from telebridge.twilio.media_stream import AudioReceived, DigitPressed, MediaStream, Side, StreamStarted
from telebridge.twilio.messages import LATEST_MS

LONGEST_ERROR = 3500
RIME, BRIDGE = RimeSide.RIME, RimeSide.BRIDGE
MOST_ANSWERS = 5


class Found(AssertionError):
    """The property of a decoder does not hold."""


def hold(fact: object, otherwise: str) -> None:
    if not fact:
        raise Found(otherwise)


def in_one_line(error: TelebridgeError) -> None:
    """An error is one line that any log and any terminal can show as it is."""
    text = str(error)
    hold(text.strip(), "an error says nothing")
    hold(len(text) <= LONGEST_ERROR, f"an error has {len(text)} characters")
    strange = next((each for each in text if unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"}), None)
    hold(strange is None, f"an error holds {strange!r}")


def messages_in(data: bytes) -> list[bytes]:
    """Messages of a websocket, kept in one file: a blank line is between two of them."""
    return data.split(b"\n\n")[:50]


def twilio_stream(data: bytes) -> None:
    """The messages of a media stream, for the bridge and for the simulator."""
    bridge, twilio = MediaStream(Side.BRIDGE), MediaStream(Side.TWILIO)
    twilio.send_connected()
    twilio.send_start("MZ1", "CA1", "AC1", {})
    for message in messages_in(data):
        for stream in (bridge, twilio):
            before = stream.state, stream.stream_sid
            try:
                events = stream.receive_text(message)
            except RemoteProtocolError as error:
                in_one_line(error)
                hold((stream.state, stream.stream_sid) == before, "a refused message changed the stream")
                continue
            for event in events:
                _check_stream_event(event)


def _check_stream_event(event: object) -> None:
    match event:
        case AudioReceived(payload, timestamp_ms):
            hold(isinstance(payload, bytes), "audio is no bytes")
            hold(0 <= timestamp_ms <= LATEST_MS, f"a frame is from {timestamp_ms} ms")
        case StreamStarted(parameters=parameters):
            hold(all(isinstance(each, str) for pair in parameters.items() for each in pair), "a parameter is no text")
        case DigitPressed(digit):
            hold(digit in set("0123456789*#ABCD"), f"a key is {digit!r}")


def rime_json(data: bytes) -> None:
    """The JSON messages of Rime's `/ws2` and `/ws3`, and of a client at the local Rime."""
    rime = StructuredConnection(RIME, Edition.WS3)
    bridge = StructuredConnection(BRIDGE, Edition.WS3)
    clock, transcript = WordClock(), Transcript("Hello to one hundred people, $100.")
    for message in messages_in(data):
        rime.receive_text(message)  # what cannot be read is answered, never raised
        try:
            heard = bridge.receive_text(message)
        except RemoteProtocolError as error:
            in_one_line(error)
            continue
        if isinstance(heard, ChunkReceived):
            transcript.audio_ms += len(heard.data) / 8
        if isinstance(heard, TimestampsReceived):
            transcript.add_words(clock.words(heard, received_ms=transcript.audio_ms))
        for heard_ms in (1.0, 500.0, transcript.audio_ms):
            hold(transcript.text.startswith(transcript.heard(heard_ms).text), "what was heard is not of the text")
            begins = transcript.word_begins(heard_ms)
            hold(begins is None or begins <= heard_ms, "a word begins after it sounds")


def rime_plain(data: bytes) -> None:
    """Rime's plain `/ws`: audio in pieces of any length, a text frame, a close with any reason, and a client's text."""
    bridge, rime = PlainConnection(BRIDGE), PlainConnection(RIME)
    check, passed = ContainerCheck(), b""
    pieces = messages_in(data)
    try:
        passed = b"".join(check.receive(bridge.receive_binary(piece).data) for piece in pieces) + check.finish()
        hold(passed == b"".join(pieces), "audio was lost or added")
    except SpeechRejected as error:
        in_one_line(error)
        hold(passed == b"", "a container was played")
    text = data.decode("utf-8", "replace")
    try:
        bridge.receive_text(text)
    except RemoteProtocolError as error:
        in_one_line(error)
    bridge.receive_close(1011, text)
    if text.strip():
        received = rime.receive_text(bridge.send_text(text))
        hold(isinstance(received, TextReceived), f"a text acts as {received}")


@cache
def folder() -> Path:
    """A folder of this process, in memory where there is one."""
    memory = Path("/dev/shm")
    kept = tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
    globals()["_folder"] = kept  # until the process ends
    return Path(kept.name)


def written(data: bytes, name: str) -> Path:
    path = folder() / name
    path.write_bytes(data)
    return path


def flow_file(data: bytes) -> None:
    """A flow file: checked, warned of, drawn, and rehearsed when it is right."""
    path = written(data, "flow.yaml")
    errors = check_flow(path)
    for error in [*errors, *flow_warnings(path)]:
        in_one_line(error)
    if errors:
        return
    flow = load_flow(path)
    mermaid(graph_of(flow))
    rehearsal = Rehearsal(flow, {"from": "+15551230000", "to": "+15551230001"})
    try:
        rehearsal.start()
        for _ in range(MOST_ANSWERS):
            if not rehearsal.over:
                rehearsal.answer("1")
    except CannotRehearse as error:
        in_one_line(error)


def campaign_file(data: bytes) -> None:
    """A campaign file: read, and made a plan of when it is right."""
    definition, errors = parse_file(written(data, "campaign.toml"))
    for error in errors:
        in_one_line(error)
    if definition is not None and not errors:
        plan_of(definition, account="AC1", rules_version="1", file=data.decode("utf-8-sig"))


@cache
def campaign() -> CampaignDefinition:
    content = {
        "name": "fuzz",
        "flow": "reminder",
        "kind": "informational",
        "from": "+12125550123",
        "default_zone": "America/New_York",
    }
    return CampaignDefinition.model_validate(content)


def contact_list(data: bytes) -> None:
    """A list of contacts: each row is a contact or a reject, and the rejects can be read again."""
    path, rejects = written(data, "contacts.csv"), folder() / "rejects.csv"
    try:
        with ContactFile(path) as file:
            layout = layout_of(file.header, campaign().columns, where=file.where)
            rows = list(file.rows())
    except ConfigurationError as error:
        in_one_line(error)
        return
    reads = [row if isinstance(row, RejectedRow) else read_row(row[2], layout, campaign(), line=row[0]) for row in rows]
    refused = [read for read in reads if isinstance(read, RejectedRow)]
    with RejectFile(rejects, layout.header, imported=path) as reject_file:
        reject_file.write(refused)
    hold(sum(reasons_in(rejects).values()) == len(refused), "a reject is missing from the file of rejects")
    for read in refused:
        in_one_line(ConfigurationError("row", read.reason))


def number_list(data: bytes) -> None:
    """A list of numbers that are not to be called."""
    path = written(data, "numbers.txt")
    try:
        found = examine(path, country="US")
        hold(sum(1 for _ in numbers_of(path, country="US")) == found.numbers, "the numbers are not those counted")
    except ConfigurationError as error:
        in_one_line(error)


def twiml(data: bytes) -> None:
    """A TwiML document at the local Twilio: read, and performed verb by verb."""
    interpreter = Interpreter()
    interpreter.start("https://example.com/voice")
    documents = 0
    while interpreter.state in (TwimlState.FETCHING, TwimlState.PERFORMING) and documents < MOST_ANSWERS:
        if interpreter.state is TwimlState.PERFORMING:
            interpreter.abandoned({"DialCallStatus": "completed"})
            interpreter.resume(VerbDone())
            continue
        documents += 1
        interpreter.resume(Document(data, "https://example.com/voice"))
    for problem in interpreter.problems:
        hold(isinstance(problem, TwimlError | TwimlWarning), "a problem is no problem of TwiML")
        in_one_line(problem)


def wav_file(data: bytes) -> None:
    """A WAV file that a caller of the simulator plays."""
    wav.container_of(data[:16])
    try:
        wav.read(io.BytesIO(data))
    except ValueError as error:
        in_one_line(ConfigurationError("wav", str(error)))


DECODERS: dict[str, Callable[[bytes], None]] = {
    "twilio-stream": twilio_stream,
    "rime-json": rime_json,
    "rime-plain": rime_plain,
    "flow-file": flow_file,
    "campaign-file": campaign_file,
    "contact-list": contact_list,
    "number-list": number_list,
    "twiml": twiml,
    "wav-file": wav_file,
}
