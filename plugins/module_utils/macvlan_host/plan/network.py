# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for networks: parent, subnets, and what their changes mean for the endpoints."""

from __future__ import annotations

import dataclasses
import typing as t

from ..errors import PlanError
from ..model.endpoint import Endpoint
from ..model.links import DummyParent, Link, SubInterface
from ..model.netns import Netns
from ..model.network import DEFAULT_DRIVER, Network, Subnet
from ..model.ref import HOST_ACCESS, Ref, subinterface_ref
from ..request.network import NetworkOptions, NetworkRemoval
from ..values import names
from ..values.addresses import version_of, without_prefix
from ..wire.kinds import kind_of
from .bridge import warn_of_filter
from .builder import PlanBuilder, require_kind
from .gateways import check_gateways
from .kernel_limits import without_ipv6
from .link_checks import check_links_beside
from .link_options import check_link_options, with_defaults
from .mistakes import Mistakes
from .network_parent import ensure_parent
from .object_needs import ObjectNeeds, Recorded, any_on_host, of_removed, settings_of
from .replacement import moved_option, parent_of
from .sharing import check_links_agree, check_sharing
from .subnets import check_lost_subnets, check_reservations, settled_subnets, warn_of_kept


def needs_of_network(wanted: NetworkOptions, known: Recorded) -> ObjectNeeds:
    """The part of the kernel's state that the plan for a network needs; choosing a subnet depends on the routes of the host."""
    touched = [*known.of_network(wanted.name), *(_evicted(wanted, known) if wanted.replace else ())]
    links = wanted.uses[0]
    parent_kind = SubInterface.kind if wanted.parent is not None and names.split_subinterface(wanted.parent) else None
    kinds = [DummyParent.kind] if wanted.parent is None else [parent_kind] if parent_kind is not None else []
    recorded = known.record.networks.get(wanted.name)
    is_first = wanted.parent is not None and recorded is None and not known.on(wanted.parent)
    has_new_kind = recorded is not None and recorded.driver != wanted.driver
    has_access = wanted.host_access is not None
    return ObjectNeeds(
        settings=[*settings_of(touched), *_settings_of_access(wanted)],
        kinds=[*kinds, wanted.kind] if wanted.replace or has_access or wanted.driver != DEFAULT_DRIVER else kinds,
        vlans=known.vlans_among(links),
        parents=known.and_bases(links),
        newcomers=wanted.replace or is_first or has_new_kind or has_access or kind_of(wanted).takes_parent(wanted.mode),
        host_routes=not wanted.subnets or bool(wanted.ipv6) or has_access or any_on_host(touched),
        next_hops=wanted.replace or has_access,
        filters=wanted.replace,
    )


def _settings_of_access(wanted: NetworkOptions) -> list[tuple[Netns, frozenset[str]]]:
    """The settings of the host that matter for its access to a network, which may have no interface yet."""
    if wanted.host_access is None:
        return []
    from .host_access import settings_of_access

    return settings_of_access(wanted.name, wanted.host_access)


def _evicted(wanted: NetworkOptions, known: Recorded) -> list[Endpoint]:
    """The endpoints that have an address which a network reserves, and get another one."""
    reserved = {address for subnet in wanted.subnets for address in (subnet.gateway, *subnet.aux_addresses.values())}
    endpoints = known.record.endpoints.values()
    return [item for item in endpoints if any(without_prefix(address) in reserved for address in item.addresses)]


def network_dependencies(dummy: PlanBuilder, wanted: NetworkOptions) -> t.Iterator[Ref]:
    """The sub-interfaces that may be its parent or below that."""
    return map(subinterface_ref, wanted.uses[0])


