"""CONTRIBUTING.md names only what exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
NAMED = re.compile(r"(?<![\w/.-])(?:telebridge|tests|docs|scripts|\.ci)/[\w./-]*\w|[A-Z]{5,}\.md|pyproject\.toml")


def test_every_path_exists():
    paths = set(NAMED.findall(PAGE))
    assert len(paths) > 30
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_every_class_and_function_that_is_named_exists():
    source = "\n".join(path.read_text() for folder in ("telebridge", "tests") for path in (ROOT / folder).rglob("*.py"))
    names = set(re.findall(r"`@?([A-Z][a-z]+[A-Z]\w+|[a-z]+_[a-z_]+)`", PAGE)) - {"ignore_imports"}
    assert len(names) > 5
    assert [
        name for name in sorted(names) if not re.search(rf"\b(class|def) {name}\b|^    {name}\b", source, re.M)
    ] == []


def test_no_page_has_the_marks_of_a_merge():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "config").rglob("*.*")]
    marked = [page for page in pages if re.search(r"^(<{7}|>{7}) ", page.read_text(errors="replace"), re.MULTILINE)]
    assert len(pages) > 60
    assert marked == []
