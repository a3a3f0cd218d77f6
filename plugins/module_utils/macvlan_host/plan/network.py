# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for networks: parent, subnets, and what their changes mean for the endpoints."""

from __future__ import annotations

import dataclasses
import typing as t

from ..compare.ownership import is_of_lost_record, is_ours
from ..errors import PlanError
from ..model.link_options import shown_options
from ..model.links import DummyParent, Link, SubInterface
from ..model.network import Network
from ..model.ref import Ref, subinterface_ref
from ..request.network import NetworkOptions, NetworkRemoval
from ..steps.steps import Note
from ..values import names
from ..values.addresses import version_of
from ..wire.kinds import kind_of
from .bridge import warn_of_filter
from .builder import PlanBuilder
from .endpoint_changes import follow_network, remove_endpoint
from .gateways import check_gateways
from .kernel_limits import without_ipv6
from .link_checks import check_passthru
from .link_options import check_link_options, with_defaults
from .mistakes import Mistakes
from .network_parent import ensure_parent, make_subinterface, use_as_it_is
from .object_needs import ObjectNeeds, Recorded, any_on_host, of_removed, settings_of
from .parent import ensure_owned
from .parent_changes import release_parent
from .parent_names import words_of_former_name
from .subnets import check_lost_subnets, check_reservations, endpoint_names, settled_subnets


def needs_of_network(wanted: NetworkOptions, known: Recorded) -> ObjectNeeds:
    """The part of the kernel's state that the plan for a network needs; choosing a subnet depends on the routes of the host."""
    touched = known.of_network(wanted.name)
    links = wanted.uses[0]
    parent_kind = SubInterface.kind if wanted.parent is not None and names.split_subinterface(wanted.parent) else None
    is_first = wanted.parent is not None and wanted.name not in known.record.networks and not known.on(wanted.parent)
    return ObjectNeeds(
        settings=settings_of(touched),
        kinds=[DummyParent.kind] if wanted.parent is None else [parent_kind] if parent_kind is not None else [],
        vlans=known.vlans_among(links),
        parents=known.and_bases(links),
        newcomers=is_first or kind_of(wanted).takes_parent(wanted.mode),
        host_routes=not wanted.subnets or bool(wanted.ipv6) or any_on_host(touched),
    )


def network_dependencies(dummy: PlanBuilder, wanted: NetworkOptions) -> t.Iterator[Ref]:
    """The sub-interfaces that may be its parent or below that."""
    return map(subinterface_ref, wanted.uses[0])


def plan_network(builder: PlanBuilder, wanted: NetworkOptions) -> None:
    """Plan a declared network.

    :raises PlanError: it cannot be created, or a necessary change is impossible
    """
    recorded = builder.networks.get(wanted.name)
    identifier = recorded.id if recorded else names.object_id(builder.kernel.host, "network", wanted.name)
    parent = wanted.parent or names.dummy_name(identifier)
    mistakes = Mistakes(wanted.title)
    created = recorded.parent_created if recorded else False
    with mistakes:
        if recorded is None:
            _check_sharing(builder, wanted, parent)
            created = _take_parent(builder, wanted, parent, identifier)
        else:
            _check_unchangeable(builder, recorded, wanted, parent)
            ensure_parent(builder, recorded)
    if not mistakes:
        _check_on_parent(builder, wanted, builder.host.links[parent], mistakes)
    met = len(mistakes.errors)
    subnets = settled_subnets(builder, wanted, recorded, identifier, mistakes)
    has_subnets = len(mistakes.errors) == met
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
        link_options=wanted.link_options,
    )
    if recorded is not None:
        with mistakes:
            check_lost_subnets(builder, recorded, network, wanted)
    if has_subnets:
        with mistakes:
            check_reservations(builder, recorded, network)
        if builder.host.links.get(parent) is not None:
            with mistakes:
                check_gateways(builder, recorded, network)
    mistakes.check()
    _warn_without_ipv6(builder, network)
    _record(builder, recorded, network)


def _check_on_parent(builder: PlanBuilder, wanted: NetworkOptions, link: Link, mistakes: Mistakes) -> None:
    warn_of_filter(builder, wanted.title, link)
    with mistakes:
        check_passthru(builder, wanted.title, wanted, link)
    with mistakes:
        check_link_options(builder, wanted, link.name)
    with mistakes:
        if wanted.mtu is not None and wanted.mtu > link.mtu:
            raise PlanError(f"{wanted.title}: mtu {wanted.mtu} is more than the {link.mtu} of its parent {link.name}")


def _warn_without_ipv6(builder: PlanBuilder, network: Network) -> None:
    warning = without_ipv6(builder.kernel, network)
    if warning is not None:
        builder.warn(warning)


