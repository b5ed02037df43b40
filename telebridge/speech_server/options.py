"""What a speech server is set up with."""

from dataclasses import dataclass, field

from telebridge.rime.requested import DEFAULT_MODEL
from telebridge.speech_server.buffer import ClearMode
from telebridge.speech_server.faults import Faults
from telebridge.speech_server.voice import Voice


@dataclass(frozen=True, slots=True)
class SpeechServerOptions:
    """How the local Rime behaves where Rime's documents leave a choice.

    Args:
        api_key: The only key that is accepted; None for any.
        voice: Who speaks; None for espeak-ng where it is installed, else a hum.
        workers: Processes of espeak-ng.
        default_model: Serves a missing or unknown `modelId`.
        max_characters: The most text in one message and in one synthesis.
        clear: What a clear reaches.
        hold_final_period: Whether a full stop waits for what follows it.
        known_speakers_only: Close with "Speaker not found" for a speaker that is not in the catalogue. Off by default,
            because the catalogue here is an extract of Rime's.
        lenient_commands: Take `<clear>` in any case and with blanks around it for a command.
        older_spelling: Write word times as `wordTimestamps`.
        opens_per_second: More upgrades are answered 429; 0 for no limit.
        idle_seconds: A socket on which nothing was sent for so long is closed; 0 for never.
        faults: What goes wrong.
    """

    api_key: str | None = None
    voice: Voice | None = None
    workers: int = 2
    default_model: str = DEFAULT_MODEL
    max_characters: int = 500
    clear: ClearMode = ClearMode.BUFFER
    hold_final_period: bool = True
    known_speakers_only: bool = False
    lenient_commands: bool = False
    older_spelling: bool = False
    opens_per_second: int = 0
    idle_seconds: float = 0.0
    faults: Faults = field(default_factory=Faults)
