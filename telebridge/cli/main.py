"""The `telebridge` program: its commands and its error messages.

Exit codes: 0 for success, 1 for failure, 2 for wrong use or configuration. One rule: an error is one line on standard
error, never a traceback; below it stand at most four lines of the user's own module.
"""

import io
import sys
from typing import Annotated

import typer

from telebridge.cli.on_demand import CommandOnDemand, CommandsOnDemand
from telebridge.cli.process.printing import print_text
from telebridge.errors import AppFailed, ConfigurationError, TelebridgeError, TwilioAPIError

UNKNOWN_TO_TWILIO = "look at twilio.account_sid, and at twilio.auth_token or the API key"

COMMANDS = (
    CommandOnDemand(
        "demo",
        "telebridge.cli.demo.demo:demo",
        "Make a call on this machine: a local Twilio, the bridge, and a voice; no account, no network.",
    ),
    CommandOnDemand(
        "init",
        "telebridge.cli.init.init:init",
        "Make a project in FOLDER that runs as it is: settings, a flow, a test, and what a server needs.",
    ),
    CommandOnDemand("serve", "telebridge.cli.serve:serve", "Answer calls: webhooks and media streams for Twilio."),
    CommandOnDemand(
        "phone",
        "telebridge.cli.demo.phone:phone",
        "Talk to a flow from the browser: a page that speaks the wire of a telephone call; no account, no network.",
    ),
    CommandOnDemand("say", "telebridge.cli.say:say", "Speak TEXT to a WAV file, as it would sound on the telephone."),
    CommandOnDemand(
        "call",
        "telebridge.cli.call:call",
        "Place one outbound call; or tell what came of one (`call show SID`), or of the latest (`call list`).",
    ),
    CommandOnDemand(
        "hours",
        "telebridge.cli.flow.hours:hours",
        "See the opening hours of flows as they are now, and set them open or closed by hand.",
    ),
    CommandOnDemand(
        "number",
        "telebridge.cli.number.number:number",
        "List the numbers of the Twilio account, connect one with this bridge, and show where its calls go.",
    ),
    CommandOnDemand(
        "speech-server",
        "telebridge.cli.stand_ins.speech_server:speech_server",
        "Simulate Rime on this machine: /ws, /ws2, /ws3 and POST /v1/rime-tts.",
    ),
    CommandOnDemand(
        "recognition-server",
        "telebridge.cli.stand_ins.recognition_server:recognition_server",
        "Simulate Deepgram, OpenAI, Rime and Vosk on this machine; POST /say sets what callers say.",
    ),
    CommandOnDemand(
        "simulator",
        "telebridge.cli.stand_ins.simulator:simulator",
        "Simulate Twilio on this machine: its REST API, signed webhooks, TwiML, media streams, scripted callers.",
    ),
    CommandOnDemand(
        "doctor",
        "telebridge.cli.doctor:doctor",
        "Look at settings, flows, voice and accounts, and say what to mend. Exits with 1 when something fails.",
    ),
    CommandOnDemand(
        "campaign",
        "telebridge.cli.campaign.campaign:campaign",
        "Call many people: contacts from a CSV, each called within the law's hours, never twice for one attempt.",
    ),
    CommandOnDemand(
        "database",
        "telebridge.cli.backup.commands:database",
        "Back up the SQLite database while it is in use, restore it, and compare a restored one with Twilio.",
    ),
    CommandOnDemand("flow", "telebridge.cli.flow.flow:flow", "Check, draw and try flow files, without a call."),
    CommandOnDemand(
        "test",
        "telebridge.cli.run_scenarios:run_scenarios",
        "Run the calls of scenario files (`*.call.yaml`) on virtual time, with no account and no network.",
    ),
    CommandOnDemand(
        "prompts", "telebridge.cli.prompts:prompts", "Speak prompts ahead of calls, and see what is kept of them."
    ),
)
"""The commands in the order of the help; none is imported before it is used."""


class Program(CommandsOnDemand):
    """The program, whose commands are `COMMANDS`."""

    on_demand = COMMANDS


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - as typer calls it
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"telebridge {version('telebridge')}\n")
        raise typer.Exit


# The list of commands is plain text: to import what draws tables takes longer than all the rest of it.
app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback(
    cls=Program,
    epilog="Begin with `telebridge demo`: a whole call on this machine, with no account and no network.",
    no_args_is_help=True,
)
def telebridge(
    _: Annotated[  # noqa: FBT002 - a flag of the command line
        bool, typer.Option("--version", "-V", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Put a Rime voice on a Twilio telephone call."""


def run() -> None:
    """Run the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a letter shows a question mark
    try:
        app()
    except AppFailed as error:
        _fail("\n".join([str(error), *error.excerpt]), code=2)
    except ConfigurationError as error:
        _fail(str(error), code=2)
    except TwilioAPIError as error:
        _fail(f"{error}; {UNKNOWN_TO_TWILIO}" if error.status == 401 else str(error), code=1)
    except TelebridgeError as error:
        _fail(str(error), code=1)
    except KeyboardInterrupt:
        sys.exit(130)


def _fail(message: str, *, code: int) -> None:
    first, *excerpt = message.split("\n")
    print_text(f"telebridge: {first}", err=True)
    for line in excerpt:
        sys.stderr.write(f"{line}\n")
    sys.exit(code)
