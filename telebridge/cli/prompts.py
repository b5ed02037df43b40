"""`telebridge prompts`: renders prompts ahead of calls, prints their URLs for `<Play>`, and lists the cache."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from telebridge.app.voice import open_voice
from telebridge.call.flows.catalogue import FLOW_FILES, FlowCatalogue
from telebridge.cli.options import ConfigOption, JsonOption
from telebridge.cli.process.hum import warn_of_hum
from telebridge.cli.process.printing import print_line, print_text
from telebridge.cli.render import FlowPrompt, Rendering, collected
from telebridge.cli.render import render as render_prompts
from telebridge.errors import ConfigurationError
from telebridge.flows.loading import load_flow
from telebridge.flows.model import Flow
from telebridge.logs import configure_logs
from telebridge.rime.parameters import speech_parameters
from telebridge.settings.loading import load_settings
from telebridge.settings.settings import Settings
from telebridge.speech.cache.cached_source import LONGEST_CHARACTERS
from telebridge.speech.cache.clip import ClipDamaged, decode
from telebridge.speech.cache.folder import ClipFile
from telebridge.speech.cache.store import ClipStore
from telebridge.twilio.signed_urls import PromptTokens

DURATION = re.compile(r"(\d+)\s*([mhd])")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}

prompts = typer.Typer(help="Speak prompts ahead of calls, and see what is kept of them.", no_args_is_help=True)


@prompts.command()
def render(
    flow: Annotated[str | None, typer.Option(help="Only this flow: a name or a file.")] = None,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Speak every static prompt of every flow, so that the first caller hears it at once.

    A prompt is static when its text does not depend on the call. Prompts that are kept already cost nothing. Exits
    with 1 when one could not be spoken.
    """
    settings = load_settings(config)
    configure_logs(level="error")
    warn_of_hum(settings.rime)
    static, dynamic = collected(_flows(settings, flow))
    rendering = asyncio.run(_render(settings, static, Console(stderr=True, quiet=json_)))
    rendering.dynamic = dynamic
    print_line(json.dumps(_as_json(rendering)) if json_ else _summary(rendering))
    if rendering.failed:
        raise typer.Exit(1)


@prompts.command()
def url(
    text: Annotated[str, typer.Argument(help="What is to be said.")],
    speaker: Annotated[str | None, typer.Option("--speaker", "--voice", help="Overrides rime.speaker.")] = None,
    model: Annotated[str | None, typer.Option(help="Overrides rime.model.")] = None,
    lang: Annotated[str | None, typer.Option(help="Overrides rime.lang.")] = None,
    expires: Annotated[str | None, typer.Option(help="How long it is good: 30m, 12h, 1d. For ever by default.")] = None,
    config: ConfigOption = None,
) -> None:
    """Print the address of a prompt, for `<Play>` in TwiML of your own.

    The address holds text and voice, signed with the bridge's secret. The bridge speaks it when it is fetched first.
    """
    settings = load_settings(config)
    if not settings.public_url:
        raise ConfigurationError("public_url", "is not set", "Twilio has to be told where this bridge is")
    if not text.strip():
        raise ConfigurationError("TEXT", "is empty", "what shall be said?")
    if len(text) > LONGEST_CHARACTERS:
        raise ConfigurationError("TEXT", f"has more than {LONGEST_CHARACTERS} characters", "make it several prompts")
    voice = {name: value for name, value in (("speaker", speaker), ("model", model), ("lang", lang)) if value}
    speech_parameters({**settings.rime.parameters(), **voice}, where="voice")
    until = None if expires is None else datetime.now(UTC) + _duration(expires)
    token = PromptTokens(settings.stream_secret()).issue(text, voice, expires=until)
    print_line(f"{settings.public_url}/prompts/{token}.wav")


