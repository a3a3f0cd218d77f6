# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan does before and after its requests: it deletes the links that must be created again, and creates those that no
request asks for.

All are deleted first, because a new link may need what an old one has: its parent, its MAC address, its name.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..compare.differences import has_its_table, route_phrase
from ..compare.ownership import find_link, link_of, tagged_or_named
from ..ipam.lease_book import subnet_of
from ..ipam.subnets import usable
from ..model.endpoint import Endpoint
from ..model.kernel import Space
from ..model.links import Link, SubInterface, stacked
from ..model.network import Network
from ..model.route import Route, in_order
from ..request.endpoint import EndpointOptions, endpoint_options
from ..request.host_access import interface_as_recorded
from ..request.network import NetworkOptions
from ..request.recorded import endpoint_params
from ..request.subinterface import SubInterfaceOptions
from ..steps.steps import AddAddress, AddRoute, DeleteLink, SetLink, Step
from ..values import names
from ..wire.kinds import kind_of
from .align import routes_put_on
from .builder import PlanBuilder
from .endpoint import plan_endpoint
from .endpoint_addresses import resolve_endpoint
from .endpoint_changes import record
from .endpoint_link import creation_steps, endpoint_link_spec, restore_sysctls
from .mistakes import Mistakes
from .parent import ensure_owned
from .parent_changes import delete_link, foreign_users, release_parent
from .replacement import moved_option, parent_of, replaced_options

# The parent of a network between its old one and its new one.
NOWHERE = ""


def make_ready(builder: PlanBuilder) -> None:
    """Plan to delete the links that requests with ``replace`` create again."""
    left = []
    for wanted in _pending(builder, NetworkOptions):
        recorded = builder.networks.get(wanted.name)
        if recorded is not None:
            left += _leave_parent(builder, recorded, wanted)
    for subinterface in _pending(builder, SubInterfaceOptions):
        known = builder.links.get(subinterface.name)
        if isinstance(known, SubInterface) and subinterface.replace and replaced_options(known, subinterface):
            _retire_subinterface(builder, known)
    for parent in left:
        release_parent(builder, parent)
    for wanted_endpoint in _pending(builder, EndpointOptions):
        endpoint = builder.endpoints.get((wanted_endpoint.network, wanted_endpoint.name))
        if endpoint is not None and wanted_endpoint.replace and not builder.is_same_netns(endpoint.netns, wanted_endpoint.netns):
            _leave_namespace(builder, endpoint, wanted_endpoint)


Wanted = t.TypeVar("Wanted", NetworkOptions, SubInterfaceOptions, EndpointOptions)


def _pending(builder: PlanBuilder, kind: type[Wanted]) -> list[Wanted]:
    return [request for request in builder.pending.values() if isinstance(request, kind)]


# --- networks -------------------------------------------------------------------------------------------------------


def _leave_parent(builder: PlanBuilder, recorded: Network, wanted: NetworkOptions) -> list[str]:
    """Delete the links of a network that gets another parent or mode; return the parent that it leaves."""
    option = moved_option(recorded, wanted, parent_of(builder, wanted, recorded))
    if option is None or not wanted.replace:
        return []
    target = wanted.parent or "a dummy link"
    for endpoint in builder.endpoints_of(recorded.name):
        retire(builder, endpoint, {"parent": f" on {target}", "driver": f" as {wanted.driver} link"}.get(option, f" in mode {wanted.mode}"))
        if kind_of(recorded).has_mac_of_parent(recorded.mode):
            # The MAC address was that of the parent.
            builder.originals[endpoint.ref] = dataclasses.replace(endpoint, mac="")
    builder.originals[recorded.ref] = recorded
    builder.put_network(dataclasses.replace(recorded, parent=NOWHERE))
    return [recorded.parent]


# --- links ----------------------------------------------------------------------------------------------------------


def retire(builder: PlanBuilder, endpoint: Endpoint, where: str) -> None:
    """Plan to delete the link of an endpoint that is created again in the same plan, with its addresses and routes.

    :param where: where it is created again, as the end of a sentence
    """
    network = builder.networks[endpoint.network]
    space = builder.space(endpoint.netns)
    link = (link_of(builder, endpoint) or find_link(space, endpoint, None)) if space is not None else None
    if space is None or link is None:
        return
    tag = names.tag(endpoint.id)
    if link.alias != tag:
        builder.do(SetLink(endpoint.netns, link.name, "alias", link.alias, tag))
    present = dataclasses.replace(endpoint, ifname=link.name)
    _warn_of_losses(builder, endpoint, space, link)
    again = (*creation_steps(present, network, builder.kernel.has_ipv6), *_of_others(present, space, link))
    because = f", which interrupts the traffic of {endpoint.title} until it is created again{where}"
    builder.do(DeleteLink(endpoint.netns, endpoint_link_spec(present, network), again, because))
    builder.interrupted[endpoint.ref] = None


def _of_others(endpoint: Endpoint, space: Space, link: Link) -> t.Iterator[Step]:
    """The steps that give a link that is created again what other programs had put on it, if that has no lifetime."""
    if not link.up:
        return
    for address in space.addresses.get(link.index, ()):
        if address not in endpoint.addresses and (link.index, address) not in space.temporary:
            yield AddAddress(endpoint.netns, link.name, address, space.peers.get((link.index, address)))
    for route in in_order(_routes_of_others(endpoint, space, link)):
        yield AddRoute(endpoint.netns, link.name, route)


def _routes_of_others(endpoint: Endpoint, space: Space, link: Link) -> list[Route]:
    """The routes that other programs have put on the link of an endpoint; those in the table of a VRF are unknown."""
    if not has_its_table(endpoint, space, link):
        return []
    recorded = {route.destination_and_metric for route in endpoint.all_routes}
    return [route for route in routes_put_on(space, link) if route.destination_and_metric not in recorded]


