"""Digits that are spoken: "four seven double five", "oh", "three hundred", in English, German, French and Spanish.

One rule: digits come out in the order in which they were said, and words that are none are passed over.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import dropwhile

from telebridge.recognition.words.phrases import FILLERS, tokens


@dataclass(frozen=True, slots=True)
class NumberWords:
    """The number words of a language.

    Args:
        numbers: Words for 0 to 19, and those of 20 to 99 that are one word.
        tens: Words for 20, 30, … after which a unit may follow.
        joins: Words between a ten and its unit, as in "cuarenta y dos".
        unit_first: Whether the unit stands before the ten, as in "zweiundvierzig".
        times: Words that repeat the next digit.
        hundred: Words for a hundred.
        thousand: Words for a thousand.
        wide: Tens after which a number up to 19 may follow, as in "soixante-quinze".
        merged: Two words that are one number.
        around: Words that may stand around digits and say nothing, as in "press one please".
        counted: What a number counts that is no digit, as in "one moment"; and what makes it a number too large.
        compound: Whether a unit after a hundred is always a part of it, as in "cent cinq"; "eight hundred five five" is
            not always 805 5.
    """

    numbers: Mapping[str, int]
    tens: Mapping[str, int] = field(default_factory=dict)
    joins: frozenset[str] = frozenset()
    times: Mapping[str, int] = field(default_factory=dict)
    hundred: frozenset[str] = frozenset()
    thousand: frozenset[str] = frozenset()
    wide: frozenset[int] = frozenset()
    merged: Mapping[tuple[str, str], str] = field(default_factory=dict)
    around: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()
    compound: bool = False


def _numbers(*lines: str) -> dict[str, int]:
    """Words with the numbers they stand for, as in "0 zero oh"."""
    found: dict[str, int] = {}
    for line in lines:
        number, *words = line.split()
        found.update(dict.fromkeys(words, int(number)))
    return found


GERMAN_UNITS = ("ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")
GERMAN_TENS = {"zwanzig": 20, "dreißig": 30, "dreissig": 30, "vierzig": 40, "fünfzig": 50, "sechzig": 60, "siebzig": 70}
GERMAN_TENS |= {"achtzig": 80, "neunzig": 90}

ENGLISH = NumberWords(
    _numbers(
        "0 zero oh o nought", "1 one", "2 two", "3 three", "4 four", "5 five", "6 six", "7 seven", "8 eight", "9 nine",
        "10 ten", "11 eleven", "12 twelve", "13 thirteen", "14 fourteen", "15 fifteen", "16 sixteen", "17 seventeen",
        "18 eighteen", "19 nineteen",
    ),
    tens=_numbers(
        "20 twenty", "30 thirty", "40 forty fourty", "50 fifty", "60 sixty", "70 seventy", "80 eighty", "90 ninety"
    ),
    joins=frozenset({"and"}),
    times={"double": 2, "triple": 3, "treble": 3},
    hundred=frozenset({"hundred"}),
    thousand=frozenset({"thousand"}),
    around=frozenset(["press", "number", "option", "choice", "please", "its", "it", "is", "the", "a", "um", "say"]),
    counted=frozenset(["moment", "moments", "sec", "second", "seconds", "minute", "minutes", "more", "million"]),
)  # fmt: skip
GERMAN = NumberWords(
    _numbers(
        "0 null", "1 eins ein eine", "2 zwei zwo", "3 drei", "4 vier", "5 fünf", "6 sechs", "7 sieben", "8 acht",
        "9 neun", "10 zehn", "11 elf", "12 zwölf", "13 dreizehn", "14 vierzehn", "15 fünfzehn", "16 sechzehn",
        "17 siebzehn", "18 achtzehn", "19 neunzehn",
    )
    | {f"{unit}und{ten}": value + at for ten, value in GERMAN_TENS.items() for at, unit in enumerate(GERMAN_UNITS, 1)},
    tens=GERMAN_TENS,
    times={"zweimal": 2, "dreimal": 3, "doppel": 2},
    hundred=frozenset({"hundert"}),
    thousand=frozenset({"tausend"}),
    around=frozenset(["die", "nummer", "taste", "bitte", "und", "es", "ist", "drücken"]),
    counted=frozenset(["moment", "sekunde", "sekunden", "minute", "minuten", "million", "millionen"]),
)  # fmt: skip
FRENCH = NumberWords(
    _numbers(
        "0 zéro zero", "1 un une", "2 deux", "3 trois", "4 quatre", "5 cinq", "6 six", "7 sept", "8 huit", "9 neuf",
        "10 dix", "11 onze", "12 douze", "13 treize", "14 quatorze", "15 quinze", "16 seize", "17 dixsept",
        "18 dixhuit", "19 dixneuf",
    ),
    tens=_numbers(
        "20 vingt", "30 trente", "40 quarante", "50 cinquante", "60 soixante", "70 septante",
        "80 huitante octante quatrevingt", "90 nonante",
    ),
    wide=frozenset({60, 80}),
    merged={
        ("quatre", "vingt"): "quatrevingt",
        ("quatre", "vingts"): "quatrevingt",
        **{("dix", unit): f"dix{unit}" for unit in ("sept", "huit", "neuf")},
    },
    joins=frozenset({"et"}),
    times={"double": 2, "triple": 3},
    hundred=frozenset({"cent", "cents"}),
    thousand=frozenset({"mille"}),
    around=frozenset(["le", "la", "numéro", "touche", "appuyez", "sur", "sil", "vous", "plaît", "plait", "cest"]),
    counted=frozenset(["moment", "instant", "seconde", "secondes", "minute", "minutes", "million", "millions"]),
    compound=True,
)  # fmt: skip
SPANISH = NumberWords(
    _numbers(
        "0 cero", "1 uno un una", "2 dos", "3 tres", "4 cuatro", "5 cinco", "6 seis", "7 siete", "8 ocho", "9 nueve",
        "10 diez", "11 once", "12 doce", "13 trece", "14 catorce", "15 quince", "16 dieciséis dieciseis",
        "17 diecisiete", "18 dieciocho", "19 diecinueve", "21 veintiuno", "22 veintidós veintidos",
        "23 veintitrés veintitres", "24 veinticuatro", "25 veinticinco", "26 veintiséis veintiseis", "27 veintisiete",
        "28 veintiocho", "29 veintinueve",
    ),
    tens=_numbers(
        "20 veinte", "30 treinta", "40 cuarenta", "50 cincuenta", "60 sesenta", "70 setenta", "80 ochenta",
        "90 noventa",
    ),
    joins=frozenset({"y"}),
    times={"doble": 2, "triple": 3},
    hundred=frozenset({"cien", "ciento", "cientos"}),
    thousand=frozenset({"mil"}),
    around=frozenset(["el", "la", "número", "opción", "tecla", "pulse", "marque", "por", "favor", "es"]),
    counted=frozenset(["momento", "segundo", "segundos", "minuto", "minutos", "millón", "millones"]),
    compound=True,
)  # fmt: skip
LANGUAGES: Mapping[str, NumberWords] = {"en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH}


def number_words(language: str) -> NumberWords:
    """The number words of a language such as "en-US"; English ones where there are none."""
    return LANGUAGES.get(language.partition("-")[0].casefold(), ENGLISH)


def spoken_digits(text: str, language: str) -> str:
    """The digits that a text says, in their order; empty when it says none."""
    words = number_words(language)
    said = [token for token in tokens(text) if token not in FILLERS or token in words.numbers]
    said = _merged(said, words)
    digits, at = "", 0
    while at < len(said):
        found, at = _read(said, at, words)
        if found and at < len(said) and said[at] in words.counted:
            at += 1
        else:
            digits += found
    return digits


def only_digits(text: str, language: str) -> str:
    """The same, but empty unless nothing else is said: "press one, please" is 1, and "one moment" is nothing."""
    words = number_words(language)
    known = {*words.numbers, *words.tens, *words.times, *words.joins, *words.hundred, *words.thousand}
    said = list(dropwhile(FILLERS.__contains__, tokens(text)))  # "oh, two" is 2, and "double oh seven" 007
    if not all(token in known | words.around | FILLERS or token.isdecimal() for token in said):
        return ""
    return spoken_digits(" ".join(said), language)


def _merged(said: list[str], words: NumberWords) -> list[str]:
    merged: list[str] = []
    for token in said:
        if merged and (whole := words.merged.get((merged[-1], token))) is not None:
            merged[-1] = whole
        else:
            merged.append(token)
    return merged


def _read(said: list[str], at: int, words: NumberWords) -> tuple[str, int]:
    """The digits of the number that begins at a word, and where the next one may begin."""
    token = said[at]
    if token in words.times and at + 1 < len(said):
        digit, after = _read(said, at + 1, words)
        return (digit * words.times[token], after) if len(digit) == 1 else (digit, after)
    if token.isdecimal():
        return "".join(str(unicodedata.decimal(character)) for character in token), at + 1
    value, after = _below_hundred(said, at, words)
    if value is None:
        bare = token in words.hundred or token in words.thousand
        one = token not in {"hundred", "thousand"} or said[at - 1 : at] == ["a"]
        value, after = (1, at) if bare and one else (None, at + 1)
    if value is None:
        return "", after
    for names, factor in ((words.hundred, 100), (words.thousand, 1000)):
        if after < len(said) and said[after] in names:
            rest, after = _after(factor, said, after + 1, words)
            value = value * factor + rest
    return str(value), after


def _after(factor: int, said: list[str], at: int, words: NumberWords) -> tuple[int, int]:
    """What is added to a hundred or a thousand by the words that begin there, and where the next number may begin."""
    joined = at < len(said) and said[at] in words.joins
    rest, after = _below_hundred(said, at + joined, words)
    if not rest:
        return 0, at
    if factor > 100 and rest < 10 and after < len(said) and said[after] in words.hundred:
        more, after = _after(100, said, after + 1, words)
        return rest * 100 + more, after
    return (rest, after) if rest >= 10 or joined or words.compound else (0, at)


def _below_hundred(said: list[str], at: int, words: NumberWords) -> tuple[int | None, int]:
    """A number below a hundred that begins at a word, and where the next one may begin."""
    token = said[at] if at < len(said) else ""
    if token in words.tens:
        joined = at + 1 + (at + 1 < len(said) and said[at + 1] in words.joins)
        unit = words.numbers.get(said[joined], 0) if joined < len(said) else 0
        if 0 < unit < (20 if words.tens[token] in words.wide else 10):
            return words.tens[token] + unit, joined + 1
        return words.tens[token], at + 1
    return words.numbers.get(token), at + 1
