"""What a speech server is set up with.

Everything that a speech service does wrong on bad days, to be switched on one by one.

Each of these was met in Rime or in a service like it; a client that has not met them here meets them on a live call.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, cycle, repeat

from telebridge.speech_server.buffer import ClearMode
from telebridge.speech_server.query import DEFAULT_MODEL
from telebridge.speech_server.voices.voice import Voice

IRREGULAR = (1024, 509, 640, 1856, 20, 4070, 1, 333)
"""Chunk sizes as captured from Rime: not of whole frames, some odd."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong; by default nothing does.

    Args:
        first_byte_delay_seconds: Before the first audio of a synthesis.
        pace: Audio seconds sent in a second; 0 sends as fast as it is made.
        chunk_bytes: The size of every chunk, from 1; 0 for irregular ones, as Rime's are.
        stale_seconds: How long audio of before goes on after a clear.
        refuse_status: The HTTP status of every upgrade; 0 lets them in.
        refuse_words: The body of that answer.
        close_after_bytes: Close with 1011 after so much audio; None never.
        close_reason: The reason of that close.
        cut_after_bytes: Drop the connection without a word after so much audio; None never.
        text_on_plain: Sent as a text frame on `/ws` before the audio; empty for none.
        wav_instead: Send WAV whatever format was asked for.
        silent: Take text and give nothing.
    """

    first_byte_delay_seconds: float = 0.0
    pace: float = 0.0
    chunk_bytes: int = 0
    stale_seconds: float = 0.0
    refuse_status: int = 0
    refuse_words: str = ""
    close_after_bytes: int | None = None
    close_reason: str = "internal error"
    cut_after_bytes: int | None = None
    text_on_plain: str = ""
    wav_instead: bool = False
    silent: bool = False

    def chunk_sizes(self) -> Iterator[int]:
        """How long each next chunk of a connection is. The first is short: somebody is waiting for it."""
        return repeat(self.chunk_bytes) if self.chunk_bytes else chain((160,), cycle(IRREGULAR))


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
