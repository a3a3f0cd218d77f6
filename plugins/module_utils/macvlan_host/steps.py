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

from . import checks, names
from .model import HOST, MODES, Link, Netns, Route, VlanFacts, plain


@dataclass(frozen=True)
class LinkSpec:
    """A link to make, and how to recognise it.

    :ivar tag: the alias that it carries, None for a foreign link (removed by force only)
    :ivar parent: name of the link below, in the host's own namespace
    """

    name: str
    kind: str
    tag: str | None = None
    parent: str | None = None
    mac: str | None = None
    mtu: int | None = None
    mode: str | None = None
    vlan: VlanFacts | None = None

    @property
    def phrase(self) -> str:
        """The kind and name, such as ``VLAN link eth0.50``."""
        kinds = {"vlan": "VLAN link", "dummy": "dummy link", "macvlan": "macvlan link"}
        return f"{kinds.get(self.kind, (self.kind + ' link').strip())} {self.name}"


def is_meant(found: Link, wanted: LinkSpec, or_untagged: bool = False) -> bool:
    """Whether a link is the one that a step speaks of: kind, VLAN and tag, not the name alone.

    :param or_untagged: a link whose creation was interrupted has no tag yet, and is known by its group
    """
    if found.kind != wanted.kind:
        return False
    if wanted.vlan is not None and (found.vlan is None or found.vlan.vlan_id != wanted.vlan.vlan_id):
        return False
    identifier = names.identifier_of(wanted.tag)
    if found.alias or not or_untagged or identifier is None:
        return found.alias == (wanted.tag or "")
    return found.group == names.birth_group(identifier)


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
class Sysctl:
    """One setting of a namespace.

    :ivar old: its value now; None when that goes away with the interface anyway
    :ivar optional: a kernel without it is no error
    """

    key: str
    old: str | None
    new: str
    optional: bool = False


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

_STEPS: dict[str, type] = {
    cls.__name__: cls
    for cls in (
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
    )
}


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


def to_plain(step: Step, with_way_back: bool = True) -> dict[str, t.Any]:
    """A step as JSON types, for the journal.

    :param with_way_back: with the steps that make a deleted link again
    """
    if not isinstance(step, DeleteLink):
        return {"step": type(step).__name__, **plain(step)}
    restore = [to_plain(item) for item in step.restore] if with_way_back else []
    return {"step": "DeleteLink", **plain(dataclasses.replace(step, restore=())), "restore": restore}


def from_plain(data: dict[str, t.Any]) -> Step:
    """The step that :func:`to_plain` wrote.

    :raises UnknownError: it is one of a newer release
    :raises ValueError: it is none that a plan could have
    """
    step = data.get("step") if isinstance(data, dict) else None
    if not checks.known("step", step, _STEPS):
        raise ValueError(f"there is an unknown step {step!a:.80}")
    cls = _STEPS[t.cast(str, step)]
    values = checks.fields(f"step {step}", {key: value for key, value in data.items() if key != "step"}, _CHECKS[cls])
    read = _READ_ROUTES if cls is ReplaceRoute else _READ
    found = cls(**{key: read[key](value) if key in read else value for key, value in values.items()})
    if cls is SetLink and not all(_ATTRIBUTES[found.attribute](value) for value in (found.old, found.new)):
        raise ValueError(f"there is a step that changes {found.attribute} from {found.old!a:.80} to {found.new!a:.80}")
    return t.cast(Step, found)


def _link_from_plain(data: t.Any) -> LinkSpec:
    values = checks.fields("link", data, _LINK_CHECKS)
    vlan = VlanFacts.from_plain(values["vlan"]) if values["vlan"] is not None else None
    found = LinkSpec(**{**values, "vlan": vlan})
    # Of what is not ours only VLAN links are ever removed, and by force.
    if vlan is None and (found.kind == "vlan" or not checks.tag(found.tag)):
        raise ValueError(f"there is a step for a link {found.name!a} that cannot be ours")
    return found


