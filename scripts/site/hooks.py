"""Hooks of mkdocs: the pages that are written from the code, and links to files beside docs/.

One rule: a page of docs/ reads well where it lies, too; so its links to the source are kept there, and are plain names
of files in the site, which has no source.
"""

import re
import sys
from os.path import normpath
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))
from reference import pages

DOCS = Path(__file__).parent.parent.parent / "docs"
LINK = re.compile(r"\[([^\]]+)\]\((?!https?://|#)([^)#\s]+)(#[^)\s]*)?\)")
WITHOUT_PAGE = {".json", ".yaml", ".toml", ".csv"}


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Add the pages that are written from the code."""
    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Write links to files beside docs/ as the names of these files."""
    folder = (DOCS / page.file.src_uri).parent

    def plain(link: re.Match[str]) -> str:
        target = Path(normpath(folder / link[2]))
        if target.is_relative_to(DOCS) and target.suffix not in WITHOUT_PAGE:
            return link[0]
        root = DOCS.parent
        name = target.relative_to(root).as_posix() if target.is_relative_to(root) else link[2]
        shown = link[1].strip("`")
        return f"`{name}`" if shown in (name, target.name) else f"{link[1]} (`{name}`)"

    return LINK.sub(plain, markdown)
