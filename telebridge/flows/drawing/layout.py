"""Lays out the boxes and arrows of a graph in layers from top to bottom, with few crossings.

The method is that of Sugiyama, Tagawa and Toda (1981): reverse the arrows that lead back, give each box the layer of
its longest path from the start, let long arrows pass through the layers between, order each layer by the mean of its
neighbours, and assign coordinates. Labels have layers of their own, so that no text covers another.

One rule: only sizes and coordinates are known here, neither flows nor pictures.
"""

import itertools
from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SIDE_GAP = 26.0
LAYER_GAP = 22.0
PORT_GAP = 26.0
SWEEPS = 12


@dataclass(frozen=True, slots=True)
class Size:
    """A width and a height, in pixels."""

    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Rectangle:
    """The centre and the size of something that is drawn."""

    x: float
    y: float
    size: Size


@dataclass(frozen=True, slots=True)
class Route:
    """The path of an arrow from box to box.

    Args:
        points: The points that it passes, from its source to its target.
        label: The rectangle of its label.
        backwards: Whether it leads up.
    """

    points: tuple[tuple[float, float], ...]
    label: Rectangle
    backwards: bool


@dataclass(frozen=True, slots=True)
class Link:
    """An arrow to be laid out, with the size of its label. It must not lead from a box to itself."""

    source: str
    target: str
    label: Size


@dataclass(frozen=True, slots=True)
class GraphLayout:
    """The rectangles of all boxes, and the routes in the order of the links."""

    boxes: Mapping[str, Rectangle]
    routes: tuple[Route, ...]
    size: Size


@dataclass(slots=True)
class _Vertex:
    """A vertex of a layer: a box, a label, or the point where a long arrow passes."""

    layer: int
    size: Size
    passing: bool = False
    above: list["_Vertex"] = field(default_factory=list)
    below: list["_Vertex"] = field(default_factory=list)
    at: int = 0
    x: float = 0.0
    y: float = 0.0
    row_height: float = 0.0


def arranged(boxes: Mapping[str, Size], links: Sequence[Link], start: str) -> GraphLayout:
    """Lay out boxes and links, with `start` on top."""
    back = _leading_back(boxes, links, start)
    layers = _longest_paths(boxes, links, back)
    vertices = {name: _Vertex(2 * layers[name], size) for name, size in boxes.items()}
    chains = [_chain(vertices, link, turned=at in back) for at, link in enumerate(links)]
    rows = _rows([*vertices.values(), *(vertex for chain in chains for vertex in chain[1:-1])])
    _order(rows)
    size = _assign_coordinates(rows)
    rectangles = {name: Rectangle(vertex.x, vertex.y, vertex.size) for name, vertex in vertices.items()}
    routes = tuple(_route(chain, backwards=at in back) for at, chain in enumerate(chains))
    return GraphLayout(rectangles, routes, size)


def _leading_back(boxes: Mapping[str, Size], links: Sequence[Link], start: str) -> frozenset[int]:
    """The links that close a cycle in a depth-first search from `start`."""
    outgoing: dict[str, list[tuple[int, str]]] = {name: [] for name in boxes}
    for at, link in enumerate(links):
        outgoing[link.source].append((at, link.target))
    back: set[int] = set()
    seen: set[str] = set()
    for root in (start, *boxes):
        if root in seen:
            continue
        seen.add(root)
        stack, on_stack = [(root, iter(outgoing[root]))], {root}
        while stack:
            name, links_left = stack[-1]
            for at, target in links_left:
                if target in on_stack:
                    back.add(at)
                elif target not in seen:
                    seen.add(target)
                    on_stack.add(target)
                    stack.append((target, iter(outgoing[target])))
                    break
            else:
                stack.pop()
                on_stack.discard(name)
    return frozenset(back)


def _longest_paths(boxes: Mapping[str, Size], links: Sequence[Link], back: frozenset[int]) -> dict[str, int]:
    outgoing: dict[str, list[str]] = {name: [] for name in boxes}
    incoming = dict.fromkeys(boxes, 0)
    for at, link in enumerate(links):
        source, target = (link.target, link.source) if at in back else (link.source, link.target)
        outgoing[source].append(target)
        incoming[target] += 1
    layers = dict.fromkeys(boxes, 0)
    ready = [name for name in boxes if not incoming[name]]
    for name in ready:  # grows while it is walked
        for target in outgoing[name]:
            layers[target] = max(layers[target], layers[name] + 1)
            incoming[target] -= 1
            if not incoming[target]:
                ready.append(target)
    return layers


def _chain(vertices: Mapping[str, _Vertex], link: Link, *, turned: bool) -> list[_Vertex]:
    """The vertices of an arrow from top to bottom, both boxes included. The label is next to the arrow's source."""
    upper, lower = (
        (vertices[link.target], vertices[link.source]) if turned else (vertices[link.source], vertices[link.target])
    )
    label_layer = lower.layer - 1 if turned else upper.layer + 1
    between = [
        _Vertex(layer, link.label if layer == label_layer else Size(0, 0), passing=True)
        for layer in range(upper.layer + 1, lower.layer)
    ]
    chain = [upper, *between, lower]
    for one, next_one in itertools.pairwise(chain):
        one.below.append(next_one)
        next_one.above.append(one)
    return chain


