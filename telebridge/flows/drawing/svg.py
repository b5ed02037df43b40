"""The graph of a flow as an SVG document without scripts, external fonts or style sheets.

One rule: every text of a flow is escaped by `_escaped`, so a prompt that looks like markup is shown as it is.
"""

import re
from collections.abc import Iterator
from html import escape
from textwrap import wrap
from unicodedata import east_asian_width

from telebridge.flows.drawing.graph import Arrow, Box, Graph
from telebridge.flows.drawing.layout import (
    LAYER_GAP,
    GraphLayout,
    Link,
    Rectangle,
    Route,
    Size,
    arranged,
)

MARGIN = 24.0
TITLE_HEIGHT = 30.0
LINE_HEIGHT = 16.0
PADDING = 10.0
NARROWEST = 90.0
CHARACTER = 6.6  # the width in pixels of a character in 12 pixel sans serif, rather too wide than too narrow
BOX_CHARACTERS = 32
LABEL_CHARACTERS = 26
LOOP_WIDTH = 26.0
SHORT_TEMPLATE = re.compile(r"\{\{[^{}]{1,24}\}\}")
HARD_SPACE = "\u00a0"

STYLE = """
text { font: 12px system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2933; }
.title { font-size: 16px; font-weight: 600; }
.name { font-weight: 600; }
.verb { fill: #52606d; font-size: 11px; }
.label { fill: #334e68; font-size: 11px; }
.box { fill: #f5f8fb; stroke: #829ab1; stroke-width: 1.2; }
.question { fill: #eaf3fe; stroke: #2f7bc8; }
.decision { fill: #fff8e1; stroke: #c99a1b; }
.end { fill: #fdeceb; stroke: #c0483d; }
.start { stroke-width: 2.6; }
.arrow { fill: none; stroke: #627d98; stroke-width: 1.3; }
.back { stroke: #9a6fb0; stroke-dasharray: 5 3; }
.under { fill: #ffffff; }
.head { fill: #627d98; }
.begin { fill: #1f2933; }
"""
KINDS = {"menu": "question", "collect": "question", "choose": "decision"}


def svg(graph: Graph) -> str:
    """The SVG document of a graph."""
    return _document(graph, *_drawn(graph))


def svg_element(graph: Graph) -> str:
    """The graph as an element of a page, which has the style: `STYLE` below a class, or colours of its own.

    The box of each node has the attribute `data-node`, by which a script finds it.
    """
    return _element(graph, *_drawn(graph), [])


def _drawn(graph: Graph) -> tuple[GraphLayout, list[str]]:
    """Where everything lies, and the parts of the drawing."""
    loops = {arrow.source: arrow for arrow in graph.arrows if arrow.source == arrow.target}
    onward = [arrow for arrow in graph.arrows if arrow.source != arrow.target]
    sizes = {box.name: _box_size(box, loops.get(box.name)) for box in graph.boxes}
    links = [Link(arrow.source, arrow.target, _label_size(arrow.label)) for arrow in onward]
    start = next((box.name for box in graph.boxes if box.start), graph.boxes[0].name)
    layout = arranged(sizes, links, start)
    parts = [
        *(_arrow(route) for route in layout.routes),
        *(part for box in graph.boxes for part in _box(box, layout.boxes[box.name], loops.get(box.name))),
        *(_label(arrow.label, route) for arrow, route in zip(onward, layout.routes, strict=True) if arrow.label),
    ]
    return layout, parts


def _document(graph: Graph, layout: GraphLayout, parts: list[str]) -> str:
    ground = [f"<style>{STYLE}</style>", '<rect width="100%" height="100%" fill="#ffffff"/>']
    return _element(graph, layout, parts, ground)


def _element(graph: Graph, layout: GraphLayout, parts: list[str], ground: list[str]) -> str:
    width = max(layout.size.width, _width(graph.title) * 1.4) + 2 * MARGIN
    top = MARGIN + TITLE_HEIGHT + LAYER_GAP
    height = top + layout.size.height + MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
            f"<title>Flow {_escaped(graph.title)}</title>",
            *ground[:1],
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" '
            'orient="auto"><path class="head" d="M0 0.5 L8 4 L0 7.5 z"/></marker></defs>',
            *ground[1:],
            f'<text class="title" x="{MARGIN:.0f}" y="{MARGIN + 12:.0f}">{_escaped(graph.title)}</text>',
            f'<g transform="translate({MARGIN:.0f} {top:.0f})">',
            *parts,
            "</g>",
            "</svg>\n",
        ]
    )


