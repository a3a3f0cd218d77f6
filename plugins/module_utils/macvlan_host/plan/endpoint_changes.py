# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps for endpoints that must change: create, adopt, align, restore and remove them."""

from __future__ import annotations

import dataclasses

from ..compare.differences import addresses_to_remove, of_endpoint_link, of_loopback
from ..compare.ownership import find_link, has_tag_of_its_name, is_still_ours, is_tagged, link_of
from ..ipam.lease_book import gateways_of, leads_over_link
from ..model.endpoint import Endpoint
from ..model.kernel import Space
from ..model.link_options import LINK_OPTIONS
from ..model.netns import Netns, OwnedNetns
from ..model.network import Network
from ..request.endpoint import EndpointOptions
from ..steps.steps import CreateNetns, DeleteLink, DeleteNetns, Note, SetLink
from ..values import names
from ..values.addresses import without_prefix
from ..wire.kinds import kind_of
from .align import OF_NETWORK, align_link
from .builder import PlanBuilder, require_kind
from .endpoint_addresses import mtu_of
from .endpoint_checks import (
    check_default_route,
    check_namespace,
    check_settings,
    check_table,
    has_moved,
)
from .endpoint_link import creation_steps, endpoint_link_spec, restore_sysctls
from .endpoint_routes import check_routes
from .link_checks import check_links_beside, check_not_dangling, check_unforeseen_conflicts
from .mistakes import Mistakes
from .vrf_checks import check_vrf


def plan_unforeseen(builder: PlanBuilder, wanted: EndpointOptions) -> None:
    """Plan, in check mode, an endpoint whose network does not exist yet, as far as it can be known.

    :raises PlanError: it cannot be created on any network
    """
    mistakes = Mistakes(wanted.title)
    with mistakes:
        check_namespace(builder, wanted)
    namespace_is_usable = not mistakes
    with mistakes:
        check_settings(builder, wanted)
    if namespace_is_usable:
        with mistakes:
            check_unforeseen_conflicts(builder, wanted)
    mistakes.check()
    builder.warn(
        f"{wanted.title}: there is no network {wanted.network} on this host; check mode assumes that an earlier task "
        f"of the play creates the network, and cannot know the addresses yet; "
        f"without check mode the endpoint is refused as long as its network is missing"
    )
    builder.do(Note(f"create {wanted.title}, once network {wanted.network} exists"))
    builder.unforeseen[wanted.network, wanted.name] = wanted


def change_endpoint(
    builder: PlanBuilder,
    wanted: EndpointOptions,
    endpoint: Endpoint,
    recorded: Endpoint | None,
    known: Endpoint | None,
    network: Network,
) -> None:
    """Plan the steps to the decided state of an endpoint.

    :param known: its present state, recorded or not
    """
    if recorded is not None and endpoint.ref not in builder.interrupted:
        _tell_other_addresses(builder, wanted, recorded, endpoint)
    record(builder, recorded, endpoint)
    _take_namespace(builder, endpoint.netns)
    align_namespace(builder, endpoint.netns)
    if known is not None and not has_moved(builder, known, endpoint):
        align_or_create(builder, endpoint, known, network)
    else:
        _create(builder, endpoint, network)
        if recorded is not None:
            _release_namespace(builder, recorded.netns)


def _tell_other_addresses(builder: PlanBuilder, wanted: EndpointOptions, recorded: Endpoint, endpoint: Endpoint) -> None:
    """Say that an endpoint gets another address although its request names none: something else needs the one that it had."""
    for requested, old, new in ((wanted.ipv4, recorded.ipv4, endpoint.ipv4), (wanted.ipv6, recorded.ipv6, endpoint.ipv6)):
        if wanted.replace and requested is None and old and new and without_prefix(old) != without_prefix(new):
            builder.interrupted[endpoint.ref] = None
            builder.do(Note(f"interrupt the traffic of {endpoint.title}, which gives up {without_prefix(old)} and gets {without_prefix(new)}"))


def _take_namespace(builder: PlanBuilder, netns: Netns) -> None:
    """Adopt an existing namespace that carries the tag of its name, recorded or not."""
    space = builder.space(netns)
    if space is not None and has_tag_of_its_name(netns, space.links.get("lo"), builder.kernel.host):
        builder.put_namespace(OwnedNetns(names.netns_id(builder.kernel.host, netns.value), netns.value))


