# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pictures of subnets: a cell for each address of a small one, a bar for each band of a large one."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import inet
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.markup import escaped, hosts_text, shortened
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.model import (
    DRIFT,
    DUPLICATE,
    FOREIGN,
    GATEWAY,
    LEASED,
    RESERVED,
    Band,
    Holder,
    SubnetMap,
)

# The most addresses that are drawn one by one: a /22.
MOST_CELLS = 1024
COLUMNS, CELL, LANE, GUTTER = 32, 11, 11, 44
# A column of the font of the map, in units of the map.
COLUMN = 5.0
# Each state has a shape of its own, so that nobody has to tell colours apart.
SHAPES = {
    LEASED: "M1 1h9v9h-9z",
    RESERVED: "M4 4h3v3h-3z",
    GATEWAY: "M5.5 .5l5 5l-5 5l-5-5z",
    FOREIGN: "M5.5 1a4.5 4.5 0 1 1 0 9a4.5 4.5 0 1 1 0-9zM5.5 3.5a2 2 0 1 0 0 4a2 2 0 1 0 0-4z",
    DRIFT: "M5.5 .5l5 9.5h-10z",
    DUPLICATE: "M.5 2.5l2-2l3 3l3-3l2 2l-3 3l3 3l-2 2l-3-3l-3 3l-2-2l3-3z",
}
MEANINGS = {
    LEASED: "leased",
    RESERVED: "reserved, or never given out",
    GATEWAY: "gateway",
    FOREIGN: "on a link, but not leased",
    DRIFT: "leased, and the link differs",
    DUPLICATE: "on several hosts",
}


def shapes() -> str:
    """The signs that the maps use, once for the whole page."""
    signs = "".join(f'<path id="{state}" class="{state}" d="{path}"/>' for state, path in SHAPES.items())
    grid = f'<pattern id="grid" width="{CELL}" height="{CELL}" patternUnits="userSpaceOnUse"><path class="cell" d="M.5 .5h10v10h-10z"/></pattern>'
    return f'<svg width="0" height="0" aria-hidden="true" style="position:absolute"><defs>{signs}{grid}</defs></svg>'


def key() -> str:
    """What the signs mean."""
    signs = [
        f'<li><svg viewBox="0 0 11 11" aria-hidden="true"><rect class="cell" width="11" height="11"/><use href="#{state}"/></svg>{text}</li>'
        for state, text in MEANINGS.items()
    ]
    free = '<li><svg viewBox="0 0 11 11" aria-hidden="true"><rect class="cell" width="11" height="11"/></svg>free</li>'
    return f'<ul class="key">{free}{"".join(signs)}</ul>'


def has_cells(shown: SubnetMap) -> bool:
    """Whether a subnet is small enough for a cell for each of its addresses."""
    return shown.last - shown.first < MOST_CELLS


