# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for networks: parent, subnets, and what their changes mean for the endpoints."""

from __future__ import annotations

import dataclasses

from ..compare.ownership import is_ours
from ..errors import AbsentError, PlanError
from ..model.links import DummyParent, Link
from ..model.network import Network
from ..request.network import NetworkOptions, NetworkRemoval
from ..steps.steps import Note
from ..values import names
from ..values.addresses import version_of
from .bridge import warn_of_filter
from .builder import PlanBuilder
from .claims import check_gateways
from .endpoint import follow_network, remove_endpoint
from .endpoint_checks import check_passthru
from .mistakes import Mistakes
from .parent import ensure_owned, is_left, new_subinterface, release_parent
from .refusals import problem_of_parent, without_ipv6
from .subnets import check_lost_subnets, check_reservations, endpoint_names, settled_subnets


def plan_network(draft: PlanBuilder, wanted: NetworkOptions) -> None:
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
    subnets = settled_subnets(draft, wanted, recorded, identifier, mistakes)
    has_subnets = len(mistakes.found) == met
    network = Network(
        id=identifier,
        name=wanted.name,
        parent=parent,
        mode=wanted.mode,
        parent_created=created,
        internal=wanted.internal or wanted.parent is None,
        ipv6=any(version_of(subnet.subnet) == 6 for subnet in subnets),
        mtu=wanted.mtu,
        ipam=wanted.ipam,
        labels=wanted.labels,
        subnets=subnets,
        exclusive=wanted.exclusive,
    )
    if recorded is not None:
        with mistakes:
            check_lost_subnets(draft, recorded, network, wanted)
    if has_subnets:
        with mistakes:
            check_reservations(draft, recorded, network)
        if draft.host.links.get(parent) is not None:
            with mistakes:
                check_gateways(draft, recorded, network)
    mistakes.check()
    warning = without_ipv6(draft.kernel, network)
    if warning is not None:
        draft.warn(warning)
    _record(draft, recorded, network)


def _check_on_parent(draft: PlanBuilder, wanted: NetworkOptions, link: Link, mistakes: Mistakes) -> None:
    warn_of_filter(draft, wanted.title, link)
    with mistakes:
        check_passthru(draft, wanted.title, wanted.mode, link)
    with mistakes:
        if wanted.mtu is not None and wanted.mtu > link.mtu:
            raise PlanError(f"{wanted.title}: mtu {wanted.mtu} is more than the {link.mtu} of its parent {link.name}")


def _record(draft: PlanBuilder, recorded: Network | None, network: Network) -> None:
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


def _check_sharing(draft: PlanBuilder, wanted: NetworkOptions, parent: str) -> None:
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


def _take_parent(draft: PlanBuilder, wanted: NetworkOptions, parent: str, identifier: str) -> bool:
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


def _make_subinterface(draft: PlanBuilder, network: str, parent: str) -> None:
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


def _check_no_altname(draft: PlanBuilder, title: str, name: str, option: str) -> None:
    """A link is known by its name only, and no other can be made under one that is an alternative name."""
    holder = draft.host.with_altname(name)
    if holder is not None:
        raise PlanError(f"{title}: {name} is an alternative name of {holder.name}; write {option}: {holder.name}")


def ensure_parent(draft: PlanBuilder, network: Network) -> None:
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


def check_carries(draft: PlanBuilder, network: str, link: Link) -> None:
    """Refuse a parent on which the kernel would refuse a macvlan (drivers/net/macvlan.c, macvlan_port_create).

    :raises PlanError: naming what is in the way
    """
    problem = problem_of_parent(draft.host, link, draft.kernel.emigrants)
    if problem is not None:
        raise PlanError(f"network {network}: {problem}")


def _warn_about(draft: PlanBuilder, network: str, link: Link) -> None:
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


def _check_unchangeable(draft: PlanBuilder, recorded: Network, wanted: NetworkOptions, parent: str) -> None:
    in_the_way = endpoint_names(draft.endpoints_of(recorded.name))
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


# --- absent ---------------------------------------------------------------------------------------------------------


def plan_network_removal(draft: PlanBuilder, wanted: NetworkRemoval) -> None:
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
