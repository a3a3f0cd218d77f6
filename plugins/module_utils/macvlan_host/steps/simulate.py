# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel's state after a step, computed without the kernel.

Planning needs it so that one step can build on another; check mode needs it to know the
kernel's state after the steps of an unfinished run are undone. Only what plans look at is followed.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..compare.ownership import matches_step
from ..model.kernel import Kernel, Space
from ..model.link_options import LINK_OPTIONS
from ..model.links import Link
from ..model.netns import HOST, Netns
from ..model.resolver import ResolverFile
from ..model.route import Route
from ..model.spaces import Spaces
from ..values import inet, names
from ..values.addresses import version_of
from ..wire.kinds import kind_of
from .link_spec import LinkSpec
from .steps import (
    AddAddress,
    AddConnectedRoute,
    AddLink,
    AddRoute,
    CreateNetns,
    DeleteAddress,
    DeleteLink,
    DeleteNetns,
    DeleteRoute,
    LinkPropertyStep,
    Note,
    ReplaceRoute,
    SetLink,
    SetSysctls,
    Step,
    WriteResolver,
)


def kernel_after(kernel: Kernel, steps: t.Iterable[Step]) -> Kernel:
    """The kernel as steps will leave it."""
    spaces = Spaces(kernel.spaces, kernel.identities, kernel.resolvers)
    for step in steps:
        follow(spaces, step)
    return dataclasses.replace(kernel, spaces=spaces.plain(), resolvers=spaces.resolvers)


def follow(spaces: Spaces, step: Step) -> None:
    """Change the copy as the step will change the kernel; steps in namespaces that were not read change nothing."""
    SIMULATIONS[type(step)](spaces, step)


def _nothing(dummy: Spaces, step: Note) -> None:
    """A note changes only the record."""


def _create_netns(spaces: Spaces, step: CreateNetns) -> None:
    path = Netns("name", step.name).path
    if spaces.get(path) is None:
        lo = Link(index=1, name="lo", hardware=772, loopback=True, up=True, mtu=65536, alias=step.tag)
        spaces.put(path, Space(links={"lo": lo}))


def _delete_netns(spaces: Spaces, step: DeleteNetns) -> None:
    """A namespace without our tag stays, as in ``_delete_netns`` of kernel/write.py."""
    path = Netns("name", step.name).path
    space = spaces.get(path)
    lo = space.links.get("lo") if space is not None else None
    if space is not None and (lo is None or lo.alias != step.tag):
        return
    space = spaces.own(path)
    for link in list(space.links.values()) if space else ():
        if space and link.name in space.links:
            _remove(spaces, path, link)
    spaces.put(path, None)


def _link(spaces: Spaces, netns: Netns, name: str) -> Link | None:
    space = spaces.get(netns.path)
    return None if space is None else space.links.get(name)


def _link_to_delete(spaces: Spaces, step: DeleteLink) -> Link | None:
    """The link to delete; if its creation was interrupted, it has no tag yet, and maybe a temporary name.

    Other programs may have renamed it since.
    """
    identifier = names.identifier_of(step.link.tag)
    for name in (step.link.name, *((names.name_until_tagged(identifier),) if identifier else ())):
        link = _link(spaces, step.netns, name)
        if link is not None and matches_step(link, step.link, or_untagged=True):
            return link
    return _tagged(spaces, step.netns, step.link)


def _tagged(spaces: Spaces, netns: Netns, spec: LinkSpec) -> Link | None:
    space = spaces.get(netns.path)
    return space.tagged(spec.tag) if space is not None and spec.tag else None


def _delete_link(spaces: Spaces, step: DeleteLink) -> None:
    link = _link_to_delete(spaces, step)
    if link is not None:
        _remove(spaces, step.netns.path, link)


def _add_link(spaces: Spaces, step: AddLink) -> None:
    netns, spec = step.netns, step.link
    space, host = spaces.own(netns.path), spaces.get(HOST.path)
    if space is None or host is None or spec.name in space.links:
        return
    if kind_of(spec).is_endpoint and _tagged(spaces, netns, spec) is not None:
        return
    lower = host.links.get(spec.parent or "")
    link = Link(
        index=spaces.new_index(),
        name=spec.name,
        kind=spec.kind,
        mac=spec.mac or (lower.mac if lower else ""),
        mtu=spec.mtu or (lower.mtu if lower else 1500),
        alias=spec.tag or "",
        lower=lower.index if lower else None,
        lower_netns=0 if netns.path and lower else None,
        mode=spec.mode,
        vlan=spec.vlan,
        link_options=spec.link_options,
        master=_index_of(space, spec.vrf),
    )
    space.put(link)
    _give_one_mode(spaces, link.lower, link)


