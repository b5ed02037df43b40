"""The steps from a speech model's probabilities to words: the likeliest text, and how likely given phrases are.

One rule: an utterance costs a bounded number of steps, whatever the model makes of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from telebridge.recognition.local.tokens import END, START, TokenTable

SAMPLE_RATE = 16_000
"""Of the audio that the model takes."""
TOKENS_A_SECOND = 6.5
"""People do not speak faster; a model that goes on is repeating itself."""
FURTHER_TOKENS = 4
LONGEST_REPEATED = 4
"""So many tokens in a row that come three times are a model repeating itself."""
ENDINGS = (".", ",", "?", "!")
"""What a phrase may end with, beside nothing."""

ModelFloats = NDArray[np.float32]


class SpeechModel(Protocol):
    """A model that turns audio into tokens."""

    def encode(self, samples: ModelFloats) -> "EncodedUtterance":
        """Encode an utterance: samples from -1 to 1, `SAMPLE_RATE` a second."""
        ...


class EncodedUtterance(Protocol):
    """An utterance as a model has encoded it."""

    def next_logits(self, token: int) -> ModelFloats:
        """The logits of the token after this one, which follows those that were given before."""
        ...

    def all_logits(self, rows: Sequence[Sequence[int]]) -> ModelFloats:
        """The logits after each token of each row; the rows have one length, and nothing was given before them."""
        ...


@dataclass(frozen=True, slots=True)
class DecodedText:
    """What a model hears.

    Args:
        text: Its likeliest text.
        tokens: The tokens of it, with its end if it came to one.
        log_likelihood: The natural logarithm of how likely they are.
        first: The logarithm of how likely each token was to be the first one.
        complete: Whether it came to an end, neither cut off nor repeating itself.
    """

    text: str
    tokens: tuple[int, ...]
    log_likelihood: float
    first: ModelFloats
    complete: bool


def decode_text(
    utterance: EncodedUtterance, table: TokenTable, seconds: float, *, unwanted: Callable[[], bool] = lambda: False
) -> DecodedText:
    """Decode the likeliest text, the likeliest token at each step.

    Args:
        utterance: What was said.
        table: The model's tokens.
        seconds: How long it is.
        unwanted: Whether nobody waits for it any more; then decoding stops.
    """
    tokens = [START]
    first: ModelFloats = np.empty(0, np.float32)
    total = 0.0
    for _ in range(int(seconds * TOKENS_A_SECOND) + FURTHER_TOKENS):
        if unwanted():
            break
        likely = log_softmax(utterance.next_logits(tokens[-1]))
        first = first if len(first) else likely
        tokens.append(int(np.argmax(likely)))
        total += float(likely[tokens[-1]])
        if tokens[-1] == END or repeating(tokens):
            break
    return DecodedText(table.decode(tokens), tuple(tokens[1:]), total, first, complete=tokens[-1] == END)


def repeating(tokens: Sequence[int]) -> bool:
    """Whether a text ends with the same tokens three times."""
    sizes = range(1, min(LONGEST_REPEATED, len(tokens) // 3) + 1)
    return any(tokens[-size:] == tokens[-2 * size : -size] == tokens[-3 * size : -2 * size] for size in sizes)


def phrase_tokens(table: TokenTable, phrase: str) -> list[int]:
    """The tokens of a phrase that is all that was said: the model begins a text with a capital."""
    return table.encode(phrase[:1].upper() + phrase[1:])


def phrase_likelihoods(utterance: EncodedUtterance, table: TokenTable, phrases: Sequence[str]) -> list[float]:
    """The natural logarithm of how likely each phrase is to be all that was said, with a mark at its end or without."""
    if not phrases:
        return []
    rows = [phrase_tokens(table, phrase) for phrase in phrases]
    width = max(map(len, rows)) + 1
    padded = [[START, *row, *[END] * (width - 1 - len(row))] for row in rows]
    logits = utterance.all_logits(padded)
    endings = [END, *(table.number_of(mark) for mark in ENDINGS)]
    likelihoods = []
    for row, its in zip(rows, logits, strict=True):
        likely = log_softmax(its[: len(row) + 1])
        spoken = likely[np.arange(len(row)), row].sum()
        ended = reduce(np.logaddexp, likely[len(row), endings])
        likelihoods.append(float(spoken + ended))
    return likelihoods


def text_likelihood(utterance: EncodedUtterance, tokens: Sequence[int]) -> float:
    """The natural logarithm of how likely exactly these tokens are."""
    if not tokens:
        return 0.0
    likely = log_softmax(utterance.all_logits([[START, *tokens[:-1]]])[0])
    return float(likely[np.arange(len(tokens)), list(tokens)].sum())


def log_softmax(logits: ModelFloats) -> ModelFloats:
    """The logarithms of the probabilities that logits along the last axis stand for."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    sums = np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return np.asarray(shifted - sums, dtype=np.float32)
