"""The flows a call can be led by: files of a folder, and Python flows of an application, under one set of names."""

from difflib import get_close_matches
from pathlib import Path

from telebridge.call.python_flow import Bridge, PythonFlow
from telebridge.errors import ConfigurationError
from telebridge.flows.loading import load_flow
from telebridge.flows.model import Flow


class FlowCatalogue:
    """Finds a flow by its name.

    Args:
        flows_dir: Every `*.yaml` in it is one flow; a folder that does not exist holds none.
        bridge: Python flows; one of the same name as a file goes before it.
    """

    def __init__(self, flows_dir: Path, bridge: Bridge | None = None) -> None:
        self._flows_dir = flows_dir
        self._python = {} if bridge is None else bridge.flows
        self._files: dict[str, Flow] = {}

    def load(self) -> None:
        """Load every file.

        Raises:
            FlowError: A file is wrong; nothing was taken from it or any other.
        """
        loaded = [load_flow(path) for path in sorted(self._flows_dir.glob("*.yaml"))]
        self._files = {flow.flow: flow for flow in loaded}

    def add_file(self, path: Path) -> str:
        """Load one file from anywhere, and return the name of its flow.

        Raises:
            FlowError: The file is wrong.
        """
        flow = load_flow(path)
        self._files[flow.flow] = flow
        return flow.flow

    @property
    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted({*self._python, *self._files})

    def find(self, name: str) -> Flow | PythonFlow:
        """The flow of that name.

        Raises:
            ConfigurationError: There is none.
        """
        flow = self._python.get(name) or self._files.get(name)
        if flow is None:
            near = get_close_matches(name, self.names, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known flows: {', '.join(self.names) or 'none'}"
            raise ConfigurationError(f"flow '{name}'", "does not exist", hint)
        return flow
