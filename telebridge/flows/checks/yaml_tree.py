"""The tree of a YAML file, in which everything has its line and column."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import yaml
from typing_extensions import override
from yaml.constructor import SafeConstructor
from yaml.error import YAMLError
from yaml.nodes import MappingNode, ScalarNode, SequenceNode
from yaml.nodes import Node as YamlNode

from telebridge.unicode_text import repaired

MERGED_TAG = "tag:yaml.org,2002:merge"
UNREADABLE = (YAMLError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError)
"""What PyYAML raises for a file that it cannot read: a value beside a tag such as `!!int` or `!!timestamp` is not
checked before it is used."""
MOST_VALUES = 200_000
"""The most values in a file, those that aliases repeat among them."""


def composed(text: bytes) -> YamlNode | None:
    """The tree of a file; None for an empty one.

    Raises:
        One of `UNREADABLE`: It is not YAML, contains itself, or its aliases make too much of it.
    """
    tree = yaml.compose(text, Loader=yaml.SafeLoader)
    if tree is not None and _expanded(tree, {}) > MOST_VALUES:
        raise ValueError(f"its aliases make more than {MOST_VALUES} values of it")
    return tree


def _expanded(node: YamlNode, known: dict[int, int]) -> int:
    """How many values a tree has once each alias in it stands for what it names; each node is looked at once.

    Raises:
        ValueError: It contains itself.
    """
    if (size := known.get(id(node))) is not None:
        if not size:
            raise ValueError("an alias in it names what it stands in")
        return size
    known[id(node)] = 0  # while its parts are looked at
    known[id(node)] = 1 + sum(_expanded(each, known) for each in parts_of(node))
    return known[id(node)]


def problem_of(error: Exception) -> str:
    """What is wrong with a file that cannot be read, in one line; `error` is one of `UNREADABLE`."""
    return getattr(error, "problem", None) or (str(error) or type(error).__name__).splitlines()[0]


def child(node: YamlNode | None, part: str) -> tuple[Any, YamlNode | None]:
    """The key and the value of a part; of equal keys the last, which is the one that YAML takes.

    An item of a list has its index for a part, and is its own key. A key is found as it is written, and with the halves
    of surrogate pairs repaired.
    """
    if isinstance(node, MappingNode):
        for key, value in reversed(node.value):
            if isinstance(key, ScalarNode) and part in (key.value, repaired(key.value)):
                return key, value
    if isinstance(node, SequenceNode) and part.isdecimal() and int(part) < len(node.value):
        item = node.value[int(part)]
        return item, item
    return None, None


def node_at(tree: YamlNode | None, path: Iterable[str]) -> YamlNode | None:
    """The value that a path leads to; None where the file has none."""
    for part in path:
        _, tree = child(tree, part)
    return tree


def parts_of(node: YamlNode) -> list[YamlNode]:
    """The items of a list, or the keys and values of a table; a scalar has none."""
    if isinstance(node, MappingNode):
        return [each for pair in node.value for each in pair]
    return list(node.value) if isinstance(node, SequenceNode) else []


def value_of(tree: YamlNode | None) -> Any:
    r"""What a tree stands for, with the halves of surrogate pairs that `"\ud83d\ude00"` writes joined.

    The tree stays as it is. To read the text a second time would take twenty times as long.

    Raises:
        One of `UNREADABLE`: It stands for nothing.
    """
    if tree is None:
        return None
    # What `<<` merges is put into the mappings themselves.
    return _Constructor().construct_document(deepcopy(tree) if _merges(tree) else tree)


def _merges(tree: YamlNode) -> bool:
    """Whether a mapping takes in another by `<<`."""
    left, seen = [tree], {id(tree)}
    while left:
        node = left.pop()
        if node.tag == MERGED_TAG:
            return True
        inside = parts_of(node)
        left += [each for each in inside if id(each) not in seen]
        seen.update(map(id, inside))
    return False


class _Constructor(SafeConstructor):
    @override
    def construct_scalar(self, node: ScalarNode | MappingNode) -> Any:
        value = super().construct_scalar(node)
        return repaired(value) if isinstance(value, str) else value
