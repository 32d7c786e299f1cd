"""Drawings of the server, and charts as data."""

import re

import pytest

from crm.web.charts import Series, Step, bars, lines, waterfall
from crm.web.drawing import Share, sparkline


def heights(svg):
    return [float(pair.split(",")[1]) for pair in re.search(r'points="([^"]*)"', svg)[1].split()]


def test_sparkline_of_amounts_stands_on_zero():
    assert heights(sparkline([0, 5, 10], height=22)) == [20.0, 11.0, 2.0]


def test_sparkline_of_a_rate_does_not_blow_up_noise():
    found = heights(sparkline([1.0, 1.001], height=22, from_zero=False))

    assert max(found) - min(found) < 1


@pytest.mark.parametrize("values", [None, [], [3], [None, 3, None]])
def test_sparkline_needs_two_values(values):
    assert sparkline(values) == ""


def test_sparkline_escapes_its_label():
    assert "&lt;b&gt;" in sparkline([1, 2], label="<b>")


@pytest.mark.parametrize(("value", "largest", "percent"), [(5, 10, 50.0), (-5, 10, 0.0), (5, 0, 0.0)])
def test_share_is_of_the_largest_and_never_below_zero(value, largest, percent):
    assert Share.of(value, largest).percent == percent


def test_waterfall_floats_each_change_where_the_last_one_ended():
    steps = [
        Step("open", 100, "--a", "100", is_total=True),
        Step("up", 30, "--b", "+30"),
        Step("down", -50, "--c", "−50"),
        Step("close", 80, "--d", "80", is_total=True),
    ]

    blank, shown = waterfall(steps)["series"]

    assert blank["data"] == [0, 100, 80, 0]
    assert [datum["value"] for datum in shown["data"]] == [100, 30, 50, 80]


def test_waterfall_that_crosses_zero_keeps_the_bar_whole():
    blank, shown = waterfall([Step("open", 10, "--a", "10", is_total=True), Step("down", -30, "--b", "−30")])["series"]

    assert (blank["data"][1], shown["data"][1]["value"]) == (0.0, -30)


def test_bars_start_at_zero_and_lines_of_rates_need_not():
    assert "min" not in bars(["a"], [Series("s", [3])])["yAxis"]
    assert lines(["a", "b"], [Series("s", [-1, None])])["yAxis"]["min"] is None
