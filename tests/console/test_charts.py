"""Charts: inline SVG that our Content-Security-Policy allows, with whole numbers up the side."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from console.charts import stacked_bars

SVG = "{http://www.w3.org/2000/svg}"


def chart(*series: list[int]) -> str:
    labels = [f"{n} <&>" for n in range(len(series[0]))]
    colours = ("danger", "warning", "violet")
    return stacked_bars(labels, {f"S{n}": (colours[n], values) for n, values in enumerate(series)})


def test_it_holds_nothing_that_the_policy_forbids() -> None:
    svg = chart([1, 2, 0], [0, 5, 1])
    ET.fromstring(svg)
    assert not re.search(r"<style|<script|<\?xml| style=| on\w+=|https?://(?!www\.w3\.org/2000/svg)", svg)
    assert 'aria-hidden="true"' in svg


def test_labels_are_escaped() -> None:
    assert "0 &lt;&amp;&gt;" in chart([1, 2])


def test_each_series_has_the_colour_of_its_badge() -> None:
    svg = chart([1, 2], [3, 4], [5, 6])
    assert re.findall(r'chart-(\w+)"><g class="bars', svg) == ["danger", "warning", "violet"]
    assert svg.count("tooltip-trigger") == 6


@pytest.mark.parametrize(
    ("highest", "steps"),
    [(1, [0, 1]), (2, [0, 1, 2]), (3, [0, 1, 2, 3]), (4, [0, 2, 4]), (7, [0, 3, 6, 9]), (1000, [0, 334, 668, 1002])],
)
def test_the_axis_has_whole_numbers(highest: int, steps: list[int]) -> None:
    axis = ET.fromstring(chart([highest])).find(f".//{SVG}g[@class='axis y always_show']")
    assert axis is not None
    assert [int(text.text or "") for text in axis.iter(f"{SVG}text")] == steps


def test_nothing_but_zeros_is_an_empty_chart() -> None:
    assert "<svg" in chart([0, 0, 0])
