# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draws the address map of a small fleet as the report does, for README and guide: python docs/site/report_picture.py"""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.read import read_hosts, read_segments
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report import map_picture, style
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.build import build_report

FILE = Path(__file__).resolve().parents[2] / "docs/docsite/rst/fleet_report.svg"
LICENCE = """<?xml version="1.0" encoding="UTF-8"?>
<!--
SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->
"""
SUBNET = "192.168.50.0/24"
SEGMENT = {"name": "lan50", "subnets": [{"subnet": SUBNET, "slice_length": 26, "exclude": ["192.168.50.240-192.168.50.254"]}]}
# Host → how many endpoints it has; web3 of edge2 has lost its MTU, and somebody has given edge3 an address of edge1.
ENDPOINTS = {"edge1": 14, "edge2": 9, "edge3": 21}
MARGIN = 8
KEY_COLUMNS, KEY_LINE = 2, 13


def answer(place: int, endpoints: int) -> dict[str, t.Any]:
    """What a host returns."""
    first = 64 * place + (2 if place == 0 else 0)
    addresses = [f"192.168.50.{number}/24" for number in range(first, first + endpoints)]
    own = {"ip_ranges": [f"192.168.50.{64 * place}/26"], "exclude": [], "aux_addresses": {"printer": "192.168.50.62"}}
    subnet = {"subnet": SUBNET, "gateway": "192.168.50.1", **own}
    items = [
        {"name": f"web{number}", "network": "lan50", "netns": f"web{number}", "ifname": "eth0", "mac": f"02:42:c0:a8:32:{first + number:02x}", "ipv4": text,
         "ipv6": None, "addresses": [], "foreign_addresses": [], "parent": "eth0.50"}
        for number, text in enumerate(addresses)
    ]
    if place == 2:
        items[0]["foreign_addresses"] = ["192.168.50.5/32", "192.168.50.180/32"]
    drift = [{"object": "endpoint lan50/web3", "field": "mtu", "recorded": 1500, "actual": 1400}] if place == 1 else []
    network = {"id": "", "name": "lan50", "parent": "eth0.50", "subnets": [subnet]}
    return {"networks": [network], "endpoints": items, "vlan_subinterfaces": [], "drift": drift}


def drawing() -> str:
    """The whole file."""
    segments = read_segments([SEGMENT])
    answers = {host: answer(place, number) for place, (host, number) in enumerate(ENDPOINTS.items())}
    report = build_report(answers, segments=segments, fleet=read_hosts({host: place for place, host in enumerate(answers)}, segments))
    (wire,) = report.wires
    (shown,) = wire.maps
    picture = map_picture.cells(shown)
    width, height = (int(text) for text in picture.partition('viewBox="0 0 ')[2].partition('"')[0].split())
    lines = -(-len(map_picture.MEANINGS) // KEY_COLUMNS)
    whole = width + 2 * MARGIN, height + 3 * MARGIN + lines * KEY_LINE
    return "".join(
        [
            LICENCE,
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole[0]} {whole[1]}" width="{2 * whole[0]}" height="{2 * whole[1]}">\n',
            f"<style>\n{_style()}\n</style>\n",
            map_picture.shapes(),
            f'\n<rect class="paper" width="{whole[0]}" height="{whole[1]}"/>\n',
            picture.replace("<svg ", f'<svg x="{MARGIN}" y="{MARGIN}" width="{width}" height="{height}" ', 1).replace("</use>", "</use>\n"),
            *_key(height + 2 * MARGIN, width // KEY_COLUMNS),
            "\n</svg>\n",
        ]
    )


def _style() -> str:
    rules = style.style_sheet().splitlines()
    return "\n".join(["text{font:8px ui-monospace,monospace}", ".paper{fill:var(--paper)}", *(rule for rule in rules if "{fill:" in rule or ":root" in rule)])


def _key(top: int, width: int) -> t.Iterator[str]:
    """What the signs mean."""
    for position, (state, text) in enumerate(map_picture.MEANINGS.items()):
        row, column = divmod(position, KEY_COLUMNS)
        x, y = MARGIN + column * width, top + row * KEY_LINE
        yield f'\n<rect class="cell" x="{x}" y="{y}" width="11" height="11"/><use href="#{state}" x="{x}" y="{y}"/><text x="{x + 15}" y="{y + 8}">{text}</text>'


if __name__ == "__main__":
    FILE.write_text(drawing(), encoding="utf-8")
