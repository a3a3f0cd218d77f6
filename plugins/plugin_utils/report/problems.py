# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a fleet, of its report: one sentence for each thing, with all hosts that are in it."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.listing import difference_line
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.model import READ, UNREACHABLE, Difference, Duplicate, Host, Report, Wire

SLICE_LOST = "slice_lost"
KINDS = {"address": "address", "mac": "MAC address"}


def problems_of(report: Report, *, isolated: bool = False) -> list[str]:
    """All that is wrong.

    :param isolated: whether hosts share no other wires than the segments
    """
    shared = [wire for wire in report.wires if wire.declared or not isolated]
    names = {wire.name for wire in shared}
    return [
        *(text for host in report.hosts if host.state != READ for text in [_unread(host)]),
        *(_duplicate(item) for item in report.duplicates if item.wire in names),
        *(text for wire in shared for text in _overlaps(wire)),
        *(text for host in report.hosts if host.state == READ for text in _of_host(host)),
    ]


def _unread(host: Host) -> str:
    what = "cannot be reached" if host.state == UNREACHABLE else "cannot be read"
    return f"{host.name} {what}, so nothing is known of its addresses: {host.message}"


def _duplicate(item: Duplicate) -> str:
    holders = " and on ".join(f"{holder.host} ({holder.what})" for holder in item.holders)
    return f"the {KINDS[item.kind]} {item.value} of {item.wire} is on {holders}; take it from all of them but one"


def _overlaps(wire: Wire) -> t.Iterator[str]:
    for area in wire.maps:
        for band in area.bands:
            if len(band.owners) > 1:
                advice = "give each of them slices of its own" if wire.declared else "declare a segment, or say that the hosts are isolated"
                yield f"{band.block} in {area.subnet} of {wire.name} is given out by {' and by '.join(band.owners)}; {advice}"


def _of_host(host: Host) -> t.Iterator[str]:
    for title, fields in host.objects.items():
        for item in fields.get("slices") or ():
            if item.get("lost_to"):
                yield f"{host.name}: {title}: {item['lost_to']} has the slice {item['slice']} by now; no new address is given out of it here"
    for difference in host.drift:
        yield f"{host.name}: {_difference(difference)}"
    if host.repair:
        yield f"{host.name}: to repair what can be repaired: {host.repair}"


def _difference(item: Difference) -> str:
    if item.field.rpartition(".")[2] == SLICE_LOST:
        return f"{item.object} has {item.recorded}, {item.actual}"
    return difference_line(item._asdict())
