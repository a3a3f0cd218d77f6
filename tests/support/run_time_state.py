# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an endpoint's link has at run time, in a form that can be compared."""

from __future__ import annotations

import typing as t

from .host import Host

FOR_EVER = 2**32 - 1

Seen = tuple[list[t.Any], list[t.Any]]


def seen(host: Host, netns: str = "a") -> Seen:
    """The addresses with what they were made with, and the routes, without the seconds that they still have."""
    (link,) = host.ip("address", "show", "dev", "eth0", netns=netns)
    addresses = [
        {
            **{key: value for key, value in entry.items() if not key.endswith("_life_time")},
            "lasts": entry["valid_life_time"] == FOR_EVER,
        }
        for entry in link["addr_info"]
        if entry["scope"] != "link"
    ]
    routes = [
        {key: value for key, value in route.items() if key not in ("expires", "flags")}
        for family in (4, 6)
        for route in host.routes(netns, family)
    ]
    return sorted(addresses, key=str), sorted(routes, key=str)
