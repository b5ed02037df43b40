"""One word means one thing: no public class or type of the package shares its name with another one."""

import ast
from collections import defaultdict
from pathlib import Path

import telebridge

PACKAGE = Path(telebridge.__file__).parent
SIDES = {
    "Side": "which end of a protocol a machine is: of Media Streams, and of Rime's WebSockets",
    "CallResource": "Twilio's Call resource: as its client reads it, and as the local Twilio keeps it",
    "MessageResource": "Twilio's Message resource: as its client reads it, and as the local Twilio keeps it",
}
"""Names that two modules share because they are the two ends of one protocol, or the ends of two."""


def public_types(file):
    """Yield the names of a module's public classes and type aliases."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name[0].isupper() and not name.isupper() and len(name) > 1:
                yield name


def test_no_public_type_has_the_name_of_another():
    modules = defaultdict(list)
    for file in sorted(PACKAGE.rglob("*.py")):
        for name in public_types(file):
            if not name.startswith("_"):
                modules[name].append(file.relative_to(PACKAGE).as_posix())
    assert len(modules) > 400
    shared = {name: files for name, files in modules.items() if len(files) > 1}
    assert set(shared) == set(SIDES), shared
    assert all(len(files) == 2 for files in shared.values())


def test_no_folder_holds_more_than_fifteen_modules():
    counts = {
        folder.relative_to(PACKAGE).as_posix(): len([file for file in folder.glob("*.py") if file.stem[0] != "_"])
        for folder in (PACKAGE, *PACKAGE.rglob("*/"))
        if folder.is_dir() and folder.name not in {"versions", "__pycache__"}
    }
    assert {folder: count for folder, count in counts.items() if count > 15} == {}
