"""The files that come with the package: flows, campaigns, Python flows, the settings file and what `init` writes.

They are the folder `config` of the source. A wheel carries a copy of it inside the package (`force-include` in
pyproject.toml), so that each file exists once in the source.
"""

from pathlib import Path

_PACKAGE = Path(__file__).parent
_INSTALLED = _PACKAGE / "config"

BUNDLED = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "config"
"""The folder of the bundled files."""

BUNDLED_FLOWS = BUNDLED / "flows"
"""The flows that answer where a folder has none of its own."""
