"""Whether and how words are heard in calls, and who judges those that are spoken over a prompt."""

from collections.abc import Callable
from dataclasses import dataclass, field

from telebridge.answering.phrases import AnswerPhrases
from telebridge.recognition.words.floor import FloorWordRules


@dataclass(frozen=True, slots=True)
class FloorOptions:
    """Who decides by words about sounds over a prompt.

    Args:
        rules: Which words take the floor.
        wait_seconds: How long words may take once the sound alone would have decided.
        own_judge: Whether a judge of the settings decides; otherwise the rules do.
    """

    rules: FloorWordRules = field(default_factory=FloorWordRules)
    wait_seconds: float = 0.6
    own_judge: bool = False


@dataclass(frozen=True, slots=True)
class WordOptions:
    """Whether and how words are heard.

    Args:
        available: Whether a recognizer listens now.
        language: What callers speak where a question does not say it.
        keep: Whether what they say is kept in records and events.
        silence_noticed_seconds: How long a caller is silent before it is known that they have stopped.
        floor: Who decides by words about sounds over a prompt; None where the sound alone does.
        machines: What machines say that answer calls; None for what telebridge knows.
    """

    available: Callable[[], bool] = field(default=lambda: False)
    language: str = "en"
    keep: bool = True
    silence_noticed_seconds: float = 0.4
    floor: FloorOptions | None = None
    machines: AnswerPhrases | None = None
