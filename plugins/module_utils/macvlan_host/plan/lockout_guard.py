# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lockout guard: which steps of a plan would cut an access path of this host. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..errors import PlanError
from ..model.access import AccessPath, LockoutPolicy
from ..model.kernel import Kernel, Space
from ..model.links import Link
from ..model.netns import HOST
from ..steps.steps import (
    AddAddress,
    AddConnectedRoute,
    AddLink,
    AddRoute,
    DeleteAddress,
    DeleteLink,
    DeleteRoute,
    LinkPropertyStep,
    ReplaceRoute,
    SetLink,
    Step,
)
from ..values import inet
from ..values.addresses import block_of, prefix_length, version_of, without_prefix
from ..wire.kinds import kind_of, vrf_of


@dataclass(frozen=True)
class LockoutRisk:
    """A step that would cut an access path.

    :ivar why: an addition to the message
    """

    step: Step
    path: AccessPath
    why: str = ""

    @property
    def sentence(self) -> str:
        local = f", which reaches {self.path.local}," if self.path.local else ""
        return f"it would {self.step.describe()}, and {self.path.what}{local} comes in by {self.path.link}{self.why}"


def check(title: str, steps: t.Sequence[Step], kernel: Kernel, policy: LockoutPolicy) -> tuple[str, ...]:
    """Refuse steps that would cut an access path; return warnings if that is forced, or must be confirmed afterwards.

    :raises PlanError: naming the step, the link and the addresses
    """
    risks = tuple(_risks(steps, kernel))
    if risks and not policy.force and not policy.confirm:
        raise PlanError(
            f"{title}: refused, because the host may not be reachable afterwards: {risks[0].sentence}; if you intend that, "
            f"use force: true, or macvlan_config with confirm_timeout, which reverts everything unless you confirm it"
        )
    return tuple(f"{title}: the host may not be reachable afterwards: {risk.sentence}" for risk in risks)


def _risks(steps: t.Sequence[Step], kernel: Kernel) -> t.Iterator[LockoutRisk]:
    host = kernel.spaces.get(HOST.path)
    if host is None:
        return
    announcements = tuple(_announcements(steps, kernel, host)) if kernel.access_paths else ()
    in_vrfs = _in_vrfs(steps, host)
    for path in kernel.access_paths:
        link = host.links.get(path.link)
        if link is not None:
            vrf = vrf_of(host, link)
            steps_for_path = _without_other_vrfs(steps, in_vrfs, vrf.name if vrf is not None else None)
            on_path = _carriers(host, link)
            carriers = {item.name for item in on_path}
            reach = _Reach(host, path)
            # The first step is enough for the message; later ones only follow from it.
            yield from (LockoutRisk(step, path) for step in steps_for_path if _cuts(step, carriers, reach))
            yield from _changing_mode(steps_for_path, kernel, path, on_path)
            yield from _taking_local_address(steps_for_path, host, path, carriers)
            yield from _taking_over(announcements, path, link, _wire(host, link))
    yield from _catching_next_hops(_without_other_vrfs(steps, in_vrfs, None), host)


def _in_vrfs(steps: t.Sequence[Step], host: Space) -> dict[int, str]:
    """Position → VRF, of the steps that add addresses and routes to links of the host in VRFs."""
    vrfs = {link.name: vrf.name for link in host.links.values() if (vrf := vrf_of(host, link)) is not None}
    inside: dict[int, str] = {}
    for position, step in enumerate(steps):
        if isinstance(step, AddLink) and step.link.vrf is not None:
            vrfs[step.link.name] = step.link.vrf
        elif isinstance(step, SetLink) and step.netns == HOST and step.attribute == "vrf":
            vrfs.pop(step.ifname, None)
            vrfs.update({} if step.new is None else {step.ifname: step.new})
        elif isinstance(step, SetLink) and step.netns == HOST and step.attribute == "name" and step.ifname in vrfs:
            vrfs[step.new] = vrfs[step.ifname]
        elif isinstance(step, (AddAddress, AddRoute, AddConnectedRoute)) and step.netns == HOST and step.ifname in vrfs:
            inside[position] = vrfs[step.ifname]
    return inside


def _without_other_vrfs(steps: t.Sequence[Step], in_vrfs: t.Mapping[int, str], vrf: str | None) -> list[Step]:
    """The steps without those in other VRFs than that of a path: none of its packets takes a route of theirs."""
    return [step for position, step in enumerate(steps) if in_vrfs.get(position, vrf) == vrf]


def _catching_next_hops(steps: t.Sequence[Step], host: Space) -> t.Iterator[LockoutRisk]:
    """The new routes of the host that would lead to a next hop of its other routes by another link than theirs."""
    added = [step for step in steps if isinstance(step, AddRoute) and step.netns == HOST]
    for (index, hop), destination in host.next_hops.items() if added else ():
        link = host.by_index(index)
        if link is None or link.ours and kind_of(link).is_endpoint:
            continue
        what = f"what is behind {hop}, the next hop of the route to {destination},"
        path = AccessPath(link.name, what, hop)
        reach = _Reach(host, path)
        yield from (LockoutRisk(step, path) for step in added if _adds_route(step, reach))


