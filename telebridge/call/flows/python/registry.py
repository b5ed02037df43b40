"""Registers the flows that are written in Python, and the functions that flow files run.

    bridge = Bridge()

    @bridge.flow("reminder")
    async def reminder(call: Call) -> None: ...

One rule: a mistake is an error when the module is imported, and not in a call.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable
from inspect import iscoroutinefunction
from types import FunctionType
from typing import TypeVar

from telebridge.call.flows.python.call import Call
from telebridge.call.flows.requests import Function
from telebridge.errors import ConfigurationError

PythonFlow = Callable[[Call], Awaitable[None]]
"""A coroutine function that leads a call."""

RENAME = "give one of them another name"
AWAITED = {"flow": "call.say(…)", "function": "session.get(…)"}

Registered = TypeVar("Registered")


class Bridge:
    """The Python flows of an application, and the functions that flow files `run`, by name.

    Attributes:
        flows: The flows.
        needs: The variables that must be given for each call of a flow, by its name.
        functions: The functions.
    """

    def __init__(self) -> None:
        self.flows: dict[str, PythonFlow] = {}
        self.needs: dict[str, tuple[str, ...]] = {}
        self.functions: dict[str, Function] = {}

    def flow(self, name: str, *, needs: Iterable[str] = ()) -> Callable[[PythonFlow], PythonFlow]:
        """Register the decorated coroutine function as the flow `name`.

        Args:
            name: How settings, campaigns and the API name it.
            needs: Variables that must be given for each call. A campaign rejects contacts without them, and takes them
                from columns whose names differ in case and blanks alone.

        Raises:
            ConfigurationError: There is a flow of that name already, no name is given, or it is no coroutine function.
        """
        register = _registering(self.flows, "flow", name)
        self.needs[name] = tuple(needs)
        return register

    def function(self, name: str) -> Callable[[Function], Function]:
        """Register the decorated coroutine function as what a flow file's `run: name` runs.

        It is given the variables of the call, and what it returns is kept in the node's `into`. What it raises leads
        to the node's `failed`.

        Raises:
            ConfigurationError: There is a function of that name already, no name is given, or it is no coroutine
                function.
        """
        return _registering(self.functions, "function", name)


def _registering(registry: dict[str, Registered], kind: str, name: str) -> Callable[[Registered], Registered]:
    """A decorator that registers what it decorates under a name that nothing of its kind has."""
    given: object = name  # whatever somebody has written there
    if not isinstance(given, str) or not given:
        where, named = (_place(given), given.__name__) if isinstance(given, FunctionType) else (f"bridge.{kind}", "…")
        raise ConfigurationError(where, f"a {kind} has no name", f'write @bridge.{kind}("{named}")')

    def register(function: Registered) -> Registered:
        if name in registry:
            raise ConfigurationError(_place(function, f"{kind} '{name}'"), f"{kind} '{name}' is defined twice", RENAME)
        if not _is_coroutine_function(function):
            where, problem = _place(function, f"{kind} '{name}'"), f"{kind} '{name}' is not async"
            raise ConfigurationError(
                where, problem, f"begin it with 'async def' and await what it does: await {AWAITED[kind]}"
            )
        registry[name] = function
        return function

    return register


def _is_coroutine_function(function: object) -> bool:
    """Whether a call returns a coroutine: of a function, of a partial one, of an object with `__call__`."""
    return iscoroutinefunction(function) or iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def _place(function: object, otherwise: str = "") -> str:
    """Where a function is defined, as `file:line`."""
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    return otherwise if code is None else f"{code.co_filename}:{code.co_firstlineno}"
