"""Boxes and labels lie apart, arrows lead down, and what is long is drawn in time."""

from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from telebridge.flows.drawing.layout import (
    Link,
    Rectangle,
    Size,
    arranged,
)

NAMES = [f"n{at}" for at in range(9)]
LINKS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from([0, 30, 120])).filter(
        lambda link: link[0] != link[1]
    ),
    max_size=16,
)


def layout_of(*links, names=NAMES):
    boxes = {name: Size(80 + 10 * at, 40) for at, name in enumerate(names)}
    return arranged(boxes, [Link(source, target, Size(width, 16)) for source, target, width in links], names[0])


def overlap(one: Rectangle, other: Rectangle):
    apart_x = abs(one.x - other.x) - (one.size.width + other.size.width) / 2
    apart_y = abs(one.y - other.y) - (one.size.height + other.size.height) / 2
    return apart_x < -0.01 and apart_y < -0.01


@given(LINKS)
def test_nothing_lies_over_anything_else_and_all_is_inside(links):
    layout = layout_of(*links)
    places = [*layout.boxes.values(), *(route.label for route in layout.routes)]
    assert not any(overlap(one, other) for one, other in combinations(places, 2))
    for place in places:
        assert place.size.width / 2 - 0.01 <= place.x <= layout.size.width - place.size.width / 2 + 0.01
        assert place.size.height / 2 - 0.01 <= place.y <= layout.size.height - place.size.height / 2 + 0.01


@given(LINKS)
def test_an_arrow_begins_and_ends_at_its_boxes_and_leads_one_way(links):
    layout = layout_of(*links)
    for (source, target, _), route in zip(links, layout.routes, strict=True):
        ends = [(layout.boxes[source], route.points[0]), (layout.boxes[target], route.points[-1])]
        for box, (x, y) in ends:
            assert abs(x - box.x) <= box.size.width / 2
            assert abs(abs(y - box.y) - box.size.height / 2) < 0.01
        heights = [y for _, y in route.points]
        assert heights == sorted(heights, reverse=route.backwards)


@given(LINKS)
def test_arrows_pass_between_the_boxes(links):
    layout = layout_of(*links)
    for route in layout.routes:
        for (x, top), (_, bottom) in zip(route.points[1:-1:2], route.points[2:-1:2], strict=True):
            passed = Rectangle(x, (top + bottom) / 2, Size(0.0, abs(bottom - top)))
            assert not any(overlap(passed, box) for box in layout.boxes.values())


def test_a_box_is_below_all_that_lead_to_it_unless_that_is_a_way_back():
    layout = layout_of(("n0", "n1", 0), ("n1", "n2", 0), ("n0", "n2", 0), ("n2", "n0", 0), names=NAMES[:3])
    assert layout.boxes["n0"].y < layout.boxes["n1"].y < layout.boxes["n2"].y
    assert [route.backwards for route in layout.routes] == [False, False, False, True]


def test_branches_are_ordered_so_that_their_arrows_do_not_cross():
    crossed = [("n0", "n1", 0), ("n0", "n2", 0), ("n1", "n4", 0), ("n2", "n3", 0)]
    boxes = layout_of(*crossed, names=NAMES[:5]).boxes
    assert (boxes["n1"].x < boxes["n2"].x) == (boxes["n4"].x < boxes["n3"].x)


def test_a_flow_of_a_thousand_nodes_is_laid_out():
    names = [f"n{at}" for at in range(1000)]
    links = [(one, next_one, 0) for one, next_one in pairwise(names)]
    assert len(layout_of(*links, names=names).boxes) == 1000
