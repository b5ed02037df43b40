"""The sandbox of templates, with bounds: whatever an expression makes, it holds up no other call.

Who writes a flow may mistype a width, and a caller's words or a service's answer may be what is repeated. So the size
of what an operator, a filter or a method would make is estimated before it is made, and looked at after that.

One rule: no text or list that an expression makes is longer than `MOST_CHARACTERS`, or than what it was made of.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from itertools import chain
from typing import Any

from jinja2 import StrictUndefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from typing_extensions import override

MOST_CHARACTERS = 100_000
MOST_BITS = 4096
MOST_DIGITS = 308
"""What `round` may be asked for: a float has no more."""
NUMBER = re.compile(r"\d+")
SIZED = str, bytes, list, tuple, dict, set, frozenset


def require_room(size: int) -> None:
    """Refuse what would be too long.

    Raises:
        OverflowError: It would.
    """
    if size > MOST_CHARACTERS:
        raise OverflowError(f"a text or list would be longer than {MOST_CHARACTERS}")


def text_size(value: Any) -> int:
    """About how long a value is as text; for one that is too long, any number above the bound.

    A list that holds another one a thousand times is small in memory, and long as text.
    """
    size, left = 0, [value]
    while left and size <= MOST_CHARACTERS:
        each = left.pop()
        if isinstance(each, str | bytes):
            size += len(each)
            continue
        size += 2 if isinstance(each, SIZED) else 20
        if isinstance(each, Mapping):
            left += chain(each.keys(), each.values())
        elif isinstance(each, list | tuple | set | frozenset):
            left += each
    return size


def bounded_output(value: Any) -> Any:
    """A value that is to be shown as text, unless it would be too long as such.

    Raises:
        OverflowError: It would be.
    """
    if isinstance(value, SIZED) and not isinstance(value, str):
        require_room(text_size(value))
    return value


def _numbers(text: Any) -> int:
    """The sum of the numbers in a format: no width or precision is above it."""
    return sum(int(number[:10]) for number in NUMBER.findall(str(text)))


def _formatted(template: Any, arguments: Any) -> int:
    """How long a formatted text is at the most: each place of its format may show every argument."""
    text = str(template)
    places = text.count("{") + text.count("%")
    given = ("%" in text and "*" in text) or (text.count("{") > 1 and ":" in text)  # widths among the arguments
    widest = max(map(abs, _integers(arguments)), default=0) if given else 0
    return len(text) + _numbers(text) + places * text_size(arguments) + places * widest


def _integers(value: Any) -> Iterable[int]:
    values = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else [value]
    for each in values:
        if isinstance(each, int):
            yield each
        elif isinstance(each, Mapping | list | tuple):
            yield from _integers(each)


def _replaced(text: Any, old: Any, new: Any) -> int:
    times = text.count(old) if old else len(text) + 1
    return len(text) + times * len(new)


def _joined(separator: Any, pieces: Any) -> int:
    listed = list(pieces) if isinstance(pieces, Sequence | Mapping) else []
    return text_size(listed) + len(separator) * len(listed)


def _translated(text: Any, table: Any) -> int:
    longest = max((len(each) for each in table.values() if isinstance(each, str)), default=1) if table else 1
    return len(text) * max(1, longest if isinstance(table, Mapping) else 1)


METHODS: dict[str, Callable[..., int]] = {
    "expandtabs": lambda text, tabsize=8: len(text) + len(text) * max(0, int(tabsize)),
    "format": lambda text, *args, **kwargs: _formatted(text, [*args, kwargs]),
    "format_map": lambda text, mapping: _formatted(text, [mapping]),
    "join": _joined,
    "replace": lambda text, old, new, _count=-1: _replaced(text, old, new),
    "translate": lambda text, table, *_args, **_kwargs: _translated(text, table if isinstance(table, Mapping) else {}),
}
"""How long a text is that a method makes, at the most; arguments of the others are bounded as they are."""


def _indented(given: Mapping[str, Any]) -> int:
    width = given["width"]
    text = str(given["s"])
    return len(text) + (text.count("\n") + 2) * (len(width) if isinstance(width, str) else abs(int(width)))


def _wrapped(given: Mapping[str, Any]) -> int:
    text, end = str(given["s"]), given["wrapstring"] or "\n"
    lines = text.count("\n") + 2 + 2 * len(text) // max(1, int(given["width"]))
    return len(text) + min(len(text) + 1, lines) * len(end)


def _as_json(given: Mapping[str, Any]) -> int:
    indent = given["indent"]
    step = 0 if indent is None else len(indent) if isinstance(indent, str) else abs(int(indent))
    return text_size(given["value"]) * (1 + step)


FILTERS: dict[str, Callable[[Mapping[str, Any]], int]] = {
    "batch": lambda given: abs(int(given["linecount"])),
    "center": lambda given: int(given["width"]),
    "format": lambda given: _formatted(given["value"], [*given.get("args", ()), given.get("kwargs", {})]),
    "indent": _indented,
    "join": lambda given: _joined(str(given["d"]), given["value"]),
    "replace": lambda given: _replaced(str(given["s"]), str(given["old"]), str(given["new"])),
    "round": lambda given: MOST_CHARACTERS * max(0, abs(int(given["precision"])) - MOST_DIGITS),
    "slice": lambda given: abs(int(given["slices"])),
    "tojson": _as_json,
    "truncate": lambda given: len(str(given["end"])),
    "urlize": lambda given: len(str(given["value"])) + str(given["value"]).count(".") * text_size(list(given.values())),
    "wordwrap": _wrapped,
}
"""How long a text or list is that a filter makes, at the most, by its arguments."""
OF_ANYTHING = frozenset(
    {
        "attr",
        "batch",
        "count",
        "d",
        "default",
        "dictsort",
        "first",
        "groupby",
        "items",
        "join",
        "last",
        "length",
        "list",
    }
    | {"map", "max", "min", "random", "reject", "rejectattr", "reverse", "select", "selectattr", "slice", "sort", "sum"}
    | {"unique"}
)
"""The filters that take a value as it is; the others make a text of it first."""


def _bounded_filter(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The same filter; what it would make is estimated, and what it has made is looked at."""
    passes_more = getattr(function, "jinja_pass_arg", None) is not None
    estimate = FILTERS.get(name)
    signature = inspect.signature(function) if estimate is not None else None

    @wraps(function)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        value = args[1] if passes_more else args[0]
        if name not in OF_ANYTHING:
            bounded_output(value)
        if estimate is not None and signature is not None:
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            require_room(estimate(given.arguments))
        return _no_longer_than(function(*args, **kwargs), value)

    return bounded


