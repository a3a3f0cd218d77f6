# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for networks: parent, subnets, and what their changes mean for the endpoints."""

from __future__ import annotations

import dataclasses

from . import ipam, names
from .draft import Draft
from .drift import is_ours
from .errors import AbsentError, PlanError
from .leases import reservations, subnet_of
from .mistakes import Mistakes
from .model import DummyParent, Endpoint, Link, Network, Subnet
from .options import NetworkOptions, NetworkRemoval
from .plan_bridge import warn_of_filter
from .plan_endpoint import check_passthru, follow_network, remove_endpoint
from .plan_refusals import problem_of_parent, without_ipv6
from .plan_subinterface import ensure_owned, is_left, new_subinterface, release_parent
from .steps import Note
from .taken import check_gateways


def plan_network(draft: Draft, wanted: NetworkOptions) -> None:
    """Work a network that shall be there into the plan.

    :raises PlanError: it cannot be made, or would have to be changed where that is impossible
    """
    recorded = draft.networks.get(wanted.name)
    identifier = recorded.id if recorded else names.object_id(draft.kernel.host, "network", wanted.name)
    parent = wanted.parent or names.dummy_name(identifier)
    mistakes = Mistakes(wanted.title)
    created = recorded.parent_created if recorded else False
    with mistakes:
        if recorded is None:
            _check_sharing(draft, wanted, parent)
            created = _take_parent(draft, wanted, parent, identifier)
        else:
            _check_unchangeable(draft, recorded, wanted, parent)
            ensure_parent(draft, recorded)
    if not mistakes:
        _check_on_parent(draft, wanted, draft.host.links[parent], mistakes)
    met = len(mistakes.found)
    subnets = _subnets(draft, wanted, recorded, identifier, mistakes)
    has_subnets = len(mistakes.found) == met
    network = Network(
        id=identifier,
        name=wanted.name,
        parent=parent,
        mode=wanted.mode,
        parent_created=created,
        internal=wanted.internal or wanted.parent is None,
        ipv6=any(ipam.version_of(subnet.subnet) == 6 for subnet in subnets),
        mtu=wanted.mtu,
        ipam=wanted.ipam,
        labels=wanted.labels,
        subnets=subnets,
        exclusive=wanted.exclusive,
    )
    if recorded is not None:
        with mistakes:
            _check_lost_subnets(draft, recorded, network, wanted)
    if has_subnets:
        with mistakes:
            _check_reservations(draft, recorded, network)
        if draft.host.links.get(parent) is not None:
            with mistakes:
                check_gateways(draft, recorded, network)
    mistakes.check()
    warning = without_ipv6(draft.kernel, network)
    if warning is not None:
        draft.warn(warning)
    _record(draft, recorded, network)


def _check_on_parent(draft: Draft, wanted: NetworkOptions, link: Link, mistakes: Mistakes) -> None:
    warn_of_filter(draft, wanted.title, link)
    with mistakes:
        check_passthru(draft, wanted.title, wanted.mode, link)
    with mistakes:
        if wanted.mtu is not None and wanted.mtu > link.mtu:
            raise PlanError(f"{wanted.title}: mtu {wanted.mtu} is more than the {link.mtu} of its parent {link.name}")


def _record(draft: Draft, recorded: Network | None, network: Network) -> None:
    if recorded is None:
        draft.do(Note(f"record {network.title} on {network.parent}"))
    elif recorded != network:
        fields = [
            field.name
            for field in dataclasses.fields(Network)
            if getattr(recorded, field.name) != getattr(network, field.name)
        ]
        draft.do(Note(f"change {', '.join(fields)} of {network.title}"))
    draft.put_network(network)
    if recorded is not None:
        for endpoint in draft.endpoints_of(network.name):
            follow_network(draft, endpoint, network)


# --- the parent -----------------------------------------------------------------------------------------------------


def _check_sharing(draft: Draft, wanted: NetworkOptions, parent: str) -> None:
    others = draft.networks_on(parent)
    if not others:
        return
    passthru = next((other for other in others if other.mode == "passthru"), None)
    if passthru is not None:
        raise PlanError(f"{wanted.title}: {parent} belongs to {passthru.title}, which is passthru and shares it not")
    if wanted.mode == "passthru":
        raise PlanError(f"{wanted.title}: passthru needs {parent} for itself, and {others[0].title} is on it")
    if not wanted.allow_shared_parent:
        raise PlanError(
            f"{wanted.title}: {parent} is already the parent of {others[0].title}; "
            f"a second network on it needs allow_shared_parent: true"
        )