@prompts.command("list")
def list_(
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """List the prompts that are kept, the one used last at the end."""
    store = _store(load_settings(config))
    kept = [_described(each) for each in asyncio.run(store.files())]
    if json_:
        print_line(json.dumps(kept))
        return
    for each in kept:
        print_text(f"{each['used_at']}  {each['seconds']:6.1f} s  {each['words']}")
    total = sum(int(str(each["bytes"])) for each in kept)
    print_text(f"{len(kept)} prompts, {total / 1e6:.1f} MB in {store.folder}")


@prompts.command()
def clear(config: ConfigOption = None) -> None:
    """Remove every prompt that is kept; calls and `render` have them spoken again."""
    store = _store(load_settings(config))
    try:
        print_text(f"removed {asyncio.run(store.clear())} prompts from {store.folder}")
    except OSError as error:
        raise ConfigurationError("prompts.cache_dir", f"{error.filename}: {error.strerror}") from error


def _store(settings: Settings) -> ClipStore:
    """Return the clip store without memory cache: this process ends before it would help."""
    return ClipStore(settings.prompts_dir(), max_bytes=settings.prompts.max_bytes, memory_bytes=0)


def _flows(settings: Settings, chosen: str | None) -> list[Flow]:
    """Return the flows of the folder and the default flow, or the one that was chosen."""
    if chosen is not None and chosen.endswith(FLOW_FILES):
        return [load_flow(Path(chosen))]
    catalogue = FlowCatalogue(settings.flows_dir)
    catalogue.load()
    if settings.default_flow.endswith(FLOW_FILES):
        catalogue.add_file(Path(settings.default_flow))
    names = catalogue.names if chosen is None else [chosen]
    if not names:
        raise ConfigurationError("flows_dir", f"'{settings.flows_dir}' holds no flows", "they end in .yaml or .yml")
    return [flow for flow in map(catalogue.find, names) if isinstance(flow, Flow)]


async def _render(settings: Settings, static: list[FlowPrompt], console: Console) -> Rendering:
    if not settings.prompts.enabled:
        raise ConfigurationError("prompts.enabled", "is false: nothing is kept", "set it to true")
    rime = settings.rime.model_copy(update={"local_fallback": False})  # the audio of a fallback would not be kept
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    async with open_voice(rime, _store(settings), settings.speech) as voice:
        assert voice.cached is not None  # noqa: S101 - it was opened with clips
        with Progress(*columns, console=console, disable=console.quiet) as progress:
            task = progress.add_task(f"by {voice.description}", total=len(static))
            return await render_prompts(static, voice.cached, on_done=lambda: progress.advance(task))


def _summary(rendering: Rendering) -> str:
    lines = [
        f"dynamic  {flow}: {prompt.node or 'apology'}: {prompt.reason}: {prompt.template}"
        for flow, prompt in rendering.dynamic
    ]
    lines += [
        f"failed   {failed.flow}: {failed.prompt.node or 'apology'}: {reason}: {failed.prompt.text}"
        for failed, reason in rendering.failed
    ]
    counts = (f"{len(rendering.rendered)} rendered", f"{len(rendering.kept)} already there")
    more = (f"{len(rendering.dynamic)} dynamic", f"{len(rendering.failed)} failed")
    return "\n".join([*lines, " · ".join(counts + more)])


def _as_json(rendering: Rendering) -> dict[str, object]:
    def shown(prompt: FlowPrompt) -> dict[str, object]:
        static = prompt.prompt
        return {
            "flow": prompt.flow,
            "node": static.node or None,
            "text": static.text,
            "voice": dict(static.voice or {}),
        }

    return {
        "rendered": [shown(prompt) for prompt in rendering.rendered],
        "already_there": [shown(prompt) for prompt in rendering.kept],
        "dynamic": [
            {"flow": flow, "node": prompt.node or None, "template": prompt.template, "reason": prompt.reason}
            for flow, prompt in rendering.dynamic
        ],
        "failed": [{**shown(prompt), "reason": reason} for prompt, reason in rendering.failed],
    }


def _described(kept: ClipFile) -> dict[str, object]:
    """Describe a clip by its words, if its word times are known."""
    used_at = datetime.fromtimestamp(kept.used_ns / 1e9, UTC).isoformat(timespec="seconds")
    try:
        clip = decode(Path(kept.path).read_bytes())
    except (OSError, ClipDamaged) as error:
        return {"key": kept.key, "bytes": kept.bytes, "used_at": used_at, "seconds": 0.0, "words": f"({error})"}
    words = " ".join(word.text for word in clip.words) or "(without word times)"
    seconds = round(clip.ms / 1000, 3)
    return {"key": kept.key, "bytes": kept.bytes, "used_at": used_at, "seconds": seconds, "words": words}


def _duration(text: str) -> timedelta:
    found = DURATION.fullmatch(text.strip())
    if found is None or not int(found[1]):
        raise ConfigurationError("--expires", f"'{text}' is no duration", "such as 30m, 12h or 1d")
    try:
        return timedelta(**{UNITS[found[2]]: int(found[1])})
    except OverflowError:
        raise ConfigurationError("--expires", f"'{text}' is too long", "leave it out for ever") from None
