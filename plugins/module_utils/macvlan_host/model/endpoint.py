# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoints, as they are recorded."""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass, field

from ..values import validators
from ..values.addresses import block_of, is_link_local, version_of
from .host_access import HostAccess
from .netns import HOST, Netns
from .probe import PROBES
from .ref import HOST_ACCESS, Identified, Ref, endpoint_ref
from .resolver import Dns
from .route import Route


def _default_route(to: str, gateway: str, address: str | None) -> Route:
    # The kernel takes every link-local next hop of IPv6 as one on the link.
    is_near = is_link_local(gateway) or address is None or gateway in block_of(address)
    return Route(to, gateway, onlink=not is_near)


@dataclass(frozen=True)
class Endpoint(Identified):
    """One link of a network, with its addresses and routes.

    :ivar ipv4: with prefix length, None without
    :ivar ipv6: with prefix length, None without
    :ivar dns: the name servers of its namespace, None for none of its own
    :ivar further: its other addresses, with prefix length, in the order given
    :ivar without_ipv4: whether the task leaves IPv4 out, also where its network has it; without_ipv6 is the same for IPv6
    :ivar gateway4: next hop of its default route, None when it has none
    :ivar gateway6: next hop of its default route, None when it has none
    :ivar mtu: as it is set
    :ivar own_mtu: what the task asked for; None follows network and parent
    :ivar sysctls: as given, ``IFNAME`` not replaced
    :ivar sysctls_before: what the namespace had, for those that do not go away with the interface
    :ivar own_exclusive: what the task asked for; None follows the network
    :ivar own_probe: what the task asked for, one of PROBES; None follows the network
    :ivar own_mac: what the task asked for, None for a derived one; without meaning where the link has the parent's
    :ivar vrf: the VRF of the host that its link is in, None for none that was asked for
    :ivar routed: whether its default routes lead over its link without a next hop
    :ivar host_access: how it gives the host access to its network, None for what is an endpoint for a task; its routes follow from
        the network and its endpoints, so its row has none
    """

    id: str
    name: str
    network: str
    netns: Netns
    ifname: str
    mac: str
    mtu: int
    ipv4: str | None = None
    ipv6: str | None = None
    gateway4: str | None = None
    gateway6: str | None = None
    default_route: bool = True
    own_mtu: int | None = None
    announce: bool = True
    routes: tuple[Route, ...] = ()
    sysctls: dict[str, str] = field(default_factory=dict)
    sysctls_before: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    own_exclusive: bool | None = None
    own_mac: str | None = None
    host_access: HostAccess | None = None
    own_probe: str | None = None
    vrf: str | None = None
    further: tuple[str, ...] = ()
    without_ipv4: bool = False
    without_ipv6: bool = False
    dns: Dns | None = None
    routed: bool = False

    # What a task calls those fields that have another name here.
    OPTIONS: t.ClassVar[dict[str, str]] = {
        "own_mtu": "mtu",
        "own_exclusive": "exclusive",
        "own_mac": "mac",
        "own_probe": "probe",
        "routed": "default_route",
        "sysctls_before": "sysctls",
        "further": "addresses",
        "without_ipv4": "ipv4",
        "without_ipv6": "ipv6",
    }
    CHECKS: t.ClassVar[dict[str, validators.Check]] = {
        "id": validators.identifier,
        "name": lambda value: value == HOST_ACCESS or validators.object_name(value),
        "network": validators.object_name,
        "netns": validators.checked_separately,
        "ifname": validators.interface,
        "mac": validators.mac,
        "mtu": validators.number(0, validators.MAX_UINT32),
        "ipv4": validators.optional(validators.with_length_of(4)),
        "ipv6": validators.optional(validators.with_length_of(6)),
        "gateway4": validators.optional(validators.address_of(4)),
        "gateway6": validators.optional(validators.address_of(6)),
        "default_route": validators.flag,
        "own_mtu": validators.optional(validators.number(0, validators.MAX_UINT32)),
        "announce": validators.flag,
        "routes": validators.checked_separately,
        "sysctls": validators.mapping(validators.sysctl_key, validators.sysctl_value),
        "sysctls_before": validators.mapping(validators.sysctl_key, validators.sysctl_value),
        "labels": validators.mapping(validators.text, validators.text),
        "own_exclusive": validators.optional(validators.flag),
        "own_mac": validators.optional(validators.mac),
        "host_access": validators.checked_separately,
        "own_probe": validators.optional(validators.one_of(*PROBES)),
        "vrf": validators.optional(validators.interface),
        "further": validators.listed(validators.with_length),
        "without_ipv4": validators.flag,
        "without_ipv6": validators.flag,
        "dns": validators.checked_separately,
        "routed": validators.flag,
    }

    @property
    def key(self) -> tuple[str, str]:
        return self.network, self.name

    @functools.cached_property
    def ref(self) -> Ref:
        return endpoint_ref(self.network, self.name)

    @functools.cached_property
    def addresses(self) -> tuple[str, ...]:
        """Its addresses with prefix length: the first of each family, IPv4 first, then the further ones."""
        first = tuple(item for item in (self.ipv4, self.ipv6) if item is not None)
        return (*first, *self.further) if self.further else first

    def first_address(self, version: int) -> str | None:
        """The address of a family that decides its MAC address, gateway and routes."""
        return self.ipv4 if version == 4 else self.ipv6

    @functools.cached_property
    def all_routes(self) -> tuple[Route, ...]:
        """The default routes, then the others."""
        return (*self.default_routes.values(), *self.routes)

    @functools.cached_property
    def default_routes(self) -> dict[int, Route]:
        """IP version → its default route; a gateway outside of its subnet is on the link by a flag."""
        if self.routed:
            return {version_of(address): Route("0.0.0.0/0" if version_of(address) == 4 else "::/0") for address in self.addresses}
        default4 = {4: _default_route("0.0.0.0/0", self.gateway4, self.ipv4)} if self.gateway4 else {}
        default6 = {6: _default_route("::/0", self.gateway6, self.ipv6)} if self.gateway6 else {}
        return {**default4, **default6}

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> Endpoint:
        values = validators.fields("endpoint", data, cls.CHECKS)
        routes = validators.items("routes of an endpoint", values["routes"])
        endpoint = cls(
            **{
                **values,
                "netns": Netns.from_plain(values["netns"]),
                "routes": validators.each(Route.from_plain, routes),
                "host_access": HostAccess.from_plain(values.get("host_access")),
                "further": tuple(values.get("further", ())),
                "dns": Dns.from_plain(values.get("dns")),
            }
        )
        if (endpoint.name == HOST_ACCESS) != (endpoint.host_access is not None) or endpoint.host_access and endpoint.netns != HOST:
            raise ValueError(f"{endpoint.title} is not what its name says")
        return endpoint
