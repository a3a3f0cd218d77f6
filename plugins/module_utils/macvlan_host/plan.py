# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what is wanted, what is recorded and what the kernel shows to a plan. Pure: same input, same plan."""

from __future__ import annotations

import dataclasses
import typing as t

from . import names
from .draft import Draft, Plan
from .drift import default_key, setting_keys
from .errors import PlanError
from .mistakes import Mistakes, raise_all
from .model import HOST, Endpoint, Kernel, Lease, Needs, Netns, Network, Record, SubInterface
from .options import (
    EndpointOptions,
    EndpointRemoval,
    NetworkOptions,
    NetworkRemoval,
    ObjectRequest,
    Request,
    Restoration,
    SubInterfaceOptions,
    SubInterfaceRemoval,
    SubInterfaceRetraction,
)
from .plan_endpoint import plan_endpoint, plan_unforeseen, remove_endpoint
from .plan_network import ensure_parent, plan_network, plan_network_removal
from .plan_refusals import check_writable
from .plan_resolve import requested_leases
from .plan_restore import plan_restoration
from .plan_subinterface import (
    plan_subinterface,
    plan_subinterface_removal,
    plan_subinterface_retraction,
    release_parent,
)
from .simulation import follow
from .spaces import Spaces
from .steps import SetLink, Step

REMOVALS = (NetworkRemoval, SubInterfaceRemoval, SubInterfaceRetraction, EndpointRemoval)
# Those that may take a link of the host away.
RELEASES = (NetworkRemoval, SubInterfaceRemoval, SubInterfaceRetraction)


def plan(requests: t.Sequence[Request], recorded: Record, kernel: Kernel, foresee: bool = False) -> Plan:
    """The steps that lead from what is to what is wanted, and the record afterwards.

    Addresses that are asked for are reserved before others are chosen, and what a later request uses is not taken
    away by an earlier one.

    :param requests: worked in one after the other, each sees what those before it will have done
    :param foresee: take it that networks which are not there yet will be made before the plan is carried out
    :raises PlanError: some of them cannot be done, all of which are named; nothing is to be done then
    """
    draft = Draft(recorded, kernel)
    draft.coming = {request.title: request for request in requests if not isinstance(request, REMOVALS)}
    users = [_uses(request) for request in requests]
    for links, places in users:
        draft.expect(links, places)
    draft.expect_subnets(subnet.subnet for item in requests if isinstance(item, NetworkOptions) for subnet in item.subnets)
    reserved: dict[str, tuple[Lease, ...]] | None = None
    failures = _Failures()
    for request, (links, places) in zip(requests, users):
        draft.expect(links, places, -1)
        for note in request.notes:
            draft.warn(note)
        if isinstance(request, EndpointOptions):
            if reserved is None:
                reserved = _reserve(draft, requests)
            draft.leases.release(reserved.pop(request.title, ()))
        failures.work_in(draft, request, foresee)
    failures.check()
    for name in dict.fromkeys(link for links, dummy in users for link in links):
        release_parent(draft, name)  # kept for a request that then used something foreign instead
    return draft.finish(removal=all(isinstance(request, REMOVALS) for request in requests))


def _reserve(draft: Draft, requests: t.Iterable[Request]) -> dict[str, tuple[Lease, ...]]:
    """Title → reservations of the endpoints that ask for addresses; the first to ask for one has it.

    Also of addresses that are held: their holders may be about to get others.
    """
    reserved = {}
    taken: set[tuple[str, str]] = set()
    for request in requests:
        if isinstance(request, EndpointOptions) and (request.ipv4 or request.ipv6):
            found = [item for item in requested_leases(draft, request) if (item.pool, item.address) not in taken]
            taken.update((item.pool, item.address) for item in found)
            reserved[request.title] = tuple(found)
            draft.leases.take(found)
    return reserved


