# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links: those of a namespace, and those that are recorded as ours."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass, field

from ..values import names, validators
from .link_identity import LinkIdentity
from .link_options import LinkOptions
from .ref import DUMMY, Identified, Ref, subinterface_ref

ETHERNET = 1  # ARPHRD_ETHER, include/uapi/linux/if_arp.h

VLAN_CHECKS: dict[str, validators.Check] = {
    "vlan_id": validators.number(names.MIN_VLAN_ID, names.MAX_VLAN_ID),
    "protocol": validators.one_of("802.1q", "802.1ad"),
    "reorder_hdr": validators.flag,
    "gvrp": validators.flag,
    "mvrp": validators.flag,
    "loose_binding": validators.flag,
    "ingress_qos_map": validators.priorities,
    "egress_qos_map": validators.priorities,
}


@dataclass(frozen=True)
class SubInterface(Identified):
    """A VLAN link that the collection created.

    :ivar parent: the base link
    :ivar mtu: what was asked for, None for the base's
    :ivar mac: what was asked for, None for the base's
    :ivar declared: by a vlan_subinterface task; otherwise it goes with the last network that uses it
    :ivar parent_link: the link that its base is; None for one of ours, and as long as no run has recorded it
    """

    id: str
    name: str
    parent: str
    vlan_id: int
    protocol: str = "802.1q"
    mtu: int | None = None
    mac: str | None = None
    up: bool = True
    reorder_hdr: bool = True
    gvrp: bool = False
    mvrp: bool = False
    loose_binding: bool = False
    ingress_qos_map: dict[str, int] = field(default_factory=dict)
    egress_qos_map: dict[str, int] = field(default_factory=dict)
    declared: bool = False
    # A new boot, which gives the base another index, changes no sub-interface.
    parent_link: LinkIdentity | None = field(default=None, compare=False)
    kind: t.ClassVar[str] = "vlan"

    CHECKS: t.ClassVar[dict[str, validators.Check]] = {
        "id": validators.identifier,
        "name": validators.interface,
        "parent": validators.interface,
        "mtu": validators.optional(validators.number(0, validators.MAX_UINT32)),
        "mac": validators.optional(validators.mac),
        "up": validators.flag,
        **VLAN_CHECKS,
        "declared": validators.flag,
        "parent_link": validators.checked_separately,
    }

    @property
    def ref(self) -> Ref:
        return subinterface_ref(self.name)

    @property
    def facts(self) -> VlanFacts:
        """The VLAN part of its link."""
        return VlanFacts(**{item.name: getattr(self, item.name) for item in dataclasses.fields(VlanFacts)})

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> SubInterface:
        values = validators.fields("sub-interface", data, cls.CHECKS)
        return cls(**{**values, "parent_link": LinkIdentity.from_plain(values.get("parent_link"))})


# What the kernel gives a dummy link (net/ethernet/eth.c, ether_setup).
DUMMY_MTU = 1500


@dataclass(frozen=True)
class DummyParent(Identified):
    """The dummy link of a network without a parent."""

    id: str
    name: str
    kind: t.ClassVar[str] = "dummy"
    declared: t.ClassVar[bool] = False

    CHECKS: t.ClassVar[dict[str, validators.Check]] = {"id": validators.identifier, "name": validators.interface}

    @property
    def ref(self) -> Ref:
        return Ref(DUMMY, "", self.name)

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> DummyParent:
        return cls(**validators.fields("dummy parent", data, cls.CHECKS))


OwnedLink = t.Union[SubInterface, DummyParent]


@dataclass(frozen=True)
class VlanFacts:
    """The VLAN part of a link, as set in the kernel."""

    vlan_id: int
    protocol: str = "802.1q"
    reorder_hdr: bool = True
    gvrp: bool = False
    mvrp: bool = False
    loose_binding: bool = False
    ingress_qos_map: dict[str, int] = field(default_factory=dict)
    egress_qos_map: dict[str, int] = field(default_factory=dict)

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> VlanFacts:
        # A foreign link may have VLAN 0, which only carries a priority.
        return cls(**validators.fields("VLAN", data, {**VLAN_CHECKS, "vlan_id": validators.number(0, names.MAX_VLAN_ID)}))


@dataclass(frozen=True)
class Link:
    """A link of one namespace.

    :ivar kind: ``macvlan``, ``vlan``, ``bridge`` …, empty for hardware
    :ivar hardware: ARPHRD_ type (include/uapi/linux/if_arp.h), 1 is Ethernet
    :ivar group: 0 unless a program sorts links into groups
    :ivar lower: ifindex of the link below, in ``lower_netns``
    :ivar lower_netns: the kernel's id of the namespace of ``lower``; None for the same namespace
    :ivar master: ifindex of the bridge, bond, team or VRF that it is a port of
    :ivar altnames: its alternative names, which no other link of the namespace can have as a name
    :ivar link_options: those that the kernel shows; an option that it does not show has its default
    :ivar permanent_mac: of its hardware, since Linux 5.6; empty where it has none
    :ivar table: the routing table of a VRF; None for other links
    """

    index: int
    name: str
    kind: str = ""
    hardware: int = 1
    mac: str = ""
    mtu: int = 1500
    up: bool = False
    loopback: bool = False
    alias: str = ""
    group: int = 0
    lower: int | None = None
    lower_netns: int | None = None
    master: int | None = None
    mode: str | None = None
    vlan: VlanFacts | None = None
    altnames: tuple[str, ...] = ()
    link_options: LinkOptions = field(default_factory=dict)
    permanent_mac: str = ""
    table: int | None = None

    @property
    def ours(self) -> bool:
        """Whether it carries any tag of ours."""
        return self.alias.startswith(names.TAG_PREFIX)


class Stacked(t.Protocol):
    """What sits on a link that may be one of its kind, too."""

    @property
    def name(self) -> str:
        """Its own name."""

    @property
    def parent(self) -> str:
        """The name of the link below it."""


OnOthers = t.TypeVar("OnOthers", bound=Stacked)


def by_depth(subs: t.Mapping[str, OnOthers]) -> list[OnOthers]:
    """Sub-interfaces by name; those that carry others before these, else in their order."""

    def depth(sub: OnOthers, seen: frozenset[str] = frozenset()) -> int:
        below = subs.get(sub.parent)
        if below is None or below.name in seen:
            return 0
        return 1 + depth(below, seen | {below.name})

    return sorted(subs.values(), key=depth)


def stacked(links: t.Iterable[OwnedLink]) -> list[SubInterface]:
    """The sub-interfaces among links of ours, those that carry others before these."""
    return by_depth({item.name: item for item in links if isinstance(item, SubInterface)})


def link_from_plain(body: dict[str, t.Any]) -> OwnedLink:
    """A recorded link from JSON types."""
    return SubInterface.from_plain(body) if "vlan_id" in body else DummyParent.from_plain(body)
