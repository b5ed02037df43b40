"""`telebridge doctor`: checks settings, flows, voice and accounts, and prints what to fix."""

import asyncio
import importlib.util
import json
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from telebridge.app.bridge import answering_flows, request_validator
from telebridge.app.python_flows import bridge_of
from telebridge.app.voice import open_voice
from telebridge.app.words import open_words
from telebridge.bundled import BUNDLED_FLOWS
from telebridge.cli.number import checks
from telebridge.cli.number.checks import Finding
from telebridge.cli.options import ConfigOption, JsonOption
from telebridge.cli.process.listener import listen
from telebridge.cli.process.printing import lines_of, print_line
from telebridge.database.database import database_of
from telebridge.database.engine import SqliteEngine, open_database
from telebridge.database.failures import is_failure, unusable
from telebridge.errors import ConfigurationError, SpeechError
from telebridge.logs import configure_logs
from telebridge.settings.loading import load_settings
from telebridge.settings.settings import Settings
from telebridge.speech_server.voices.pool import missing_packages

COLORS = {"ok": "green", "note": "yellow", "fail": "red"}
WIDTH = 5


def doctor(
    online: Annotated[bool, typer.Option(help="Also ask Rime and Twilio, where keys are set.")] = True,  # noqa: FBT002
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Look at settings, flows, voice and accounts, and say what to mend. Exits with 1 when something fails.

    A note works, with a restriction, and does not change the exit code. With --json each finding has `state` ("ok",
    "note" or "fail"), `what`, `told` and `remedy`.
    """
    configure_logs(level="error")
    findings = list(_local_findings(config))
    settings = _settings_or_none(config)
    if settings is not None:
        findings += asyncio.run(_service_findings(settings, online=online))
    if json_:
        print_line(json.dumps([asdict(finding) for finding in findings]))
    else:
        console = Console(highlight=False, soft_wrap=True)
        for finding in findings:
            remedy = f"; {finding.remedy}" if finding.remedy else ""
            text = f"{finding.state:<{WIDTH}} {finding.what}: {finding.told}{remedy}"
            for line in lines_of(text, sys.stdout, hanging=WIDTH + 1):
                mark, rest = line[:WIDTH], line[WIDTH:]
                console.print(Text.assemble((mark, COLORS.get(mark.strip(), "")), rest))
    if any(finding.state == "fail" for finding in findings):
        raise typer.Exit(1)


def _settings_or_none(config: Path | None) -> Settings | None:
    try:
        return load_settings(config)
    except ConfigurationError:
        return None


def _local_findings(config: Path | None) -> Iterator[Finding]:
    """Check what needs no network."""
    yield Finding("ok", "Python", platform.python_version())
    try:
        settings = load_settings(config)
    except ConfigurationError as error:
        yield Finding("fail", "settings", str(error))
        return
    yield Finding("ok", "settings", "no mistakes")
    yield from _flows(settings)
    yield _port(settings)
    yield checks.state_folder(settings)
    yield checks.public_address(settings)
    yield _signatures(settings)
    if settings.recognition.provider:
        yield recognizer_finding(settings)
    missing = missing_packages()
    if missing:
        are = "is" if len(missing) == 1 else "are"
        yield Finding(
            "note",
            "local voice",
            f"hums, because {' and '.join(missing)} {are} missing",
            "pip install 'telebridge[voice]'",
        )
    else:
        yield Finding("ok", "local voice", "espeak-ng")
    if importlib.util.find_spec("matplotlib") is None:
        yield Finding(
            "note", "pictures", "not drawn, because matplotlib is missing", "pip install 'telebridge[pictures]'"
        )


def _signatures(settings: Settings) -> Finding:
    """Check whether webhooks can be told from what strangers send; without that a server does not start."""
    try:
        request_validator(settings)
    except ConfigurationError as error:
        return Finding("fail", "twilio.auth_token", error.problem, error.hint)
    if not settings.twilio.auth_token:
        calls = "" if settings.twilio.api_key_secret else ", and no calls go out"
        return Finding("note", "twilio.auth_token", f"not set: webhooks are not checked{calls}")
    if not settings.twilio.validate_signatures:
        return Finding("note", "twilio.validate_signatures", "false: webhooks are not checked")
    return Finding("ok", "twilio.auth_token", "webhooks are checked")


def recognizer_finding(settings: Settings) -> Finding:
    """Check whether the recognizer of the settings can be made; without that a server does not start."""
    try:
        open_words(settings.recognition)
    except ConfigurationError as error:
        return Finding("fail", error.where, error.problem, error.hint)
    return Finding("ok", "recognition.provider", settings.recognition.provider)


async def _database(settings: Settings) -> Finding:
    """Check whether the database takes connections; a file that is not there yet is not made."""
    try:
        engine = open_database(settings.database_url)
    except ConfigurationError as error:
        return Finding("fail", "database", str(error))
    file = engine.url.database or ""
    if isinstance(engine, SqliteEngine) and file != ":memory:" and not os.path.exists(file):  # noqa: ASYNC240, PTH110
        return Finding("ok", "database", f"'{file}' will be made")
    try:
        await database_of(engine).read(lambda _: None)
    except Exception as error:
        if not is_failure(error):
            raise
        return Finding("fail", "database", str(unusable(error, engine.url)))
    else:
        return Finding("ok", "database", "takes connections")
    finally:
        await engine.dispose()


def _flows(settings: Settings) -> Iterator[Finding]:
    """Check the flow files, the Python flows, and which of them answers; a server starts with these or not at all."""
    try:
        bridge = bridge_of(settings)
        flows, default = answering_flows(settings, bridge)
    except ConfigurationError as error:
        yield Finding("fail", "flows", *_told(error))
        return
    if bridge is not None:
        yield Finding("ok", "app", f"{', '.join(sorted(bridge.flows)) or 'no flows'} in {settings.app}")
    if names := sorted(flow.flow for flow in flows.files()):
        yield Finding("ok", "flows", f"{', '.join(names)} in {_folder(settings)}")
    yield Finding("ok", "default_flow", f"{default} answers")


def _told(error: ConfigurationError) -> tuple[str, str]:
    return f"{error.where}: {error.problem}", error.hint


def _folder(settings: Settings) -> str:
    bundled = settings.flows_dir == BUNDLED_FLOWS
    return "the package, as there is no folder of flows here" if bundled else str(settings.flows_dir)


def _port(settings: Settings) -> Finding:
    where = f"{settings.server.host}:{settings.server.port}"
    try:
        listen(settings.server.host, settings.server.port).close()
    except OSError as error:
        said = str(error.strerror).partition(" (while")[0]  # what `socket.create_server` adds is said already
        return Finding("note", "server.port", f"{where} cannot be listened on now ({said})")
    return Finding("ok", "server.port", f"{where} is free")


async def _service_findings(settings: Settings, *, online: bool) -> list[Finding]:
    findings = [await _database(settings)]
    remote = bool(settings.rime.api_key or settings.rime.url)
    if online or not remote:
        findings.append(await _voice(settings))
    if online and settings.twilio.account_sid:
        findings += [finding async for finding in checks.twilio(settings)]
    return findings


async def _voice(settings: Settings) -> Finding:
    try:
        voice = open_voice(settings.rime)
    except ConfigurationError as error:
        return Finding("fail", "rime", str(error))
    try:
        async with voice:
            await voice.rime.check()
    except SpeechError as error:
        return Finding("fail", "rime", str(error))
    return Finding("ok", "rime", f"takes connections: {voice.description}")