def _no_longer_than(made: Any, of: Any) -> Any:
    """What was made, unless it is longer than both the bound and what it was made of."""
    if (
        isinstance(made, SIZED)
        and len(made) > MOST_CHARACTERS
        and len(made) > (len(of) if isinstance(of, SIZED) else 0)
    ):
        require_room(len(made))
    return made


class _Generator(CodeGenerator):
    """Compiles `~` to a method of the environment; Jinja has no other place to bound it."""

    @override
    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.joined((")
        for each in node.nodes:
            self.visit(each, frame)
            self.write(", ")
        self.write("))")


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox, with bounds on what operators, filters and methods make: they would hold up every call."""

    intercepted_binops = frozenset({"*", "**", "+", "%"})
    code_generator_class = _Generator

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False, finalize=bounded_output)
        self.globals.clear()  # `range` could fill the memory, and no prompt needs the others
        self.filters = {name: _bounded_filter(name, function) for name, function in self.filters.items()}

    def joined(self, parts: Iterable[Any]) -> str:
        """The operator `~`."""
        listed = list(parts)
        require_room(text_size(listed))
        return "".join(map(str, listed))

    @override
    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if isinstance(left, int) and isinstance(right, int):
            bits = {"**": abs(right) * left.bit_length(), "*": left.bit_length() + right.bit_length()}
            if bits.get(operator, 0) > MOST_BITS:
                raise OverflowError(f"a number would have more than {MOST_BITS} bits")
        elif operator == "*":
            for some, times in ((left, right), (right, left)):
                if isinstance(times, int) and isinstance(some, SIZED):
                    require_room(len(some) * times)
        elif operator == "+" and isinstance(left, SIZED) and isinstance(right, SIZED):
            require_room(len(left) + len(right))
        elif operator == "%" and isinstance(left, str | bytes):
            require_room(_formatted(left, right))
        return super().call_binop(context, operator, left, right)

    @override
    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - Jinja's names
        method = getattr(__obj, "__wrapped__", __obj)
        value = getattr(method, "__self__", None)
        if isinstance(value, (*SIZED, int)):
            for each in (*args, *kwargs.values()):  # also for errors: Python shows in them what is not found
                require_room(abs(each) if isinstance(each, int) else text_size(each))
            estimate = METHODS.get(getattr(method, "__name__", ""))
            if estimate is not None:
                require_room(estimate(value, *args, **kwargs))
        return _no_longer_than(super().call(__context, __obj, *args, **kwargs), value)
