"""Commands whose modules are imported only when they are used, so that the program starts fast.

Follows typer and click: a group makes a context for the command that was named, and that context runs the command.

One rule: only the name and the first line of a command are defined here, for the list of all commands; everything else
is defined in the command's own module.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand
from typing_extensions import override


class CommandOnDemand(TyperCommand):
    """A command, or a group of them, that is imported when it is named.

    Args:
        name: The name on the command line.
        source: The command as `module:object`: a function, or a `typer.Typer`.
        help_: The first paragraph of its help.
    """

    def __init__(self, name: str, source: str, help_: str) -> None:
        super().__init__(name, help=help_)
        self.source = source

    @override
    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return self.imported().make_context(info_name, args, parent=parent, **extra)

    def imported(self) -> Any:
        """Import the command, and return it as typer makes it for click."""
        module, _, attribute = self.source.partition(":")
        found: typer.Typer | Callable[..., None] = getattr(import_module(module), attribute)
        program = typer.Typer(rich_markup_mode="markdown")
        if isinstance(found, typer.Typer):
            program.add_typer(found, name=self.name)
        else:
            program.command(self.name)(found)
        return typer.main.get_group(program).commands[str(self.name)]