def _uses(request: Request) -> tuple[tuple[str, ...], tuple[Netns, ...]]:
    """The links and namespaces that a request will use."""
    if isinstance(request, EndpointOptions):
        return (), (request.netns,)
    if isinstance(request, SubInterfaceOptions):
        return (request.name, *_and_below(request.parent)), ()
    if isinstance(request, NetworkOptions) and request.parent is not None:
        return tuple(_and_below(request.parent)), ()
    return (), ()


def _and_below(name: str) -> t.Iterator[str]:
    """A link and, as far as its name tells, those below it."""
    yield name
    found = names.split_subinterface(name)
    if found is not None:
        yield from _and_below(found.base)


class _Failures:
    """The mistakes of all requests; what is only there because another request failed is passed over."""

    def __init__(self) -> None:
        self._found: list[PlanError] = []
        self._sentences: list[str] = []
        self._networks: set[str] = set()
        self._links: set[str] = set()

    def work_in(self, draft: Draft, request: Request, foresee: bool) -> None:
        """Work a request into the plan, or note why that cannot be, and leave the plan as it was."""
        if self._depends_on_failed(draft, request):
            self._spread(request)
            return
        mistakes = Mistakes(request.title)
        steps = len(draft.steps)
        with mistakes:
            _work_in(draft, request, foresee)
            check_writable(draft.kernel, request.title, draft.steps[steps:])
        if mistakes:
            draft.take_back(steps)
            self._found += mistakes.found
            self._sentences += mistakes.sentences
            self._spread(request)

    def _depends_on_failed(self, draft: Draft, request: Request) -> bool:
        if not self._found:
            return False
        links = set(_uses(request)[0]) - {getattr(request, "name", "")}
        if isinstance(request, EndpointOptions):
            if request.network in self._networks:
                return True
            network = draft.networks.get(request.network)
            links |= set(_and_below(network.parent)) if network is not None else set()
        return not self._links.isdisjoint(links)

    def _spread(self, request: Request) -> None:
        if isinstance(request, NetworkOptions):
            self._networks.add(request.name)
        elif isinstance(request, SubInterfaceOptions):
            self._links.add(request.name)

    def check(self) -> None:
        """Refuse what was refused.

        :raises PlanError: the only one as it was, else all of them in one
        """
        raise_all(self._found, self._sentences)


def _work_in(draft: Draft, request: Request, foresee: bool) -> None:
    if isinstance(request, Restoration):
        plan_restoration(draft, request)
    elif isinstance(request, NetworkOptions):
        plan_network(draft, request)
    elif isinstance(request, NetworkRemoval):
        plan_network_removal(draft, request)
    elif isinstance(request, SubInterfaceOptions):
        plan_subinterface(draft, request)
    elif isinstance(request, SubInterfaceRemoval):
        plan_subinterface_removal(draft, request)
    elif isinstance(request, SubInterfaceRetraction):
        plan_subinterface_retraction(draft, request)
    elif isinstance(request, EndpointOptions):
        network = draft.networks.get(request.network)
        if network is None and foresee:
            plan_unforeseen(draft, request)
            return
        if network is not None:
            ensure_parent(draft, network)
        plan_endpoint(draft, request)
    elif (request.network, request.name) in draft.endpoints:
        remove_endpoint(draft, draft.endpoints[request.network, request.name])


class _Recorded:
    """The recorded endpoints that a request may change, found without a look at each."""

    def __init__(self, record: Record) -> None:
        self._endpoints = record.endpoints
        self._of_network: dict[str, list[Endpoint]] = {}
        self._of_parent: dict[str, list[Endpoint]] = {}
        for endpoint in record.endpoints.values():
            self._of_network.setdefault(endpoint.network, []).append(endpoint)
            parent = record.networks[endpoint.network].parent
            self._of_parent.setdefault(parent, []).append(endpoint)

    def on(self, parent: str) -> list[Endpoint]:
        return self._of_parent.get(parent, [])

    def touched_by(self, request: ObjectRequest) -> list[Endpoint]:
        if isinstance(request, (NetworkOptions, NetworkRemoval)):
            return self._of_network.get(request.name, [])
        if isinstance(request, (EndpointOptions, EndpointRemoval)):
            known = self._endpoints.get((request.network, request.name))
            return [known] if known is not None else []
        return self.on(request.name)


