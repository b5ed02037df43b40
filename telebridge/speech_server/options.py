"""The options and faults of the local speech server.

Each fault was observed with Rime or with a similar service. One rule: the default of every option is what Rime
documents, and the default of every fault is no fault.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, cycle, repeat
from typing import Protocol

from typing_extensions import override

from telebridge.speech_server.buffer import ClearMode
from telebridge.speech_server.query import DEFAULT_MODEL
from telebridge.speech_server.voices.voice import Synthesizer

IRREGULAR = (1024, 509, 640, 1856, 20, 4070, 1, 333)
"""Chunk sizes as captured from Rime: not of whole frames, some odd."""


class FaultSchedule(Protocol):
    """Says which faults there are when; `SpeechServerFaults` are the same all the time."""

    def at_upgrade(self) -> "SpeechServerFaults":
        """The faults of a connection that is being opened."""
        ...

    def at_synthesis(self) -> "SpeechServerFaults":
        """The faults of a synthesis that begins."""
        ...


@dataclass(frozen=True, slots=True)
class SpeechServerFaults(FaultSchedule):
    """The faults to simulate; by default there are none.

    Args:
        first_byte_delay_seconds: The delay before the first audio of a synthesis.
        pace: Seconds of audio sent per second; 0 sends audio as fast as it is synthesized.
        chunk_bytes: The size of every chunk, from 1; 0 for irregular sizes, as Rime's are.
        stale_seconds: How long stale audio is sent after a clear.
        refuse_status: The HTTP status that refuses every upgrade; 0 accepts upgrades.
        refuse_words: The body of that response.
        close_after_bytes: Close with 1011 after that many bytes of audio; None for never.
        close_reason: The reason of that close.
        cut_after_bytes: Drop the connection without a close frame after that many bytes of audio; None for never.
        text_on_plain: A text frame that is sent on `/ws` before the audio; empty for none.
        wav_instead: Send WAV whatever format was requested.
        silent: Accept text and send nothing.
        no_audio: Send no audio of any text, and end it as if there had been.
        trickle: Seconds of audio in a chunk, and seconds between two chunks; None for no trickle.
        empty_frames: Seconds between empty chunks, and chunks of another context, that are sent in place of audio once
            `empty_after_bytes` were sent; 0 for none.
        empty_after_bytes: How much audio precedes them.
        clean_close_after_bytes: Close with 1000 after that many bytes of audio; None for never.
        repeat: How many times the audio of each text is sent.
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
    no_audio: bool = False
    trickle: tuple[float, float] | None = None
    empty_frames: float = 0.0
    empty_after_bytes: int = 0
    clean_close_after_bytes: int | None = None
    repeat: int = 1

    @override
    def at_upgrade(self) -> "SpeechServerFaults":
        return self

    @override
    def at_synthesis(self) -> "SpeechServerFaults":
        return self

    def chunk_sizes(self) -> Iterator[int]:
        """Return the sizes of the chunks of a connection, in order; the first is short, so that it leaves early."""
        return repeat(self.chunk_bytes) if self.chunk_bytes else chain((160,), cycle(IRREGULAR))


@dataclass(frozen=True, slots=True)
class SpeechServerOptions:
    """The options of the local Rime, mostly where Rime's documents leave a choice.

    Args:
        api_key: The only key that is accepted; None for any.
        voice: The synthesizer; None for espeak-ng where it is installed, else for a hum.
        workers: The number of espeak-ng processes.
        default_model: The model for a missing or unknown `modelId`.
        max_characters: The bound of the text in one message and in one synthesis.
        clear: What a clear cancels.
        hold_final_period: Whether a full stop waits for the text that follows it.
        known_speakers_only: Close with "Speaker not found" for a speaker that is not in the catalogue. Off by default,
            because the catalogue here is an extract of Rime's.
        lenient_commands: Accept `<clear>` in any case, and with blanks around it, as a command.
        older_spelling: Write word times as `wordTimestamps`.
        opens_per_second: Upgrades beyond this rate are refused with 429; 0 for no limit.
        idle_seconds: Close a socket on which nothing was sent for that long; 0 for never.
        faults: The faults to simulate.
    """

    api_key: str | None = None
    voice: Synthesizer | None = None
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
    faults: FaultSchedule = field(default_factory=SpeechServerFaults)