def _take_parent(draft: Draft, wanted: NetworkOptions, parent: str, identifier: str) -> bool:
    """Use the parent as it is, or make it; whether it was made."""
    link = draft.host.links.get(parent)
    if wanted.parent is None:
        if link is not None and parent not in draft.links and not is_ours(link, identifier, "dummy"):
            raise PlanError(f"{wanted.title}: the name {parent} of its dummy parent is taken by another link")
        ensure_owned(draft, DummyParent(identifier, parent))
        return True
    if parent in draft.links:
        ensure_owned(draft, draft.links[parent])
        return False
    if link is None or is_left(draft, parent):
        _make_subinterface(draft, wanted.name, parent)
        return True
    check_carries(draft, wanted.name, link)
    _warn_about(draft, wanted.name, link)
    return False


def _make_subinterface(draft: Draft, network: str, parent: str) -> None:
    _check_no_altname(draft, f"network {network}", parent, "parent")
    found = names.split_subinterface(parent)
    if found is None:
        raise PlanError(
            f"network {network}: there is no link {parent} on this host; only a name of the form base.vlan_id with an "
            f"id from {names.MIN_VLAN_ID} to {names.MAX_VLAN_ID}, such as eth0.50, can be made"
        )
    if found.canonical != parent:
        raise PlanError(f"network {network}: there is no link {parent} on this host; did you mean {found.canonical}?")
    try:
        ensure_owned(draft, new_subinterface(draft, parent, found.base, found.vlan_id))
    except AbsentError as exc:
        raise AbsentError(f"network {network}: {exc}", exc.awaits) from exc
    except PlanError as exc:
        raise PlanError(f"network {network}: {exc}") from exc


def _check_no_altname(draft: Draft, title: str, name: str, option: str) -> None:
    """A link is known by its name only, and no other can be made under one that is an alternative name."""
    holder = draft.host.with_altname(name)
    if holder is not None:
        raise PlanError(f"{title}: {name} is an alternative name of {holder.name}; write {option}: {holder.name}")


def ensure_parent(draft: Draft, network: Network) -> None:
    """Steps that bring an owned parent back; a foreign one must be there.

    :raises PlanError: a foreign parent is gone, or an owned one cannot be made again
    """
    owned = draft.links.get(network.parent)
    if owned is not None:
        ensure_owned(draft, owned)
        return
    link = draft.host.links.get(network.parent)
    if link is not None:
        check_carries(draft, network.name, link)
        _warn_about(draft, network.name, link)
        return
    if not network.parent_created:
        raise AbsentError(
            f"{network.title}: its parent {network.parent} is gone from this host; it was not made here, "
            f"so it is not made again: bring it back first",
            network.parent,
        )
    if draft.uses_dummy(network):
        ensure_owned(draft, DummyParent(network.id, network.parent))
    else:
        _make_subinterface(draft, network.name, network.parent)


def check_carries(draft: Draft, network: str, link: Link) -> None:
    """Refuse a parent on which the kernel would refuse a macvlan (drivers/net/macvlan.c, macvlan_port_create).

    :raises PlanError: naming what is in the way
    """
    problem = problem_of_parent(draft.host, link, draft.kernel.emigrants)
    if problem is not None:
        raise PlanError(f"network {network}: {problem}")


def _warn_about(draft: Draft, network: str, link: Link) -> None:
    if not link.up:
        draft.warn(f"network {network}: its parent {link.name} is down, and stays so until its owner brings it up")
    found = names.split_subinterface(link.name)
    if found is None or link.name in draft.links:
        return
    base = draft.host.by_index(link.lower) if link.vlan is not None and link.lower_netns is None else None
    if base is None or base.name != found.base or link.vlan is None or link.vlan.vlan_id != found.vlan_id:
        draft.warn(
            f"network {network}: {link.name} is not VLAN {found.vlan_id} of {found.base}, as its name says; "
            f"it is used as it is"
        )


# --- what cannot change ---------------------------------------------------------------------------------------------