def needs_of(requests: t.Sequence[Request], recorded: Record) -> Needs:
    """What has to be read of the kernel for a plan: only namespaces that can change it."""
    if len(requests) == 1 and isinstance(requests[0], Restoration):
        return _needs_of_restoration(requests[0], recorded)
    spaces: dict[Netns, set[str]] = {HOST: set()}
    strangers: set[Netns] = set()
    kinds: set[str] = set()
    vlans: set[str] = set()
    parents: set[str] = set()
    settings: set[tuple[Netns, str]] = set()
    in_full: set[Netns] = {HOST}
    host_routes = False
    known = _Recorded(recorded)
    for request in (item for item in requests if not isinstance(item, Restoration)):
        touched = known.touched_by(request)
        for endpoint in touched:
            spaces.setdefault(endpoint.netns, set()).update(setting_keys(endpoint))
            if not isinstance(request, REMOVALS):
                in_full.add(endpoint.netns)
            if isinstance(request, REMOVALS) or getattr(request, "netns", endpoint.netns) != endpoint.netns:
                strangers.add(endpoint.netns)
        if isinstance(request, EndpointOptions):
            spaces.setdefault(request.netns, set()).update(_wanted_settings(request, recorded))
            in_full.add(request.netns)
            settings.update((request.netns, default_key(key)) for key in request.sysctls)
        kinds |= _kinds(request, recorded)
        vlans |= _vlans(request, recorded)
        parents |= _parents(request, recorded)
        host_routes = host_routes or _needs_host_routes(request, touched)
    return Needs(
        spaces={netns: frozenset(keys) for netns, keys in spaces.items()},
        links_only=frozenset(spaces.keys() - in_full),
        host_routes=host_routes,
        filters=bool(recorded.links) and any(isinstance(request, RELEASES) for request in requests),
        identities=_all_namespaces(recorded),
        strangers=frozenset(strangers) if recorded.namespaces else frozenset(),
        kinds=frozenset(kinds),
        settings=frozenset(settings),
        next_hops=any(isinstance(request, EndpointOptions) for request in requests),
        vlans=frozenset(vlans),
        newcomers=any(_is_passthru(item, recorded) or _is_first(item, recorded, known) for item in requests),
        parents=frozenset(parents),
    )


def needs_before_turning_back(needs: Needs, interrupted: t.Iterable[Step]) -> Needs:
    """What has to be read before steps of a run that died are turned back or finished, in thought.

    A link that they rename may have either name at the moment, and its settings have it too.
    """
    renames = [(step.ifname, step.new) for step in interrupted if isinstance(step, SetLink) and step.attribute == "name"]
    spaces = {netns: set(keys) for netns, keys in needs.spaces.items()}
    # Back and forth, because one may be renamed more than once.
    for old, new in (*renames, *reversed(renames)):
        for keys in spaces.values():
            keys |= {names.renamed_sysctl_key(key, *pair) for key in keys for pair in ((old, new), (new, old))}
    return dataclasses.replace(needs, spaces={netns: frozenset(keys) for netns, keys in spaces.items()})


def _needs_of_restoration(request: Restoration, recorded: Record) -> Needs:
    everything = needs_of_everything(recorded)
    places = {endpoint.netns for endpoint in recorded.endpoints.values() if request.only in (None, endpoint.title)}
    return dataclasses.replace(
        everything,
        spaces={netns: keys for netns, keys in everything.spaces.items() if netns == HOST or netns in places},
        kinds=frozenset({"macvlan", *(owned.kind for owned in recorded.links.values())}),
        next_hops=False,
        vlans=frozenset(owned.name for owned in recorded.links.values() if isinstance(owned, SubInterface)),
        newcomers=any(network.mode == "passthru" for network in recorded.networks.values()),
    )