def _give_one_mode(spaces: Spaces, lower: int | None, link: Link) -> None:
    """The mode of a link is that of all links of its kind on their parent, where the kernel has one for them."""
    kind = kind_of(link)
    if lower is None or not kind.has_one_mode or spaces.modes.get(lower) == link.mode:
        return
    spaces.modes[lower] = link.mode
    for path, upper in _links_on(spaces, lower):
        if kind_of(upper).is_beside(kind) and upper.mode != link.mode:
            t.cast(Space, spaces.own(path)).put(dataclasses.replace(upper, mode=link.mode))


def _links_on(spaces: Spaces, lower: int) -> list[tuple[str, Link]]:
    """(path of the namespace, link) of the links on the link of the host with an index, in all namespaces."""
    return [
        (path, upper)
        for path in spaces.paths()
        for upper in getattr(spaces.get(path), "links", {}).values()
        if upper.lower == lower and (upper.lower_netns is not None) == bool(path)
    ]


def _index_of(space: Space, name: str | None) -> int | None:
    """The index of a VRF in a namespace, None for none."""
    vrf = space.links.get(name) if name is not None else None
    return vrf.index if vrf is not None else None


def _remove(spaces: Spaces, path: str, link: Link) -> None:
    """Remove a link and all links on it, in all namespaces."""
    space = t.cast(Space, spaces.own(path))
    space.drop(link)
    space.addresses.pop(link.index, None)
    space.routes.pop(link.index, None)
    for upper in space.above(link):
        _remove(spaces, path, upper)
    if path == HOST.path:
        _remove_elsewhere(spaces, link)


def _remove_elsewhere(spaces: Spaces, lower: Link) -> None:
    """Remove the links in other namespaces that are on a link of the host."""
    for path in spaces.paths():
        space = spaces.get(path)
        for upper in tuple(space.links.values()) if space and path != HOST.path else ():
            if upper.lower == lower.index and upper.lower_netns is not None and kind_of(upper).is_stacked:
                _remove(spaces, path, upper)


def _set_sysctls(spaces: Spaces, step: SetSysctls) -> None:
    space = spaces.own(step.netns.path)
    if space is None:
        return
    for item in step.settings:
        space.sysctls[names.sysctl_key(item.key, step.ifname)] = item.new
        if item.key == "net.ipv6.conf.IFNAME.disable_ipv6" and item.new != "0" and step.ifname in space.links:
            _drop_family(space, space.links[step.ifname].index, 6)


def _drop_family(space: Space, index: int, version: int, addresses: bool = True) -> None:
    if addresses:
        space.addresses[index] = tuple(
            item for item in space.addresses.get(index, ()) if version_of(item) != version
        )
    space.routes[index] = tuple(item for item in space.routes.get(index, ()) if version_of(item.to) != version)


def _on_link(change: t.Callable[[Space, Link, t.Any], None]) -> t.Callable[[Spaces, t.Any], None]:
    """The simulation of a step on an existing link, given the change of the link."""

    def follow_on_link(spaces: Spaces, step: LinkPropertyStep) -> None:
        link = _link(spaces, step.netns, step.ifname)
        if link is not None:
            change(t.cast(Space, spaces.own(step.netns.path)), link, step)

    return follow_on_link


def _add_address(space: Space, link: Link, step: AddAddress) -> None:
    """The first address of a subnet adds the subnet's route, if the link is up."""
    others = tuple(item for item in space.addresses.get(link.index, ()) if item != step.address)
    space.addresses[link.index] = (*others, step.address)
    if step.peer:
        space.peers[link.index, step.address] = step.peer
    if link.up and not _has_neighbour(others, step.address):
        _connect(space, link, step.address)


def _delete_address(space: Space, link: Link, step: DeleteAddress) -> None:
    """The last address of a subnet deletes the subnet's route."""
    index = link.index
    left = tuple(item for item in space.addresses.get(index, ()) if item != step.address)
    space.addresses[index] = left
    space.peers.pop((index, step.address), None)
    # Without its last IPv4 address a link loses its IPv4 routes (net/ipv4/fib_frontend.c, fib_disable_ip).
    if version_of(step.address) == 4 and not any(version_of(item) == 4 for item in left):
        _drop_family(space, index, 4)
    route = Route.connected(step.address)
    if route is not None and not _has_neighbour(left, step.address):
        space.routes[index] = _without(space.routes.get(index, ()), route)


