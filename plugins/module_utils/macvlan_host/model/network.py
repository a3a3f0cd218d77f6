# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks and their subnets, as they are recorded."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..values import validators
from .link_identity import LinkIdentity
from .link_options import LinkOptions, are_recorded
from .probe import PROBES
from .ref import Identified, Ref, network_ref

Mode = t.Literal["bridge", "private", "vepa", "passthru", "l2", "l3", "l3s"]

DEFAULT_DRIVER = "macvlan"
# Driver, which is the kind of the links of its endpoints → the modes that a network can have, the default first.
DRIVERS: dict[str, tuple[Mode, ...]] = {DEFAULT_DRIVER: ("bridge", "private", "vepa", "passthru"), "ipvlan": ("l2", "l3", "l3s")}
MODES: tuple[Mode, ...] = tuple(mode for modes in DRIVERS.values() for mode in modes)
# Links in these modes exchange no ARP and no neighbour discovery: the host routes what they send, and so needs no next hop.
ROUTED_MODES = ("l3", "l3s")


def infers_gateway(has_parent: bool, internal: bool, mode: str) -> bool:
    """Whether a network has an inferred gateway where none is given.

    Networks without a parent and internal networks have no default route, and those in which the host routes have no next hop.
    """
    return has_parent and not internal and mode not in ROUTED_MODES


@dataclass(frozen=True)
class Slice:
    """A part of a subnet of a segment, which one host of the fleet owns.

    :ivar block: CIDR
    :ivar generation: counts the owners that it has had
    :ivar lost_to: empty if this host owns it, else the host that does by now
    """

    block: str
    generation: int = 1
    lost_to: str = ""

    CHECKS: t.ClassVar[dict[str, validators.Check]] = {
        "block": validators.with_length,
        "generation": validators.number(1, validators.MAX_UINT32),
        "lost_to": validators.text,
    }

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> Slice:
        return cls(**validators.fields("slice", data, cls.CHECKS))


@dataclass(frozen=True)
class Subnet:
    """One subnet of a network.

    :ivar gateway_onlink: whether the gateway may be outside of the subnet, as a next hop on the link
    :ivar ip_range: CIDR or ``first-last``; None for the whole subnet, and where there are several
    :ivar ip_ranges: all of them, in the order in which addresses are chosen from them
    :ivar exclude: addresses, networks and ``first-last`` that are never given out
    :ivar aux_addresses: name → address that is never given out
    :ivar chosen: chosen by the collection, because the task gave none
    :ivar scope: empty, or the id of the network that keeps leases of its own here (allow_overlap)
    :ivar slices: the slices of the host, in the order in which addresses are chosen from them, beside some that it owned before; None
        if the network is of no segment, and all addresses of the subnet are the host's to give out
    """

    subnet: str
    gateway: str | None = None
    gateway_inferred: bool = False
    ip_range: str | None = None
    aux_addresses: dict[str, str] = field(default_factory=dict)
    chosen: bool = False
    scope: str = ""
    gateway_onlink: bool = False
    ip_ranges: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    slices: tuple[Slice, ...] | None = None

    CHECKS: t.ClassVar[dict[str, validators.Check]] = {
        "subnet": validators.with_length,
        "gateway": validators.optional(validators.address),
        "gateway_inferred": validators.flag,
        "ip_range": validators.optional(validators.address_range),
        "aux_addresses": validators.mapping(validators.text, validators.address),
        "chosen": validators.flag,
        "scope": validators.text,
        "gateway_onlink": validators.flag,
        "ip_ranges": validators.listed(validators.address_range),
        "exclude": validators.listed(validators.addresses),
        "slices": validators.checked_separately,
    }

    def __post_init__(self) -> None:
        """Keep ``ip_range`` and ``ip_ranges`` the same; rows of release 1 have the first one alone."""
        ranges = self.ip_ranges or (() if self.ip_range is None else (self.ip_range,))
        object.__setattr__(self, "ip_ranges", ranges)
        object.__setattr__(self, "ip_range", ranges[0] if len(ranges) == 1 else None)

    @property
    def pool(self) -> str:
        """The key of the set of leases: networks with the same key share it."""
        return f"{self.subnet}@{self.scope}" if self.scope else self.subnet

    @property
    def owned_slices(self) -> tuple[str, ...]:
        """The slices (CIDR) that are the host's."""
        return tuple(item.block for item in self.slices or () if not item.lost_to)

    @property
    def ranges(self) -> tuple[str, ...]:
        """What addresses are chosen from, each CIDR or ``first-last``: the ip_ranges, else the slices of the host, else the subnet."""
        return self.ip_ranges or ((self.subnet,) if self.slices is None else self.owned_slices)

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> Subnet:
        values = validators.fields("subnet", data, cls.CHECKS)
        lists: dict[str, t.Any] = {name: tuple(values[name]) for name in ("ip_ranges", "exclude") if name in values}
        if values.get("slices") is not None:
            lists["slices"] = validators.each(Slice.from_plain, validators.items("slices of a subnet", values["slices"]))
        return cls(**{**values, **lists})


