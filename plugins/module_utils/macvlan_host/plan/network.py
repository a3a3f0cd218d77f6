# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for networks: parent, subnets, and what their changes mean for the endpoints."""

from __future__ import annotations

import dataclasses
import typing as t

from ..compare.ownership import is_of_lost_record, is_ours
from ..errors import PlanError
from ..model.endpoint import Endpoint
from ..model.link_identity import former_names
from ..model.link_options import shown_options
from ..model.links import DummyParent, Link, OwnedLink, SubInterface
from ..model.netns import Netns
from ..model.network import DEFAULT_DRIVER, Network, Subnet
from ..model.ref import HOST_ACCESS, Ref, subinterface_ref
from ..request.network import NetworkOptions, NetworkRemoval
from ..steps.steps import Note
from ..values import names
from ..values.addresses import version_of, without_prefix
from ..wire.kinds import kind_of
from .bridge import warn_of_filter
from .builder import PlanBuilder, require_kind
from .endpoint_changes import follow_network, remove_endpoint
from .gateways import check_gateways
from .kernel_limits import without_ipv6
from .link_checks import check_links_beside
from .link_options import check_link_options, with_defaults
from .mistakes import Mistakes
from .network_parent import ensure_parent, make_subinterface, use_as_it_is
from .object_needs import ObjectNeeds, Recorded, any_on_host, of_removed, settings_of
from .parent import ensure_owned
from .parent_changes import release_parent, rename_dummy
from .parent_names import words_of_former_name
from .replacement import has_new_links, loses_address, moved_option, needing_more, parent_of, refusal
from .sharing import check_links_agree, check_sharing
from .subnets import check_lost_subnets, check_reservations, settled_subnets, warn_of_excluded


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
        warn_of_excluded(builder, network)
        _follow(builder, recorded, network)
    _plan_host_access(builder, network, wanted)


def _remove_host_access(builder: PlanBuilder, wanted: NetworkOptions) -> None:
    """Plan to remove the interface of the host that is not wanted any more, as long as the network is as that was created."""
    access = builder.endpoints.get((wanted.name, HOST_ACCESS))
    if access is not None and wanted.host_access is None:
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
    )


def _settled_parent(
    builder: PlanBuilder, wanted: NetworkOptions, recorded: Network | None, identifier: str
) -> tuple[str, bool]:
    """The parent of a network, and whether it was created: a new one, another one, or the one that it has."""
    parent = parent_of(builder, wanted, recorded)
    option = "parent" if recorded is None else moved_option(recorded, wanted, parent)
    if recorded is not None:
        _check_replaceable(builder, recorded, wanted, option)
        parent = _with_own_dummy(builder, recorded, identifier, parent)
    if option is not None:
        check_sharing(builder, wanted, parent)
    check_links_agree(builder, wanted, parent)
    if recorded is None or option == "parent":
        return parent, _take_parent(builder, wanted, parent, identifier)
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
    if recorded is None:
        builder.do(Note(f"record {network.title} on {network.parent}"))
    elif recorded != network:
        if recorded.parent != network.parent:
            builder.do(Note(f"move {network.title} from {recorded.parent} to {network.parent}"))
        if network.ref in builder.new_names:
            builder.do(Note(f"rename {builder.new_names[network.ref].title} to {network.name}"))
        changed = [name for name in _changed_fields(recorded, network) if name not in DERIVED]
        if changed:
            builder.do(Note(f"change {', '.join(changed)} of {network.title}"))
    builder.put_network(network)


# The fields that change with the name or the place of a network, which have notes of their own.
DERIVED = ("id", "parent", "parent_created")


def _follow(builder: PlanBuilder, recorded: Network, network: Network) -> None:
    """Plan what a change of a network means for its endpoints; those with a request of their own are planned by that."""
    followed = with_defaults(builder, recorded, network)
    if followed is not network:
        builder.followed[network.name] = followed
    more = {endpoint.key for endpoint in needing_more(builder, recorded, network)} if recorded != network else set()
    has_other_subnets = network.ref not in builder.new_names and not has_new_links(recorded, network)
    for endpoint in builder.endpoints_of(network.name):
        if endpoint.host_access is not None:
            continue  # it is planned with the network
        if endpoint.key in more and has_other_subnets and endpoint.ref not in builder.interrupted and loses_address(network, endpoint):
            builder.interrupted[endpoint.ref] = None
            builder.do(Note(f"interrupt the traffic of {endpoint.title}, of which a subnet goes or changes its size"))
        if endpoint.ref in builder.pending:
            continue
        if endpoint.key in more:
            builder.replanned[endpoint.key] = None
        elif endpoint.key not in builder.replanned:
            follow_network(builder, endpoint, followed)


