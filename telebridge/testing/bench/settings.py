"""The settings of a bridge in a test.

One rule: neither the environment nor a settings file counts unless the test names it, so that a test does the same on
every machine; and whatever they say, the test talks to the local Twilio and the local Rime.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import PydanticBaseSettingsSource
from typing_extensions import override

from telebridge.errors import ConfigurationError
from telebridge.settings.settings import Settings
from telebridge.simulator.setup.options import ACCOUNT_SID, AUTH_TOKEN

BRIDGE = "https://bridge.test"
RIME = "ws://127.0.0.1:9001"
RECOGNIZER = "http://127.0.0.1:9003"
RECOGNIZERS = {
    "deepgram": "ws://127.0.0.1:9003/v1/listen",
    "deepgram-flux": "ws://127.0.0.1:9003/v2/listen",
    "openai": "ws://127.0.0.1:9003/v1/realtime",
    "openai-http": "http://127.0.0.1:9003/v1/audio/transcriptions",
    "rime": "ws://127.0.0.1:9003/ws",
    "vosk": "ws://127.0.0.1:9003/",
}
"""The addresses of the local recognizer, by provider."""
API_TOKEN = "token-of-the-test"  # noqa: S105 - no secret


class _OnlyGiven(Settings):
    """Settings that the environment does not change."""

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: Any,
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def bench_settings(
    state_dir: Path, *, config: Path | None = None, changes: Mapping[str, Any] | None = None
) -> Settings:
    """The settings of a bridge in a test.

    Args:
        state_dir: The folder of its database.
        config: A settings file to begin with.
        changes: Settings of the test, nested as in a file.

    Raises:
        ConfigurationError: The file cannot be read, or a key or value is wrong.
    """
    values: dict[str, Any] = {"prompts": {"enabled": False}, "campaigns": {"dial": False}}
    _merge(values, _read(config))
    for section in ("twilio", "server", "database", "secret", "public_url"):
        values.pop(section, None)
    _merge(
        values,
        {
            "public_url": BRIDGE,
            "secret": "secret-of-the-test",
            "state_dir": state_dir,
            "server": {"api_token": API_TOKEN},
            "twilio": {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN},
            "rime": {"url": RIME, "api_key": "key", "local_fallback": False, "fallback_urls": ()},
        },
    )
    _merge(values, changes or {})
    if provider := values.get("recognition", {}).get("provider"):
        _merge(values, {"recognition": {"url": RECOGNIZERS.get(provider, ""), "api_key": "key"}})
    try:
        return _OnlyGiven(**values)
    except ValidationError as error:
        mistake = error.errors()[0]
        where = ".".join(str(part) for part in mistake["loc"])
        raise ConfigurationError(f"settings of the test: {where}", mistake["msg"]) from error


def _read(config: Path | None) -> dict[str, Any]:
    if config is None:
        return {}
    try:
        return tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(str(config), f"cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ConfigurationError(str(config), f"is not TOML: {error}") from error


def _merge(values: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, Mapping) and isinstance(values.get(key), dict):
            _merge(values[key], value)
        else:
            values[key] = dict(value) if isinstance(value, Mapping) else value