@dataclass(frozen=True)
class Network(Identified):
    """A named network on one parent.

    :ivar parent_created: the parent did not exist and was made for a network
    :ivar mtu: of its endpoints, None for the parent's
    :ivar ipam: ``default`` or ``none`` (endpoints without addresses)
    :ivar exclusive: whether to remove foreign addresses from links of its endpoints
    :ivar probe: how neighbours are asked about new addresses, one of PROBES; None as long as no task has said it
    :ivar link_options: what a task has said of the links of its endpoints
    :ivar parent_link: the link that its parent is; None for one of ours, and as long as no run has recorded it
    :ivar driver: the kind of the links of its endpoints
    :ivar segment: the wire of the fleet that it is on, empty for none
    """

    id: str
    name: str
    parent: str
    mode: Mode = "bridge"
    parent_created: bool = False
    internal: bool = False
    ipv6: bool = False
    mtu: int | None = None
    ipam: str = "default"
    labels: dict[str, str] = field(default_factory=dict)
    subnets: tuple[Subnet, ...] = ()
    exclusive: bool = False
    probe: str | None = None
    link_options: LinkOptions = field(default_factory=dict)
    # A new boot, which gives the link another index, changes no network.
    parent_link: LinkIdentity | None = field(default=None, compare=False)
    driver: str = DEFAULT_DRIVER
    segment: str = ""

    CHECKS: t.ClassVar[dict[str, validators.Check]] = {
        "id": validators.identifier,
        "name": validators.object_name,
        "parent": validators.interface,
        "mode": validators.one_of(*MODES),
        "parent_created": validators.flag,
        "internal": validators.flag,
        "ipv6": validators.flag,
        "mtu": validators.optional(validators.number(0, validators.MAX_UINT32)),
        "ipam": validators.one_of("default", "none"),
        "labels": validators.mapping(validators.text, validators.text),
        "subnets": validators.checked_separately,
        "exclusive": validators.flag,
        "probe": validators.optional(validators.one_of(*PROBES)),
        "link_options": are_recorded,
        "parent_link": validators.checked_separately,
        "driver": validators.one_of(*DRIVERS),
        "segment": validators.text,
    }

    @property
    def ref(self) -> Ref:
        return network_ref(self.name)

    @property
    def kind(self) -> str:
        """The kind of the links of its endpoints."""
        return self.driver

    @property
    def slices(self) -> tuple[Slice, ...]:
        """The slices in all its subnets."""
        return tuple(item for subnet in self.subnets for item in subnet.slices or ())

    @property
    def shown_slices(self) -> list[dict[str, t.Any]]:
        """The slices in all its subnets, as options and results have them."""
        return [
            {"subnet": subnet.subnet, "slice": item.block, "generation": item.generation, "lost_to": item.lost_to or None}
            for subnet in self.subnets
            for item in subnet.slices or ()
        ]

    @property
    def is_routed(self) -> bool:
        """Whether the default route of its endpoints is their link itself."""
        return self.mode in ROUTED_MODES

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> Network:
        values = validators.fields("network", data, cls.CHECKS)
        subnets = validators.items("subnets of a network", values["subnets"])
        below = LinkIdentity.from_plain(values.get("parent_link"))
        network = cls(**{**values, "subnets": validators.each(Subnet.from_plain, subnets), "parent_link": below})
        if network.mode not in DRIVERS[network.driver]:
            raise ValueError(f"{network.title} has mode {network.mode}, which is none of {network.driver}")
        return network
