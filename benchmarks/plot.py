# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results as a drawing: time per endpoint against the number of endpoints, both axes logarithmic."""

from __future__ import annotations

import math
import typing as t
from collections.abc import Iterator
from xml.sax.saxutils import escape

from .report import ways
from .summary import Summary

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!--
SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->
"""
PANEL_WIDTH, PANEL_HEIGHT = 430, 330
LEFT, TOP, GAP, BOTTOM = 76, 44, 76, 56
LEGEND_ROW = 20
COLOURS = ("#c1121f", "#e07a00", "#b58900", "#6a4c93", "#000000", "#1d6fa5", "#2a9d5c", "#0db7ed", "#ff5d8f", "#777777")
PANELS = (("create", "Create"), ("remove", "Remove all, until the last link is gone"))
MARKS = {1: "µs", 1_000: "ms", 1_000_000: "s"}


class Axis(t.NamedTuple):
    """A logarithmic axis: values from low to high on pixels from first to last."""

    low: float
    high: float
    first: float
    last: float

    def place(self, value: float) -> float:
        part = math.log10(value / self.low) / math.log10(self.high / self.low)
        return self.first + part * (self.last - self.first)

    def decades(self) -> Iterator[float]:
        for exponent in range(math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9) + 1):
            yield 10.0**exponent


def drawing(summary: Summary) -> str:
    """The whole SVG."""
    legend = [way for way in ways(summary, "apart") if any(points(summary, way.name, panel) for panel, dummy in PANELS)]
    width = LEFT + 2 * PANEL_WIDTH + GAP + 20
    height = TOP + PANEL_HEIGHT + BOTTOM + LEGEND_ROW * math.ceil(len(legend) / 2) + 8
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for position, (operation, title) in enumerate(PANELS):
        parts += panel(summary, operation, title, LEFT + position * (PANEL_WIDTH + GAP))
    for position, way in enumerate(legend):
        x = LEFT + (position % 2) * (PANEL_WIDTH + GAP)
        y = TOP + PANEL_HEIGHT + BOTTOM + LEGEND_ROW * (position // 2)
        parts.append(line([(x, y), (x + 26, y)], colour(summary, way.name)))
        parts.append(text(x + 34, y + 4, way.title, "start"))
    return HEAD + "\n".join([*parts, "</svg>"]) + "\n"


def panel(summary: Summary, operation: str, title: str, left: float) -> Iterator[str]:
    lines = {way.name: found for way in ways(summary, "apart") if (found := points(summary, way.name, operation))}
    values = [value for found in lines.values() for dummy, value in found]
    yield text(left + PANEL_WIDTH / 2, TOP - 16, f"{title}, time per endpoint", "middle", 'font-weight="bold"')
    if not values:
        return
    sizes = summary.sizes("apart")
    across = Axis(min(sizes) / 1.3, max(sizes) * 1.3, left, left + PANEL_WIDTH)
    low, high = 10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values)))
    up = Axis(low, max(high, low * 10), TOP + PANEL_HEIGHT, TOP)
    yield from grid(across, up, sizes)
    for name, found in lines.items():
        yield line([(across.place(size), up.place(value)) for size, value in found], colour(summary, name))


def grid(across: Axis, up: Axis, sizes: list[int]) -> Iterator[str]:
    for value in up.decades():
        y = up.place(value)
        yield f'<path d="M{across.first:.1f} {y:.1f}H{across.last:.1f}" stroke="#dddddd"/>'
        yield text(across.first - 6, y + 4, duration(value), "end")
    for size in sizes:
        x = across.place(size)
        yield f'<path d="M{x:.1f} {up.first:.1f}V{up.last:.1f}" stroke="#eeeeee"/>'
        yield text(x, up.first + 17, f"{size:,}", "middle")
    yield text((across.first + across.last) / 2, up.first + 36, "endpoints, each in its own namespace", "middle")
    box = f'x="{across.first}" y="{up.last}" width="{PANEL_WIDTH}" height="{PANEL_HEIGHT}"'
    yield f'<rect {box} fill="none" stroke="#888888"/>'


def points(summary: Summary, way: str, operation: str) -> list[tuple[int, float]]:
    """(size, µs per endpoint)."""
    found = [(size, summary.seconds(way, size, operation)) for size in summary.sizes("apart")]
    return [(size, seconds * 1e6 / size) for size, seconds in found if seconds is not None]


def colour(summary: Summary, name: str) -> str:
    names = [way.name for way in ways(summary, "apart")]
    return COLOURS[names.index(name) % len(COLOURS)]


def duration(microseconds: float) -> str:
    """10 µs, 1 ms, 100 s."""
    scale = max((mark for mark in MARKS if microseconds >= mark), default=1)
    return f"{microseconds / scale:g} {MARKS[scale]}"


def line(places: list[tuple[float, float]], stroke: str) -> str:
    """A line with a dot at each of its points."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places)
    return f'<g fill="{stroke}"><polyline points="{path}" fill="none" stroke="{stroke}" stroke-width="2"/>{dots}</g>'


def text(x: float, y: float, words: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#222222" {more}>{escape(words)}</text>'
