"""The `telebridge` program: its commands, and how it says that something is wrong.

Exit codes: 0 done, 1 failed, 2 used or configured wrongly. Errors are one line on standard error, never a traceback.
"""

import sys

import typer

from telebridge.cli.call import call
from telebridge.cli.campaign import campaign
from telebridge.cli.demo import demo
from telebridge.cli.doctor import doctor
from telebridge.cli.flow import flow
from telebridge.cli.prompts import prompts
from telebridge.cli.say import say
from telebridge.cli.serve import serve
from telebridge.cli.simulator import simulator
from telebridge.cli.speech_server import speech_server
from telebridge.errors import ConfigurationError, TelebridgeError

app = typer.Typer(
    help="Put a Rime voice on a Twilio telephone call.",
    epilog="Begin with `telebridge demo`: a whole call on this machine, with no account and no network.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command()(demo)
app.command()(serve)
app.command()(say)
app.command()(call)
app.add_typer(campaign, name="campaign")
app.add_typer(flow, name="flow")
app.add_typer(prompts, name="prompts")
app.command("speech-server")(speech_server)
app.command()(simulator)
app.command()(doctor)


def run() -> None:
    """Run the program."""
    try:
        app()
    except ConfigurationError as error:
        _fail(str(error), code=2)
    except TelebridgeError as error:
        _fail(str(error), code=1)
    except KeyboardInterrupt:
        sys.exit(130)


def _fail(message: str, *, code: int) -> None:
    sys.stderr.write(f"telebridge: {message}\n")
    sys.exit(code)
