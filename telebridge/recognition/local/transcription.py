"""An utterance into words: the likeliest text, or a phrase of the question that was probably said.

One rule: one utterance costs one pass of the model, one over the phrases that may answer, and one over silence.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from telebridge.recognition.local.decoding import (
    SAMPLE_RATE,
    DecodedText,
    EncodedUtterance,
    ModelFloats,
    SpeechModel,
    decode_text,
    phrase_likelihoods,
    phrase_tokens,
)
from telebridge.recognition.local.evidence import LEAST_EVIDENCE, PhraseEvidence, SpeechlessSounds
from telebridge.recognition.local.tokens import TokenTable
from telebridge.recognition.words.phrases import chosen, tokens

MOST_PHRASES = 24
"""So many phrases of a question, the likeliest by their beginning, are compared with the sound."""
LONGEST_PHRASE_SECONDS = 5.0
"""Nobody needs longer for a phrase and nothing else, with the silence around it; what is longer is text alone."""
FAR_WORSE = 12.0
"""A phrase whose beginning alone is less likely than the likeliest text by e to this power was not said."""

Answers = Sequence[Sequence[str]]
"""The phrases that answer a question, those of one answer together."""


@dataclass(frozen=True, slots=True)
class ProbableWords:
    """What was heard.

    Args:
        text: The words; empty where there are none.
        confidence: How sure they are, from 0 to 1; None where there are none.
    """

    text: str
    confidence: float | None = None


NO_WORDS = ProbableWords("")


class Transcriber:
    """Turns utterances into words, one at a time.

    Args:
        model: The model.
        table: Its tokens.
    """

    def __init__(self, model: SpeechModel, table: TokenTable) -> None:
        self._model = model
        self._table = table
        self._background = SpeechlessSounds(model, table)

    def transcribe(
        self,
        samples: ModelFloats,
        answers: Answers = (),
        *,
        doubtful: bool = False,
        unwanted: Callable[[], bool] = lambda: False,
    ) -> ProbableWords:
        """Transcribe an utterance.

        Args:
            samples: From -1 to 1, 16000 a second.
            answers: The only phrases that answer; none where anything does.
            doubtful: Whether a doubtful phrase is better than none, because the caller is asked whether it was said.
            unwanted: Whether nobody waits for the words any more.
        """
        utterance = self._model.encode(samples)
        decoded = decode_text(utterance, self._table, len(samples) / SAMPLE_RATE, unwanted=unwanted)
        if unwanted() or not decoded.tokens:
            return NO_WORDS
        heard = self._text(decoded, answers)
        if heard.text and any(chosen(heard.text, {"": phrases}) is not None for phrases in answers):
            return heard
        if len(samples) > LONGEST_PHRASE_SECONDS * SAMPLE_RATE:
            return heard
        return self._phrase(utterance, decoded, answers, doubtful=doubtful) or heard

    def _text(self, decoded: DecodedText, answers: Answers) -> ProbableWords:
        """The likeliest text, where it comes from the sound; surer where it is a phrase and nothing else."""
        said = tokens(decoded.text)
        if not said or not decoded.complete:
            return NO_WORDS
        evidence = decoded.log_likelihood - self._background.likelihood_of(decoded.tokens)
        if evidence < LEAST_EVIDENCE:
            return NO_WORDS
        confidence = math.exp(decoded.log_likelihood / len(decoded.tokens))
        if any(tokens(phrase) == said for phrases in answers for phrase in phrases):
            confidence = max(confidence, PhraseEvidence(0.0, evidence, math.inf).confidence)
        return ProbableWords(decoded.text, confidence)

    def _phrase(
        self, utterance: EncodedUtterance, decoded: DecodedText, answers: Answers, *, doubtful: bool
    ) -> ProbableWords | None:
        """The phrase that was probably said; None for none."""
        likely = self._over_text(utterance, decoded, answers)
        best = max(likely, key=lambda phrase: likely[phrase], default=None)
        if best is None or likely[best] <= -FAR_WORSE:
            return None
        others = [likely[phrase] for phrases in answers if best not in phrases for phrase in phrases]
        without_speech = self._background.phrase_likelihoods([best])[0]
        evidence = PhraseEvidence(
            likely[best],
            likely[best] + decoded.log_likelihood - without_speech,
            likely[best] - max(others, default=-math.inf),
        )
        return ProbableWords(best, evidence.confidence) if evidence.taken(doubtful=doubtful) else None

    def _over_text(self, utterance: EncodedUtterance, decoded: DecodedText, answers: Answers) -> dict[str, float]:
        """How likely each phrase is compared with the likeliest text; of those that were not said, at most how."""
        bounds = {
            phrase: float(decoded.first[self._table_first(phrase)]) - decoded.log_likelihood
            for phrases in answers
            for phrase in phrases
            if tokens(phrase)
        }
        compared = sorted((each for each in bounds if bounds[each] > -FAR_WORSE), key=lambda each: -bounds[each])
        compared = compared[:MOST_PHRASES]
        found = phrase_likelihoods(utterance, self._table, compared)
        exact = {phrase: each - decoded.log_likelihood for phrase, each in zip(compared, found, strict=True)}
        return {phrase: min(bound, -FAR_WORSE) for phrase, bound in bounds.items()} | exact

    def _table_first(self, phrase: str) -> int:
        return phrase_tokens(self._table, phrase)[0]