def _rows(vertices: Sequence[_Vertex]) -> list[list[_Vertex]]:
    rows: list[list[_Vertex]] = [[] for _ in range(1 + max(vertex.layer for vertex in vertices))]
    for vertex in vertices:
        rows[vertex.layer].append(vertex)
    return rows


def _order(rows: list[list[_Vertex]]) -> None:
    """Order each layer by the mean of its neighbours, in sweeps down and up; keep the order with fewest crossings."""
    _number(rows)
    best, fewest = [list(row) for row in rows], _crossings(rows)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            row.sort(key=lambda vertex: _middle(vertex, vertex.above if down else vertex.below))
            for at, vertex in enumerate(row):
                vertex.at = at
        crossings = _crossings(rows)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    rows[:] = best
    _number(rows)


def _number(rows: list[list[_Vertex]]) -> None:
    for row in rows:
        for at, vertex in enumerate(row):
            vertex.at = at


def _middle(vertex: _Vertex, neighbours: list[_Vertex]) -> float:
    return sum(each.at for each in neighbours) / len(neighbours) if neighbours else vertex.at


def _crossings(rows: list[list[_Vertex]]) -> int:
    """How many pairs of arrows between neighbouring layers cross."""
    crossings = 0
    for row in rows:
        passed: list[int] = []
        for end in [end for vertex in row for end in sorted(below.at for below in vertex.below)]:
            crossings += len(passed) - bisect_right(passed, end)
            insort(passed, end)
    return crossings


def _assign_coordinates(rows: list[list[_Vertex]]) -> Size:
    """Assign coordinates: y by layer, x by pulling each vertex towards its neighbours. Returns the size."""
    y = 0.0
    for row in rows:
        height = max(vertex.size.height for vertex in row)
        for vertex in row:
            vertex.y, vertex.row_height = y + height / 2, height
        y += height + (LAYER_GAP if height else 0.0)
    for row in rows:
        _pull(row, [0.0] * len(row))
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            _pull(row, [_wanted(vertex, down=sweep % 2 == 0) for vertex in row])
    left = min(vertex.x - vertex.size.width / 2 for row in rows for vertex in row)
    for row in rows:
        for vertex in row:
            vertex.x -= left
    return Size(max(vertex.x + vertex.size.width / 2 for row in rows for vertex in row), y - LAYER_GAP)


def _wanted(vertex: _Vertex, *, down: bool) -> float:
    near = (vertex.above if down else vertex.below) or vertex.above or vertex.below
    if not near:
        return vertex.x
    return sum(_weight(vertex, each) * each.x for each in near) / sum(_weight(vertex, each) for each in near)


def _weight(one: _Vertex, other: _Vertex) -> int:
    """How much a segment of an arrow should be straight: most where it passes layer after layer."""
    return 1 + 5 * one.passing * other.passing


def _pull(row: list[_Vertex], wanted: list[float]) -> None:
    """Move vertices to their wanted x as closely as order and gaps allow, in the least squares.

    Pool adjacent violators: vertices that would collide are pooled and moved together.
    """
    offsets = [0.0]
    for one, next_one in itertools.pairwise(row):
        offsets.append(offsets[-1] + (one.size.width + next_one.size.width) / 2 + SIDE_GAP)
    pools: list[tuple[float, int, int]] = []  # the mean of what they want, their weight, their number
    for vertex, want, offset in zip(row, wanted, offsets, strict=True):
        mean, weight, count = want - offset, 4 if vertex.passing else 1, 1
        while pools and pools[-1][0] > mean:
            other_mean, other_weight, other_count = pools.pop()
            mean = (mean * weight + other_mean * other_weight) / (weight + other_weight)
            weight, count = weight + other_weight, count + other_count
        pools.append((mean, weight, count))
    means = [mean for mean, _, count in pools for _ in range(count)]
    for vertex, mean, offset in zip(row, means, offsets, strict=True):
        vertex.x = mean + offset


def _route(chain: list[_Vertex], *, backwards: bool) -> Route:
    upper, *between, lower = chain
    points = [(_port(upper, upper.below, between[0]), upper.y + upper.size.height / 2)]
    for vertex in between:
        points += [(vertex.x, vertex.y - vertex.row_height / 2), (vertex.x, vertex.y + vertex.row_height / 2)]
    points.append((_port(lower, lower.above, between[-1]), lower.y - lower.size.height / 2))
    label = between[-1] if backwards else between[0]
    return Route(tuple(reversed(points) if backwards else points), Rectangle(label.x, label.y, label.size), backwards)


def _port(box: _Vertex, neighbours: list[_Vertex], neighbour: _Vertex) -> float:
    """The x at which an arrow leaves or enters a box. Several arrows are side by side, in the order of their ends."""
    if len(neighbours) == 1:
        return box.x
    apart = min(PORT_GAP, box.size.width * 0.7 / (len(neighbours) - 1))
    place = sorted((each.x, each is neighbour) for each in neighbours).index((neighbour.x, True))
    return box.x + (place - (len(neighbours) - 1) / 2) * apart
