"""Commands whose modules are imported only when they are used, so that the program starts fast.

Follows typer and click: a group makes a context for the command that was named, and that context runs the command.

One rule: only the name and the first paragraph of a command are defined here, for the list of all commands; everything
else is defined in the command's own module.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
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

    @override
    def get_short_help_str(self, limit: int = 45) -> str:
        """The whole first paragraph, whatever the limit: the list of commands breaks its lines."""
        return self.help or ""

    def imported(self) -> Any:
        """Import the command, and return it as typer makes it for click."""
        module, _, attribute = self.source.partition(":")
        with _without_collection():
            found: typer.Typer | Callable[..., None] = getattr(import_module(module), attribute)
        program = typer.Typer(rich_markup_mode="markdown")
        if isinstance(found, typer.Typer):
            program.add_typer(found, name=self.name)
        else:
            program.command(self.name)(found)
        return typer.main.get_group(program).commands[str(self.name)]


class CommandsOnDemand(TyperGroup):
    """A group of commands, of which some are imported when they are named; a subclass lists those.

    Attributes:
        on_demand: The commands that are imported when they are named; they come first in the list.
    """

    on_demand: Sequence[CommandOnDemand] = ()

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = {str(command.name): command for command in self.on_demand} | dict(self.commands)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Import without the garbage collector: it finds next to nothing, and takes a tenth of the time.

    What was imported stays, so no later collection looks at it either: one of all objects would stop a live call for
    some hundredths of a second.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
