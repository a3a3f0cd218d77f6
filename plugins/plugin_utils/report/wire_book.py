# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who has which address and MAC address on one wire, from all of its hosts."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.subnets import usable
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import inet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import Block, block_of
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.ordering import natural
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.address_map import Part, map_of
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.model import (
    DRIFT,
    DUPLICATE,
    FOREIGN,
    GATEWAY,
    LEASED,
    OK,
    RESERVED,
    Duplicate,
    Holder,
    MapAddress,
    Run,
    SubnetMap,
    Wire,
)
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.read import Answer, number_of

RANKS = {state: rank for rank, state in enumerate((RESERVED, GATEWAY, LEASED, FOREIGN, DRIFT, DUPLICATE))}
# IP version and number.
Key = tuple[int, int]


class Area:
    """What is known about one subnet of a wire."""

    def __init__(self, subnet: str) -> None:
        self.subnet = subnet
        self.block: Block = block_of(subnet)
        self.parts: set[Part] = set()
        self.runs: set[Run] = set()
        self.numbers: set[int] = set()
        whole = usable(subnet)
        if whole.first > self.block.first:
            self.runs.add(Run(self.block.first, whole.first - 1, "the first address of the subnet"))
        if whole.last < self.block.last:
            self.runs.add(Run(whole.last + 1, self.block.last, "the broadcast address"))

    def own(self, host: str, block: Block) -> None:
        """A host gives out the addresses of a block."""
        if block.overlaps(self.block):
            self.parts.add(Part(*self._inside(block), host))

    def exclude(self, block: Block) -> None:
        """No host gives out the addresses of a block."""
        if block.overlaps(self.block):
            self.runs.add(Run(*self._inside(block), "excluded"))

    def _inside(self, block: Block) -> tuple[int, int]:
        """The first and the last address of the part of a block that is in the subnet."""
        return max(block.first, self.block.first), min(block.last, self.block.last)


def _given_out(network: Answer, subnet: Answer) -> list[str]:
    """What a host gives out of a subnet: its slices in a segment, else the ranges, else all."""
    if network.get("segment"):
        slices = network.get("slices") or ()
        return [item["slice"] for item in slices if item["subnet"] == subnet["subnet"] and not item["lost_to"]]
    return subnet["ip_ranges"] or [subnet["subnet"]]


class WireBook:
    """All that is known about a wire."""

    def __init__(self, name: str, declared: bool) -> None:
        self.name, self.declared = name, declared
        self.hosts: set[str] = set()
        self._areas: dict[str, Area] = {}
        self._states: dict[Key, str] = {}
        self._holders: dict[Key, list[Holder]] = collections.defaultdict(list)
        # Whose links have the address; a gateway or a reserved address is only a name for one.
        self._owners: dict[Key, dict[str, Holder]] = collections.defaultdict(dict)
        self._macs: dict[str, dict[str, Holder]] = collections.defaultdict(dict)

    def area(self, subnet: str) -> Area:
        """The subnet, from now on one of the wire."""
        if subnet not in self._areas:
            self._areas[subnet] = Area(subnet)
        return self._areas[subnet]

    def area_around(self, subnet: str) -> Area | None:
        """The subnet of the wire that has all addresses of another one."""
        block = block_of(subnet)
        return next((area for area in self._areas.values() if area.block.covers(block)), None)

    def add_network(self, host: str, network: Answer, areas: t.Sequence[Area]) -> None:
        """What a network says of its subnets, each of which has its area."""
        self.hosts.add(host)
        title = f"network {network['name']}"
        for subnet, area in zip(network["subnets"], areas):
            for text in _given_out(network, subnet):
                area.own(host, block_of(text))
            for text in subnet["exclude"]:
                area.exclude(block_of(text))
            if subnet["gateway"]:
                self._name(areas, subnet["gateway"], GATEWAY, Holder(host, f"gateway of {title}"))
            for name, address in subnet["aux_addresses"].items():
                self._name(areas, address, RESERVED, Holder(host, f"{name}, reserved by {title}"))
        access = network.get("host_access") or {}
        for address in access.get("addresses", ()):
            self._have(areas, address, LEASED, Holder(host, f"access of the host to {title}"))

    def add_endpoint(self, host: str, endpoint: Answer, state: str, areas: t.Sequence[Area]) -> None:
        """The addresses of an endpoint, and its MAC address."""
        title = f"{endpoint['network']}/{endpoint['name']}"
        holder = Holder(host, title)
        for address in (endpoint["ipv4"], endpoint["ipv6"], *endpoint["addresses"]):
            if address:
                self._have(areas, address, LEASED if state == OK else DRIFT, holder)
        for address in endpoint["foreign_addresses"]:
            self._have(areas, address, FOREIGN, Holder(host, f"{title}, added by another program"))
        if endpoint["mac"]:
            self._macs[str(endpoint["mac"])].setdefault(host, holder)

    def add_host(self, host: str, addresses: t.Iterable[str]) -> None:
        """The addresses that the interfaces of a host have; its endpoints can have them too."""
        for address in addresses:
            key = number_of(address)
            if key is not None and host not in self._owners[key]:
                self._have(list(self._areas.values()), address, FOREIGN, Holder(host, "the host itself"))

    def _have(self, areas: t.Sequence[Area], address: str, state: str, holder: Holder) -> None:
        """A link has an address."""
        key = self._name(areas, address, state, holder)
        if key is not None:
            self._owners[key].setdefault(holder.host, holder)

    def _name(self, areas: t.Sequence[Area], address: str, state: str, holder: Holder) -> Key | None:
        key = number_of(address)
        area = None if key is None else next((area for area in areas if area.block.version == key[0] and area.block.first <= key[1] <= area.block.last), None)
        if key is None or area is None:
            return None
        area.numbers.add(key[1])
        self._holders[key].append(holder)
        if RANKS[state] > RANKS.get(self._states.get(key, ""), -1):
            self._states[key] = state
        return key

    def duplicates(self) -> list[Duplicate]:
        """What several hosts have."""
        addresses = sorted((key, owners) for key, owners in self._owners.items() if len(owners) > 1)
        several = [Duplicate(self.name, "address", inet.to_text(*key), tuple(owners.values())) for key, owners in addresses]
        macs = sorted((mac, owners) for mac, owners in self._macs.items() if len(owners) > 1)
        return [*several, *(Duplicate(self.name, "mac", mac, tuple(owners.values())) for mac, owners in macs)]

    def wire(self) -> Wire:
        """The wire with its maps."""
        for key, owners in self._owners.items():
            if len(owners) > 1:
                self._states[key] = DUPLICATE
        maps = sorted(map(self._map, self._areas.values()), key=lambda item: (item.version, item.first, item.last))
        return Wire(self.name, self.declared, tuple(sorted(self.hosts, key=natural)), tuple(maps))

    def _map(self, area: Area) -> SubnetMap:
        version = area.block.version
        keys = [(version, number) for number in sorted(area.numbers)]
        addresses = [MapAddress(key[1], inet.to_text(*key), self._states[key], tuple(self._holders[key])) for key in keys]
        return map_of(area.subnet, area.parts, addresses, area.runs)