def _changing_mode(steps: t.Sequence[Step], kernel: Kernel, path: AccessPath, carriers: t.Iterable[Link]) -> t.Iterator[LockoutRisk]:
    """The first step that changes the mode of a link of a path by way of another link on its parent, where they have one mode."""
    shared = {link.lower: link for link in carriers if kind_of(link).has_one_mode and link.lower_netns is None}
    for step in steps if shared else ():
        if not isinstance(step, SetLink) or step.attribute != "mode":
            continue
        space = kernel.spaces.get(step.netns.path)
        other = space.links.get(step.ifname) if space is not None else None
        link = shared.get(other.lower) if other is not None and (other.lower_netns is not None) == bool(step.netns.path) else None
        if link is not None and other != link:
            yield LockoutRisk(step, path, f"; the kernel has one mode for it and {link.name}")
            return


def _taking_local_address(steps: t.Sequence[Step], host: Space, path: AccessPath, known: t.Container[str]) -> t.Iterator[LockoutRisk]:
    """The steps that delete the local address of a path whose answers leave by another link than that of the address.

    :param known: the links that carry the answers, whose steps are reported anyway
    """
    home = next((link for link in host.links.values() if path.local in _addresses_on(host, link)), None)
    if home is None or home.name == path.link:
        return
    carriers = {item.name for item in _carriers(host, home) if item.name not in known}
    for step in steps:
        if _takes_link(step, carriers) or isinstance(step, DeleteAddress) and _is_of(step, home, path.local):
            yield LockoutRisk(step, path, f"; {path.local} is an address of {home.name}")


def _is_of(step: DeleteAddress, link: Link, address: str | None) -> bool:
    """Whether it takes an address from a link of the host."""
    return (step.netns, step.ifname) == (HOST, link.name) and without_prefix(step.address) == address


def _addresses_on(space: Space, link: Link) -> set[str]:
    """The addresses of a link without prefix lengths, also those of link scope."""
    addresses = (*space.addresses.get(link.index, ()), *space.link_scope.get(link.index, ()))
    return {without_prefix(address) for address in addresses}


def _carriers(host: Space, link: Link) -> list[Link]:
    """The link, and the links that carry it: those below it, and the ports of a bridge or bond."""
    carriers = [link]
    for item in carriers:
        below = host.by_index(item.lower) if item.lower_netns is None else None
        ports = [other for other in host.links.values() if other.master == item.index]
        carriers += [other for other in (below, *ports) if other is not None and other not in carriers]
    return carriers


class _Reach:
    """The routes by which the kernel reaches the remote end of an access path."""

    def __init__(self, host: Space, path: AccessPath) -> None:
        self.path = path
        link = host.links.get(path.link)
        master = vrf_of(host, link) if link is not None else None
        elsewhere = {other.index for other in host.links.values() if vrf_of(host, other) != master}
        leading = [route for index, routes in host.routes.items() if index not in elsewhere for route in routes if self.is_under(route.to)]
        self._length = max((prefix_length(route.to) for route in leading), default=-1)
        self._metric = min((route.identity[2] for route in leading if prefix_length(route.to) == self._length), default=0)

    def is_under(self, block: str) -> bool:
        return version_of(block) == version_of(self.path.remote) and self.path.remote in block_of(block)

    def is_caught_by(self, ifname: str, block: str, metric: int | None = None) -> bool:
        """Whether a new route would lead to the other end by another link: the longer prefix wins, then the lower metric.

        :param metric: of the new route, None if an equal prefix cannot win
        """
        if ifname == self.path.link or not self.is_under(block):
            return False
        length = prefix_length(block)
        return length > self._length or length == self._length and metric is not None and metric < self._metric

    def hangs_on(self, ifname: str, block: str) -> bool:
        """Whether an existing route leads to the other end."""
        return ifname == self.path.link and self.is_under(block) and prefix_length(block) >= self._length


def _takes_link(step: Step, carriers: t.Container[str]) -> bool:
    """Whether a step deletes or changes one of these links, or takes its frames."""
    takes = _TAKES_LINK.get(type(step))
    return takes is not None and takes(step, carriers)


def _takes_frames(step: AddLink, carriers: t.Container[str]) -> bool:
    # It takes all frames of its parent for itself (drivers/net/macvlan.c, macvlan_handle_frame).
    return kind_of(step.link).takes_parent(step.link.mode) and step.link.parent in carriers


def _deletes(step: DeleteLink, carriers: t.Container[str]) -> bool:
    return step.netns == HOST and step.link.name in carriers


def _changes(step: SetLink, carriers: t.Container[str]) -> bool:
    harmless = step.attribute == "alias" or step.attribute == "up" and step.new
    return step.netns == HOST and step.ifname in carriers and not harmless


_TAKES_LINK: dict[type[Step], t.Callable[[t.Any, t.Container[str]], bool]] = {
    AddLink: _takes_frames,
    DeleteLink: _deletes,
    SetLink: _changes,
}


