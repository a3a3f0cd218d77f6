# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host in a few lines: its endpoints as a table, the free addresses of its subnets, its drift."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.listing import difference_line, rows_of, table

HEADINGS = ["HOST", "ENDPOINT", "NETNS", "ADDRESSES", "MAC", "STATE"]
NOTHING_FITS = "nothing that fits is recorded"
# Nobody runs out of the addresses of an IPv6 subnet.
MANY = 1_000_000


def info_lines(result: t.Mapping[str, t.Any], host: str) -> list[str]:
    """The lines about a host.

    :param result: what macvlan_info returns
    """
    rows = rows_of(result)
    if not rows:
        return [f"{host}: {NOTHING_FITS}"]
    cells = [row.cells for row in rows]
    lines = table(HEADINGS, [[host, name, netns, addresses, mac, state] for name, netns, dummy, addresses, mac, dummy, state in cells])
    lines += [_free(network["name"], subnet) for network in result["networks"] for subnet in network["subnets"]]
    return [*lines, *map(difference_line, result["drift"])]


def _free(network: str, subnet: t.Mapping[str, t.Any]) -> str:
    """The free addresses from which an endpoint without a request gets one."""
    count = subnet["available"]
    addresses = "1 address" if count == 1 else f"{'more than ' if count > MANY else ''}{min(count, MANY)} addresses"
    return f"network {network}: {addresses} of {' and '.join(subnet['ip_ranges']) or subnet['subnet']} {'is' if count == 1 else 'are'} free"