def _several(title: str, read: t.Callable[[t.Any], t.Any]) -> t.Callable[[t.Any], tuple[t.Any, ...]]:
    return lambda data: checks.each(read, checks.items(title, data))


_SYSCTL_CHECKS: dict[str, checks.Check] = {
    "key": checks.sysctl_key,
    "old": checks.optional(checks.sysctl_value),
    "new": checks.sysctl_value,
    "optional": checks.flag,
}

_READ: dict[str, t.Callable[[t.Any], t.Any]] = {
    "netns": Netns.from_plain,
    "link": _link_from_plain,
    "route": Route.from_plain,
    "restore": _several("steps of a way back", from_plain),
    "settings": _several("settings of a step", lambda data: Sysctl(**checks.fields("setting", data, _SYSCTL_CHECKS))),
}

_READ_ROUTES = {**_READ, "old": Route.from_plain, "new": Route.from_plain}

# Namespaces are ruled by others too, who may have called a link what no task would.
_PLACE: dict[str, checks.Check] = {"netns": checks.elsewhere, "ifname": checks.link_name}
_OF_ADDRESS: dict[str, checks.Check] = {
    **_PLACE,
    "address": checks.with_length,
    "peer": checks.optional(checks.address),
}
_OF_ROUTE: dict[str, checks.Check] = {**_PLACE, "route": checks.elsewhere}
_OF_NETNS: dict[str, checks.Check] = {"name": checks.namespace, "tag": checks.tag}

_CHECKS: dict[type, dict[str, checks.Check]] = {
    Note: {"text": checks.text},
    CreateNetns: _OF_NETNS,
    DeleteNetns: _OF_NETNS,
    AddLink: {"netns": checks.elsewhere, "link": checks.elsewhere},
    DeleteLink: {
        "netns": checks.elsewhere,
        "link": checks.elsewhere,
        "restore": checks.elsewhere,
        "because": checks.text,
    },
    SetLink: {
        **_PLACE,
        "attribute": checks.one_of("name", "mac", "mtu", "mode", "alias", "up", "vlan"),
        "old": checks.elsewhere,
        "new": checks.elsewhere,
    },
    AddAddress: _OF_ADDRESS,
    DeleteAddress: _OF_ADDRESS,
    AddRoute: _OF_ROUTE,
    DeleteRoute: _OF_ROUTE,
    ReplaceRoute: {**_PLACE, "old": checks.elsewhere, "new": checks.elsewhere},
    AddConnectedRoute: {**_PLACE, "address": lambda value: checks.with_length(value) and Route.connected(value) is not None},
    SetSysctls: {**_PLACE, "settings": checks.elsewhere},
}

# What the attributes of a link can be changed from, and to.
_ATTRIBUTES: dict[str, checks.Check] = {
    "name": checks.link_name,
    "mac": checks.mac,
    "mtu": checks.number(0, checks.MAX_UINT32),
    "mode": checks.one_of(*MODES, "source"),
    "alias": checks.link_alias,
    "up": checks.flag,
    "vlan": lambda value: VlanFacts.from_plain(value) is not None,
}

_LINK_CHECKS: dict[str, checks.Check] = {
    "name": checks.link_name,
    "kind": checks.one_of("vlan", "dummy", "macvlan"),
    "tag": checks.optional(checks.link_alias),
    "parent": checks.optional(checks.link_name),
    "mac": checks.optional(checks.mac),
    "mtu": checks.optional(checks.number(0, checks.MAX_UINT32)),
    "mode": checks.optional(checks.one_of(*MODES)),
    "vlan": checks.elsewhere,
}


def link_steps(link: LinkSpec, up: bool) -> tuple[Step, ...]:
    """The steps that make a link in the host's own namespace."""
    add = AddLink(HOST, link)
    return (add, SetLink(HOST, link.name, "up", False, True)) if up else (add,)
