"""All settings of a bridge, and what follows from them: its database, its folders and its secret."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from typing_extensions import override

from telebridge.errors import ConfigurationError
from telebridge.private_files import FILE_MODE, make_private, make_private_folder
from telebridge.settings.sections import (
    AnsweringSettings,
    BargeInSettings,
    CallSettings,
    CampaignSettings,
    DatabaseSettings,
    MailSettings,
    PageSettings,
    PlaybackSettings,
    PromptSettings,
    RecognitionSettings,
    RimeSettings,
    ServerSettings,
    SmsSettings,
    SpeechSettings,
    TraceSettings,
    TransferSettings,
    TwilioSettings,
    called_numbers,
    public_address,
)

DEFAULT_FLOWS = Path("config/flows")
PREFIX = "TELEBRIDGE_"
CONVENTIONAL = {
    "RIME_API_KEY": ("rime", "api_key"),
    "TWILIO_ACCOUNT_SID": ("twilio", "account_sid"),
    "TWILIO_AUTH_TOKEN": ("twilio", "auth_token"),
}


class Settings(BaseSettings):
    """All settings. The environment overrides the conventional variables, and those override the file."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True)

    public_url: Annotated[str, AfterValidator(public_address)] = ""
    default_flow: str = "front-desk"
    flows_dir: Path = DEFAULT_FLOWS
    app: str = ""
    secret: str = ""
    state_dir: Path = Path("var")
    server: ServerSettings = ServerSettings()
    twilio: TwilioSettings = TwilioSettings()
    rime: RimeSettings = RimeSettings()
    speech: SpeechSettings = SpeechSettings()
    recognition: RecognitionSettings = RecognitionSettings()
    answering: AnsweringSettings = AnsweringSettings()
    playback: PlaybackSettings = PlaybackSettings()
    barge_in: BargeInSettings = BargeInSettings()
    calls: CallSettings = CallSettings()
    database: DatabaseSettings = DatabaseSettings()
    prompts: PromptSettings = PromptSettings()
    campaigns: CampaignSettings = CampaignSettings()
    transfers: TransferSettings = TransferSettings()
    sms: SmsSettings = SmsSettings()
    pages: PageSettings = PageSettings()
    traces: TraceSettings = TraceSettings()
    mail: MailSettings = MailSettings()
    numbers: Annotated[dict[str, str], AfterValidator(called_numbers)] = {}

    @property
    def database_url(self) -> str:
        """The address of the database; by default a file in the state folder."""
        return self.database.url or f"sqlite:///{self.state_dir}/telebridge.db"

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        conventional = InitSettingsSource(settings_cls, init_kwargs=_conventional_environment())
        return env_settings, conventional, init_settings

    def prompts_dir(self) -> Path:
        """The folder of the prompt cache; by default in the state folder."""
        return Path(self.prompts.cache_dir) if self.prompts.cache_dir else self.state_dir / "prompts"

    def stream_secret(self) -> str:
        """The secret that signs addresses. When none is set, one is made and stored in the state folder.

        Raises:
            ConfigurationError: It cannot be stored in the state folder, or its file there is empty.
        """
        if self.secret:
            return self.secret
        kept = self.state_dir / "secret"
        try:
            if not kept.exists():
                make_private_folder(self.state_dir)
                _write_once(kept, secrets.token_urlsafe(32))
            make_private(kept)
            secret = kept.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "the file 'secret' is no text"
            problem = f"'{self.state_dir}' cannot hold the secret ({why})"
            raise ConfigurationError("state_dir", problem, "choose another folder, or set 'secret'") from error
        if not secret:
            raise ConfigurationError(
                str(kept), "is empty: anybody could sign addresses", "remove it, and one is made; or set 'secret'"
            )
        return secret


def _conventional_environment() -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, (section, key) in CONVENTIONAL.items():
        if os.environ.get(name):
            values.setdefault(section, {})[key] = os.environ[name]
    return values


def _write_once(file: Path, text: str) -> None:
    """Write a file that only its owner can read, atomically; a file that exists already is kept."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.touch(mode=FILE_MODE)
    draft.write_text(text)
    with suppress(FileExistsError):
        os.link(draft, file)
    draft.unlink()
