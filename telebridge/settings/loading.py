"""Reads the settings: `telebridge.toml` or `config/telebridge.toml`, overridden by the environment.

Environment names are `TELEBRIDGE_<SECTION>__<KEY>` and, for keys of no section, `TELEBRIDGE_<KEY>`; besides them the
conventional `RIME_API_KEY`, `TWILIO_ACCOUNT_SID` and `TWILIO_AUTH_TOKEN`.

One rule: an unknown key is an error, because a misspelt setting that is ignored would be noticed only in a live call.
"""

import os
import re
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_settings import SettingsError

from telebridge.bundled import BUNDLED_FLOWS
from telebridge.errors import ConfigurationError
from telebridge.settings.settings import CONVENTIONAL, DEFAULT_FLOWS, PREFIX, Settings

DEFAULT_FILES = (Path("telebridge.toml"), Path("config/telebridge.toml"))

TOML_HINT = 'a text stands in quotes, as in name = "text"'
SECRET = re.compile(r"(key|token|secret|url|password)(?!s)$(?<!public_url)")
"""Keys whose values are never shown."""
OWN_MISTAKES = frozenset({"public_address", "network", "reserved", "judge"})
"""The mistakes that are worded here."""
PLAIN = {
    "int_parsing": "is no whole number",
    "int_from_float": "is no whole number",
    "float_parsing": "is no number",
    "bool_parsing": "is neither true nor false",
}
"""What pydantic says of the format of a value, in the words of this page."""


def load_settings(file: Path | None = None) -> Settings:
    """Read the settings.

    Args:
        file: Their file; by default the first of `DEFAULT_FILES` that exists, if one does.

    Returns:
        The settings. Where no `flows_dir` is set and its default does not exist, it is the bundled flows.

    Raises:
        ConfigurationError: The file cannot be read, or a key or value in it or in the environment is wrong.
    """
    source = file or settings_file() or DEFAULT_FILES[0]
    values = _read(source, must_exist=file is not None)
    _check_environment()
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise _explained(error, values, source) from error
    except SettingsError as error:
        raise ConfigurationError("environment", str(error), "values of lists and tables are JSON") from error
    if "flows_dir" in settings.model_fields_set or DEFAULT_FLOWS.is_dir():
        return settings
    return settings.model_copy(update={"flows_dir": BUNDLED_FLOWS})


def settings_file() -> Path | None:
    """Return the settings file of the working directory; None when there is none."""
    return next((file for file in DEFAULT_FILES if file.exists()), None)


def _read(file: Path, *, must_exist: bool) -> dict[str, Any]:
    if not must_exist and not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))  # Windows begins a text with a byte order mark
    except OSError as error:
        raise ConfigurationError(str(file), f"cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(str(file), f"is not UTF-8 (byte {error.start})", "save it as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(str(file), f"is not TOML: {error}", TOML_HINT) from error


def _check_environment() -> None:
    """Refuse unknown variables with our prefix, which pydantic-settings would ignore."""
    known = {f"{PREFIX}{path.upper().replace('.', '__')}" for path in _paths()}
    for name in os.environ:
        if name.startswith(PREFIX) and name.upper() not in known:
            raise ConfigurationError(name, "is no setting", _nearest(name, known))


def _paths() -> Iterator[str]:
    """Every key, with its section and a dot before it."""
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from (f"{name}.{key}" for key in field.annotation.model_fields)
        yield name


def _explained(error: ValidationError, values: dict[str, Any], file: Path) -> ConfigurationError:
    """The first mistake, at the key of the file or at the variable that it comes from."""
    mistake = error.errors()[0]
    path = ".".join(str(part) for part in mistake["loc"])
    in_file = f"{file}: {path}" if _is_in(values, mistake["loc"]) else PREFIX + path.upper().replace(".", "__")
    where = _variable(path) or in_file
    if mistake["type"] == "extra_forbidden":
        return ConfigurationError(where, "is no setting", _nearest(path, set(_paths())))
    problem = PLAIN.get(mistake["type"], mistake["msg"][:1].lower() + mistake["msg"][1:])
    own = mistake.get("ctx", {})
    if "number" not in own and not SECRET.search(path) and isinstance(mistake["input"], str | int | float):
        problem += (
            f", not {mistake['input']!r}"
            if mistake["type"] not in {*OWN_MISTAKES, *PLAIN}
            else f": {mistake['input']!r}"
        )
    return ConfigurationError(where, problem, str(own.get("hint", "")))


def _is_in(values: Any, path: tuple[int | str, ...]) -> bool:
    for part in path[:2]:
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True


def _variable(path: str) -> str | None:
    """The variable of the environment that sets this key, whatever the file has; None when none does."""
    own = PREFIX + path.upper().replace(".", "__")
    conventional = [name for name, key in CONVENTIONAL.items() if ".".join(key) == path and os.environ.get(name)]
    return next((name for name in [*os.environ, *conventional] if name.upper() == own or name in conventional), None)


def _nearest(name: str, known: set[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else ""