def _check_unchangeable(draft: Draft, recorded: Network, wanted: NetworkOptions, parent: str) -> None:
    in_the_way = _endpoint_names(draft.endpoints_of(recorded.name))
    if parent != recorded.parent:
        if wanted.parent is None:
            raise PlanError(
                f"{recorded.title}: parent was left out, which asks for a network without a parent (a dummy link), and is "
                f"{recorded.parent}, which cannot change in place{in_the_way}; say parent: {recorded.parent} to keep it, "
                f"or remove the network first (state: absent)"
            )
        raise PlanError(
            f"{recorded.title}: parent is {recorded.parent} and cannot become {wanted.parent} in place{in_the_way}; "
            f"remove the network first (state: absent)"
        )
    if wanted.mode != recorded.mode and "passthru" in (wanted.mode, recorded.mode):
        raise PlanError(
            f"{recorded.title}: mode is {recorded.mode} and cannot become {wanted.mode} in place{in_the_way}; "
            f"remove the network first (state: absent)"
        )


def _endpoint_names(endpoints: list[Endpoint]) -> str:
    if not endpoints:
        return ""
    return " (in the way: endpoints " + ", ".join(sorted(endpoint.name for endpoint in endpoints)) + ")"


def _check_lost_subnets(draft: Draft, recorded: Network, network: Network, wanted: NetworkOptions) -> None:
    kept = {subnet.subnet for subnet in network.subnets}
    mistakes = Mistakes(network.title)
    for subnet in recorded.subnets:
        holders = [
            endpoint
            for endpoint in draft.endpoints_of(recorded.name)
            if any(subnet_of(recorded, address) == subnet for address in endpoint.addresses)
        ]
        if subnet.subnet not in kept and holders:
            with mistakes:
                raise PlanError(
                    f"{network.title}: subnets {_way_to_lose(wanted)} lose {subnet.subnet}, which has "
                    f"leases{_endpoint_names(holders)}; {_way_to_keep(recorded, wanted)}remove the endpoints first"
                )
    mistakes.check()


def _way_to_lose(wanted: NetworkOptions) -> str:
    # Without addresses no subnets are asked for.
    return "would" if wanted.subnets or wanted.ipam == "none" else "was left out or empty, and the network would"


def _way_to_keep(recorded: Network, wanted: NetworkOptions) -> str:
    if wanted.subnets or wanted.ipam == "none":
        return ""
    cidrs = " and ".join(subnet.subnet for subnet in recorded.subnets)
    return f"to keep the addresses give {cidrs} again, with their other options, or "


# --- subnets --------------------------------------------------------------------------------------------------------


def _subnets(
    draft: Draft, wanted: NetworkOptions, recorded: Network | None, identifier: str, mistakes: Mistakes
) -> tuple[Subnet, ...]:
    if wanted.ipam == "none":
        return ()
    before = {subnet.subnet: subnet for subnet in recorded.subnets} if recorded else {}
    subnets: list[Subnet] = []
    for subnet in wanted.subnets:
        settled = subnet
        with mistakes:
            settled = _settled(draft, wanted, subnet, before.get(subnet.subnet), identifier)
        subnets.append(settled)
    if not wanted.subnets:
        with mistakes:
            subnets.append(_chosen(draft, wanted, recorded, 4))
    if wanted.ipv6 and not any(ipam.version_of(subnet.subnet) == 6 for subnet in subnets):
        with mistakes:
            subnets.append(_chosen(draft, wanted, recorded, 6))
    return tuple(subnets)


def _settled(
    draft: Draft, wanted: NetworkOptions, subnet: Subnet, before: Subnet | None, identifier: str
) -> Subnet:
    """A given subnet with its scope: an old one keeps it, a new one must not overlap."""
    if before is not None:
        settled = dataclasses.replace(subnet, scope=before.scope)
        if subnet.ip_range != before.ip_range:
            _check_overlap(draft, wanted, settled, same_pool_only=True)
        return settled
    if wanted.allow_overlap:
        return dataclasses.replace(subnet, scope=identifier)
    _check_overlap(draft, wanted, subnet, same_pool_only=False)
    return subnet


