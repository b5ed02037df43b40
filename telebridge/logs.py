"""The log of a program: structured lines, readable at a terminal, JSON elsewhere.

One rule: a program calls `configure_logs` once, at its start; modules only call `logger`.
"""

import logging
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import structlog

from telebridge.json_text import json_text


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module. Bind `call_sid` to it where a call is known."""
    bound: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return bound


def _serialized(values: Mapping[str, Any], **_: Any) -> str:
    return json_text(values)


def configure_logs(*, level: str = "info", json: bool | None = None, stream: TextIO | None = None) -> None:
    """Set up logging for a program, once, at its start.

    Args:
        level: The lowest level that is shown: "debug", "info", "warning" or "error".
        json: Whether lines are JSON; by default they are unless the stream is a terminal.
        stream: Where lines are written; standard error by default.
    """
    out = sys.stderr if stream is None else stream
    as_json = not out.isatty() if json is None else json
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(_serialized)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=out.isatty())
    )
    least = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=max(least, logging.WARNING), stream=out, format="%(levelname)s %(name)s: %(message)s")