def plan_network(builder: PlanBuilder, wanted: NetworkOptions) -> None:
    """Plan a declared network.

    :raises PlanError: it cannot be created, or a necessary change is impossible
    """
    recorded = builder.original_network(wanted.name)
    is_known = recorded is not None and wanted.ref not in builder.new_names
    identifier = recorded.id if recorded and is_known else names.object_id(builder.kernel.host, "network", wanted.name)
    parent = parent_of(builder, wanted, recorded)
    mistakes = Mistakes(wanted.title)
    created = recorded.parent_created if recorded else False
    if wanted.driver != DEFAULT_DRIVER:
        # The other one is asked about where a link is created: hardly any kernel lacks it.
        with mistakes:
            require_kind(builder, wanted.kind, f"create {wanted.kind} links of {wanted.title}")
    with mistakes:
        parent, created = _settled_parent(builder, wanted, recorded, identifier)
    if not mistakes:
        _check_on_parent(builder, wanted, builder.host.links[parent], mistakes)
    met = len(mistakes.errors)
    subnets = settled_subnets(builder, wanted, recorded, identifier, mistakes)
    has_subnets = len(mistakes.errors) == met
    network = _declared(wanted, identifier, parent, created, subnets)
    if recorded is not None and not wanted.replace:
        with mistakes:
            check_lost_subnets(builder, recorded, network, wanted)
    if has_subnets:
        with mistakes:
            check_reservations(builder, network, wanted.replace)
        if builder.host.links.get(parent) is not None:
            with mistakes:
                check_gateways(builder, recorded, network)
    mistakes.check()
    _warn_without_ipv6(builder, network)
    _remove_host_access(builder, wanted)
    _record(builder, recorded, network)
    if recorded is not None:
        warn_of_kept(builder, network)
        _have_endpoints_follow(builder, recorded, network)
    _plan_host_access(builder, network, wanted)


def _remove_host_access(builder: PlanBuilder, wanted: NetworkOptions) -> None:
    """Plan to remove the interface of the host that is not wanted any more, as long as the network is as that was created."""
    access = builder.endpoints.get((wanted.name, HOST_ACCESS))
    if access is not None and wanted.host_access is None:
        from .endpoint_changes import remove_endpoint

        builder.replanned.pop(access.key, None)
        remove_endpoint(builder, access)


def _plan_host_access(builder: PlanBuilder, network: Network, wanted: NetworkOptions) -> None:
    if wanted.host_access is not None:
        from .host_access import plan_host_access

        plan_host_access(builder, network, wanted.host_access, wanted.replace)


def _declared(wanted: NetworkOptions, identifier: str, parent: str, created: bool, subnets: tuple[Subnet, ...]) -> Network:
    return Network(
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
        probe=wanted.probe,
        link_options=wanted.link_options,
        driver=wanted.driver,
        segment=wanted.segment or "",
    )


def _settled_parent(
    builder: PlanBuilder, wanted: NetworkOptions, recorded: Network | None, identifier: str
) -> tuple[str, bool]:
    """The parent of a network, and whether it was created: a new one, another one, or the one that it has."""
    parent = parent_of(builder, wanted, recorded)
    option = "parent" if recorded is None else moved_option(recorded, wanted, parent)
    if recorded is not None and (option is not None or recorded.id != identifier):
        from .network_changes import check_replaceable, with_own_dummy

        check_replaceable(builder, recorded, wanted, option)
        parent = with_own_dummy(builder, recorded, identifier, parent)
    if option is not None:
        check_sharing(builder, wanted, parent)
    check_links_agree(builder, wanted, parent)
    if recorded is None or option == "parent":
        from .network_changes import take_parent

        return parent, take_parent(builder, wanted, parent, identifier)
    ensure_parent(builder, dataclasses.replace(recorded, id=identifier, parent=parent, driver=wanted.driver))
    return parent, recorded.parent_created


def _check_on_parent(builder: PlanBuilder, wanted: NetworkOptions, link: Link, mistakes: Mistakes) -> None:
    warn_of_filter(builder, wanted.title, link)
    with mistakes:
        check_links_beside(builder, wanted.title, wanted, link)
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
    if recorded != network:
        from .network_changes import note_change

        note_change(builder, recorded, network)
    builder.put_network(network)


def _have_endpoints_follow(builder: PlanBuilder, recorded: Network, network: Network) -> None:
    """Plan what a change of a network means for its endpoints; those with a request of their own are planned by that."""
    followed = with_defaults(builder, recorded, network)
    if followed is not network:
        builder.followed[network.name] = followed
    endpoints = [item for item in builder.endpoints_of(network.name) if item.host_access is None]  # which is planned with the network
    if recorded != network or any(item.ref not in builder.pending for item in endpoints):
        from .network_changes import follow_change

        follow_change(builder, recorded, network, followed, endpoints)


# --- absent ---------------------------------------------------------------------------------------------------------


def needs_of_network_removal(wanted: NetworkRemoval, known: Recorded) -> ObjectNeeds:
    """The part of the kernel's state that the removal of a network needs."""
    return of_removed(known.of_network(wanted.name), filters=True)


def plan_network_removal(builder: PlanBuilder, wanted: NetworkRemoval) -> None:
    """Plan the removal of a network.

    :raises PlanError: it has endpoints, and ``force`` was not given
    """
    network = builder.networks.get(wanted.name)
    if network is not None:
        from .network_changes import remove_network

        remove_network(builder, wanted, network)
