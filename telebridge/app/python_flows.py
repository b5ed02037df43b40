"""Imports the Python flows of an application, as the option `--app` names them."""

import importlib
import sys
from pathlib import Path

from telebridge.call.flows.python import Bridge
from telebridge.errors import ConfigurationError


def load_bridge(name: str) -> Bridge:
    """Import the `Bridge` that `MODULE:BRIDGE` names; the working directory is importable.

    Raises:
        ConfigurationError: There is no such module or object.
    """
    module_name, _, attribute = name.partition(":")
    if not attribute:
        raise ConfigurationError("--app", f"'{name}' is not MODULE:BRIDGE", "for example --app reminders:bridge")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module_name), attribute, None)
    except ImportError as error:
        raise ConfigurationError("--app", f"module '{module_name}' cannot be imported ({error})") from error
    if not isinstance(found, Bridge):
        raise ConfigurationError("--app", f"'{name}' is no telebridge.Bridge")
    return found
