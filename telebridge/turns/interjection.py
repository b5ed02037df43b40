"""What a judge of one's own is told of the caller's words over a prompt."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interjection:
    """Words of the caller's over a prompt, for which the line has fallen silent.

    Args:
        words: What they have said so far.
        final: Whether the recognizer has heard all of it.
        saying: The text of the prompt, as far as it is known.
        language: The language that is spoken, such as "en".
        call_sid: The call.
    """

    words: str
    final: bool
    saying: str
    language: str
    call_sid: str
