# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps: the smallest things that are done to the kernel, as data.

A plan is a list of them. Each tells in a sentence what it does and which steps take it back, so results, check
mode, the real run, the way back after an error and the journal all speak of the same thing.
"""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass, field

from ..model.netns import HOST, Netns
from ..model.route import Route
from ..model.sysctl import Sysctl
from .link_spec import LinkSpec


@dataclass(frozen=True)
class Note:
    """Something that changes in the state database only."""

    text: str

    def describe(self) -> str:
        return self.text

    def inverse(self) -> tuple[Step, ...]:
        return ()


@dataclass(frozen=True)
class CreateNetns:
    """Make a namespace under /run/netns, tag its loopback and bring that up."""

    name: str
    tag: str

    def describe(self) -> str:
        return f"create namespace {self.name}"

    def inverse(self) -> tuple[Step, ...]:
        return (DeleteNetns(self.name, self.tag),)


@dataclass(frozen=True)
class DeleteNetns:
    """Take a namespace away from /run/netns."""

    name: str
    tag: str

    def describe(self) -> str:
        return f"delete namespace {self.name}"

    def inverse(self) -> tuple[Step, ...]:
        return (CreateNetns(self.name, self.tag),)


@dataclass(frozen=True)
class AddLink:
    """Make a link in its namespace, under its final name, down, and tag it."""

    netns: Netns
    link: LinkSpec

    def describe(self) -> str:
        link = self.link
        details = [link.mode or "", link.mac or ""]
        if link.vlan is not None:
            double = " 802.1ad" if link.vlan.protocol == "802.1ad" else ""
            details.insert(0, f"{double.strip()} VLAN {link.vlan.vlan_id}".strip())
        shown = ", ".join(item for item in details if item)
        on = f" on {link.parent}" if link.parent else ""
        return f"create {link.phrase}{self.netns.phrase}{on}" + (f" ({shown})" if shown else "")

    def inverse(self) -> tuple[Step, ...]:
        return (DeleteLink(self.netns, self.link),)


@dataclass(frozen=True)
class DeleteLink:
    """Remove a link, after a look whether it is the one that is meant.

    :ivar restore: the steps that make it again as it was
    :ivar because: said behind the sentence
    """

    netns: Netns
    link: LinkSpec
    restore: tuple[Step, ...] = ()
    because: str = ""

    def describe(self) -> str:
        return f"delete {self.link.phrase}{self.netns.phrase}{self.because}"

    def inverse(self) -> tuple[Step, ...]:
        return self.restore


@dataclass(frozen=True)
class SetLink:
    """Change one property of a link in place.

    :ivar attribute: ``name``, ``mac``, ``mtu``, ``mode``, ``alias``, ``up`` or ``vlan``
    :ivar old: its value now, and ``new`` the wanted one: text, number, bool, or VlanFacts as a plain dict
    """

    netns: Netns
    ifname: str
    attribute: str
    old: t.Any
    new: t.Any

    def describe(self) -> str:
        where = f"{self.ifname}{self.netns.phrase}"
        if self.attribute == "up":
            return f"bring {where} {'up' if self.new else 'down'}"
        if self.attribute == "name":
            return f"rename {where} to {self.new}"
        if self.attribute == "alias":
            return f"tag {where} as ours" if self.new else f"remove our tag from {where}"
        if self.attribute == "vlan":
            return f"change VLAN settings of {where}: {_changed(self.old, self.new)}"
        return f"change {self.attribute} of {where} from {self.old} to {self.new}"

    def inverse(self) -> tuple[Step, ...]:
        ifname = self.new if self.attribute == "name" else self.ifname
        return (dataclasses.replace(self, ifname=ifname, old=self.new, new=self.old),)


def _changed(old: dict[str, t.Any], new: dict[str, t.Any]) -> str:
    return ", ".join(f"{key} {old.get(key)} to {value}" for key, value in new.items() if old.get(key) != value)


@dataclass(frozen=True)
class AddAddress:
    """Give a link an address (IPv6 without duplicate address detection).

    :ivar peer: the address at the other end, where one is given
    """

    netns: Netns
    ifname: str
    address: str
    peer: str | None = None

    def describe(self) -> str:
        return f"add {self.address} to {self.ifname}{self.netns.phrase}"

    def inverse(self) -> tuple[Step, ...]:
        return (DeleteAddress(self.netns, self.ifname, self.address, self.peer),)


@dataclass(frozen=True)
class DeleteAddress:
    """Take an address from a link; the kernel knows it by its peer, too."""

    netns: Netns
    ifname: str
    address: str
    peer: str | None = None

    def describe(self) -> str:
        return f"delete {self.address} from {self.ifname}{self.netns.phrase}"

    def inverse(self) -> tuple[Step, ...]:
        return (AddAddress(self.netns, self.ifname, self.address, self.peer),)


@dataclass(frozen=True)
class AddRoute:
    """Add a route over a link."""

    netns: Netns
    ifname: str
    route: Route

    def describe(self) -> str:
        return f"add {_route_phrase(self.route)} on {self.ifname}{self.netns.phrase}"

    def inverse(self) -> tuple[Step, ...]:
        return (DeleteRoute(self.netns, self.ifname, self.route),)


@dataclass(frozen=True)
class DeleteRoute:
    """Delete a route over a link."""

    netns: Netns
    ifname: str
    route: Route

    def describe(self) -> str:
        return f"delete {_route_phrase(self.route)} on {self.ifname}{self.netns.phrase}"

    def inverse(self) -> tuple[Step, ...]:
        return (AddRoute(self.netns, self.ifname, self.route),)


@dataclass(frozen=True)
class ReplaceRoute:
    """Change the next hop of a route, without a moment in which there is none."""

    netns: Netns
    ifname: str
    old: Route
    new: Route

    def describe(self) -> str:
        return f"replace {_route_phrase(self.old)} by {_route_phrase(self.new)} on {self.ifname}{self.netns.phrase}"

    def inverse(self) -> tuple[Step, ...]:
        return (ReplaceRoute(self.netns, self.ifname, self.new, self.old),)


@dataclass(frozen=True)
class AddConnectedRoute:
    """Add the route that the kernel makes for an address, as it makes it, where that was lost."""

    netns: Netns
    ifname: str
    address: str

    @property
    def route(self) -> Route:
        return t.cast(Route, Route.connected(self.address))

    def describe(self) -> str:
        return f"add route to {self.route.to} of {self.address} on {self.ifname}{self.netns.phrase}"

    def inverse(self) -> tuple[Step, ...]:
        return (DeleteRoute(self.netns, self.ifname, self.route),)


def _route_phrase(route: Route) -> str:
    defaults = {"0.0.0.0/0": "default route", "::/0": "IPv6 default route"}
    via = f" via {route.via}" if route.via else ""
    metric = f" metric {route.metric}" if route.metric else ""
    return defaults.get(route.to, f"route to {route.to}") + via + metric


@dataclass(frozen=True)
class SetSysctls:
    """Write settings of an interface or of its namespace, in order; ``IFNAME`` in a key stands for the interface."""

    netns: Netns
    ifname: str
    settings: tuple[Sysctl, ...] = field(default=())

    def describe(self) -> str:
        shown = ", ".join(f"{item.key.replace('IFNAME', self.ifname)}={item.new}" for item in self.settings)
        return f"set {shown}{self.netns.phrase}"

    def inverse(self) -> tuple[Step, ...]:
        back = tuple(
            dataclasses.replace(item, old=item.new, new=item.old, optional=True)
            for item in reversed(self.settings)
            if item.old is not None
        )
        return (SetSysctls(self.netns, self.ifname, back),) if back else ()


Step = t.Union[
    Note,
    CreateNetns,
    DeleteNetns,
    AddLink,
    DeleteLink,
    SetLink,
    AddAddress,
    DeleteAddress,
    AddRoute,
    DeleteRoute,
    ReplaceRoute,
    AddConnectedRoute,
    SetSysctls,
]


def inverse(done: t.Sequence[Step]) -> tuple[Step, ...]:
    """The steps that take back what was done, newest first.

    What was done to a link that was made among these goes with it. So nothing is taken back on whatever else has its
    name, should the link not have come to be.
    """
    return tuple(back for step in reversed(_without_details(done)) for back in step.inverse())


# What is done to a link that is there.
ON_A_LINK = (AddAddress, DeleteAddress, AddRoute, DeleteRoute, ReplaceRoute, AddConnectedRoute, SetLink)


def _without_details(done: t.Sequence[Step]) -> list[Step]:
    """The steps, but for what was done to links that were made before."""
    kept: list[Step] = []
    made: set[tuple[str, str]] = set()
    for step in done:
        if isinstance(step, AddLink):
            made.add((step.netns.path, step.link.name))
        elif isinstance(step, DeleteLink):
            made.discard((step.netns.path, step.link.name))
        elif isinstance(step, ON_A_LINK):
            place = step.netns.path, step.ifname
            if isinstance(step, SetLink) and step.attribute == "name":
                made.discard(place)
            elif place in made:
                continue
        kept.append(step)
    return kept


def link_steps(link: LinkSpec, up: bool) -> tuple[Step, ...]:
    """The steps that make a link in the host's own namespace."""
    add = AddLink(HOST, link)
    return (add, SetLink(HOST, link.name, "up", False, True)) if up else (add,)
