"""Commands whose modules are imported when they are used, so that the program starts as fast as its command allows.

Follows typer's and click's way of finding a command: a group makes a context for the command that was named, and that
context says which command runs. One rule: what stands here of a command is its name and its first line, as they are
shown in the list of all; everything else is the command's own.
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
        name: What it is called.
        source: Where it is, as `module:object`: a function, or a `typer.Typer`.
        help_: The first paragraph of its help.
    """

    def __init__(self, name: str, source: str, help_: str) -> None:
        super().__init__(name, help=help_)
        self.source = source

    @override
    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return self.imported().make_context(info_name, args, parent=parent, **extra)

    def imported(self) -> Any:
        """The command itself, as typer makes it for click."""
        module, _, attribute = self.source.partition(":")
        found: typer.Typer | Callable[..., None] = getattr(import_module(module), attribute)
        program = typer.Typer(rich_markup_mode="markdown")
        if isinstance(found, typer.Typer):
            program.add_typer(found, name=self.name)
        else:
            program.command(self.name)(found)
        return typer.main.get_group(program).commands[str(self.name)]