def _changed_fields(recorded: Network, network: Network) -> list[str]:
    """The fields that differ, under their names in results."""
    before, after = (
        {**{field.name: getattr(item, field.name) for field in dataclasses.fields(Network) if field.compare}, **shown_options(item.link_options)}
        for item in (recorded, network)
    )
    return [name for name in after if name != "link_options" and before[name] != after[name]]


# --- the parent -----------------------------------------------------------------------------------------------------


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
        _warn_of_former_base(builder, wanted, builder.links[parent])
        return False
    if link is None or is_of_lost_record(link, builder.kernel.host):
        make_subinterface(builder, wanted.title, parent)
        return True
    use_as_it_is(builder, wanted.title, link, kind_of(wanted))
    return False


def _warn_of_former_base(builder: PlanBuilder, wanted: NetworkOptions, owned: OwnedLink) -> None:
    """Warn of a VLAN that is named after its base as that was called before, if another link has that name now."""
    parts = names.split_subinterface(owned.name)
    if parts is None or not isinstance(owned, SubInterface):
        return
    if parts.base in former_names(owned.parent_link) and parts.base in builder.host.links:
        builder.warn(
            f"{wanted.title}: its parent {owned.name} is VLAN {owned.vlan_id} of {owned.parent}, which was called {parts.base}, and "
            f"{parts.base} is another link now; for VLAN {owned.vlan_id} of that one, declare a VLAN sub-interface with parent: "
            f"{parts.base}, vlan_id: {owned.vlan_id} and another name, and write that name as parent"
        )


# --- what cannot change in place -------------------------------------------------------------------------------------


def _check_replaceable(builder: PlanBuilder, recorded: Network, wanted: NetworkOptions, option: str | None) -> None:
    """Refuse a change for which all links must be created again, if that was not asked for.

    Without links that is no harm, but another parent, which an option left out would give it too, is always to be asked for.

    :param option: that changes, None if there is none
    """
    has_links = bool(builder.endpoints_of(recorded.name))
    if option is None or wanted.replace or not has_links and option != "parent":
        return
    problem = words_of_former_name(recorded, wanted.parent) if option == "parent" and wanted.parent is not None else None
    if problem is not None:
        raise PlanError(f"{problem}, or add replace: true to move the network to {wanted.parent}")
    endpoints = [endpoint.name for endpoint in builder.endpoints_of(recorded.name) if endpoint.host_access is None] if has_links else None
    if option in ("driver", "mode"):
        text = f"{option} is {getattr(recorded, option)} and cannot become {getattr(wanted, option)}"
        raise refusal(recorded.ref, option, text, endpoints)
    if wanted.parent is None:
        text = (
            f"parent was left out, which requests a network without a parent (a dummy link), but the recorded parent is "
            f"{recorded.parent}, which cannot change"
        )
        raise refusal(recorded.ref, option, text, endpoints, f"; to keep the parent, write parent: {recorded.parent}")
    raise refusal(recorded.ref, option, f"parent is {recorded.parent} and cannot become {wanted.parent}", endpoints)


def _with_own_dummy(builder: PlanBuilder, recorded: Network, identifier: str, parent: str) -> str:
    """Plan to rename the dummy parent of a network that has a new name; return the name of its parent."""
    owned = builder.links.get(recorded.parent)
    if recorded.id == identifier or parent != recorded.parent or not isinstance(owned, DummyParent):
        return parent
    renamed = DummyParent(identifier, names.dummy_name(identifier))
    rename_dummy(builder, owned, renamed)
    return renamed.name


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
    named = sorted(endpoint.name for endpoint in endpoints if endpoint.host_access is None)
    if named and not wanted.force:
        shown = ", ".join(named)
        raise PlanError(
            f"{network.title} has the endpoints {shown}; remove them first, or use force: true to remove them too"
        )
    for endpoint in endpoints:
        remove_endpoint(builder, endpoint)
    builder.do(Note(f"forget {network.title}"))
    builder.drop_network(network.name)
    release_parent(builder, network.parent)
