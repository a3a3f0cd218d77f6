# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what is wanted, what is recorded and what the kernel shows to a plan. Pure: same input, same plan."""

from __future__ import annotations

import dataclasses
import typing as t

from . import names, simulation
from .draft import Draft, Plan
from .drift import default_key, setting_keys
from .model import HOST, Endpoint, Kernel, Needs, Netns, Record
from .options import (
    EndpointOptions,
    EndpointRemoval,
    NetworkOptions,
    NetworkRemoval,
    Request,
    SubInterfaceOptions,
    SubInterfaceRemoval,
)
from .plan_endpoint import plan_endpoint, remove_endpoint
from .plan_network import ensure_parent, plan_network, plan_network_removal
from .plan_subinterface import plan_subinterface, plan_subinterface_removal
from .steps import Step

REMOVALS = (NetworkRemoval, SubInterfaceRemoval, EndpointRemoval)


def plan(requests: t.Sequence[Request], recorded: Record, kernel: Kernel) -> Plan:
    """The steps that lead from what is to what is wanted, and the record afterwards.

    :param requests: worked in one after the other, each sees what those before it will have done
    :raises PlanError: one of them cannot be done; nothing is to be done then
    """
    draft = Draft(recorded, kernel)
    for request in requests:
        for note in request.notes:
            draft.warn(note)
        _work_in(draft, request)
    return draft.finish(removal=all(isinstance(request, REMOVALS) for request in requests))


def _work_in(draft: Draft, request: Request) -> None:
    if isinstance(request, NetworkOptions):
        plan_network(draft, request)
    elif isinstance(request, NetworkRemoval):
        plan_network_removal(draft, request)
    elif isinstance(request, SubInterfaceOptions):
        plan_subinterface(draft, request)
    elif isinstance(request, SubInterfaceRemoval):
        plan_subinterface_removal(draft, request)
    elif isinstance(request, EndpointOptions):
        if request.network in draft.networks:
            ensure_parent(draft, draft.networks[request.network])
        plan_endpoint(draft, request)
    elif (request.network, request.name) in draft.endpoints:
        remove_endpoint(draft, draft.endpoints[request.network, request.name])


def needs_of(requests: t.Sequence[Request], recorded: Record) -> Needs:
    """What has to be read of the kernel for a plan: only namespaces that can change it."""
    spaces: dict[Netns, frozenset[str]] = {HOST: frozenset()}
    strangers: set[Netns] = set()
    kinds: set[str] = set()
    for request in requests:
        for endpoint in _touched(request, recorded):
            _look_at(spaces, endpoint.netns, setting_keys(endpoint))
            if isinstance(request, REMOVALS) or getattr(request, "netns", endpoint.netns) != endpoint.netns:
                strangers.add(endpoint.netns)
        if isinstance(request, EndpointOptions):
            keys = {names.sysctl_key(key, request.ifname) for key in request.sysctls}
            known = recorded.endpoints.get((request.network, request.name))
            if known is not None:
                keys |= setting_keys(dataclasses.replace(known, ifname=request.ifname, sysctls=request.sysctls))
            _look_at(spaces, request.netns, frozenset(keys))
        kinds |= _kinds(request, recorded)
    return Needs(
        spaces=spaces,
        host_routes=any(_needs_host_routes(request, recorded) for request in requests),
        identities=frozenset(endpoint.netns for endpoint in recorded.endpoints.values())
        | frozenset(Netns("name", name) for name in recorded.namespaces),
        strangers=frozenset(strangers) if recorded.namespaces else frozenset(),
        kinds=frozenset(kinds),
        settings=frozenset(
            (request.netns, default_key(key))
            for request in requests
            if isinstance(request, EndpointOptions)
            for key in request.sysctls
        ),
    )


def _look_at(spaces: dict[Netns, frozenset[str]], netns: Netns, keys: frozenset[str]) -> None:
    spaces[netns] = spaces.get(netns, frozenset()) | keys


def _touched(request: Request, recorded: Record) -> list[Endpoint]:
    """The recorded endpoints that a request may change."""
    if isinstance(request, (NetworkOptions, NetworkRemoval)):
        return [endpoint for endpoint in recorded.endpoints.values() if endpoint.network == request.name]
    if isinstance(request, (EndpointOptions, EndpointRemoval)):
        known = recorded.endpoints.get((request.network, request.name))
        return [known] if known is not None else []
    users = {network.name for network in recorded.networks.values() if network.parent == request.name}
    return [endpoint for endpoint in recorded.endpoints.values() if endpoint.network in users]


def _kinds(request: Request, recorded: Record) -> set[str]:
    """The kinds of link that a request may make."""
    if isinstance(request, SubInterfaceOptions):
        return {"vlan"}
    if isinstance(request, EndpointOptions):
        network = recorded.networks.get(request.network)
        parent = network.parent if network else ""
        owned = recorded.links.get(parent)
        return {"macvlan"} | ({owned.kind} if owned else set())
    if isinstance(request, NetworkOptions):
        if request.parent is None:
            return {"dummy"}
        return {"vlan"} if names.split_subinterface(request.parent) else set()
    return set()


def _needs_host_routes(request: Request, recorded: Record) -> bool:
    """Choosing a subnet, and default routes in the host's own namespace, depend on its routes."""
    if isinstance(request, NetworkOptions):
        return not request.subnets or bool(request.ipv6)
    return any(not endpoint.netns.path for endpoint in _touched(request, recorded)) or (
        isinstance(request, EndpointOptions) and not request.netns.path
    )


def needs_of_everything(recorded: Record) -> Needs:
    """What has to be read to compare all that is recorded with the kernel."""
    spaces: dict[Netns, frozenset[str]] = {HOST: frozenset()}
    for endpoint in recorded.endpoints.values():
        _look_at(spaces, endpoint.netns, setting_keys(endpoint))
    return Needs(spaces=spaces, host_routes=HOST in {endpoint.netns for endpoint in recorded.endpoints.values()})


def kernel_after(kernel: Kernel, steps: t.Iterable[Step]) -> Kernel:
    """The kernel as steps will leave it."""
    spaces = simulation.own_copy(kernel.spaces)
    for step in steps:
        simulation.follow(spaces, step)
    return dataclasses.replace(kernel, spaces=spaces)
