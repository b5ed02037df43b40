"""Column charts as inline SVG.

One rule: a chart is a picture of a table that stands beside it, so what it shows can be read without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT = 360, 170
LEFT, RIGHT, TOP, BOTTOM = 36, 4, 10, 22
"""Where the columns stand in the picture. It is as wide as a phone's screen, so its letters stay readable there."""
LABEL_WIDTH = 36
STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a chart.

    Args:
        label: Under it.
        whole: Its height.
        part: How much of the whole is drawn dark, from the bottom.
    """

    label: str
    whole: int
    part: int = 0


def column_chart(name: str, title: str, columns: Sequence[Column]) -> Markup:
    """A chart for an HTML page.

    Args:
        name: Unique in the page; letters only.
        title: What it shows, for readers who do not see it.
        columns: From left to right.
    """
    top = scale_of(max((column.whole for column in columns), default=0))
    plot, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    step = plot / max(1, len(columns))
    every = max(1, -(-LABEL_WIDTH * len(columns) // plot))
    parts = [_line(value, HEIGHT - BOTTOM - height * value / top) for value in (0, top // 2, top)]
    for n, column in enumerate(columns):
        x, width = LEFT + n * step + step * 0.1, step * 0.8
        for kind, value in (("whole", column.whole), ("part", column.part)):
            tall = height * value / top
            if value:
                parts.append(_bar(kind, x, HEIGHT - BOTTOM - tall, width, tall))
        if n % every == 0:
            parts.append(_label(column.label, x + width / 2))
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-labelledby="{}"><title id="{}">{}</title>{}</svg>'
    ).format(WIDTH, HEIGHT, name, name, title, Markup("").join(parts))


def scale_of(highest: int) -> int:
    """The value at the top of a scale that reaches so high: 2, 4, 10, 20, 40, 100 and so on."""
    power = 1
    while True:
        for step in STEPS:
            if 2 * step * power >= highest:
                return 2 * step * power
        power *= 10


def _line(value: int, y: float) -> Markup:
    return Markup(
        '<line x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/><text class="end" x="{}" y="{:.1f}">{:,}</text>'
    ).format(LEFT, WIDTH - RIGHT, y, y, LEFT - 4, y + 3.5, value)


def _bar(kind: str, x: float, y: float, width: float, height: float) -> Markup:
    return Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
        kind, x, y, width, height
    )


def _label(text: str, x: float) -> Markup:
    return Markup('<text class="middle" x="{:.1f}" y="{}">{}</text>').format(x, HEIGHT - 7, text)
