# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The links of a host as a tree: cards, VLANs on them, networks, endpoints."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.listing import DRIFT, MISSING, OK, Row
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.ordering import natural
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.model import Endpoint, Link, Network
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.read import Answer, Reading
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.wires import has_no_parent

ELSEWHERE = "in another namespace"


def tree_of(reading: Reading) -> tuple[Link, ...]:
    """The links that are the lowest, each with all that is on it."""
    answer = reading.answer
    rows = sorted(reading.rows, key=lambda row: natural(row.endpoint or ""))
    networks: dict[str, list[Network]] = collections.defaultdict(list)
    dummies = {str(item["parent"]) for item in answer["networks"] if has_no_parent(item)}
    for item in answer["networks"]:
        networks[str(item["parent"])].append(_network(item, [row for row in rows if row.network == item["name"]]))
    subs = {str(item["name"]): item for item in answer["vlan_subinterfaces"]}
    above: dict[str, list[str]] = collections.defaultdict(list)
    for name, item in subs.items():
        above[str(item["parent"] or ELSEWHERE)].append(name)
    different = {str(item["object"]): _state(item) for item in answer["drift"]}
    lowest = sorted({*networks, *above} - set(subs), key=natural)

    def link(name: str) -> Link:
        sub = subs.get(name)
        kind = "leads nowhere" if name in dummies else "" if sub is None else _vlan(sub)
        state = OK if sub is None else different.get(f"vlan_subinterface {name}", OK)
        return Link(name, kind, state, tuple(link(other) for other in sorted(above.get(name, ()), key=natural)), tuple(networks.get(name, ())))

    return tuple(link(name) for name in lowest)


def _vlan(sub: Answer) -> str:
    protocol = "" if sub.get("protocol") in (None, "802.1q") else f"{sub['protocol']} "
    return f"{protocol}VLAN {sub.get('vlan_id')}"


def _state(item: Answer) -> str:
    return MISSING if item["field"] == "link" and item["actual"] == "absent" else DRIFT


def _network(item: Answer, rows: t.Sequence[Row]) -> Network:
    properties = [str(item.get("driver") or "macvlan"), str(item.get("mode") or "")]
    properties += [f"mtu {item['mtu']}"] if item.get("mtu") else []
    properties += ["internal"] if item.get("internal") and not has_no_parent(item) else []
    properties += ["no addresses"] if not item["subnets"] else []
    access = item.get("host_access") or {}
    return Network(
        str(item["name"]),
        tuple(text for text in properties if text),
        tuple(f"{subnet['subnet']}{' gateway ' + str(subnet['gateway']) if subnet['gateway'] else ''}" for subnet in item["subnets"]),
        f"{access['ifname']} {', '.join(access['addresses'])}" if access else "",
        next((row.state for row in rows if row.endpoint is None), OK),
        tuple(_endpoint(row) for row in rows if row.endpoint is not None),
    )


def _endpoint(row: Row) -> Endpoint:
    return Endpoint(row.endpoint or "", row.ifname or "", row.netns, row.mac or "", tuple(row.addresses), tuple(row.foreign_addresses), row.state)