def _box(box: Box, rectangle: Rectangle, loop: Arrow | None) -> Iterator[str]:
    own = _box_size(box, None)
    left, top = rectangle.x - own.width / 2, rectangle.y - own.height / 2
    kind = "end" if box.end else KINDS.get(box.verb, "")
    marks = " ".join(filter(None, ("box", kind, "start" if box.start else "")))
    radius = own.height / 2 if box.end else 6
    if box.start:
        yield f'<circle class="begin" cx="{rectangle.x:.1f}" cy="{top - LAYER_GAP:.1f}" r="5"/>'
        yield (
            f'<path class="arrow" marker-end="url(#head)" d="M{rectangle.x:.1f} {top - LAYER_GAP + 5:.1f} '
            f'L{rectangle.x:.1f} {top:.1f}"/>'
        )
    yield (
        f'<rect class="{marks}" data-node="{_escaped(box.name)}" x="{left:.1f}" y="{top:.1f}" '
        f'width="{own.width:.1f}" height="{own.height:.1f}" rx="{radius:.1f}"/>'
    )
    name = f'<tspan class="name">{_escaped(box.name)}</tspan>  <tspan class="verb">{_escaped(box.verb)}</tspan>'
    baseline = top + PADDING + 10
    yield f'<text x="{rectangle.x:.1f}" y="{baseline:.1f}" text-anchor="middle">{name}</text>'
    yield from _lines(_box_lines(box), rectangle.x, baseline + LINE_HEIGHT, "text")
    if loop is not None:
        yield from _loop(loop, left + own.width, rectangle.y, min(own.height * 0.3, 14.0))


def _loop(loop: Arrow, right: float, y: float, reach: float) -> Iterator[str]:
    """An arrow from a box to itself, at its right side."""
    far = right + LOOP_WIDTH
    yield (
        f'<path class="arrow back" marker-end="url(#head)" d="M{right:.1f} {y - reach:.1f} '
        f'C{far:.1f} {y - reach:.1f} {far:.1f} {y + reach:.1f} {right:.1f} {y + reach:.1f}"/>'
    )
    lines = _label_lines(loop.label)
    first = y + 4 - (len(lines) - 1) * LINE_HEIGHT / 2
    yield from _lines(lines, right + LOOP_WIDTH, first, "label", anchor="start")


def _arrow(route: Route) -> str:
    """An arrow that is straight through layers and bends between them."""
    (x, y), *rest = route.points
    path = [f"M{x:.1f} {y:.1f}"]
    for next_x, next_y in rest:
        middle = (y + next_y) / 2
        if abs(next_x - x) < 0.5:
            path.append(f"L{next_x:.1f} {next_y:.1f}")
        else:
            path.append(f"C{x:.1f} {middle:.1f} {next_x:.1f} {middle:.1f} {next_x:.1f} {next_y:.1f}")
        x, y = next_x, next_y
    marks = "arrow back" if route.backwards else "arrow"
    return f'<path class="{marks}" marker-end="url(#head)" d="{" ".join(path)}"/>'


def _label(text: str, route: Route) -> str:
    rectangle, lines = route.label, _label_lines(text)
    width, height = rectangle.size.width, rectangle.size.height
    first = rectangle.y - (len(lines) - 1) * LINE_HEIGHT / 2 + 4
    under = (
        f'<rect class="under" x="{rectangle.x - width / 2:.1f}" y="{rectangle.y - height / 2:.1f}" '
        f'width="{width:.1f}" height="{height:.1f}"/>'
    )
    return "\n".join([under, *_lines(lines, rectangle.x, first, "label")])


def _lines(lines: list[str], x: float, y: float, kind: str, anchor: str = "middle") -> Iterator[str]:
    for at, line in enumerate(lines):
        yield (
            f'<text class="{kind}" x="{x:.1f}" y="{y + at * LINE_HEIGHT:.1f}" text-anchor="{anchor}">'
            f"{_escaped(line)}</text>"
        )


def _box_lines(box: Box) -> list[str]:
    """The text of a box in lines; a short template is not broken."""
    whole = SHORT_TEMPLATE.sub(lambda found: found[0].replace(" ", HARD_SPACE), box.text)
    return [line.replace(HARD_SPACE, " ") for line in wrap(whole, BOX_CHARACTERS)]


def _box_size(box: Box, loop: Arrow | None) -> Size:
    lines = _box_lines(box)
    width = max(NARROWEST, *(_width(line) + 2 * PADDING for line in [f"{box.name}  {box.verb} ", *lines]))
    width += LINE_HEIGHT if box.end else 0.0  # for its round sides
    room = 0.0 if loop is None else 2 * (LOOP_WIDTH + _label_size(loop.label).width)
    return Size(width + room, (1 + len(lines)) * LINE_HEIGHT + 2 * PADDING - 4)


def _label_lines(text: str) -> list[str]:
    return wrap(text, LABEL_CHARACTERS)


def _label_size(text: str) -> Size:
    lines = _label_lines(text)
    return Size(max((_width(line) for line in lines), default=0.0), len(lines) * LINE_HEIGHT)


def _width(text: str) -> float:
    return sum(2 * CHARACTER if east_asian_width(character) in "WF" else CHARACTER for character in text)


def _escaped(text: str) -> str:
    """Text for the document, without the characters that XML cannot hold, such as control characters."""
    return escape("".join(character for character in text if character.isprintable()))
