"""Lists as spreadsheets, address books, CRMs and people write them, and what becomes of each.

The lists are files in `tests/data/lists`; `lists.json` beside them says who writes such a list, under which campaign it
is imported, and what is expected. `docs/lists.md` is made of both by `python tests/support/write_lists.py`.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "data" / "lists"
EXPECTED = FOLDER / "lists.json"
HEAD = """# Lists

What becomes of lists of contacts as spreadsheets, address books, CRMs and people write them. Each row is a file in
`tests/data/lists` that a test imports; `python tests/support/write_lists.py` writes this page from them. Numbers
without `+` are of the United States unless the row says otherwise.

| list | numbers read | rejected, by line, or refused |
|---|---|---|
"""


@dataclass(frozen=True)
class RealList:
    """A list and what is expected of it.

    Args:
        name: Of its file, without `.csv`.
        written_by: Who writes such a list, and how.
        options: Keys of the campaign.
        taken: The variables of each contact, by its number.
        rejects: Why a line is no contact, by the line.
        duplicates: How many rows have a number that is there already.
        empty: How many rows hold nothing.
        refused: Why the whole file is refused; empty when it is imported.
    """

    name: str
    written_by: str
    options: dict = field(default_factory=dict)
    taken: dict = field(default_factory=dict)
    rejects: dict = field(default_factory=dict)
    duplicates: int = 0
    empty: int = 0
    refused: str = ""

    @property
    def content(self):
        return (FOLDER / f"{self.name}.csv").read_bytes()


def real_lists():
    """Every list, in the order of the page."""
    return [RealList(**one) for one in json.loads(EXPECTED.read_text(encoding="utf-8"))]


def page():
    """The text of docs/lists.md."""
    lists = real_lists()
    rows = []
    for one in lists:
        title = f"[{_cell(_title(one))}](../tests/data/lists/{one.name}.csv)"
        rows.append(f"| {title} | {_cell(_read(one))} | {_cell(_rejected(one))} |\n")
    return f"{HEAD}{''.join(rows)}\n{len(lists)} lists.\n"


def _title(one):
    country = one.options.get("default_country")
    return f"{one.written_by}; numbers of {country}" if country else one.written_by


def _read(one):
    parts = list(one.taken)
    parts += [f"{one.duplicates} of them again"] if one.duplicates else []
    parts += [f"{one.empty} empty rows passed over"] if one.empty else []
    return ", ".join(parts) or "none"


def _rejected(one):
    if one.refused:
        return f"refused: {one.refused}"
    return "; ".join(f"{line}: {reason}" for line, reason in one.rejects.items())


def _cell(text):
    for written, shown in (
        ("\\", "\\\\"),
        ("\n", "⏎"),
        ("|", "\\|"),
        ("<", "&lt;"),
        ("*", "\\*"),
        ("_", "\\_"),
        ("[", "\\["),
    ):
        text = text.replace(written, shown)
    return text
