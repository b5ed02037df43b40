"""A message that a caller left: what is known of it, and the note beside its file until the database knows it.

One rule: a note is written before the file is complete, so a message that is complete is never forgotten.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec

NOTE_SUFFIX = ".note.json"


@dataclass(frozen=True, slots=True)
class MessageNote:
    """What the database must know of a message.

    Args:
        id: Its name: the CallSid and a number.
        call_sid: The call.
        flow: The flow that led the call.
        from_number: Who called.
        to_number: The number that was called.
        length_ms: How long it is.
        recorded_at: When it was recorded, in epoch milliseconds.
        mail_to: To whom the flow sends it by e-mail, with commas between; None where the settings say.
    """

    id: str
    call_sid: str
    flow: str
    from_number: str
    to_number: str
    length_ms: int
    recorded_at: int
    mail_to: str | None = None

    def encode(self) -> bytes:
        """The note as it is written."""
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, written: bytes) -> "MessageNote":
        """Read what `encode` wrote.

        Raises:
            ValueError: It is no note.
        """
        return msgspec.json.decode(written, type=cls)


@dataclass(frozen=True, slots=True)
class CallerMessage:
    """A message as the database has it.

    Args:
        note: What was known when it was recorded.
        file: The path of its WAV file, on the machine that recorded it.
        heard_at: When somebody marked it as heard, in epoch milliseconds; None before that.
        mail_to: The addresses that get it by e-mail, with commas between; empty for none.
        mail_failures: How many times sending has failed in a row.
        mailed_at: When it was sent, in epoch milliseconds; None before that.
        mail_error: Why it was not sent the last time; None when nothing failed.
    """

    note: MessageNote
    file: Path
    heard_at: int | None = None
    mail_to: str = ""
    mail_failures: int = 0
    mailed_at: int | None = None
    mail_error: str | None = None


def note_of(file: Path) -> Path:
    """The path of the note beside a message's file."""
    return file.with_name(file.stem + NOTE_SUFFIX)


def file_of(note: Path) -> Path:
    """The path of the message's file beside a note."""
    return note.with_name(note.name.removesuffix(NOTE_SUFFIX) + ".wav")
