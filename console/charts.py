"""Charts as inline SVG, drawn by pygal and coloured by our own style sheet: no script, no style, dark and light alike.

The numbers stand in a table behind every chart, which is what screen readers get.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET  # nosec B405 - for what pygal draws
from collections.abc import Mapping, Sequence

import pygal
from django.utils.safestring import SafeString, mark_safe

_SVG = "{http://www.w3.org/2000/svg}"
# pygal's own tool tips and styles, which our Content-Security-Policy forbids, and what only they need.
_DROPPED = {"style", "script", "desc", "defs", "title"}


def stacked_bars(
    labels: Sequence[str], series: Mapping[str, tuple[str, Sequence[float]]], *, width: int = 720, height: int = 150
) -> SafeString:
    """Bars by label, each a stack of series: name → (colour of a badge, one number per label)."""
    columns = zip(*(values for _colour, values in series.values()), strict=True)
    highest = max(1, *(math.ceil(sum(column)) for column in columns))
    chart = pygal.StackedBar(
        width=width,
        height=height,
        explicit_size=False,
        show_legend=False,
        css=(),
        js=(),
        margin=4,
        margin_left=8,
        spacing=2,
        show_minor_x_labels=False,
        x_labels_major_every=max(1, len(labels) // 6),
        truncate_label=-1,
        range=(0, _steps(highest)[-1]),
        formatter=lambda value: f"{value:g}",
        classes=("chart",),
        xml_declaration=False,
    )
    chart.x_labels, chart.y_labels = list(labels), _steps(highest)
    for name, (_colour, values) in series.items():
        chart.add(name, list(values))
    root = ET.fromstring(chart.render())  # noqa: S314 - pygal made it
    _clean(root, [colour for colour, _values in series.values()])
    root.set("aria-hidden", "true")
    root.set("focusable", "false")
    ET.register_namespace("", _SVG.strip("{}"))
    return mark_safe(ET.tostring(root, encoding="unicode"))  # noqa: S308


def _steps(highest: int) -> list[int]:
    """Whole numbers up the axis, three or four of them, the last one at or above the highest bar."""
    step = -(-highest // 3)
    return [step * n for n in range(-(-highest // step) + 1)]


def _clean(node: ET.Element, colours: Sequence[str]) -> None:
    """Drops what is not drawn, and names each series' colour as a class."""
    for child in list(node):
        name = child.tag.rpartition("}")[2]
        if name in _DROPPED:
            node.remove(child)
            continue
        child.attrib.pop("style", None)
        words = child.get("class", "").split()
        for word in words:
            number = word.removeprefix("serie-")
            if word.startswith("serie-") and number.isdigit() and int(number) < len(colours):
                child.set("class", " ".join([*words, f"chart-{colours[int(number)]}"]))
        _clean(child, colours)
