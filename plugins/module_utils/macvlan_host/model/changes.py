# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of changes: what another value of an option does to an object that exists.

Refusals without ``replace: true`` take their words from it, and the guide "Day 2" shows it. A new option is a new row here.
"""

from __future__ import annotations

import typing as t

from .ref import ENDPOINT, NETWORK, SUBINTERFACE

UNDER_TRAFFIC, MOVED, REPLACED, REFUSED = "in place", "moved", "replaced", "refused"


class Change(t.NamedTuple):
    """A row of the table.

    :ivar option: of the module of the object
    :ivar effect: in place: traffic goes on; moved or replaced: only with ``replace: true``, because traffic is interrupted;
        refused: no option makes it possible
    :ivar when: for which values, if not for all; as the end of a sentence
    :ivar result: what is done, as a sentence without subject
    """

    option: str
    effect: str
    result: str
    when: str = ""


_IN_RECORD = "recorded"

CHANGES: dict[str, tuple[Change, ...]] = {
    NETWORK: (
        Change("name", UNDER_TRAFFIC, "recorded under its new name, with its endpoints; their links get new tags", "with renamed_from"),
        Change("renamed_from", UNDER_TRAFFIC, "see name"),
        Change("parent", MOVED, "links of its endpoints created again on the new parent, with their addresses, MAC addresses and routes"),
        Change("driver", UNDER_TRAFFIC, _IN_RECORD, "if the network has neither endpoints nor host_access"),
        Change(
            "driver",
            REPLACED,
            "links of its endpoints created again, of the other kind; only macvlan links have MAC addresses of their own",
            "if it has",
        ),
        Change("mode", UNDER_TRAFFIC, "changed on all links", "between bridge, private and vepa, and between l2, l3 and l3s"),
        Change("mode", UNDER_TRAFFIC, _IN_RECORD, "to and from passthru, if the network has neither endpoints nor host_access"),
        Change("mode", REPLACED, "links of its endpoints created again in the new mode", "to and from passthru, if it has"),
        Change("subnets", UNDER_TRAFFIC, "recorded", "if no endpoint has an address in a subnet that goes or changes its size"),
        Change("subnets", REPLACED, "addresses that still fit kept, others given anew", "if endpoints have addresses in it"),
        Change("subnets.gateway", UNDER_TRAFFIC, "default routes changed", "if no endpoint has the address"),
        Change("subnets.gateway", REPLACED, "the endpoint that has the address given another one", "if an endpoint has the address"),
        Change("subnets.gateway_onlink", UNDER_TRAFFIC, _IN_RECORD),
        Change("subnets.ip_range", UNDER_TRAFFIC, "recorded; endpoints outside of it keep their addresses"),
        Change("subnets.exclude", UNDER_TRAFFIC, "recorded; an endpoint that has such an address keeps it, with a warning"),
        Change("subnets.aux_addresses", UNDER_TRAFFIC, _IN_RECORD, "if no endpoint has the address"),
        Change("subnets.aux_addresses", REPLACED, "the endpoint that has the address given another one", "if an endpoint has the address"),
        Change("segment", UNDER_TRAFFIC, "recorded; endpoints outside of the slices keep their addresses"),
        Change("slices", UNDER_TRAFFIC, "recorded; an endpoint in none of them keeps its address, with a warning"),
        Change("ipv6", UNDER_TRAFFIC, "a subnet chosen, or see subnets"),
        Change("internal", UNDER_TRAFFIC, "default routes added or deleted"),
        Change("mtu", UNDER_TRAFFIC, "changed on the links that follow it"),
        Change("bcqueuelen", UNDER_TRAFFIC, "changed on all links"),
        Change("bclim", UNDER_TRAFFIC, "changed on all links"),
        Change("ipam", REPLACED, "addresses of endpoints deleted", "to none, if endpoints have addresses"),
        Change("ipam", UNDER_TRAFFIC, "recorded; endpoints get addresses with their own tasks", "to default"),
        Change("address_pools", UNDER_TRAFFIC, "heeded when a subnet is chosen; a subnet that was chosen before stays"),
        Change("labels", UNDER_TRAFFIC, _IN_RECORD),
        Change("allow_shared_parent", UNDER_TRAFFIC, "heeded when a network comes to a parent"),
        Change("allow_overlap", UNDER_TRAFFIC, "heeded when a subnet comes to a network"),
        Change("exclusive", UNDER_TRAFFIC, "foreign addresses deleted from now on, or no longer"),
        Change("host_access", UNDER_TRAFFIC, "the interface of the host created, changed or deleted, with its routes; endpoints keep their traffic"),
        Change("probe", UNDER_TRAFFIC, "heeded when an endpoint gets an address"),
    ),
    SUBINTERFACE: (
        Change("name", REFUSED, "another name is another sub-interface"),
        Change("parent", REPLACED, "its link created again, and all links on it"),
        Change("vlan_id", REPLACED, "its link created again, and all links on it"),
        Change("protocol", REPLACED, "its link created again, and all links on it"),
        Change("mtu", UNDER_TRAFFIC, "changed on the link, and on the links that follow it"),
        Change("mac", UNDER_TRAFFIC, "changed on the link"),
        Change("up", UNDER_TRAFFIC, "brought up, or down"),
        *(
            Change(option, UNDER_TRAFFIC, "changed on the link")
            for option in ("reorder_hdr", "gvrp", "mvrp", "loose_binding", "ingress_qos_map", "egress_qos_map")
        ),
    ),
    ENDPOINT: (
        Change("name", UNDER_TRAFFIC, "recorded under its new name; its link gets a new tag", "with renamed_from"),
        Change("renamed_from", UNDER_TRAFFIC, "see name"),
        Change("network", REFUSED, "an endpoint of another network is another endpoint"),
        *(
            Change(option, effect, result, when)
            for option in ("netns", "netns_path", "pid")
            for effect, result, when in (
                (REPLACED, "its link deleted there and created in the new namespace", "if its link is there"),
                (UNDER_TRAFFIC, "its link created in the new namespace", "if the old namespace is gone, such as that of a restarted container"),
            )
        ),
        Change("ifname", UNDER_TRAFFIC, "renamed; before Linux 6.2 the link goes down for a moment"),
        Change("ipv4", UNDER_TRAFFIC, "the new address added, and the old one deleted", "to another address"),
        Change("ipv4", UNDER_TRAFFIC, "address and routes of IPv4 deleted, or given again; MAC address changed", "to and from none"),
        Change("ipv6", UNDER_TRAFFIC, "the new address added, and the old one deleted", "to another address"),
        Change("ipv6", UNDER_TRAFFIC, "IPv6 switched off on the link, or on again", "to and from none"),
        Change("addresses", UNDER_TRAFFIC, "new ones added and announced, old ones deleted; the others stay"),
        Change("subnet", UNDER_TRAFFIC, "an address of that subnet given"),
        Change("mac", UNDER_TRAFFIC, "changed on the link"),
        Change("mtu", UNDER_TRAFFIC, "changed on the link"),
        Change("default_route", UNDER_TRAFFIC, "added or deleted"),
        Change("routes", UNDER_TRAFFIC, "added, replaced or deleted"),
        Change("sysctls", UNDER_TRAFFIC, "written, or put back"),
        Change("dns", UNDER_TRAFFIC, "the file of the namespace written, or deleted; programs that run read it when they like"),
        Change("announce", UNDER_TRAFFIC, "written"),
        Change("labels", UNDER_TRAFFIC, _IN_RECORD),
        Change("exclusive", UNDER_TRAFFIC, "foreign addresses deleted from now on, or no longer"),
        Change("probe", UNDER_TRAFFIC, "heeded when it gets an address"),
        Change("vrf", UNDER_TRAFFIC, "put into it, or taken out; the link goes down for a moment"),
    ),
}


def effects_of(kind: str, option: str) -> tuple[Change, ...]:
    """The rows of an option of a kind of object."""
    return tuple(row for row in CHANGES[kind] if row.option == option)
