"""What the recognizer `local` makes of what a speech model hears, with a model whose likelihoods are set."""

import math

import numpy as np
import pytest

from telebridge.errors import ConfigurationError
from telebridge.recognition.local.decoding import repeating
from telebridge.recognition.local.evidence import SURE
from telebridge.recognition.local.tokens import BLANK, END, START, TokenTable
from telebridge.recognition.local.transcription import MOST_PHRASES, Transcriber

PIECES = [b"<unk>", b"<s>", b"</s>", *(bytes([each]) for each in range(256)), BLANK.encode(), b"in", b"ing", b"Bi"]
TABLE = TokenTable(PIECES)
SPOKEN = np.full(48_000, 0.5, np.float32)
QUIET = {"You": 0.5, "Thank you.": 0.1}
MENU = (("billing", "my bill"), ("appointments",), ("opening hours",))


class SetUtterance:
    """Texts, and how likely each is."""

    def __init__(self, likelihoods, rows):
        self._texts = [([*TABLE.encode(text), END], each) for text, each in likelihoods.items()]
        self._before = []
        self._rows = rows

    def next_logits(self, token):
        self._before.append(token)
        return self._after(self._before[1:])

    def all_logits(self, rows):
        self._rows.append(len(rows))
        return np.array([[self._after(row[1 : at + 1]) for at in range(len(row))] for row in rows])

    def _after(self, before):
        found = np.full(len(TABLE), 1e-7)
        for tokens, likelihood in self._texts:
            if tokens[: len(before)] == list(before) and len(tokens) > len(before):
                found[tokens[len(before)]] += likelihood
        return np.log(found).astype(np.float32)


class SetModel:
    """Hears the same in everything that is not quiet."""

    def __init__(self, likelihoods):
        self._likelihoods = likelihoods
        self.rows = []

    def encode(self, samples):
        return SetUtterance(self._likelihoods if abs(samples).mean() > 0.1 else QUIET, self.rows)


def heard(likelihoods, answers=MENU, **how):
    return Transcriber(SetModel(likelihoods), TABLE).transcribe(SPOKEN, answers, **how)


def test_text_becomes_tokens_and_is_text_again():
    tokens = TABLE.encode("Billing, für 2")
    assert TABLE.decode([START, *tokens, END]) == "Billing, für 2"
    assert [PIECES[each] for each in tokens[:5]] == [BLANK.encode(), b"Bi", b"l", b"l", b"ing"]


@pytest.mark.parametrize("data", [b"", b"\x05ab", b"\x01a"])
def test_a_damaged_table_is_told(data):
    with pytest.raises(ConfigurationError, match=r"tokenizer\.bin is damaged"):
        TokenTable.read(data)


def test_a_table_with_long_and_empty_tokens_is_read():
    long = b"x" * 200
    data = b"\x00" + b"".join(bytes([1, each]) for each in range(256)) + bytes([200 - 128 + 128, 1]) + long
    assert len(TokenTable.read(data)) == 258


def test_a_phrase_that_is_heard_as_it_is_written_is_sure():
    found = heard({"Billing.": 0.8, "Filling.": 0.2})
    assert found.text == "Billing."
    assert found.confidence > 0.9


def test_a_phrase_is_found_where_the_likeliest_text_is_another_word():
    found = heard({"Feeling.": 0.5, "Billing.": 0.1, "Building.": 0.4})
    assert found.text == "billing"
    assert found.confidence >= SURE


def test_words_that_are_no_phrase_stay_what_they_are():
    found = heard({"Good morning.": 0.9})
    assert found.text == "Good morning."
    assert 0 < found.confidence < 1


def test_a_doubtful_phrase_counts_only_where_the_caller_is_asked():
    likelihoods = {"Feeling.": 1.0, "Billing.": math.exp(-9.5)}
    assert heard(likelihoods).text == "Feeling."
    doubtful = heard(likelihoods, doubtful=True)
    assert doubtful.text == "billing"
    assert doubtful.confidence < SURE


@pytest.mark.parametrize("sound", [{"You": 0.9}, {"Thank you.": 0.9}, {".": 0.9}, {"No no no no no no.": 0.9}])
def test_a_sound_without_words_has_none(sound):
    assert heard(sound).text == ""


def test_a_phrase_that_is_as_likely_without_any_sound_was_not_said(monkeypatch):
    likelihoods = {"You": 0.9, "Billing.": 0.01}
    assert heard(likelihoods, doubtful=True).text == "billing"
    monkeypatch.setitem(QUIET, "Billing.", 0.01)
    assert heard(likelihoods, doubtful=True).text == ""


def test_phrases_of_one_answer_do_not_compete_and_those_of_two_do():
    alike = {"Killing.": 0.8, "Billing.": 0.1, "Willing.": 0.1}
    assert heard(alike, (("billing", "willing"), ("hours",))).text in ("billing", "willing")
    assert heard(alike, (("billing",), ("willing",))).text == "Killing."


def test_many_phrases_cost_no_more_than_some():
    model = SetModel({f"Bi{chr(97 + at // 26)}{chr(97 + at % 26)}.": 0.01 for at in range(100)})
    answers = [(f"bi{chr(97 + at // 26)}{chr(97 + at % 26)}b",) for at in range(100)]
    Transcriber(model, TABLE).transcribe(SPOKEN, answers)
    assert max(model.rows) == MOST_PHRASES


def test_a_long_utterance_is_not_compared_with_phrases():
    model = SetModel({"Feeling.": 0.5, "Billing.": 0.5})
    long = np.full(16_000 * 6, 0.5, np.float32)
    assert Transcriber(model, TABLE).transcribe(long, MENU).text != "billing"
    assert set(model.rows) == {1}


def test_nothing_is_decoded_that_nobody_waits_for():
    model = SetModel({"Billing.": 0.9})
    assert Transcriber(model, TABLE).transcribe(SPOKEN, MENU, unwanted=lambda: True).text == ""
    assert not model.rows


@pytest.mark.parametrize(("tokens", "expected"), [([1, 2, 3], False), ([5, 5, 5], True), ([9, 1, 2, 1, 2, 1, 2], True)])
def test_repetition_is_noticed(tokens, expected):
    assert repeating(tokens) is expected
