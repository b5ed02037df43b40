"""Scenario files as tests of pytest: one item for each call of a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typing_extensions import override

from telebridge.errors import TelebridgeError
from telebridge.testing.call.failure import CallFailure
from telebridge.testing.plugin import made_phone, url_of
from telebridge.testing.scenarios.loading import LoadedScenario, load_scenarios
from telebridge.testing.scenarios.running import play


class ScenarioFile(pytest.File):
    """A file `*.call.yaml`."""

    @override
    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item for each call.

        Raises:
            CollectError: The file has a mistake.
        """
        try:
            scenarios = load_scenarios(self.path, url=url_of(self.config))
        except TelebridgeError as error:
            raise self.CollectError(str(error)) from error
        for loaded in scenarios:
            yield ScenarioItem.from_parent(self, name=loaded.name or "call", loaded=loaded)


class ScenarioItem(pytest.Item):
    """One call."""

    def __init__(self, *, loaded: LoadedScenario, **given: object) -> None:
        super().__init__(**given)  # type: ignore[arg-type]
        self.loaded = loaded

    @override
    def runtest(self) -> None:
        """Play the call."""
        with made_phone(self.config, self) as phone:
            play(self.loaded, phone)

    @override
    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """The failure in the words of the scenario."""
        if isinstance(excinfo.value, CallFailure | TelebridgeError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    @override
    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the call is written."""
        return self.path, self.loaded.lines[0] - 1, self.loaded.title
