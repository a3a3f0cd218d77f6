# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock-out guard: which steps of a plan would cut the ways by which this host is reached. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from . import inet, ipam
from .connection import Connection
from .errors import PlanError
from .model import HOST, Kernel, Link, Route, Space, Way
from .steps import (
    ON_A_LINK,
    AddAddress,
    AddConnectedRoute,
    AddLink,
    AddRoute,
    DeleteAddress,
    DeleteLink,
    ReplaceRoute,
    SetLink,
    Step,
)


@dataclass(frozen=True)
class Caution:
    """How careful a run is with the ways by which the host is reached.

    :ivar connection: the one that the run came by, None when it came by none
    :ivar force: whether ways may be cut
    :ivar confirm: within how many seconds somebody has to confirm what was done, 0 when nobody has to
    """

    connection: Connection | None = None
    force: bool = False
    confirm: int = 0


@dataclass(frozen=True)
class Danger:
    """A step that would cut a way."""

    step: Step
    way: Way

    @property
    def sentence(self) -> str:
        local = f", which reaches {self.way.local}," if self.way.local else ""
        return f"it would {self.step.describe()}, and {self.way.what}{local} comes in by {self.way.link}"


def check(title: str, steps: t.Sequence[Step], kernel: Kernel, caution: Caution) -> tuple[str, ...]:
    """Refuse steps that would cut a way; a warning for each, when that is forced, or has to be confirmed afterwards.

    :raises PlanError: naming the step, the link and the addresses
    """
    found = tuple(_dangers(steps, kernel))
    if found and not caution.force and not caution.confirm:
        raise PlanError(
            f"{title}: refused, because the host may not be reachable afterwards: {found[0].sentence}; if that is meant, "
            f"use force: true, or macvlan_config with confirm_timeout, which puts everything back unless it is confirmed"
        )
    return tuple(f"{title}: the host may not be reachable afterwards: {danger.sentence}" for danger in found)


def _dangers(steps: t.Sequence[Step], kernel: Kernel) -> t.Iterator[Danger]:
    host = kernel.spaces.get(HOST.path)
    if host is None:
        return
    for way in kernel.ways:
        link = host.links.get(way.link)
        if link is not None:
            carriers = {item.name for item in _carriers(host, link)}
            reach = _Reach(host, way)
            # The first step says enough; what follows from it would only be more of the same.
            yield from (Danger(step, way) for step in steps if _cuts(step, carriers, reach))


def _carriers(host: Space, link: Link) -> list[Link]:
    """The link, and all that it hangs on: those below it, and the ports of a bridge or bond."""
    found = [link]
    for item in found:
        below = host.by_index(item.lower) if item.lower_netns is None else None
        ports = [other for other in host.links.values() if other.master == item.index]
        found += [other for other in (below, *ports) if other is not None and other not in found]
    return found


class _Reach:
    """How the kernel finds the other end of a way."""

    def __init__(self, host: Space, way: Way) -> None:
        self.way = way
        lengths = [
            ipam.prefix_length(route.to) for routes in host.routes.values() for route in routes if self.is_under(route.to)
        ]
        self._length = max(lengths, default=-1)

    def is_under(self, block: str) -> bool:
        return ipam.version_of(block) == ipam.version_of(self.way.remote) and self.way.remote in ipam.block(block)

    def is_caught_by(self, ifname: str, block: str) -> bool:
        """Whether a new route would lead to the other end by another link: a narrower one wins."""
        return ifname != self.way.link and self.is_under(block) and ipam.prefix_length(block) > self._length

    def hangs_on(self, ifname: str, block: str) -> bool:
        """Whether a route that is there leads to the other end."""
        return ifname == self.way.link and self.is_under(block) and ipam.prefix_length(block) >= self._length


def _cuts(step: Step, carriers: t.Container[str], reach: _Reach) -> bool:
    if isinstance(step, AddLink):
        # It takes all frames of its parent for itself (drivers/net/macvlan.c, macvlan_handle_frame).
        return step.link.mode == "passthru" and step.link.parent in carriers
    if isinstance(step, DeleteLink):
        return step.netns == HOST and step.link.name in carriers
    if not isinstance(step, ON_A_LINK) or step.netns != HOST:
        return False
    if isinstance(step, SetLink):
        harmless = step.attribute == "alias" or step.attribute == "up" and step.new
        return step.ifname in carriers and not harmless
    if isinstance(step, AddAddress):
        return reach.is_caught_by(step.ifname, inet.network_of(step.address))
    if isinstance(step, DeleteAddress):
        is_local = step.ifname == reach.way.link and ipam.without_prefix(step.address) == reach.way.local
        return is_local or reach.hangs_on(step.ifname, inet.network_of(step.address))
    if isinstance(step, (AddRoute, AddConnectedRoute)):
        return reach.is_caught_by(step.ifname, step.route.to)
    route: Route = step.old if isinstance(step, ReplaceRoute) else step.route
    return reach.hangs_on(step.ifname, route.to)
