# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results: what a module returns about an object, from the record and the kernel as a plan sees them."""

from __future__ import annotations

import typing as t

from ..compare.differences import foreign_addresses, is_exclusive
from ..compare.ownership import find_link
from ..ipam.lease_book import Leases, RecordedLeases
from ..ipam.subnets import count_addresses
from ..model.endpoint import Endpoint
from ..model.host_view import HostView, Key
from ..model.kernel import Space
from ..model.link_options import shown_options
from ..model.links import Link, SubInterface
from ..model.network import Network
from ..model.probe import probe_of, probe_of_endpoint
from ..model.ref import ENDPOINT, HOST_ACCESS, LISTS, NETWORK, SUBINTERFACE, Ref
from ..values import names
from ..values.addresses import without_prefix
from ..values.plain import plain

if t.TYPE_CHECKING:
    from ..request.endpoint import EndpointOptions
    from ..request.filters import EndpointFilter

Object = dict[str, t.Any]
Lists = dict[str, list[Object]]


def by_ref(lists: Lists) -> dict[Ref, Object]:
    """The objects of all lists, each by its identity."""
    return {Ref(kind, item.get("network", ""), item["name"]): item for option, kind in LISTS.items() for item in lists[option]}


class View:
    """The objects of one record on one kernel.

    :param host: record and kernel, as they are or as they will be
    :param leases: who holds which address, where that is known already
    :param unforeseen: endpoints whose networks do not exist yet, and are expected from an earlier task
    """

    def __init__(
        self, host: HostView, leases: Leases | None = None, unforeseen: t.Mapping[Key, EndpointOptions] | None = None
    ) -> None:
        self._host = host
        self._leases = leases or Leases(RecordedLeases(host.networks, host.endpoints))
        self._unforeseen_endpoints = unforeseen or {}

    def object(self, ref: Ref) -> Object:
        """An object by its identity, ``{}`` when there is none."""
        if ref.kind == ENDPOINT:
            return self.endpoint(ref.network, ref.name)
        return {NETWORK: self.network, SUBINTERFACE: self.subinterface}[ref.kind](ref.name)

    def network(self, name: str) -> Object:
        """A network, ``{}`` when there is none of that name."""
        network = self._host.networks.get(name)
        return {} if network is None else self._network(network)

    def endpoint(self, network: str, name: str) -> Object:
        """An endpoint, ``{}`` when there is none of that name."""
        endpoint = self._host.endpoints.get((network, name))
        if endpoint is not None:
            return self._endpoint(endpoint)
        wanted = self._unforeseen_endpoints.get((network, name))
        return {} if wanted is None else self._unforeseen(wanted)

    def subinterface(self, name: str) -> Object:
        """A VLAN sub-interface, recorded or foreign; ``{}`` when there is neither."""
        owned, link = self._host.links.get(name), self._host.host.links.get(name)
        if isinstance(owned, SubInterface):
            return self._owned_subinterface(owned, link)
        if link is None or link.vlan is None:
            return {}
        base = self._host.host.by_index(link.lower) if link.lower_netns is None else None
        return self._subinterface(name, base.name if base else None, link.mtu, link.mac, link.up, link.vlan, False)

    def everything(
        self, network: str | None, endpoint: str | None, among: EndpointFilter | None = None
    ) -> dict[str, list[Object]]:
        """All objects, or those of one network, or some endpoints with their networks, sorted by name.

        :param endpoint: only endpoints of this name
        :param among: only endpoints that it lets through
        """
        networks = [item for item in self._host.networks.values() if network in (None, item.name)]
        endpoints = [
            item
            for item in self._host.endpoints.values()
            if item.host_access is None and network in (None, item.network) and endpoint in (None, item.name) and (among is None or self._passes(item, among))
        ]
        if endpoint is not None or among is not None:
            of_endpoints = {item.network for item in endpoints}
            networks = [item for item in networks if item.name in of_endpoints]
        shown = {item.name for item in networks}
        subs = [item for item in self._host.links.values() if isinstance(item, SubInterface)]
        narrowed = network is not None or endpoint is not None or among is not None
        return {
            "networks": [self._network(item) for item in sorted(networks, key=lambda item: item.name)],
            "endpoints": [
                self.endpoint(*key) for key in sorted((*(item.key for item in endpoints), *self._unforeseen_endpoints))
            ],
            "vlan_subinterfaces": [
                self.subinterface(item.name)
                for item in sorted(subs, key=lambda item: item.name)
                if not narrowed or not shown.isdisjoint(self._host.networks_above(item.name))
            ],
        }

    def foreign_addresses(self, network: str, name: str) -> list[str]:
        """The foreign addresses without a lifetime on the link of an endpoint; none if it has no link."""
        endpoint = self._host.endpoints[network, name]
        space, link = self._link_of(endpoint)
        return foreign_addresses(endpoint, self._host.networks[network], space, link) if space and link else []

    def _link_of(self, endpoint: Endpoint) -> tuple[Space | None, Link | None]:
        """The namespace of an endpoint, and its link, as far as they are there."""
        space, parent = self._host.space(endpoint.netns), self._host.host.links.get(self._host.networks[endpoint.network].parent)
        return space, find_link(space, endpoint, parent) if space else None

    def _passes(self, endpoint: Endpoint, among: EndpointFilter) -> bool:
        """Whether an endpoint has what a filter looks for, by the record or on its link."""
        if among.netns is not None and not self._host.is_same_netns(endpoint.netns, among.netns):
            return False
        space, link = self._link_of(endpoint) if among.address or among.mac else (None, None)
        on_link = space.addresses.get(link.index, ()) if space and link else ()
        has_address = among.address is None or among.address in map(without_prefix, (*endpoint.addresses, *on_link))
        return has_address and (among.mac is None or among.mac in (endpoint.mac, link.mac if link else None))

    def _network(self, network: Network) -> Object:
        shown = {**plain(network), **shown_options(network.link_options)}
        del shown["link_options"], shown["parent_link"]
        for subnet, item in zip(network.subnets, shown["subnets"]):
            del item["chosen"], item["scope"], item["slices"]
            item["in_use"], item["available"] = count_addresses(subnet, self._leases.taken(subnet.pool))
        shown["segment"], shown["slices"] = network.segment or None, network.shown_slices
        shown["probe"] = probe_of(network)
        shown["endpoints"] = sorted(item.name for item in self._host.endpoints_of(network.name) if item.host_access is None)
        shown["host_access"] = self._host_access(network)
        return t.cast(Object, shown)

    def _host_access(self, network: Network) -> Object | None:
        """The access of the host to a network, None without."""
        access = self._host.endpoints.get((network.name, HOST_ACCESS))
        if access is None or access.host_access is None:
            return None
        return {"ifname": access.ifname, "addresses": list(access.addresses), **plain(access.host_access)}

    def _endpoint(self, endpoint: Endpoint) -> Object:
        network = self._host.networks[endpoint.network]
        fields = {**self._fields(endpoint), "exclusive": is_exclusive(endpoint, network), "probe": probe_of_endpoint(endpoint, network)}
        return {**fields, "parent": network.parent, "mode": network.mode}

    def _fields(self, endpoint: Endpoint) -> Object:
        shown = plain(endpoint)
        for hidden in ("own_mtu", "own_exclusive", "own_mac", "own_probe", "sysctls_before", "host_access", "without_ipv4", "without_ipv6", "routed"):
            del shown[hidden]
        shown["addresses"] = shown.pop("further")
        shown["dns"] = None if endpoint.dns is None else endpoint.dns.shown
        return {**shown, "netns": endpoint.netns.shown}

    def _unforeseen(self, wanted: EndpointOptions) -> Object:
        """An endpoint whose network is not there yet: None for what its network decides."""
        identifier = names.endpoint_id(self._host.kernel.host, wanted.network, wanted.name)
        endpoint = Endpoint(
            id=identifier,
            name=wanted.name,
            network=wanted.network,
            netns=wanted.netns,
            ifname=wanted.ifname,
            mac=wanted.mac or "",
            mtu=wanted.mtu or 0,
            default_route=wanted.takes_default_route,
            announce=wanted.announce,
            routes=wanted.routes,
            sysctls=wanted.sysctls,
            labels=wanted.labels,
            vrf=wanted.vrf,
            dns=wanted.dns,
        )
        open_to_others: Object = {
            "exclusive": wanted.exclusive,
            "probe": wanted.probe,
            "mac": wanted.mac,
            "mtu": wanted.mtu,
            "addresses": None if wanted.addresses else [],
            "parent": None,
            "mode": None,
        }
        return {**self._fields(endpoint), **open_to_others}

    def _owned_subinterface(self, owned: SubInterface, link: Link | None) -> Object:
        base = self._host.host.links.get(owned.parent)
        actual = link if link is not None and link.vlan is not None else None
        return self._subinterface(
            owned.name,
            owned.parent,
            actual.mtu if actual else owned.mtu or (base.mtu if base else None),
            actual.mac if actual else owned.mac or (base.mac if base else None),
            actual.up if actual else False,
            actual.vlan if actual and actual.vlan else owned.facts,
            True,
        )

    def _subinterface(
        self, name: str, parent: str | None, mtu: int | None, mac: str | None, up: bool, vlan: t.Any, owned: bool
    ) -> Object:
        return {
            "name": name,
            "parent": parent,
            **plain(vlan),
            "mtu": mtu,
            "mac": mac,
            "up": up,
            "owned": owned,
            "used_by": sorted(self._host.networks_above(name)),
        }
