"""How people say yes and no, by language."""

from collections.abc import Mapping

YES: Mapping[str, tuple[str, ...]] = {
    "en": (
        "yes",
        "yeah",
        "yep",
        "yup",
        "correct",
        "right",
        "sure",
        "ok",
        "okay",
        "of course",
        "absolutely",
        "thats it",
    ),
    "de": ("ja", "jawohl", "genau", "richtig", "stimmt", "gerne", "klar", "okay", "ok"),
    "fr": ("oui", "ouais", "exact", "exactement", "d'accord", "bien sûr", "c'est ça", "okay", "ok"),
    "es": ("sí", "si", "correcto", "claro", "exacto", "vale", "de acuerdo", "okay", "ok"),
    "it": ("sì", "si", "esatto", "corretto", "certo", "va bene", "okay", "ok"),
}
NO: Mapping[str, tuple[str, ...]] = {
    "en": (
        "no",
        "nope",
        "nah",
        "wrong",
        "incorrect",
        "not right",
        "not correct",
        "isn't right",
        "isn't correct",
        "not sure",
        "not really",
        "not quite",
        "don't think so",
    ),
    "de": ("nein", "nee", "nicht", "falsch", "nicht richtig", "stimmt nicht"),
    "fr": ("non", "pas du tout", "pas exact", "faux", "ce n'est pas ça"),
    "es": ("no", "incorrecto", "para nada", "no es correcto"),
    "it": ("no", "sbagliato", "non è corretto"),
}


def yes_words(language: str) -> tuple[str, ...]:
    """The phrases that mean yes in a language such as "en-US"; English ones where none are known."""
    return YES.get(language.partition("-")[0].casefold(), YES["en"])


def no_words(language: str) -> tuple[str, ...]:
    """The phrases that mean no."""
    return NO.get(language.partition("-")[0].casefold(), NO["en"])
