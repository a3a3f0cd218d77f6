# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which host asks the wire about which slices."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import block_of

Item = t.Mapping[str, t.Any]


def probes_of(due: t.Sequence[Item], answers: t.Mapping[str, Item]) -> dict[str, t.Any]:
    """The slices that hosts are to ask about, each asked by one host.

    :param due: as macvlan_fleet_reclaim returns it
    :param answers: host → what macvlan_info returned, of hosts that were asked; those that failed have no networks
    :return: ``probes``, host → (segment, slice, network), and ``unasked``, slices that no host can ask about
    """
    probes: dict[str, list[dict[str, str]]] = {host: [] for host in answers}
    unasked = []
    named = {network.get("segment") for answer in answers.values() for network in answer.get("networks") or ()}
    for item in due:
        # Where networks name their segments, an equal subnet on another one is another wire.
        segment = item["segment"] if item["segment"] in named else None
        on_wire = ((host, name) for host in answers for name in _networks(answers[host], item["slice"], segment))
        candidates = ((len(probes[host]), position, host, name) for position, (host, name) in enumerate(on_wire))
        # Each slice costs seconds, so hosts share them.
        chosen = min(candidates, default=None)
        if chosen is None:
            unasked.append(f"{item['slice']} of segment {item['segment']}")
        else:
            probes[chosen[2]].append({"segment": item["segment"], "slice": item["slice"], "network": chosen[3]})
    return {"probes": probes, "unasked": unasked}


def _networks(answer: Item, slice_: str, segment: str | None) -> t.Iterator[str]:
    """The networks of a host that are on the wire of a slice: of its segment, or of none where no network names that one."""
    block = block_of(slice_)
    for network in answer.get("networks") or ():
        is_on_segment = network.get("segment") == segment and network["parent"] != names.dummy_name(network["id"])
        if is_on_segment and any(block_of(subnet["subnet"]).covers(block) for subnet in network["subnets"]):
            yield network["name"]
