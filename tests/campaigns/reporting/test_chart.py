"""Charts are pictures whose texts are escaped."""

from xml.etree import ElementTree

import pytest

from telebridge.campaigns.reporting.chart import Column, column_chart, scale_of


def drawn(columns, title="Calls"):
    return ElementTree.fromstring(str(column_chart("days", title, columns)))


def test_columns_are_as_high_as_their_values_and_stand_on_the_axis():
    chart = drawn([Column("a", 10, 5), Column("b", 20)])
    bars = list(chart.iter("rect"))
    assert [(bar.get("class"), float(bar.get("height"))) for bar in bars] == [
        ("whole", 69.0),
        ("part", 34.5),
        ("whole", 138.0),
    ]
    assert {float(bar.get("y")) + float(bar.get("height")) for bar in bars} == {148.0}


def test_a_chart_names_itself_for_readers_who_do_not_see_it():
    chart = drawn([Column("a", 1)], title="A <b> & c")
    assert (chart.get("role"), chart.get("aria-labelledby")) == ("img", "days")
    assert [(title.get("id"), title.text) for title in chart.iter("title")] == [("days", "A <b> & c")]


def test_texts_in_a_chart_are_no_markup():
    chart = drawn([Column("</svg><script>", 1)])
    assert "</svg><script>" in [text.text for text in chart.iter("text")]


def test_of_many_columns_only_so_many_have_a_label_as_fit():
    chart = drawn([Column(f"{day}", 1) for day in range(365)])
    assert len([text for text in chart.iter("text") if text.get("class") == "middle"]) <= 9


@pytest.mark.parametrize("columns", [[], [Column("a", 0)]])
def test_a_chart_of_nothing_has_an_axis(columns):
    assert not list(drawn(columns).iter("rect"))


@pytest.mark.parametrize(
    ("highest", "scale"), [(0, 2), (1, 2), (2, 2), (3, 4), (5, 10), (11, 20), (99, 100), (101, 200), (10**6, 10**6)]
)
def test_a_scale_is_a_round_number_that_nothing_is_above(highest, scale):
    assert scale_of(highest) == scale