def _warn_of_losses(builder: PlanBuilder, endpoint: Endpoint, space: Space, link: Link) -> None:
    """Warn of what other programs have put on a link, which the new link does not have."""
    lost = sorted(item for item in space.addresses.get(link.index, ()) if item not in endpoint.addresses)
    lost += [f"the route to {route_phrase(route)}" for route in _routes_of_others(endpoint, space, link)]
    if lost:
        builder.warn(
            f"{endpoint.title}: {link.name}{endpoint.netns.phrase} is created again, without what other programs have added to it: "
            f"{', '.join(lost)}; let those programs add it again"
        )


def _retire_subinterface(builder: PlanBuilder, sub: SubInterface) -> None:
    """Plan to delete the link of a sub-interface, and all links on it, unless links of other programs are on it."""
    link = tagged_or_named(builder.host, sub)
    if foreign_users(builder, link):
        return  # its request refuses that, naming them
    for network in builder.networks_on(sub.name):
        for endpoint in builder.endpoints_of(network.name):
            retire(builder, endpoint, f" on the new {sub.name}")
            builder.replanned[endpoint.key] = None
    for upper in builder.subinterfaces_on(sub.name):
        _retire_subinterface(builder, upper)
    builder.retired[sub.name] = sub
    delete_link(builder, sub, link)


def _leave_namespace(builder: PlanBuilder, endpoint: Endpoint, wanted: EndpointOptions) -> None:
    """Plan to delete the link of an endpoint that gets another namespace; others can have its names there at once."""
    if link_of(builder, endpoint) is not None:
        restore_sysctls(builder, endpoint)
        retire(builder, endpoint, wanted.netns.phrase or " in the host's own namespace")
    builder.originals.setdefault(endpoint.ref, endpoint)
    builder.put_endpoint(
        dataclasses.replace(
            endpoint, netns=wanted.netns, ifname=wanted.ifname, gateway4=None, gateway6=None, routed=False, routes=(), sysctls=wanted.sysctls
        )
    )


# --- after the requests ---------------------------------------------------------------------------------------------


def bring_back(builder: PlanBuilder) -> None:
    """Plan to create again what was deleted and no request has asked for, and to follow changes of networks.

    :raises PlanError: naming everything that is impossible
    """
    mistakes = Mistakes("this host")
    for sub in stacked(builder.retired.values()):
        current = builder.links.get(sub.name)
        if isinstance(current, SubInterface) and builder.host.links.get(sub.name) is None:
            with mistakes:
                ensure_owned(builder, current)
    again = {}
    for key in tuple(builder.replanned):
        endpoint = builder.original_endpoint(key)
        if endpoint is not None:
            again[endpoint.ref] = (endpoint, _as_recorded(builder, endpoint))
    builder.pending.update({ref: wanted for ref, (dummy, wanted) in again.items()})
    builder.leaving = None
    for ref, (endpoint, wanted) in again.items():
        builder.pending.pop(ref, None)
        with mistakes:
            _plan_again(builder, endpoint, wanted)
    mistakes.check()


def _can_be_created(builder: PlanBuilder, recorded: Endpoint) -> bool:
    """Whether the namespace of an endpoint is there, or is ours; a process may be another one than that of the record."""
    if recorded.ref in builder.interrupted or link_of(builder, recorded) is not None:
        return True
    if recorded.netns.of_process:
        return False
    return builder.space(recorded.netns) is not None or builder.owned_namespace(recorded.netns) is not None


def _as_recorded(builder: PlanBuilder, recorded: Endpoint) -> EndpointOptions:
    """The request for an endpoint as it is recorded; it gets other addresses where its own do not fit."""
    network = builder.networks[recorded.network]
    if recorded.host_access is not None:
        return interface_as_recorded(recorded, network)
    # Whether its MAC address was its own depends on the mode that the network had.
    before = builder.original_network(recorded.network) or network
    wanted = dataclasses.replace(endpoint_options(endpoint_params(recorded, before, pin=False)), replace=True)
    return _with_fitting_addresses(builder, network, wanted) if wanted.addresses else wanted


def _with_fitting_addresses(builder: PlanBuilder, network: Network, wanted: EndpointOptions) -> EndpointOptions:
    """A request without the further addresses that its network does not have any more, or needs for something else."""
    fitting = tuple(address for address in wanted.addresses if _fits(builder, network, wanted, address))
    lost = [address for address in wanted.addresses if address not in fitting]
    if lost:
        builder.warn(
            f"{wanted.title}: {' and '.join(lost)} of its addresses cannot be on {network.title} any more, so the endpoint loses "
            f"{'it' if len(lost) == 1 else 'them'}; give it others with its own task"
        )
    return dataclasses.replace(wanted, addresses=fitting)


def _fits(builder: PlanBuilder, network: Network, wanted: EndpointOptions, address: str) -> bool:
    subnet = subnet_of(network, address)
    if subnet is None or address not in usable(subnet.subnet):
        return False
    return builder.leases.holder(subnet.pool, address) in (None, wanted.title)


def _plan_again(builder: PlanBuilder, recorded: Endpoint, wanted: EndpointOptions) -> None:
    """Plan an endpoint as it is recorded, on its changed network; one whose namespace is gone is changed in the record only."""
    network = builder.networks[recorded.network]
    if _can_be_created(builder, recorded):
        plan_endpoint(builder, wanted)
        return
    builder.drop_endpoint(recorded.key)
    mistakes = Mistakes(recorded.title)
    endpoint = resolve_endpoint(builder, wanted, recorded, network, builder.host.links[network.parent], mistakes)
    mistakes.check()
    record(builder, recorded, endpoint)