def _has_neighbour(addresses: t.Iterable[str], address: str) -> bool:
    """Whether another address is in the same subnet."""
    return any(inet.network_of(other) == inet.network_of(address) for other in addresses)


def _connect(space: Space, link: Link, address: str) -> None:
    route = Route.connected(address)
    if route is not None:
        _put_route(space, link.index, route)


def _put_route(space: Space, index: int, route: Route) -> None:
    space.routes[index] = (*_without(space.routes.get(index, ()), route), route)


def _add_route(space: Space, link: Link, step: AddRoute | AddConnectedRoute) -> None:
    _put_route(space, link.index, step.route)


def _delete_route(space: Space, link: Link, step: DeleteRoute) -> None:
    space.routes[link.index] = _without(space.routes.get(link.index, ()), step.route)


def _replace_route(space: Space, link: Link, step: ReplaceRoute) -> None:
    space.routes[link.index] = _without(space.routes.get(link.index, ()), step.old)
    # It may exist already: an interrupted run is undone as if it had performed all of its steps.
    _put_route(space, link.index, step.new)


def _without(routes: tuple[Route, ...], route: Route) -> tuple[Route, ...]:
    identity = route.identity
    # Most of thousands have another destination, which costs less to see.
    return tuple(item for item in routes if item.to != route.to or item.identity != identity)


def _set_link(spaces: Spaces, step: SetLink) -> None:
    """A change of a link, and what the kernel changes of others with it."""
    link = _link(spaces, step.netns, step.ifname)
    if link is None:
        return
    _change_link(t.cast(Space, spaces.own(step.netns.path)), link, step)
    if step.attribute == "mode":
        is_on_host = (link.lower_netns is not None) == bool(step.netns.path)
        _give_one_mode(spaces, link.lower if is_on_host else None, dataclasses.replace(link, mode=step.new))
    elif step.attribute in ("mac", "mtu") and step.netns == HOST:
        for path, upper in _links_on(spaces, link.index):
            kind = kind_of(upper)
            if kind.follows_parent or step.attribute == "mac" and kind.has_mac_of_parent(upper.mode):
                t.cast(Space, spaces.own(path)).put(dataclasses.replace(upper, **{step.attribute: step.new}))


def _change_link(space: Space, link: Link, step: SetLink) -> None:
    if step.attribute == "vlan":
        vlan = t.cast(t.Any, link.vlan)
        space.put(dataclasses.replace(link, vlan=dataclasses.replace(vlan, **step.new)))
        return
    if step.attribute in LINK_OPTIONS:
        space.put(dataclasses.replace(link, link_options={**link.link_options, step.attribute: step.new}))
        return
    if step.attribute == "vrf":
        space.put(dataclasses.replace(link, master=_index_of(space, step.new)))
        return
    changed = dataclasses.replace(link, **{step.attribute: step.new})
    if step.attribute == "name":
        space.drop(link)
        _rename_sysctls(space, link.name, changed.name)
    if step.attribute == "up" and not step.new:
        # Down, a link keeps its IPv4 addresses only, and no route.
        _drop_family(space, link.index, 6)
        _drop_family(space, link.index, 4, addresses=False)
    if step.attribute == "up" and step.new and not link.up:
        for address in space.addresses.get(link.index, ()):
            _connect(space, link, address)
    space.put(changed)


def _rename_sysctls(space: Space, old: str, new: str) -> None:
    """The settings of a link follow its name (net/ipv4/devinet.c, net/ipv6/addrconf.c: NETDEV_CHANGENAME)."""
    for key in list(space.sysctls):
        space.sysctls[names.renamed_sysctl_key(key, old, new)] = space.sysctls.pop(key)


def _write_resolver(spaces: Spaces, step: WriteResolver) -> None:
    before = spaces.resolvers.get(step.name, ResolverFile())
    has_folder = step.new is not None or before.has_folder and not step.with_folder
    spaces.resolvers[step.name] = before._replace(content=step.new, has_folder=has_folder)


# Every kind of step.
SIMULATIONS: dict[type[Step], t.Callable[[Spaces, t.Any], None]] = {
    Note: _nothing,
    CreateNetns: _create_netns,
    DeleteNetns: _delete_netns,
    AddLink: _add_link,
    DeleteLink: _delete_link,
    SetLink: _set_link,
    AddAddress: _on_link(_add_address),
    DeleteAddress: _on_link(_delete_address),
    AddRoute: _on_link(_add_route),
    DeleteRoute: _on_link(_delete_route),
    ReplaceRoute: _on_link(_replace_route),
    AddConnectedRoute: _on_link(_add_route),
    SetSysctls: _set_sysctls,
    WriteResolver: _write_resolver,
}
