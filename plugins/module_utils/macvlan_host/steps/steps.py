# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps: the smallest changes of the kernel, as data.

A plan is a list of them. Each tells in a sentence what it does and which steps undo it, so results, check
mode, the real run, undoing after an error and the journal all use the same steps.

A new kind of step is a class here, with a function that simulates it (simulate.py) and one that performs it (kernel/write.py).
"""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass, field

from ..model.netns import HOST, Netns
from ..model.resolver import is_our_resolver, resolver_path, shown_resolver
from ..model.route import Route
from ..model.sysctl import Sysctl
from ..values import validators
from .link_attributes import attribute_named, is_attribute
from .link_spec import LinkSpec


def stored(
    check: validators.Check = validators.checked_separately, read: t.Callable[[t.Any], t.Any] | None = None, steps: bool = False
) -> dict[str, t.Any]:
    """Metadata of a field of a step: how the journal stores it.

    :param check: the validator of a stored value
    :param read: makes the value from the stored one, None if they are equal
    :param steps: it holds steps
    """
    return {"check": check, "read": read, "steps": steps}


class Step:
    """One step; its classes are dataclasses, whose fields say by :func:`stored` how they are stored.

    A class without further fields needs no decorator; every decorator costs time in every task.

    :cvar classes: name → class of all kinds of step, which are registered when they are defined
    :cvar notes_only: it changes nothing in the kernel
    """

    classes: t.ClassVar[dict[str, type[Step]]] = {}
    notes_only: t.ClassVar[bool] = False

    def __init_subclass__(cls, is_base: bool = False, **arguments: t.Any) -> None:
        """Register a kind of step.

        :param is_base: it is not a kind of step, but the base of several
        """
        super().__init_subclass__(**arguments)
        if not is_base:
            Step.classes[cls.__name__] = cls

    def describe(self) -> str:
        """A sentence about what it does, without subject."""
        raise NotImplementedError

    def inverse(self) -> tuple[Step, ...]:
        """The steps that undo it, in order."""
        raise NotImplementedError

    def problem(self) -> str | None:
        """What is wrong with a stored step whose fields are right, each by itself."""
        return None


@dataclass(frozen=True)
class NamespaceStep(Step, is_base=True):
    """A step on a named namespace.

    :ivar tag: of its loopback
    """

    name: str = field(metadata=stored(validators.namespace))
    tag: str = field(metadata=stored(validators.tag))


@dataclass(frozen=True)
class LinkStep(Step, is_base=True):
    """A step that creates or deletes a link."""

    netns: Netns = field(metadata=stored(read=Netns.from_plain))
    link: LinkSpec = field(metadata=stored(read=LinkSpec.from_plain))


@dataclass(frozen=True)
class InterfaceStep(Step, is_base=True):
    """A step on an existing link, identified by its name, or on the namespace of that link.

    The owner of a namespace may have given a link a name that no task would.
    """

    netns: Netns = field(metadata=stored(read=Netns.from_plain))
    ifname: str = field(metadata=stored(validators.link_name))

    @property
    def where(self) -> str:
        return f"{self.ifname}{self.netns.phrase}"


class LinkPropertyStep(InterfaceStep, is_base=True):
    """A step on a link whose effect ends with the link."""


@dataclass(frozen=True)
class Note(Step):
    """A change of the state database only."""

    text: str = field(metadata=stored(validators.text))
    notes_only: t.ClassVar[bool] = True

    def describe(self) -> str:
        return self.text

    def inverse(self) -> tuple[Step, ...]:
        return ()


class CreateNetns(NamespaceStep):
    """Create a namespace under /run/netns, tag its loopback and bring that up."""

    def describe(self) -> str:
        return f"create namespace {self.name}"

    def inverse(self) -> tuple[Step, ...]:
        return (DeleteNetns(self.name, self.tag),)


class DeleteNetns(NamespaceStep):
    """Delete a namespace under /run/netns."""

    def describe(self) -> str:
        return f"delete namespace {self.name}"

    def inverse(self) -> tuple[Step, ...]:
        return (CreateNetns(self.name, self.tag),)


class AddLink(LinkStep):
    """Create a link in its namespace, under its final name, down, and tag it."""

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
class DeleteLink(LinkStep):
    """Delete a link, after a check that it is the right one.

    :ivar restore: the steps that create it again with its addresses and routes
    :ivar because: the reason, added to the sentence
    """

    restore: tuple[Step, ...] = field(default=(), metadata=stored(steps=True))
    because: str = field(default="", metadata=stored(validators.text))

    def describe(self) -> str:
        return f"delete {self.link.phrase}{self.netns.phrase}{self.because}"

    def inverse(self) -> tuple[Step, ...]:
        return self.restore


@dataclass(frozen=True)
class SetLink(LinkPropertyStep):
    """Change one property of a link in place.

    :ivar attribute: a name that :func:`attribute_named` knows
    :ivar old: its value now, and ``new`` the wanted one: text, number, bool, or VlanFacts as a plain dict
    """

    attribute: str = field(metadata=stored(is_attribute))
    old: t.Any = field(metadata=stored())
    new: t.Any = field(metadata=stored())

    def describe(self) -> str:
        return attribute_named(self.attribute).sentence(self.where, self.old, self.new)

    def inverse(self) -> tuple[Step, ...]:
        ifname = self.new if self.attribute == "name" else self.ifname
        return (dataclasses.replace(self, ifname=ifname, old=self.new, new=self.old),)

    def problem(self) -> str | None:
        if all(attribute_named(self.attribute).check(value) for value in (self.old, self.new)):
            return None
        return f"there is a step that changes {self.attribute} from {self.old!a:.80} to {self.new!a:.80}"


@dataclass(frozen=True)
class AddressStep(LinkPropertyStep, is_base=True):
    """A step on an address of a link; the kernel identifies it by its peer, too.

    :ivar peer: the address at the other end, where one is given
    """

    address: str = field(metadata=stored(validators.with_length))
    peer: str | None = field(default=None, metadata=stored(validators.optional(validators.address)))


class AddAddress(AddressStep):
    """Give a link an address (IPv6 without duplicate address detection)."""

    def describe(self) -> str:
        return f"add {self.address} to {self.where}"

    def inverse(self) -> tuple[Step, ...]:
        return (DeleteAddress(self.netns, self.ifname, self.address, self.peer),)


class DeleteAddress(AddressStep):
    """Take an address from a link."""

    def describe(self) -> str:
        return f"delete {self.address} from {self.where}"

    def inverse(self) -> tuple[Step, ...]:
        return (AddAddress(self.netns, self.ifname, self.address, self.peer),)


@dataclass(frozen=True)
class RouteStep(LinkPropertyStep, is_base=True):
    """What is done with a route over a link."""

    route: Route = field(metadata=stored(read=Route.from_plain))


class AddRoute(RouteStep):
    """Add a route over a link."""

    def describe(self) -> str:
        return f"add {_route_phrase(self.route)} on {self.where}"

    def inverse(self) -> tuple[Step, ...]:
        return (DeleteRoute(self.netns, self.ifname, self.route),)


class DeleteRoute(RouteStep):
    """Delete a route over a link."""

    def describe(self) -> str:
        return f"delete {_route_phrase(self.route)} on {self.where}"

    def inverse(self) -> tuple[Step, ...]:
        return (AddRoute(self.netns, self.ifname, self.route),)


@dataclass(frozen=True)
class ReplaceRoute(LinkPropertyStep):
    """Change the next hop of a route, without a moment in which there is none."""

    old: Route = field(metadata=stored(read=Route.from_plain))
    new: Route = field(metadata=stored(read=Route.from_plain))

    def describe(self) -> str:
        return f"replace {_route_phrase(self.old)} by {_route_phrase(self.new)} on {self.where}"

    def inverse(self) -> tuple[Step, ...]:
        return (ReplaceRoute(self.netns, self.ifname, self.new, self.old),)


def _has_route(address: t.Any) -> bool:
    return validators.with_length(address) and Route.connected(address) is not None


@dataclass(frozen=True)
class AddConnectedRoute(LinkPropertyStep):
    """Add the route that the kernel makes for an address, as it makes it, where that was lost."""

    address: str = field(metadata=stored(_has_route))

    @property
    def route(self) -> Route:
        return t.cast(Route, Route.connected(self.address))

    def describe(self) -> str:
        return f"add route to {self.route.to} of {self.address} on {self.where}"

    def inverse(self) -> tuple[Step, ...]:
        return (DeleteRoute(self.netns, self.ifname, self.route),)


def _route_phrase(route: Route) -> str:
    defaults = {"0.0.0.0/0": "default route", "::/0": "IPv6 default route"}
    via = f" via {route.via}" if route.via else ""
    metric = f" metric {route.metric}" if route.metric else ""
    return defaults.get(route.to, f"route to {route.to}") + via + metric + (" onlink" if route.onlink else "")


def _settings_from_plain(data: t.Any) -> tuple[Sysctl, ...]:
    return validators.each(Sysctl.from_plain, validators.items("settings of a step", data))


@dataclass(frozen=True)
class SetSysctls(InterfaceStep):
    """Write settings of an interface or of its namespace, in order; ``IFNAME`` in a key stands for the interface."""

    settings: tuple[Sysctl, ...] = field(default=(), metadata=stored(read=_settings_from_plain))

    def describe(self) -> str:
        shown = ", ".join(f"{item.key.replace('IFNAME', self.ifname)}={item.new}" for item in self.settings)
        return f"set {shown}{self.netns.phrase}"

    def inverse(self) -> tuple[Step, ...]:
        undoing = tuple(
            dataclasses.replace(item, old=item.new, new=item.old, optional=True)
            for item in reversed(self.settings)
            if item.old is not None
        )
        return (SetSysctls(self.netns, self.ifname, undoing),) if undoing else ()


def _is_resolver(value: t.Any) -> bool:
    """What we write, or have found and taken for ours."""
    return isinstance(value, str) and is_our_resolver(value)


@dataclass(frozen=True)
class WriteResolver(Step):
    """Write or delete the file of name servers of a named namespace, which no boot takes away.

    :ivar old: its content before, None for no file
    :ivar new: its content afterwards, None for no file
    :ivar with_folder: whether the folder of the file comes, or goes, with it
    """

    name: str = field(metadata=stored(validators.namespace))
    old: str | None = field(metadata=stored(validators.optional(_is_resolver)))
    new: str | None = field(metadata=stored(validators.optional(_is_resolver)))
    with_folder: bool = field(default=False, metadata=stored(validators.flag))

    def describe(self) -> str:
        path = resolver_path(self.name)
        return f"delete {path}" if self.new is None else f"write {path} ({shown_resolver(self.new)})"

    def inverse(self) -> tuple[Step, ...]:
        return (WriteResolver(self.name, self.new, self.old, self.with_folder),)


def inverse(done: t.Sequence[Step]) -> tuple[Step, ...]:
    """The steps that undo what was done, newest first.

    The steps on a link that these steps create end with the link. So nothing is undone on another link that has its
    name, if the link was not created.
    """
    return tuple(undoing for step in reversed(_without_details(done)) for undoing in step.inverse())


def _without_details(done: t.Sequence[Step]) -> list[Step]:
    """The steps without those on links that earlier ones create."""
    kept: list[Step] = []
    created: set[tuple[str, str]] = set()
    for step in done:
        if isinstance(step, AddLink):
            created.add((step.netns.path, step.link.name))
        elif isinstance(step, DeleteLink):
            created.discard((step.netns.path, step.link.name))
        elif isinstance(step, LinkPropertyStep):
            interface = step.netns.path, step.ifname
            if isinstance(step, SetLink) and step.attribute == "name":
                created.discard(interface)
            elif interface in created:
                continue
        kept.append(step)
    return kept


def link_steps(link: LinkSpec, up: bool) -> tuple[Step, ...]:
    """The steps that make a link in the host's own namespace."""
    add = AddLink(HOST, link)
    return (add, SetLink(HOST, link.name, "up", False, True)) if up else (add,)