def _cuts(step: Step, carriers: t.Container[str], reach: _Reach) -> bool:
    """Whether a step removes a link of an access path, or diverts the path."""
    leads_away = _LEADS_AWAY.get(type(step))
    is_on_host = isinstance(step, LinkPropertyStep) and step.netns == HOST
    return _takes_link(step, carriers) or leads_away is not None and is_on_host and leads_away(step, reach)


def _adds_address(step: AddAddress, reach: _Reach) -> bool:
    return reach.is_caught_by(step.ifname, inet.network_of(step.address))


def _deletes_address(step: DeleteAddress, reach: _Reach) -> bool:
    is_local = step.ifname == reach.path.link and without_prefix(step.address) == reach.path.local
    return is_local or reach.hangs_on(step.ifname, inet.network_of(step.address))


def _adds_route(step: AddRoute | AddConnectedRoute, reach: _Reach) -> bool:
    return reach.is_caught_by(step.ifname, step.route.to, step.route.identity[2])


# Steps on links of the host that change the route that packets take.
_LEADS_AWAY: dict[type[Step], t.Callable[[t.Any, _Reach], bool]] = {
    AddAddress: _adds_address,
    DeleteAddress: _deletes_address,
    AddRoute: _adds_route,
    AddConnectedRoute: _adds_route,
    DeleteRoute: lambda step, reach: reach.hangs_on(step.ifname, step.route.to),
    ReplaceRoute: lambda step, reach: reach.hangs_on(step.ifname, step.old.to),
}


# --- addresses of an access path that another link takes over --------------------------------------------------------


class _Announcement(t.NamedTuple):
    """A step after which a link announces addresses to its neighbours.

    :ivar step: it is on a link, of any namespace
    :ivar wire: the link of the host whose neighbours hear it
    """

    step: AddAddress | SetLink
    wire: Link
    addresses: frozenset[str]


def _wire(host: Space, link: Link) -> Link:
    """The link of the host by which frames of a link leave: its parent, if it is a macvlan."""
    while kind_of(link).is_endpoint and (below := host.by_index(link.lower)) is not None:
        link = below
    return link


def _announcements(steps: t.Sequence[Step], kernel: Kernel, host: Space) -> t.Iterator[_Announcement]:
    # (path of the namespace, name) of links that the steps make or rename → wire and addresses
    changed: dict[tuple[str, str], tuple[Link | None, frozenset[str]]] = {}
    for step in steps:
        if isinstance(step, AddLink):
            parent = host.links.get(step.link.parent or "") if kind_of(step.link).is_endpoint else None
            changed[step.netns.path, step.link.name] = (_wire(host, parent) if parent else None), frozenset()
        elif isinstance(step, (AddAddress, SetLink)):
            interface = step.netns.path, step.ifname
            wire, addresses = changed.get(interface) or _current(kernel, host, *interface)
            if isinstance(step, AddAddress):
                addresses = frozenset({without_prefix(step.address)})
            elif step.attribute == "name":
                changed[step.netns.path, step.new] = wire, addresses
            if wire is not None and (isinstance(step, AddAddress) or step.attribute in ANNOUNCING and step.new):
                yield _Announcement(step, wire, addresses)


# With arp_notify and ndisc_notify the kernel announces the addresses of a link at these changes.
ANNOUNCING = ("up", "mac")


def _current(kernel: Kernel, host: Space, path: str, name: str) -> tuple[Link | None, frozenset[str]]:
    """The wire and the addresses of an existing link; no wire if it is not on a link of the host."""
    space = kernel.spaces.get(path)
    link = space.links.get(name) if space is not None else None
    if space is None or link is None:
        return None, frozenset()
    addresses = frozenset(without_prefix(address) for address in space.addresses.get(link.index, ()))
    if not path:
        return _wire(host, link), addresses
    below = host.by_index(link.lower) if kind_of(link).is_endpoint and link.lower_netns is not None else None
    return (_wire(host, below) if below is not None else None), addresses


def _taking_over(announcements: t.Iterable[_Announcement], path: AccessPath, link: Link, wire: Link) -> t.Iterator[LockoutRisk]:
    """Yield steps after which neighbours of an access path would confuse another link with one of its ends."""
    # The host reaches other endpoints through an endpoint of its own, and one of those can be the router (compare/claims.py).
    hop = None if link.ours and kind_of(link).is_endpoint else path.hop
    own = {path.local: "this host", path.remote: "the other end", hop: "its next hop"}
    for announcement in announcements:
        # The link that the access path comes in by may have its address.
        itself = announcement.step.netns == HOST and announcement.step.ifname == path.link
        ends = [
            f"{what} ({address})"
            for address, what in own.items()
            if address in announcement.addresses and not (itself and address == path.local)
        ]
        if ends and announcement.wire.index == wire.index:
            yield LockoutRisk(announcement.step, path, f"; neighbours would take {announcement.step.ifname} for {ends[0]}")