def align_namespace(builder: PlanBuilder, netns: Netns) -> None:
    """Repair a namespace of ours; stop managing one that may not be ours any more.

    Call it before a link is created in the namespace: then a link of ours in a namespace without our tag always means
    that the tag was lost.
    """
    owned, space = builder.owned_namespace(netns), builder.space(netns)
    if owned is None or space is None:
        return
    if not is_still_ours(builder, netns, space, owned):
        builder.warn(f"namespace {owned.name} is not the one that was created here, so the collection no longer manages it")
        builder.do(Note(f"forget namespace {owned.name}"))
        builder.drop_namespace(owned.name)
        return
    builder.do(*(SetLink(netns, "lo", attribute, old, new) for attribute, new, old in of_loopback(owned, space)))


def record(builder: PlanBuilder, recorded: Endpoint | None, endpoint: Endpoint) -> None:
    """Record an endpoint, and plan to say so."""
    if recorded is None:
        builder.do(Note(f"record {endpoint.title}" + _with(" with ", endpoint.addresses)))
    else:
        _note_change(builder, recorded, endpoint)
    builder.put_endpoint(endpoint)


def _note_change(builder: PlanBuilder, recorded: Endpoint, endpoint: Endpoint) -> None:
    """Add a note about changes of the record, for which the kernel may need no step."""
    if recorded == endpoint:
        return
    fields = [
        Endpoint.OPTIONS.get(field.name, field.name)
        for field in dataclasses.fields(Endpoint)
        if field.name != "id" and getattr(recorded, field.name) != getattr(endpoint, field.name)
    ]
    if endpoint.ref in builder.new_names:
        builder.do(Note(f"rename {builder.new_names[endpoint.ref].title} to {endpoint.network}/{endpoint.name}"))
    if fields:
        builder.do(Note(f"change {', '.join(dict.fromkeys(fields))} of {endpoint.title}"))


def _with(before: str, items: tuple[str, ...]) -> str:
    return before + " and ".join(items) if items else ""


def _create(builder: PlanBuilder, endpoint: Endpoint, network: Network) -> None:
    require_kind(builder, network.kind, f"create {network.kind} link {endpoint.ifname} of {endpoint.title} on {network.parent}")
    check_links_beside(builder, endpoint.title, network, builder.host.links[network.parent])
    if builder.space(endpoint.netns) is None:
        _create_namespace(builder, endpoint)
    builder.do(*creation_steps(endpoint, network, builder.kernel.has_ipv6))


def _create_namespace(builder: PlanBuilder, endpoint: Endpoint) -> None:
    owned = builder.owned_namespace(endpoint.netns)
    name = owned.name if owned else endpoint.netns.value
    check_not_dangling(builder, endpoint)
    identifier = owned.id if owned else names.netns_id(builder.kernel.host, name)
    builder.put_namespace(OwnedNetns(identifier, name))
    builder.do(CreateNetns(name, names.tag(identifier)))


def align_or_create(builder: PlanBuilder, endpoint: Endpoint, recorded: Endpoint, network: Network) -> None:
    """Bring a recorded endpoint to its declared state, from any state of the kernel."""
    link = link_of(builder, recorded)
    if link is None:
        _create(builder, endpoint, network)
        return
    align_link(builder, endpoint, dataclasses.replace(recorded, ifname=link.name), network)


