"""Cells that are safe to open in a spreadsheet.

A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@` as a formula (OWASP, "CSV Injection"); an apostrophe
before it makes it text.

One rule: every CSV that telebridge writes goes through here.
"""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(text: str) -> str:
    """The cell as it is written; bytes that were no UTF-8 are shown by their numbers."""
    if not text.isascii():
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
