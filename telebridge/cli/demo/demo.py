"""`telebridge demo`: a whole call on this machine, to be watched, heard and looked at."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from telebridge.app.bridge import CALLS, create_app
from telebridge.app.python_flows import bridge_of
from telebridge.call.flows.python.registry import Bridge
from telebridge.call.record import CallRecord
from telebridge.cli.call_view import CallView
from telebridge.cli.demo.recognition import DemoRecognition, demo_recognition
from telebridge.cli.listen import listening
from telebridge.cli.options import AppOption, ConfigOption, JsonOption
from telebridge.cli.process.hum import warn_of_hum
from telebridge.cli.process.printing import print_line, print_text
from telebridge.cli.stand_ins.simulator import read_file
from telebridge.errors import ConfigurationError, TelebridgeError
from telebridge.logs import configure_logs
from telebridge.settings.loading import load_settings
from telebridge.settings.sections import TwilioSettings
from telebridge.settings.settings import Settings
from telebridge.simulator.account import SimulatedCall, Simulator
from telebridge.simulator.caller.caller import Script
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.media.recording import DualChannelRecording
from telebridge.simulator.setup.options import ACCOUNT_SID, AUTH_TOKEN, SimulatorOptions
from telebridge.testing.artifacts import write_recording

SCRIPT = (
    "wait; silence 150ms; wait 1800ms; cough; wait 2s; speak 1300ms; listen 900ms; press 1; wait 1600ms; press 1; "
    "wait 1800ms; hang up"
)
LONGEST_CALL_SECONDS = 120.0
REFRESHES_PER_SECOND = 10


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for call.wav and call.png.")] = Path(),
    script: Annotated[str, typer.Option(help="What the caller does; see `telebridge simulator --help`.")] = SCRIPT,
    flow: Annotated[str | None, typer.Option(help="The flow that answers: a name or a file.")] = None,
    app: AppOption = None,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Make a call on this machine: a local Twilio, the bridge, and a voice; no account, no network.

    The caller coughs over a prompt, which pauses and goes on; talks over it, and it stops; presses keys, one of them
    over the next prompt; and hangs up. Leaves call.wav, with the caller on the left and the bridge on the right, and
    call.png, with both on one time axis.
    """
    settings = load_settings(config)
    configure_logs(level="error")
    bridge = bridge_of(settings, app)
    settings = settings.model_copy(
        update={
            "twilio": TwilioSettings(account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN),
            "public_url": "",
            "default_flow": flow or _answering(settings, bridge if app else None),
        }
    )
    if not output.is_dir():
        raise ConfigurationError("--output", f"{output} is no folder")
    caller = parse_script(script, read_audio=read_file)
    warn_of_hum(settings.rime)
    console = Console(quiet=json_)
    try:
        placed, record = asyncio.run(_call(settings, bridge, caller, console))
    except ConfigurationError as error:
        if flow is None or error.where != "default_flow":
            raise
        raise ConfigurationError("--flow", error.problem, error.hint) from error
    pictured = _write_files(placed.recording, record, output)
    if json_:
        events = [event.as_json() for event in placed.recording.events]
        print_line(json.dumps({"call": record.as_json(), "events": events}))
    else:
        _tell_result(record, placed.recording)
        picture = f" and {output / 'call.png'}" if pictured else ""
        print_text(f"wrote {output / 'call.wav'} (caller left, bridge right){picture}")
        print_text("to talk to it yourself, in a browser: telebridge phone")


def _answering(settings: Settings, bridge: Bridge | None) -> str:
    """The flow that answers: the only one of an application that is named on the command line, else the settings'."""
    flows = [] if bridge is None else list(bridge.flows)
    return flows[0] if len(flows) == 1 else settings.default_flow


async def _call(
    settings: Settings, bridge: Bridge | None, caller: Script, console: Console
) -> tuple[SimulatedCall, CallRecord]:
    async with demo_recognition(settings, caller) as recognition:
        return await _placed(recognition, bridge, caller, console)


async def _placed(
    recognition: DemoRecognition, bridge: Bridge | None, caller: Script, console: Console
) -> tuple[SimulatedCall, CallRecord]:
    app = create_app(recognition.settings, bridge=bridge)
    async with listening(app, "127.0.0.1", 0, port_setting="server.port") as url:
        simulator = Simulator(SimulatorOptions())
        try:
            placed = simulator.place_inbound_call(
                f"{url}/twilio/voice", caller, status_callback=f"{url}/twilio/status", watch=recognition.watch
            )
            view = CallView(placed, lambda: app[CALLS].record(placed.record.sid))
            with Live(view, console=console, refresh_per_second=REFRESHES_PER_SECOND):
                async with asyncio.timeout(LONGEST_CALL_SECONDS):
                    await placed.finished
            if not console.is_terminal:
                console.print()  # in a pipe the last frame ends without a line's end
        except TimeoutError:
            raise TelebridgeError(f"the call was not over after {LONGEST_CALL_SECONDS:.0f} s") from None
        finally:
            await simulator.aclose()
        record = app[CALLS].record(placed.record.sid)
    if record is None:
        raise TelebridgeError("the bridge refused the call; `telebridge serve` would log why")
    return placed, record


def _write_files(recording: DualChannelRecording, record: CallRecord, folder: Path) -> bool:
    """Write call.wav and call.png; returns whether the picture could be drawn."""
    try:
        drawn = write_recording(recording, record, folder)
    except OSError as error:
        raise ConfigurationError("--output", f"call.wav cannot be written ({error.strerror})") from error
    if not drawn:
        print_text("no call.png: pip install 'telebridge[pictures]' to have it drawn", err=True)
    return drawn


def _tell_result(record: CallRecord, recording: DualChannelRecording) -> None:
    for utterance in record.utterances:
        cut = utterance.interruption
        print_text(f"{'heard' if cut is None else 'interrupted':<12} {utterance.text}", hanging=13)
        for pause in utterance.pauses:
            paused = pause.resumed_at - pause.paused_at
            print_text(f"{'':12} paused {paused:.2f} s for a sound of the caller's, and went on", hanging=0)
        if cut is not None:
            stopped = f", silent {cut.stop_ms:.0f} ms after they began" if cut.stop_ms else ""
            heard = cut.heard_text or "(nothing)"
            why = f"by {cut.cause.value} after {cut.heard_ms / 1000:.2f} s{stopped}"
            print_text(f"{'':12} {why}; heard: {heard}", hanging=0)
    for answer in record.heard:
        print_text(f"{'understood':<12} {answer.text}", hanging=13)
    began = record.first_audio_ms
    first = "nothing was heard" if began is None else f"first audio {began:.0f} ms after the webhook"
    print_text(f"{first} · {recording.duration_ms / 1000:.1f} s · {record.end_reason}")
