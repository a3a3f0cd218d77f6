# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be read of the kernel for a plan."""

from __future__ import annotations

import dataclasses
import typing as t

from ..compare.needs import needs_of_everything
from ..compare.settings import default_key, setting_keys
from ..model.endpoint import Endpoint
from ..model.kernel import Needs
from ..model.links import DummyParent, SubInterface
from ..model.netns import HOST, Netns
from ..model.network import Network
from ..model.record import Record, all_namespaces
from ..request.endpoint import EndpointOptions, EndpointRemoval
from ..request.host import RELEASES, REMOVALS, ObjectRequest, Request, Restoration, and_below, used_by
from ..request.network import NetworkOptions, NetworkRemoval
from ..request.subinterface import SubInterfaceOptions
from ..steps.steps import SetLink, Step
from ..values import names
from ..wire.kinds import kind_of


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
        identities=all_namespaces(recorded),
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
    places = {endpoint.netns for endpoint in recorded.endpoints.values() if request.only in (None, endpoint.ref)}
    return dataclasses.replace(
        everything,
        spaces={netns: keys for netns, keys in everything.spaces.items() if netns == HOST or netns in places},
        kinds=frozenset({Network.kind, *(owned.kind for owned in recorded.links.values())}),
        next_hops=False,
        vlans=frozenset(owned.name for owned in recorded.links.values() if isinstance(owned, SubInterface)),
        newcomers=any(kind_of(network).takes_parent(network.mode) for network in recorded.networks.values()),
    )


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
        return {SubInterface.kind}
    if isinstance(request, EndpointOptions):
        network = recorded.networks.get(request.network)
        parent = network.parent if network else ""
        owned = recorded.links.get(parent)
        return {Network.kind} | ({owned.kind} if owned else set())
    if isinstance(request, NetworkOptions):
        if request.parent is None:
            return {DummyParent.kind}
        return {SubInterface.kind} if names.split_subinterface(request.parent) else set()
    return set()


def _vlans(request: Request, recorded: Record) -> set[str]:
    """The VLAN links that a request may make: those of the record, and those of names that say so."""
    links: tuple[str, ...] = ()
    if isinstance(request, EndpointOptions):
        network = recorded.networks.get(request.network)
        links = (network.parent,) if network else ()
    elif not isinstance(request, REMOVALS):
        links = used_by(request)[0]
    named = {request.name} if isinstance(request, SubInterfaceOptions) else set()
    is_vlan = {name: names.split_subinterface(name) or isinstance(recorded.links.get(name), SubInterface) for name in links}
    return named | {name for name, found in is_vlan.items() if found}


def _is_passthru(request: Request, recorded: Record) -> bool:
    network = recorded.networks.get(request.network) if isinstance(request, EndpointOptions) else request
    return isinstance(network, (Network, NetworkOptions)) and kind_of(network).takes_parent(network.mode)


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
    found = {*used_by(request)[0], *(and_below(network.parent) if network is not None else ())}
    owned = (recorded.links.get(name) for name in found)
    return found | {name for item in owned if isinstance(item, SubInterface) for name in and_below(item.parent)}


def _needs_host_routes(request: Request, touched: t.Iterable[Endpoint]) -> bool:
    """Choosing a subnet, and default routes in the host's own namespace, depend on its routes."""
    if isinstance(request, NetworkOptions) and (not request.subnets or request.ipv6):
        return True
    in_host = isinstance(request, EndpointOptions) and not request.netns.path
    return in_host or any(not endpoint.netns.path for endpoint in touched)
