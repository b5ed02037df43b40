"""Writes docs/lists.md from the lists in tests/data/lists."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from support.real_lists import page

(Path(__file__).parents[2] / "docs" / "lists.md").write_text(page(), encoding="utf-8")