def _check_overlap(draft: Draft, wanted: NetworkOptions, subnet: Subnet, same_pool_only: bool) -> None:
    for network in draft.networks.values():
        for other in network.subnets:
            if network.name == wanted.name or same_pool_only and other.pool != subnet.pool:
                continue
            if not ipam.block(subnet.subnet).overlaps(ipam.block(other.subnet)) or _shares(subnet, other):
                continue
            raise PlanError(
                f"{wanted.title}: subnet {_with_range(subnet)} overlaps {_with_range(other)} of {network.title}; "
                f"networks may share one subnet with ip_ranges apart from each other, "
                f"or be separate broadcast domains with allow_overlap: true"
            )


def _shares(one: Subnet, other: Subnet) -> bool:
    if one.subnet != other.subnet or one.ip_range is None or other.ip_range is None:
        return False
    return not ipam.block(one.ip_range).overlaps(ipam.block(other.ip_range))


def _with_range(subnet: Subnet) -> str:
    return f"{subnet.subnet} (ip_range {subnet.ip_range})" if subnet.ip_range else subnet.subnet


def _chosen(draft: Draft, wanted: NetworkOptions, recorded: Network | None, version: int) -> Subnet:
    """The subnet that was chosen before, else a free one of the pools."""
    earlier = (subnet for subnet in (recorded.subnets if recorded else ()) if subnet.chosen)
    cidr = next((subnet.subnet for subnet in earlier if ipam.version_of(subnet.subnet) == version), None)
    if cidr is None:
        pools = [pool for pool in wanted.address_pools if ipam.version_of(pool[0]) == version]
        if version == 4 and wanted.address_pools and not pools:
            raise PlanError(f"{wanted.title}: address_pools has no IPv4 pool to choose from; add one, or give subnets")
        default = ipam.DEFAULT_POOLS if version == 4 else ((ipam.ula_prefix(draft.kernel.host), 64),)
        cidr = ipam.choose_subnet(pools or default, _occupied(draft))
        if cidr is None:
            raise PlanError(
                f"{wanted.title}: no IPv{version} subnet of {', '.join(base for base, dummy in pools or default)} "
                f"is free; give subnets, or other address_pools"
            )
    gateway = ipam.infer_gateway(cidr) if wanted.infers_gateway else None
    return Subnet(cidr, gateway, gateway is not None, chosen=True)


def _occupied(draft: Draft) -> list[str]:
    """What a chosen subnet must be clear of: networks, and what the host reaches through its own links."""
    occupied = [subnet.subnet for network in draft.networks.values() for subnet in network.subnets]
    occupied += draft.expected_subnets
    addresses = [ipam.network(cidr)[0] for found in draft.host.addresses.values() for cidr in found]
    routes = [route.to for found in draft.host.routes.values() for route in found if ipam.prefix_length(route.to)]
    return occupied + addresses + routes


def _check_reservations(draft: Draft, recorded: Network | None, network: Network) -> None:
    """Gateways and aux addresses must be free; a gateway may be shared with a network of the same subnet."""
    before = tuple(reservations(recorded)) if recorded else ()
    draft.leases.release(before)
    mistakes = Mistakes(network.title)
    for lease in reservations(network):
        holder = draft.leases.holder(lease.pool, lease.address)
        shared_gateway = holder == lease.holder and holder.startswith("gateway of ")
        if holder is not None and not shared_gateway:
            with mistakes:
                raise PlanError(f"{network.title}: {lease.address} cannot be the {lease.holder}: it is held by {holder}")
    draft.leases.take(before)
    mistakes.check()


# --- absent ---------------------------------------------------------------------------------------------------------


def plan_network_removal(draft: Draft, wanted: NetworkRemoval) -> None:
    """Work a network that shall be gone into the plan.

    :raises PlanError: it has endpoints, and ``force`` was not given
    """
    network = draft.networks.get(wanted.name)
    if network is None:
        return
    endpoints = draft.endpoints_of(network.name)
    if endpoints and not wanted.force:
        shown = ", ".join(sorted(endpoint.name for endpoint in endpoints))
        raise PlanError(
            f"{network.title} has the endpoints {shown}; remove them first, or take them along with force: true"
        )
    for endpoint in endpoints:
        remove_endpoint(draft, endpoint)
    draft.do(Note(f"forget {network.title}"))
    draft.drop_network(network.name)
    release_parent(draft, network.parent)
