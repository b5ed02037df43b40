"""The pages of the site that are written from the code: settings, commands, routes, events, metrics, changes.

One rule: a page says what the program says of itself; nothing is written here that could be out of date.
"""

import logging
import tempfile
from pathlib import Path
from typing import Any

import structlog
import typer.main
from prometheus_client.metrics import MetricWrapperBase

from telebridge import metrics
from telebridge.app.bridge import create_app
from telebridge.bundled import BUNDLED_FLOWS
from telebridge.cli.main import app
from telebridge.cli.on_demand import CommandOnDemand
from telebridge.server.api.endpoints import DECLARATIONS
from telebridge.settings.settings import Settings

ROOT = Path(__file__).parent.parent.parent
WIDTH = 88


def pages() -> dict[str, str]:
    """The text of each page, by its path in the site."""
    return {
        "reference/settings.md": _settings(),
        "reference/commands.md": _commands(),
        "reference/routes.md": _routes(),
        "reference/events.md": _events(),
        "reference/metrics.md": _metrics(),
        "reference/changes.md": (ROOT / "CHANGELOG.md").read_text().replace("](docs/", "](../"),
    }


def _settings() -> str:
    readme = (ROOT / "README.md").read_text()
    table = readme[readme.index("| key | default") :].partition("\n\n")[0].replace("](docs/", "](../")
    written = (ROOT / "config" / "telebridge.toml").read_text()
    return (
        "# Settings\n\n`telebridge.toml`, `config/telebridge.toml` or `--config FILE`. Every key can be set by the "
        "environment: `server.port` is `TELEBRIDGE_SERVER__PORT`, `public_url` is `TELEBRIDGE_PUBLIC_URL`. A key that "
        f"is not known is an error.\n\n{table}\n\n## The file with every default\n\n```toml\n{written}```\n"
    )


def _commands() -> str:
    """Every command with its help, as a terminal shows it."""
    parts = ["# Commands\n\nEach command with its options, as `--help` prints them.\n"]
    _add_command(parts, typer.main.get_command(app), ["telebridge"], None)
    return "\n".join(parts)


def _add_command(parts: list[str], command: Any, names: list[str], parent: Any) -> None:
    """Add a command and those below it; typer brings its own classes for what click has."""
    if isinstance(command, CommandOnDemand):
        command = command.imported()
    command.rich_markup_mode = None  # plain text
    context = command.context_class(command, info_name=names[-1], parent=parent, max_content_width=WIDTH)
    level = "#" * min(len(names) + 1, 4)
    parts.append(f"{level} {' '.join(names)}\n\n```text\n{command.get_help(context).strip()}\n```\n")
    for name in command.list_commands(context) if hasattr(command, "list_commands") else ():
        inner = command.get_command(context, name)
        if inner is not None and not inner.hidden:
            _add_command(parts, inner, [*names, name], context)


def _routes() -> str:
    """Every route of the API, from what its handlers declare."""
    logging.disable(logging.CRITICAL)
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with tempfile.TemporaryDirectory() as folder:
        made = create_app(Settings(state_dir=Path(folder), flows_dir=BUNDLED_FLOWS, secret="x"))
    rows = [
        f"| `{each.method} {each.path}` | {each.summary} | {', '.join(map(str, each.responses))} |"
        for each in made[DECLARATIONS]
    ]
    return (
        "# Routes of the API\n\nWhat each takes and returns is described for programs at `/api/openapi.json` "
        "(OpenAPI 3.1); [the API](../api.md) has a command for each.\n\n"
        "| route | what it does | answers |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def _events() -> str:
    page = (ROOT / "docs" / "api.md").read_text()
    table = page[page.index("| event |") :].partition("\n\n")[0]
    return (
        "# Events\n\n`GET /api/events` sends them as they happen ([the API](../api.md#events)); `calls.record = true` "
        f"keeps those of each call.\n\n{table}\n"
    )


def _metrics() -> str:
    rows = []
    for value in vars(metrics).values():
        if not isinstance(value, MetricWrapperBase):
            continue
        for family in value.describe():
            labels = ", ".join(f"`{label}`" for label in value._labelnames)  # noqa: SLF001 - it has no other name
            rows.append(f"| `{family.name}` | {family.type} | {labels} | {family.documentation} |")
    return (
        "# Metrics\n\n`/metrics` prints them in Prometheus's text format; it needs `server.api_token`. A counter ends "
        "in `_total` there.\n\n| metric | type | labels | what it counts |\n|---|---|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )
