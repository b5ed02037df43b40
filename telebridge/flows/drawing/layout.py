"""Where the boxes and arrows of a graph go: in layers from top to bottom, with few crossings.

The method is that of Sugiyama, Tagawa and Toda (1981): turn the arrows that lead back, give each box the layer of its
longest way from the start, let long arrows pass through the layers between, order each layer by the middle of its
neighbours, and at last find the places. Labels have layers of their own, so that nothing is written over anything.

One rule: this knows sizes only, neither flows nor pictures.
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
    """How large something is drawn."""

    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is drawn: its middle, and its size."""

    x: float
    y: float
    size: Size


@dataclass(frozen=True, slots=True)
class Route:
    """An arrow from box to box.

    Args:
        points: Where it passes, from its source to its target.
        label: Where its label goes.
        backwards: Whether it leads up.
    """

    points: tuple[tuple[float, float], ...]
    label: Place
    backwards: bool


@dataclass(frozen=True, slots=True)
class Link:
    """An arrow that is to be placed, with the size of its label. None may lead from a box to itself."""

    source: str
    target: str
    label: Size


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything's place; routes are in the order of the links."""

    boxes: Mapping[str, Place]
    routes: tuple[Route, ...]
    size: Size


@dataclass(slots=True)
class _Spot:
    """A box, a label, or where a long arrow passes a layer."""

    layer: int
    size: Size
    passing: bool = False
    above: list["_Spot"] = field(default_factory=list)
    below: list["_Spot"] = field(default_factory=list)
    at: int = 0
    x: float = 0.0
    y: float = 0.0
    row_height: float = 0.0


def arranged(boxes: Mapping[str, Size], links: Sequence[Link], start: str) -> Layout:
    """A place for every box and arrow; `start` is on top."""
    back = _leading_back(boxes, links, start)
    layers = _longest_ways(boxes, links, back)
    spots = {name: _Spot(2 * layers[name], size) for name, size in boxes.items()}
    chains = [_chain(spots, link, turned=at in back) for at, link in enumerate(links)]
    rows = _rows([*spots.values(), *(spot for chain in chains for spot in chain[1:-1])])
    _order(rows)
    size = _place(rows)
    places = {name: Place(spot.x, spot.y, spot.size) for name, spot in spots.items()}
    routes = tuple(_route(chain, backwards=at in back) for at, chain in enumerate(chains))
    return Layout(places, routes, size)


def _leading_back(boxes: Mapping[str, Size], links: Sequence[Link], start: str) -> frozenset[int]:
    """The links that lead to where a walk in depth already came through."""
    onward: dict[str, list[tuple[int, str]]] = {name: [] for name in boxes}
    for at, link in enumerate(links):
        onward[link.source].append((at, link.target))
    back: set[int] = set()
    seen: set[str] = set()
    for root in (start, *boxes):
        if root in seen:
            continue
        seen.add(root)
        walk, on_way = [(root, iter(onward[root]))], {root}
        while walk:
            name, ways = walk[-1]
            for at, target in ways:
                if target in on_way:
                    back.add(at)
                elif target not in seen:
                    seen.add(target)
                    on_way.add(target)
                    walk.append((target, iter(onward[target])))
                    break
            else:
                walk.pop()
                on_way.discard(name)
    return frozenset(back)


def _longest_ways(boxes: Mapping[str, Size], links: Sequence[Link], back: frozenset[int]) -> dict[str, int]:
    onward: dict[str, list[str]] = {name: [] for name in boxes}
    entering = dict.fromkeys(boxes, 0)
    for at, link in enumerate(links):
        source, target = (link.target, link.source) if at in back else (link.source, link.target)
        onward[source].append(target)
        entering[target] += 1
    layers = dict.fromkeys(boxes, 0)
    ready = [name for name in boxes if not entering[name]]
    for name in ready:  # grows while it is walked
        for target in onward[name]:
            layers[target] = max(layers[target], layers[name] + 1)
            entering[target] -= 1
            if not entering[target]:
                ready.append(target)
    return layers


def _chain(spots: Mapping[str, _Spot], link: Link, *, turned: bool) -> list[_Spot]:
    """What an arrow passes, from top to bottom, both boxes included; the label is next to the arrow's source."""
    upper, lower = (spots[link.target], spots[link.source]) if turned else (spots[link.source], spots[link.target])
    label_layer = lower.layer - 1 if turned else upper.layer + 1
    between = [
        _Spot(layer, link.label if layer == label_layer else Size(0, 0), passing=True)
        for layer in range(upper.layer + 1, lower.layer)
    ]
    chain = [upper, *between, lower]
    for one, next_one in itertools.pairwise(chain):
        one.below.append(next_one)
        next_one.above.append(one)
    return chain


def _rows(spots: Sequence[_Spot]) -> list[list[_Spot]]:
    rows: list[list[_Spot]] = [[] for _ in range(1 + max(spot.layer for spot in spots))]
    for spot in spots:
        rows[spot.layer].append(spot)
    return rows


def _order(rows: list[list[_Spot]]) -> None:
    """Sweep down and up until the order with the fewest crossings is found, or for so long."""
    _number(rows)
    best, fewest = [list(row) for row in rows], _crossings(rows)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            row.sort(key=lambda spot: _middle(spot, spot.above if down else spot.below))
            for at, spot in enumerate(row):
                spot.at = at
        crossings = _crossings(rows)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    rows[:] = best
    _number(rows)


def _number(rows: list[list[_Spot]]) -> None:
    for row in rows:
        for at, spot in enumerate(row):
            spot.at = at


def _middle(spot: _Spot, neighbours: list[_Spot]) -> float:
    return sum(each.at for each in neighbours) / len(neighbours) if neighbours else spot.at


def _crossings(rows: list[list[_Spot]]) -> int:
    """Pairs of arrows between two layers that are in one order above and in the other below."""
    crossings = 0
    for row in rows:
        passed: list[int] = []
        for end in [end for spot in row for end in sorted(below.at for below in spot.below)]:
            crossings += len(passed) - bisect_right(passed, end)
            insort(passed, end)
    return crossings


def _place(rows: list[list[_Spot]]) -> Size:
    """Give every spot its place: heights by layer, widths by pulling each towards its neighbours."""
    y = 0.0
    for row in rows:
        height = max(spot.size.height for spot in row)
        for spot in row:
            spot.y, spot.row_height = y + height / 2, height
        y += height + (LAYER_GAP if height else 0.0)
    for row in rows:
        _pull(row, [0.0] * len(row))
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            _pull(row, [_wanted(spot, down=sweep % 2 == 0) for spot in row])
    left = min(spot.x - spot.size.width / 2 for row in rows for spot in row)
    for row in rows:
        for spot in row:
            spot.x -= left
    return Size(max(spot.x + spot.size.width / 2 for row in rows for spot in row), y - LAYER_GAP)


def _wanted(spot: _Spot, *, down: bool) -> float:
    near = (spot.above if down else spot.below) or spot.above or spot.below
    if not near:
        return spot.x
    return sum(_weight(spot, each) * each.x for each in near) / sum(_weight(spot, each) for each in near)


def _weight(one: _Spot, other: _Spot) -> int:
    """How much a stretch of an arrow wants to be straight: most where it passes layer after layer."""
    return 1 + 5 * one.passing * other.passing


def _pull(row: list[_Spot], wanted: list[float]) -> None:
    """As near to the wanted places as order and gaps allow, in the least squares; pools spots that would collide."""
    offsets = [0.0]
    for one, next_one in itertools.pairwise(row):
        offsets.append(offsets[-1] + (one.size.width + next_one.size.width) / 2 + SIDE_GAP)
    pools: list[tuple[float, int, int]] = []  # the mean of what they want, how much they weigh, how many they are
    for spot, want, offset in zip(row, wanted, offsets, strict=True):
        mean, weight, count = want - offset, 4 if spot.passing else 1, 1
        while pools and pools[-1][0] > mean:
            other, heft, others = pools.pop()
            mean = (mean * weight + other * heft) / (weight + heft)
            weight, count = weight + heft, count + others
        pools.append((mean, weight, count))
    means = [mean for mean, _, count in pools for _ in range(count)]
    for spot, mean, offset in zip(row, means, offsets, strict=True):
        spot.x = mean + offset


def _route(chain: list[_Spot], *, backwards: bool) -> Route:
    upper, *between, lower = chain
    points = [(_port(upper, upper.below, between[0]), upper.y + upper.size.height / 2)]
    for spot in between:
        points += [(spot.x, spot.y - spot.row_height / 2), (spot.x, spot.y + spot.row_height / 2)]
    points.append((_port(lower, lower.above, between[-1]), lower.y - lower.size.height / 2))
    label = between[-1] if backwards else between[0]
    return Route(tuple(reversed(points) if backwards else points), Place(label.x, label.y, label.size), backwards)


def _port(box: _Spot, neighbours: list[_Spot], neighbour: _Spot) -> float:
    """Where on its edge a box is left or entered: arrows stand side by side, in the order in which they lead away."""
    if len(neighbours) == 1:
        return box.x
    apart = min(PORT_GAP, box.size.width * 0.7 / (len(neighbours) - 1))
    place = sorted((each.x, each is neighbour) for each in neighbours).index((neighbour.x, True))
    return box.x + (place - (len(neighbours) - 1) / 2) * apart
