"""The tree of a YAML file, in which everything has its line and column."""

from collections.abc import Iterable
from typing import Any

from yaml.nodes import MappingNode, ScalarNode, SequenceNode
from yaml.nodes import Node as YamlNode

from telebridge.unicode_text import repaired


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