def follow_network(builder: PlanBuilder, recorded: Endpoint, network: Network, parent_mtu: int | None = None) -> None:
    """Apply a change of its network or parent to an endpoint: mtu, mode, link options, gateways.

    An endpoint whose link is gone is changed in the record only; its own task creates the link again.

    :param parent_mtu: the future mtu of the parent, None for the present one
    :raises PlanError: the new values are impossible
    """
    parent = builder.host.links[network.parent]
    if parent_mtu is not None:
        parent = dataclasses.replace(parent, mtu=parent_mtu)
    mtu = mtu_of(recorded.title, recorded.own_mtu, network, parent, recorded.ipv6, recorded.sysctls)
    gateways = gateways_of(network, recorded.default_route, recorded.ipv4, recorded.ipv6)
    mac = parent.mac if kind_of(network).has_mac_of_parent(network.mode) else recorded.mac
    routed = leads_over_link(network, recorded.default_route)
    endpoint = recorded
    if (mtu, mac, routed, *gateways) != (recorded.mtu, recorded.mac, recorded.routed, recorded.gateway4, recorded.gateway6):
        endpoint = dataclasses.replace(recorded, mtu=mtu, mac=mac, gateway4=gateways[0], gateway6=gateways[1], routed=routed)
    space = builder.space(recorded.netns)
    link = link_of(builder, recorded)
    missing = builder.kernel.missing_link_options
    differs = of_endpoint_link(endpoint, network, parent, link, missing) if link is not None else ()
    is_right = not any(item.field in (*OF_NETWORK, *LINK_OPTIONS) for item in differs)
    if endpoint == recorded and is_right and not (space and link and addresses_to_remove(endpoint, network, space, link)):
        return
    check_routes(endpoint)
    check_vrf(builder, endpoint, recorded, link)
    builder.drop_endpoint(recorded.key)
    for other in builder.endpoints_in(endpoint.netns):
        if other.vrf == endpoint.vrf:
            check_default_route(endpoint, other.default_routes, other.title)
    if space is not None:
        check_table(builder, space, endpoint, link)
    builder.put_endpoint(endpoint)
    steps = len(builder.steps)
    if link is not None:
        align_link(builder, endpoint, dataclasses.replace(recorded, ifname=link.name), network)
    if len(builder.steps) == steps:
        _note_change(builder, recorded, endpoint)


# --- absent ---------------------------------------------------------------------------------------------------------


def remove_endpoint(builder: PlanBuilder, endpoint: Endpoint) -> None:
    """Plan the removal of an endpoint: its link, its settings, and its namespace if that was created for it."""
    network = builder.networks[endpoint.network]
    space = builder.space(endpoint.netns)
    builder.touch_resolver(endpoint, is_removed=True)
    builder.do(Note(f"forget {endpoint.title}"))
    builder.drop_endpoint(endpoint.key)
    if space is not None:
        _remove_link(builder, endpoint, network, space)
    elif endpoint.netns.path in builder.kernel.no_namespaces:
        builder.warn(
            f"{endpoint.title}: {endpoint.netns.path} is not a network namespace, so nothing is removed there"
        )
    _release_namespace(builder, endpoint.netns)


def _remove_link(builder: PlanBuilder, endpoint: Endpoint, network: Network, space: Space) -> None:
    link = find_link(space, endpoint, None)
    if link is None and endpoint.ifname not in space.links:
        return
    if link is None:
        builder.warn(
            f"{endpoint.title}: {endpoint.ifname}{endpoint.netns.phrase} does not carry its tag, so it is kept "
            f"and treated as foreign"
        )
        return
    endpoint = dataclasses.replace(endpoint, ifname=link.name)
    # Before the link is deleted, because an interrupted removal identifies the namespace by the link.
    restore_sysctls(builder, endpoint)
    again = creation_steps(endpoint, network, builder.kernel.has_ipv6)
    builder.do(DeleteLink(endpoint.netns, endpoint_link_spec(endpoint, network), again))


def _release_namespace(builder: PlanBuilder, netns: Netns) -> None:
    """Remove an owned namespace with its last endpoint, unless it contains foreign links or processes."""
    owned = builder.owned_namespace(netns)
    if owned is None or builder.endpoints_in(netns) or builder.is_netns_expected(netns):
        return
    name = owned.name
    builder.drop_namespace(name)
    space = builder.space(netns)
    if space is None:
        return
    if not is_tagged(space, owned):
        builder.warn(f"namespace {name} is not the one that was created here, so it is kept")
        return
    tenants = [f"link {link.name}" for link in space.links.values() if link.name not in names.KERNEL_LINKS]
    tenants += [f"process {pid}" for pid in space.processes]
    if tenants:
        builder.warn(f"namespace {name} holds {', '.join(tenants)}, so it is kept, and the collection no longer manages it")
        builder.do(SetLink(netns, "lo", "alias", names.tag(owned.id), ""))
        return
    builder.do(DeleteNetns(name, names.tag(owned.id)))