def _record(builder: PlanBuilder, recorded: Network | None, network: Network) -> None:
    if recorded is None:
        builder.do(Note(f"record {network.title} on {network.parent}"))
    elif recorded != network:
        builder.do(Note(f"change {', '.join(_changed_fields(recorded, network))} of {network.title}"))
    builder.put_network(network)
    if recorded is not None:
        followed = with_defaults(builder, recorded, network)
        for endpoint in builder.endpoints_of(network.name):
            follow_network(builder, endpoint, followed)


def _changed_fields(recorded: Network, network: Network) -> list[str]:
    """The fields that differ, under their names in results."""
    before, after = (
        {**{field.name: getattr(item, field.name) for field in dataclasses.fields(Network) if field.compare}, **shown_options(item.link_options)}
        for item in (recorded, network)
    )
    return [name for name in after if name != "link_options" and before[name] != after[name]]


# --- the parent -----------------------------------------------------------------------------------------------------


def _check_sharing(builder: PlanBuilder, wanted: NetworkOptions, parent: str) -> None:
    others = builder.networks_on(parent)
    if not others:
        return
    passthru = next((other for other in others if kind_of(other).takes_parent(other.mode)), None)
    if passthru is not None:
        raise PlanError(f"{wanted.title}: {parent} is used by {passthru.title}, whose mode passthru needs the parent for itself")
    if kind_of(wanted).takes_parent(wanted.mode):
        raise PlanError(f"{wanted.title}: passthru needs {parent} for itself, and {others[0].title} is on it")
    if not wanted.allow_shared_parent:
        raise PlanError(
            f"{wanted.title}: {parent} is already the parent of {others[0].title}; "
            f"a second network on it needs allow_shared_parent: true"
        )


def _take_parent(builder: PlanBuilder, wanted: NetworkOptions, parent: str, identifier: str) -> bool:
    """Use the parent as it is, or create it; return whether it was created."""
    link = builder.host.links.get(parent)
    if wanted.parent is None:
        if link is not None and parent not in builder.links and not is_ours(link, identifier, DummyParent.kind):
            raise PlanError(f"{wanted.title}: the name {parent} of its dummy parent is taken by another link")
        ensure_owned(builder, DummyParent(identifier, parent))
        return True
    if parent in builder.links:
        ensure_owned(builder, builder.links[parent])
        return False
    if link is None or is_of_lost_record(link, builder.kernel.host):
        make_subinterface(builder, wanted.title, parent)
        return True
    use_as_it_is(builder, wanted.title, link)
    return False


# --- what cannot change ---------------------------------------------------------------------------------------------


def _check_unchangeable(builder: PlanBuilder, recorded: Network, wanted: NetworkOptions, parent: str) -> None:
    hint = endpoint_names(builder.endpoints_of(recorded.name))
    if parent != recorded.parent:
        problem = words_of_former_name(recorded, parent)
        if problem is not None:
            raise PlanError(problem)
        if wanted.parent is None:
            raise PlanError(
                f"{recorded.title}: parent was left out, which requests a network without a parent (a dummy link), but the "
                f"recorded parent is {recorded.parent}, which cannot change in place{hint}; write parent: {recorded.parent} to keep it, "
                f"or remove the network first (state: absent)"
            )
        raise PlanError(
            f"{recorded.title}: parent is {recorded.parent} and cannot become {wanted.parent} in place{hint}; "
            f"remove the network first (state: absent)"
        )
    if wanted.mode != recorded.mode and any(kind_of(item).takes_parent(item.mode) for item in (wanted, recorded)):
        raise PlanError(
            f"{recorded.title}: mode is {recorded.mode} and cannot become {wanted.mode} in place{hint}; "
            f"remove the network first (state: absent)"
        )


# --- absent ---------------------------------------------------------------------------------------------------------


def needs_of_network_removal(wanted: NetworkRemoval, known: Recorded) -> ObjectNeeds:
    """The part of the kernel's state that the removal of a network needs."""
    return of_removed(known.of_network(wanted.name), filters=True)


def plan_network_removal(builder: PlanBuilder, wanted: NetworkRemoval) -> None:
    """Plan the removal of a network.

    :raises PlanError: it has endpoints, and ``force`` was not given
    """
    network = builder.networks.get(wanted.name)
    if network is None:
        return
    endpoints = builder.endpoints_of(network.name)
    if endpoints and not wanted.force:
        shown = ", ".join(sorted(endpoint.name for endpoint in endpoints))
        raise PlanError(
            f"{network.title} has the endpoints {shown}; remove them first, or use force: true to remove them too"
        )
    for endpoint in endpoints:
        remove_endpoint(builder, endpoint)
    builder.do(Note(f"forget {network.title}"))
    builder.drop_network(network.name)
    release_parent(builder, network.parent)
