"""The parts of the bridge that handlers use, put together from the settings.

One rule: nothing is started here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from telebridge.app.campaigns import Campaigning, Clocks
from telebridge.app.detector import DetectorOnDemand
from telebridge.app.listening import listening_options
from telebridge.app.load_watch import LoadWatch
from telebridge.app.records import Records
from telebridge.app.twilio import open_messages
from telebridge.app.voice import OpenVoice, open_clips, open_voice
from telebridge.app.words import open_judge, open_words, word_options
from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.flows.python.registry import Bridge
from telebridge.call.flows.requests import ActionRunner
from telebridge.call.flows.sms import SmsSender
from telebridge.call.flows.transfers import AllowedTransfers, MayTransfer
from telebridge.call.messages.delivery import MessageDelivery
from telebridge.call.messages.mail import MailServer
from telebridge.call.messages.store import CallerMessages
from telebridge.call.overload import Overload, OverloadLimits
from telebridge.call.runner.admission import Admission
from telebridge.call.runner.call_recording import CallRecorder
from telebridge.call.runner.feed import CallFeed
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.call.runner.message_files import MessageFiles
from telebridge.call.runner.ports import CallPorts
from telebridge.call.session.session import SessionOptions
from telebridge.call.store.opening import OpeningByHand
from telebridge.call.store.store import CallStore
from telebridge.database.database import Database, database_of
from telebridge.database.engine import DatabaseEngine, open_database
from telebridge.flows.nodes.hours_in_service import hours_in
from telebridge.flows.nodes.surroundings import FlowSurroundings
from telebridge.playback.writer import PlaybackOptions
from telebridge.recognition.source import Recognizer
from telebridge.server.api.call_lookup import CallLookup
from telebridge.settings.sections import MailSettings, ServerSettings
from telebridge.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class BridgeParts:
    """The parts of the bridge that handlers use.

    Args:
        flows: What calls are led by.
        voice: Speaks.
        recognizer: Hears words; None when nobody wants that.
        detector: Makes the detector of each call.
        errands: Do what flows want done elsewhere.
        engine: Connects to the database.
        database: Transactions on it.
        store: The calls in it.
        campaigning: The campaigns in it, and who dials them.
        records: Starts the store and the campaigns once the database is there.
        flights: Records calls; None when nobody wants that.
        load: Watches the load of the process, once it is started.
        opening: The opening hours that were set by hand.
        messages: The messages that callers left.
        delivery: Brings them into the database, and sends them by e-mail.
        surroundings: What flow files ask of their surroundings.
        calls: The live calls, which use all of these.
        lookup: Finds calls, live and over.
    """

    flows: FlowCatalogue
    voice: OpenVoice
    recognizer: Recognizer | None
    detector: DetectorOnDemand
    errands: ActionRunner
    engine: DatabaseEngine
    database: Database
    store: CallStore
    campaigning: Campaigning
    records: Records
    flights: CallRecorder | None
    load: LoadWatch
    opening: OpeningByHand
    messages: CallerMessages
    delivery: MessageDelivery
    surroundings: FlowSurroundings
    calls: LiveCalls
    lookup: CallLookup


def bridge_parts(settings: Settings, flows: FlowCatalogue, bridge: Bridge | None, clocks: Clocks | None) -> BridgeParts:
    """Put the parts together; none of them is started."""
    voice = open_voice(settings.rime, open_clips(settings), settings.speech)
    detector = DetectorOnDemand(settings.barge_in.detector)
    recognizer = open_words(settings.recognition)
    session = _session_options(settings, flows, detector, recognizer)
    sms = SmsSender(partial(open_messages, settings.twilio), settings.sms.allowed, flows.files)
    errands = ActionRunner({} if bridge is None else bridge.functions, sms)
    engine = open_database(settings.database_url)
    database = database_of(engine)
    store = CallStore(database)
    feed = CallFeed(first_id=round(datetime.now(UTC).timestamp() * 1000))
    campaigning = Campaigning(settings, engine, clocks)
    recordings, messages, delivery = _message_parts(settings, database)
    flights = CallRecorder(settings.state_dir / "flights") if settings.calls.record else None
    asked = campaigning.calls
    outside = CallPorts(
        source=voice.source,
        actions=errands,
        message_files=recordings,
        checkpoints=store.writer,
        publish=feed.publish,
        recorder=flights,
        opted_out=asked.opted_out,
        call_back=asked.call_back,
        recognizer=recognizer,
        judge=open_judge(settings),
    )
    load = _load_watch(settings.server, lambda: len(calls))
    opening = OpeningByHand(database, campaigning.wallclock, lambda: any(hours_in(flows.files())))
    surroundings = FlowSurroundings(campaigning.wallclock, opening.state, flows.find_file)
    calls = LiveCalls(
        flows,
        outside,
        session,
        feed=feed,
        store=store,
        admission=Admission(settings.server.max_calls, settings.server.max_waiting_calls, load),
        over=asked.over,
        surroundings=surroundings,
    )
    asked.live = calls
    records = Records(engine, database, store, campaigning, required=settings.database.required)
    return BridgeParts(
        flows,
        voice,
        recognizer,
        detector,
        errands,
        engine,
        database,
        store,
        campaigning,
        records,
        flights,
        load,
        opening,
        messages,
        delivery,
        surroundings,
        calls,
        CallLookup(calls, store),
    )


def _message_parts(settings: Settings, database: Database) -> tuple[MessageFiles, CallerMessages, MessageDelivery]:
    """What saves the messages that callers leave, keeps them, and sends them by e-mail."""
    folder = settings.state_dir / "recordings"
    files, messages = MessageFiles(folder), CallerMessages(database)
    delivery = MessageDelivery(messages, folder, mail_server(settings.mail))
    files.on_saved = delivery.wake
    return files, messages, delivery


def _session_options(
    settings: Settings, flows: FlowCatalogue, detector: DetectorOnDemand, recognizer: Recognizer | None
) -> SessionOptions:
    """What is the same in all calls."""
    return SessionOptions(
        playback=PlaybackOptions(settings.playback.message_ms, settings.playback.mark_interval_ms),
        listening=listening_options(settings.barge_in, detector),
        clean_streams=settings.speech.clean != "none",
        held_seconds=settings.calls.held_seconds,
        may_transfer=allowed_transfers(settings, flows),
        words=word_options(settings, recognizer),
        watches_answers=settings.answering.enabled,
    )


def _load_watch(server: ServerSettings, live: Callable[[], int]) -> LoadWatch:
    return LoadWatch(Overload(OverloadLimits(server.overload_lag_ms, server.overload_core_share)), live)


def allowed_transfers(settings: Settings, flows: FlowCatalogue) -> MayTransfer:
    """Which addresses calls may be transferred to."""
    return AllowedTransfers(settings.transfers.allowed, flows.files).allow


def mail_server(settings: MailSettings) -> MailServer:
    """The SMTP server of the settings."""
    return MailServer(
        settings.host,
        settings.port,
        settings.security,
        settings.user,
        settings.password,
        settings.sender,
        settings.to,
    )
