"""The flows of an application: Python flows, as the option `--app` and the setting `app` name them, and flow files.

One rule: whatever goes wrong in a module of the user is told with their file and line, and without our frames.
"""

import importlib
import linecache
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from traceback import FrameSummary, extract_tb
from typing import Any, cast

from telebridge.bundled import BUNDLED_FLOWS
from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.flows.python.registry import Bridge
from telebridge.errors import AppFailed, ConfigurationError
from telebridge.settings.settings import Settings

EXAMPLE = "for example --app reminders:bridge"
SHOWN_FRAMES = 2
OTHERS = (*(Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")), Path(__file__).parent.parent)
"""Where the code of others lies: the standard library, installed packages, and telebridge."""
PYTHON_FILE = ".py"


def bridge_of(settings: Settings, app: str | None = None) -> Bridge | None:
    """Import the Python flows of `--app`, else those of the settings; None when neither names any.

    Raises:
        ConfigurationError: They cannot be imported.
    """
    if app is not None:
        return load_bridge(app)
    return load_bridge(settings.app, where="app") if settings.app else None


def open_flows(settings: Settings, bridge: Bridge | None) -> FlowCatalogue:
    """Load the flow files of the settings, beside the Python flows of an application.

    The bundled flows are left out where there are Python flows: somebody without a folder of flows wants theirs alone.

    Raises:
        ConfigurationError: A flow file is wrong.
    """
    flows = FlowCatalogue(settings.flows_dir, bridge)
    if bridge is None or not bridge.flows or settings.flows_dir != BUNDLED_FLOWS:
        flows.load()
    return flows


def load_bridge(name: str, *, where: str = "--app") -> Bridge:
    """Import the `Bridge` that `MODULE:BRIDGE` or `FILE.py:BRIDGE` names; the working directory is importable.

    Args:
        name: The module or the file, and the name of the object in it.
        where: The option or setting that names it, for errors.

    Raises:
        ConfigurationError: There is no such module or object.
        AppFailed: The module raises when it is imported.
    """
    written, colon, attribute = name.rpartition(":")
    if not colon or not attribute or not written:
        raise ConfigurationError(where, f"'{name}' is not MODULE:BRIDGE", EXAMPLE)
    module_name = _importable(written, where)
    module = _imported(module_name, where)
    found = getattr(module, attribute, None)
    if not isinstance(found, Bridge):
        bridges = [known for known, value in vars(module).items() if isinstance(value, Bridge)]
        hint = f"write {where} {written}:{bridges[0]}" if bridges else "make one with `bridge = Bridge()`"
        what = "does not exist" if found is None else "is no telebridge.Bridge"
        raise ConfigurationError(where, f"'{name}' {what}", hint)
    return found


def load_function(name: str, *, where: str) -> Callable[..., Any]:
    """Import the function that `MODULE:FUNCTION` or `FILE.py:FUNCTION` names; the working directory is importable.

    Args:
        name: The module or the file, and the name of the function in it.
        where: The setting that names it, for errors.

    Raises:
        ConfigurationError: There is no such module or function.
        AppFailed: The module raises when it is imported.
    """
    written, _, attribute = name.rpartition(":")
    found = getattr(_imported(_importable(written, where), where), attribute, None)
    if not callable(found):
        what = "does not exist" if found is None else "is no function"
        raise ConfigurationError(where, f"'{name}' {what}", "name a function of the module")
    return cast("Callable[..., Any]", found)


def _importable(written: str, where: str) -> str:
    """Put the folder of the module first on the path; returns the module's name."""
    file = Path(written)
    if file.suffix != PYTHON_FILE:
        sys.path.insert(0, str(Path.cwd()))
        return written
    if not file.is_file():
        raise ConfigurationError(where, f"there is no file '{written}' in {Path.cwd()}", EXAMPLE)
    sys.path.insert(0, str(Path.cwd()))
    sys.path.insert(0, str(file.resolve().parent))
    return file.stem


def _imported(name: str, where: str) -> object:
    try:
        return importlib.import_module(name)
    except ConfigurationError:
        raise
    except ModuleNotFoundError as error:
        raise _not_found(name, error, where) from error
    except SyntaxError as error:
        place = f"{_shown(error.filename or name)}:{error.lineno}"
        excerpt = (f"    {(error.text or '').strip()}",) if error.text else ()
        raise AppFailed(where, f"module '{name}' is not Python: {place}: {error.msg}", excerpt) from error
    except (Exception, SystemExit) as error:
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        problem = f"module '{name}' cannot be imported ({what})"
        raise AppFailed(where, problem, tuple(excerpt_of(error))) from error


def _not_found(name: str, error: ModuleNotFoundError, where: str) -> ConfigurationError:
    """The error for a module that does not exist: the one that was named, or one that it imports."""
    missing = error.name or ""
    if name == missing or name.startswith(f"{missing}."):
        problem = f"module '{name}' cannot be imported ({error})"
        return ConfigurationError(
            where, problem, f"looked in {Path.cwd()}: name a module there, or a file such as x.py"
        )
    problem = f"module '{name}' imports '{missing}', which is not installed"
    return AppFailed(where, problem, tuple(excerpt_of(error)))


def excerpt_of(error: BaseException) -> list[str]:
    """Return the last lines of the user's own code that led to an error, each with its place: at most four lines."""
    lines: list[str] = []
    for frame in [frame for frame in extract_tb(error.__traceback__) if _is_theirs(frame)][-SHOWN_FRAMES:]:
        lines.append(f"  {_shown(frame.filename)}:{frame.lineno} in {frame.name}")
        lines.append(f"    {linecache.getline(frame.filename, frame.lineno or 0).strip()}")
    return lines


def _is_theirs(frame: FrameSummary) -> bool:
    return not frame.filename.startswith("<") and not any(map(Path(frame.filename).is_relative_to, OTHERS))


def _shown(filename: str) -> str:
    """A path as the user would write it: from the working directory, where it lies below that."""
    file, here = Path(filename), Path.cwd()
    return str(file.relative_to(here)) if file.is_relative_to(here) else filename
