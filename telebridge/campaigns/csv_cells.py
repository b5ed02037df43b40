"""Cells that are safe to open in a spreadsheet.

A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@` as a formula, some also in full width or behind blanks
and line ends (OWASP, "CSV Injection"); an apostrophe before it makes it text.

One rule: every CSV that telebridge writes goes through here.
"""

FORMULA_STARTS = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
BLANKS = "\t\n\v\f\r \0\x85\xa0\u2028\u2029\u3000\ufeff\u200b"
CONTROL_STARTS = ("\t", "\r", "\n")


def readable(text: str) -> str:
    """The text in valid Unicode; bytes that were no UTF-8 are shown by their numbers."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def safe_cell(text: str) -> str:
    """The cell as it is written, in valid Unicode."""
    text = readable(text)
    runs = text.startswith(CONTROL_STARTS) or text.lstrip(BLANKS).startswith(FORMULA_STARTS)
    return f"'{text}" if runs else text
