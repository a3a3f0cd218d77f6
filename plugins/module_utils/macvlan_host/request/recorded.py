# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that declare a recorded object as it is, without those that have their default.

The record does not say whether the first address of a family was requested or chosen. Without ``pin`` those of endpoints, and the
subnets that the collection chose, are left out: a host that has the record keeps them. With ``pin`` they are options, for a host
without it. Further addresses are always requested.
"""

from __future__ import annotations

import typing as t

from ..ipam.subnets import infer_gateway
from ..model.endpoint import Endpoint
from ..model.host_access import ENDPOINTS, HostAccess
from ..model.links import SubInterface
from ..model.network import DEFAULT_DRIVER, DRIVERS, Network, Subnet, infers_gateway
from ..model.route import Route
from ..values import names
from ..values.addresses import version_of, without_prefix
from ..wire.kinds import kind_of

Params = dict[str, t.Any]

# Option of a sub-interface → its default.
_OF_SUBINTERFACE: dict[str, t.Any] = {
    "protocol": "802.1q",
    "mtu": None,
    "mac": None,
    "up": True,
    "reorder_hdr": True,
    "gvrp": False,
    "mvrp": False,
    "loose_binding": False,
    "ingress_qos_map": {},
    "egress_qos_map": {},
}


def network_params(network: Network, pin: bool, shares_parent: bool = False, access: Endpoint | None = None) -> Params:
    """The options that declare a recorded network.

    :param pin: whether the subnets that the collection chose are options
    :param shares_parent: whether another network is on its parent
    :param access: the interface that gives the host access to it
    """
    has_parent = _has_parent(network)
    subnets = network.subnets if pin else _given(network.subnets)
    infers = infers_gateway(has_parent, network.internal, network.mode)
    params = {
        "name": network.name,
        "parent": network.parent if has_parent else None,
        "driver": network.driver if network.driver != DEFAULT_DRIVER else None,
        "mode": network.mode if network.mode != DRIVERS[network.driver][0] else None,
        "segment": network.segment or None,
        "subnets": [_subnet_params(subnet, infers) for subnet in subnets],
        "ipv6": (network.ipv6 and not any(version_of(subnet.subnet) == 6 for subnet in subnets)) or None,
        "internal": (network.internal and has_parent) or None,
        "mtu": network.mtu,
        **network.link_options,
        "ipam": network.ipam if network.ipam != "default" else None,
        "labels": dict(network.labels),
        "allow_shared_parent": shares_parent or None,
        "allow_overlap": any(subnet.scope for subnet in network.subnets) or None,
        "exclusive": network.exclusive or None,
        "host_access": host_access_params(access, network, pin) if access is not None else None,
        "probe": network.probe,
    }
    # No slices are something else than slices that are left out.
    slices = {"slices": [_without_defaults(item) for item in network.shown_slices]} if network.segment else {}
    return {**_without_defaults(params), **slices}


def subnet_params_of(network: Network) -> list[Params]:
    """The option subnets that declares those of a recorded network."""
    infers = infers_gateway(_has_parent(network), network.internal, network.mode)
    return [_subnet_params(subnet, infers) for subnet in network.subnets]


def _has_parent(network: Network) -> bool:
    # A network whose task named the dummy parent has a parent.
    return network.parent != names.dummy_name(network.id) or not network.internal


def host_access_params(access: Endpoint, network: Network, pin: bool) -> Params | bool:
    """The options that declare the access of the host: true where all are left out.

    The address of the gateway is the host's only if it is asked for.

    :param pin: whether the addresses that the collection chose are options
    """
    how = access.host_access or HostAccess()
    addresses = [plain for plain in map(without_prefix, access.addresses) if pin or _is_gateway(network, plain)]
    params = {
        "address": addresses[0] if len(addresses) == 1 else addresses,
        "routes": how.routes if how.routes != ENDPOINTS else None,
        "ifname": access.ifname if access.ifname != names.host_access_interface(network.name) else None,
        "metric": how.metric,
    }
    return _without_defaults(params) or True


def _is_gateway(network: Network, address: str) -> bool:
    return any(subnet.gateway == address for subnet in network.subnets)


def _given(subnets: tuple[Subnet, ...]) -> tuple[Subnet, ...]:
    """The subnets that must be options, because a network without them would not keep all subnets in their order.

    A network without subnets keeps the IPv4 one that was chosen, and ``ipv6: true`` keeps the IPv6 one, behind all others.
    """
    chosen = tuple(version_of(subnet.subnet) for subnet in subnets if subnet.chosen)
    if len(chosen) == len(subnets) and chosen in ((4,), (4, 6)):
        return ()
    of_ipv6 = [subnet for subnet in subnets if version_of(subnet.subnet) == 6]
    if len(subnets) > 1 and of_ipv6 == [subnets[-1]] and subnets[-1].chosen:
        return subnets[:-1]
    return subnets


def _subnet_params(subnet: Subnet, infers_gateway: bool) -> Params:
    """The options of a subnet.

    :param infers_gateway: whether its network has an inferred gateway where the task gives none
    """
    gateway = None if subnet.gateway_inferred else subnet.gateway
    if subnet.gateway is None and infers_gateway and infer_gateway(subnet.subnet) is not None:
        gateway = "none"
    params = {
        "subnet": subnet.subnet,
        "gateway": gateway,
        "gateway_onlink": subnet.gateway_onlink or None,
        "ip_range": subnet.ip_range or list(subnet.ip_ranges),
        "exclude": list(subnet.exclude),
        "aux_addresses": dict(subnet.aux_addresses),
    }
    return _without_defaults(params)


def subinterface_params(sub: SubInterface) -> Params:
    """The options that declare a recorded sub-interface."""
    options = {
        option: dict(value) if isinstance(value, dict) else value
        for option, default in _OF_SUBINTERFACE.items()
        if (value := getattr(sub, option)) != default
    }
    return {"name": sub.name, "parent": sub.parent, "vlan_id": sub.vlan_id, **options}


def endpoint_params(endpoint: Endpoint, network: Network, pin: bool) -> Params:
    """The options that declare a recorded endpoint.

    :param network: its network
    :param pin: whether its addresses are options
    """
    netns, in_namespace = endpoint.netns, bool(endpoint.netns.path)
    default_ifname = names.default_ifname(endpoint.name, in_namespace)
    has_mac_of_parent = kind_of(network).has_mac_of_parent(network.mode)
    params = {
        "name": endpoint.name,
        "network": endpoint.network,
        "netns": netns.value if netns.kind == "name" else None,
        "netns_path": netns.value if netns.kind == "path" else None,
        "pid": int(netns.value) if netns.kind == "pid" else None,
        "ifname": endpoint.ifname if endpoint.ifname != default_ifname else None,
        "ipv4": "none" if endpoint.without_ipv4 else without_prefix(endpoint.ipv4) if pin and endpoint.ipv4 else None,
        "ipv6": "none" if endpoint.without_ipv6 else without_prefix(endpoint.ipv6) if pin and endpoint.ipv6 else None,
        "addresses": [without_prefix(address) for address in endpoint.further],
        "dns": _without_defaults(endpoint.dns.shown) if endpoint.dns is not None else None,
        "mac": None if has_mac_of_parent else endpoint.own_mac,
        "mtu": endpoint.own_mtu,
        "default_route": endpoint.default_route if endpoint.default_route != in_namespace else None,
        "routes": [_route_params(route) for route in endpoint.routes],
        "sysctls": dict(endpoint.sysctls),
        "announce": None if endpoint.announce else False,
        "labels": dict(endpoint.labels),
        "exclusive": endpoint.own_exclusive,
        "probe": endpoint.own_probe,
        "vrf": endpoint.vrf,
    }
    return _without_defaults(params)


def _route_params(route: Route) -> Params:
    return _without_defaults({"to": route.to, "via": route.via, "metric": route.metric, "onlink": route.onlink or None})


def _without_defaults(params: Params) -> Params:
    """The options that have a value: None, an empty list and an empty dict are what an omitted option has."""
    return {option: value for option, value in params.items() if value is not None and value != [] and value != {}}