class _Grid:
    """Where the addresses of a subnet are in its picture. Rows in which there is nothing to see are one line of text."""

    def __init__(self, shown: SubnetMap) -> None:
        self.shown = shown
        self.rows = -(-(shown.last - shown.first + 1) // COLUMNS)
        busy = {(item.number - shown.first) // COLUMNS for item in shown.addresses}
        owned = [(band.first, band.last) for band in shown.bands if band.owners]
        for first, last in (*owned, *((run.first, run.last) for run in shown.reserved)):
            busy.update(range((first - shown.first) // COLUMNS, (last - shown.first) // COLUMNS + 1))
        # Row → the y of its cells; (first row, number of rows, y) of those that are one line.
        self.tops: dict[int, int] = {}
        self.gaps: list[tuple[int, int, int]] = []
        y = 0
        for is_busy, group in itertools.groupby(range(self.rows), key=lambda row: row in busy):
            rows = list(group)
            if is_busy or len(rows) == 1:
                for row in rows:
                    self.tops[row] = y + LANE
                    y += LANE + CELL
            else:
                self.gaps.append((rows[0], len(rows), y + LANE))
                y += LANE + CELL
        self.height = y

    def corner(self, number: int) -> tuple[int, int]:
        """The upper left corner of the cell of an address."""
        row, column = divmod(number - self.shown.first, COLUMNS)
        return GUTTER + column * CELL, self.tops[row]


def cells(shown: SubnetMap) -> str:
    """The map of a small subnet: rows of cells, with the owners of the addresses above them."""
    grid = _Grid(shown)
    parts = [f'<svg class="map" viewBox="0 0 {GUTTER + COLUMNS * CELL} {grid.height}" role="img" aria-label="Map of {escaped(shown.subnet)}">']
    for row, top in grid.tops.items():
        first = shown.first + row * COLUMNS
        number = min(COLUMNS, shown.last - first + 1)
        parts.append(f'<text x="0" y="{top + 8}">{_row_name(shown, first)}</text>')
        parts.append(f'<rect x="{GUTTER}" y="{top}" width="{number * CELL}" height="{CELL}" fill="url(#grid)"/>')
    for row, number, top in grid.gaps:
        first = shown.first + row * COLUMNS
        size = min(number * COLUMNS, shown.last - first + 1)
        parts.append(f'<text x="0" y="{top + 8}">{_row_name(shown, first)}</text><text x="{GUTTER}" y="{top + 8}">{size} free addresses</text>')
    owned = [band for band in shown.bands if band.owners]
    for position, band in enumerate(owned):
        parts += _lanes(grid, band, "even" if position % 2 == 0 else "odd")
    # Addresses that are excluded twice, or have a sign of their own, are drawn once.
    taken = {item.number for item in shown.addresses}
    for run in shown.reserved:
        numbers = [number for number in range(run.first, run.last + 1) if number not in taken]
        taken.update(numbers)
        if numbers:
            parts.append(f"<g><title>{escaped(run.why)}</title>{''.join(_sign(grid, number, RESERVED) for number in numbers)}</g>")
    parts += [_sign(grid, item.number, item.state, f"{item.address} {holders_text(item.holders)}") for item in shown.addresses]
    return "".join([*parts, "</svg>"])


def _row_name(shown: SubnetMap, first: int) -> str:
    """The end of the first address of a row, which with the subnet says all of it."""
    text = inet.to_text(shown.version, first)
    if shown.version == 6:
        return "::" + text.rpartition(":")[2] if first > shown.first else "::"
    octets = text.split(".")
    return "." + ".".join(octets[2:] if shown.last - shown.first > 255 else octets[3:])


def _lanes(grid: _Grid, band: Band, name: str) -> t.Iterator[str]:
    """A band above the cells of its addresses, in each row that has some of them, with the name of its owner."""
    owners, first = hosts_text(band.owners), band.first
    title = f"<title>{escaped(band.block)} {escaped(', '.join(band.owners))}</title>"
    while first <= band.last:
        number = min(band.last - first + 1, COLUMNS - (first - grid.shown.first) % COLUMNS)
        x, y = grid.corner(first)
        text = shortened(owners, int((number * CELL - 3) / COLUMN))
        label = f'<text class="{name}-name" x="{x + 2}" y="{y - 2.5}">{escaped(text)}</text>' if text else ""
        yield f'<g>{title}<rect class="{name}" x="{x + 0.5}" y="{y - LANE}" width="{number * CELL - 1}" height="{LANE}"/>{label}</g>'
        first += number


def _sign(grid: _Grid, number: int, state: str, title: str = "") -> str:
    x, y = grid.corner(number)
    use = f'<use href="#{state}" x="{x}" y="{y}"'
    return f"{use}><title>{escaped(title)}</title></use>" if title else f"{use}/>"


def band_bar(band: Band) -> str:
    """How much of a band is in use. What there is at all has a width that can be seen."""
    size = band.last - band.first + 1
    parts, x = ['<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="cell" width="100" height="8"/>'], 0
    for state, number in ((LEASED, band.leased), (FOREIGN, band.foreign), (RESERVED, band.reserved)):
        width = min(max(2, 100 * number // size), 100 - x) if number else 0
        if width:
            parts.append(f'<rect class="{state}" x="{x}" width="{width}" height="8"/>')
        x += width
    return "".join([*parts, "</svg>"])


def holders_text(holders: t.Sequence[Holder]) -> str:
    """Who has an address, the same on several hosts once."""
    hosts: dict[str, list[str]] = {}
    for holder in holders:
        hosts.setdefault(holder.what, []).append(holder.host)
    return "; ".join(f"{hosts_text(tuple(names))} {what}" for what, names in hosts.items())
