"""The log of telebridge during a test: warnings are kept for the report of a failure, and nothing is printed."""

import logging
from typing import Any

import structlog


class KeptLog:
    """Takes the place of the log from `start` to `stop`.

    Attributes:
        lines: Warnings and errors, one line each.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._before: dict[str, Any] | None = None

    def start(self) -> None:
        """Keep warnings from now on."""
        self._before = structlog.get_config()
        structlog.configure(
            processors=[structlog.processors.format_exc_info, self._keep],
            wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
            cache_logger_on_first_use=False,
        )

    def stop(self) -> None:
        """Give the log back to whoever had it."""
        if self._before is not None:
            structlog.configure(**self._before)
            self._before = None

    def _keep(self, _logger: object, level: str, event: structlog.typing.EventDict) -> str:
        text = event.pop("event", "")
        exception = event.pop("exception", "")
        fields = " ".join(f"{name}={value}" for name, value in event.items())
        self.lines.append(f"{level}: {text} {fields}".rstrip() + (f"\n{exception}" if exception else ""))
        raise structlog.DropEvent
