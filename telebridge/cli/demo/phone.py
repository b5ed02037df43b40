"""`telebridge phone`: opens the browser phone, of a bridge that runs already or of one for as long as it is wanted."""

import webbrowser
from functools import partial
from typing import Annotated
from urllib.error import URLError
from urllib.request import urlopen

import typer

from telebridge.app.bridge import VOICE, create_app
from telebridge.app.python_flows import bridge_of
from telebridge.call.flows.python.registry import Bridge
from telebridge.cli.listen import listening, run_server, until_stopped
from telebridge.cli.options import AppOption, ConfigOption
from telebridge.cli.process.hum import warn_of_hum
from telebridge.cli.process.printing import print_text
from telebridge.cli.process.stopping import Stop
from telebridge.errors import ConfigurationError
from telebridge.logs import configure_logs
from telebridge.server.http.access import is_loopback
from telebridge.settings.loading import load_settings
from telebridge.settings.settings import Settings

HEALTH_SECONDS = 1.0
LOOPBACK = "127.0.0.1"


def phone(
    flow: Annotated[str | None, typer.Option(help="The flow that is chosen at first.")] = None,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Open a browser.")] = True,  # noqa: FBT002
    app: AppOption = None,
    config: ConfigOption = None,
) -> None:
    """Talk to a flow from the browser: a page that speaks the wire of a telephone call; no account, no network.

    Where `telebridge serve` listens already, its page is opened; otherwise a bridge is started on this machine, until
    Ctrl-C. Browsers give a microphone only to pages at https or on the machine itself.
    """
    settings = load_settings(config)
    configure_logs(level="error")
    if not settings.pages.enabled:
        raise ConfigurationError("pages.enabled", "is false, so there is no phone", "set it to true")
    path = f"/phone?flow={flow}" if flow else "/phone"
    url = f"http://{settings.server.host}:{settings.server.port}"
    if is_loopback(settings.server.host) and _is_served(url):
        _show(f"{url}{path}", browser=open_)
        return
    warn_of_hum(settings.rime)
    server = settings.server.model_copy(update={"host": LOOPBACK})
    own = settings.model_copy(update={"server": server, "public_url": ""})
    run_server(partial(_serve, own, bridge_of(settings, app), path, open_))


async def _serve(settings: Settings, bridge: Bridge | None, path: str, open_: bool, stop: Stop) -> None:  # noqa: FBT001
    app = create_app(settings, bridge=bridge)
    server = settings.server
    async with listening(app, server.host, server.port, port_setting="server.port", stop=stop) as url:
        print_text(f"{app[VOICE]} · Ctrl-C ends it")
        _show(f"{url}{path}", browser=open_)
        await until_stopped(stop)


def _show(address: str, *, browser: bool) -> None:
    print_text(f"the phone is at {address}")
    print_text("on another machine: ssh -L 8080:127.0.0.1:8080 HOST, then open it at http://127.0.0.1:8080/phone there")
    if browser:
        webbrowser.open(address)


def _is_served(url: str) -> bool:
    """Whether a bridge listens at an address of this machine."""
    try:
        with urlopen(f"{url}/healthz", timeout=HEALTH_SECONDS) as answer:  # noqa: S310 - an http address of this machine
            return bool(answer.status == 200)
    except (URLError, OSError, ValueError):
        return False