def _all_namespaces(recorded: Record) -> frozenset[Netns]:
    endpoints = (endpoint.netns for endpoint in recorded.endpoints.values())
    return frozenset((*endpoints, *(Netns("name", name) for name in recorded.namespaces)))


def _wanted_settings(request: EndpointOptions, recorded: Record) -> frozenset[str]:
    """The sysctls that a task asks for, and those that its recorded endpoint then has, under its old name and its new."""
    keys = frozenset(names.sysctl_key(key, request.ifname) for key in request.sysctls)
    known = recorded.endpoints.get((request.network, request.name))
    if known is None or (known.ifname, known.sysctls) == (request.ifname, request.sysctls):
        return keys
    changed = dataclasses.replace(known, sysctls=request.sysctls)
    return keys.union(*(setting_keys(dataclasses.replace(changed, ifname=name)) for name in (known.ifname, request.ifname)))


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


def _vlans(request: Request, recorded: Record) -> set[str]:
    """The VLAN links that a request may make: those of the record, and those of names that say so."""
    links: tuple[str, ...] = ()
    if isinstance(request, EndpointOptions):
        network = recorded.networks.get(request.network)
        links = (network.parent,) if network else ()
    elif not isinstance(request, REMOVALS):
        links = _uses(request)[0]
    named = {request.name} if isinstance(request, SubInterfaceOptions) else set()
    is_vlan = {name: names.split_subinterface(name) or isinstance(recorded.links.get(name), SubInterface) for name in links}
    return named | {name for name, found in is_vlan.items() if found}


def _is_passthru(request: Request, recorded: Record) -> bool:
    network = recorded.networks.get(request.network) if isinstance(request, EndpointOptions) else request
    return isinstance(network, (Network, NetworkOptions)) and network.mode == "passthru"


def _is_first(request: Request, recorded: Record, known: _Recorded) -> bool:
    """Whether a request may make the first link on a parent; what may be beside that may be beside all that follow it."""
    if isinstance(request, EndpointOptions):
        network = recorded.networks.get(request.network)
        return network is not None and not known.on(network.parent)
    if isinstance(request, NetworkOptions) and request.parent is not None and request.name not in recorded.networks:
        return not known.on(request.parent)
    return False


def _parents(request: Request, recorded: Record) -> set[str]:
    """The links that what a request makes will sit on, and, as far as names and record tell, those below them."""
    network = recorded.networks.get(request.network) if isinstance(request, EndpointOptions) else None
    found = {*_uses(request)[0], *(_and_below(network.parent) if network is not None else ())}
    owned = (recorded.links.get(name) for name in found)
    return found | {name for item in owned if isinstance(item, SubInterface) for name in _and_below(item.parent)}


def _needs_host_routes(request: Request, touched: t.Iterable[Endpoint]) -> bool:
    """Choosing a subnet, and default routes in the host's own namespace, depend on its routes."""
    if isinstance(request, NetworkOptions) and (not request.subnets or request.ipv6):
        return True
    in_host = isinstance(request, EndpointOptions) and not request.netns.path
    return in_host or any(not endpoint.netns.path for endpoint in touched)


def needs_of_everything(recorded: Record) -> Needs:
    """What has to be read to compare all that is recorded with the kernel."""
    spaces: dict[Netns, frozenset[str]] = {HOST: frozenset()}
    for endpoint in recorded.endpoints.values():
        spaces[endpoint.netns] = spaces.get(endpoint.netns, frozenset()) | setting_keys(endpoint)
    return Needs(
        spaces=spaces,
        host_routes=HOST in {endpoint.netns for endpoint in recorded.endpoints.values()},
        identities=_all_namespaces(recorded),
        next_hops=bool(recorded.endpoints),
    )


def kernel_after(kernel: Kernel, steps: t.Iterable[Step]) -> Kernel:
    """The kernel as steps will leave it."""
    spaces = Spaces(kernel.spaces, kernel.identities)
    for step in steps:
        follow(spaces, step)
    return dataclasses.replace(kernel, spaces=spaces.plain())
