# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The request of a task for a network."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..model.link_options import LinkOptions
from ..model.netns import Netns
from ..model.network import DEFAULT_DRIVER, ROUTED_MODES, Mode, Subnet, infers_gateway
from ..model.ref import Ref, network_ref
from ..values import names
from ..values.addresses import parse_network, prefix_length, version_of
from .base import Declaration, Removal
from .driver import read_driver, read_link_options
from .host_access import HostAccessOptions, check_host_access, read_host_access
from .problems import MAX_MTU, MIN_MTU, MIN_MTU_IPV6, Problems, check_former_name, check_no_former_name, parent_problem, texts
from .subnets import read_subnets

if t.TYPE_CHECKING:
    from ..model.record import Record
    from .host import Request


@dataclass(frozen=True)
class NetworkOptions(Declaration):
    """A declared network.

    :ivar subnets: with their gateways, given or inferred
    :ivar ipv6: None for "as the subnets say"
    :ivar address_pools: (base network, prefix length of the subnets in it)
    :ivar probe: None for "as the task of a whole host says, else as it is usual"
    :ivar replace: whether links of endpoints may be created again, and endpoints may get other addresses
    :ivar renamed_from: the name under which it is recorded, if it is not recorded under its name yet
    :ivar notes: values that were read differently from how they were written
    :ivar host_access: None for no access of the host
    :ivar segment: the wire of the fleet that it is on
    """

    name: str
    parent: str | None = None
    mode: Mode = "bridge"
    subnets: tuple[Subnet, ...] = ()
    ipv6: bool | None = None
    internal: bool = False
    mtu: int | None = None
    ipam: str = "default"
    address_pools: tuple[tuple[str, int], ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    allow_shared_parent: bool = False
    allow_overlap: bool = False
    exclusive: bool = False
    probe: str | None = None
    link_options: LinkOptions = field(default_factory=dict)
    replace: bool = False
    renamed_from: str | None = None
    notes: tuple[str, ...] = ()
    host_access: HostAccessOptions | None = None
    driver: str = DEFAULT_DRIVER
    segment: str | None = None

    @property
    def kind(self) -> str:
        """The kind of the links of its endpoints."""
        return self.driver

    @property
    def ref(self) -> Ref:
        return network_ref(self.name)

    @property
    def new_names(self) -> tuple[tuple[Ref, Ref], ...]:
        return () if self.renamed_from is None else ((network_ref(self.renamed_from), self.ref),)

    @property
    def uses(self) -> tuple[tuple[str, ...], tuple[Netns, ...]]:
        return tuple(names.and_below(self.parent)) if self.parent is not None else (), ()

    @property
    def named_subnets(self) -> tuple[str, ...]:
        return tuple(subnet.subnet for subnet in self.subnets)

    @property
    def aligned_networks(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def named_link_options(self) -> LinkOptions:
        return self.link_options

    @property
    def infers_gateway(self) -> bool:
        return infers_gateway(self.parent is not None, self.internal, self.mode)

    def single_requests(self, recorded: Record, /) -> tuple[Request, ...]:
        """The network itself, with what is recorded of its segment."""
        if self.segment is None:
            return (self,)
        from .slices import with_recorded_slices

        return (with_recorded_slices(self, recorded),)

    def check_against(self, recorded: Record, /) -> None:
        if self.segment is not None:
            from .slices import check_slices

            check_slices(self, recorded)


@dataclass(frozen=True)
class NetworkRemoval(Removal):
    """A network to remove; ``force`` removes its endpoints too."""

    name: str
    force: bool = False
    notes: tuple[str, ...] = ()

    @property
    def ref(self) -> Ref:
        return network_ref(self.name)


def network_options(params: t.Mapping[str, t.Any]) -> NetworkOptions:
    """Options of a network from a module's parameters.

    :raises OptionsError: naming every problem
    """
    problems = Problems()
    name, parent, mtu = params["name"], params.get("parent"), params.get("mtu")
    internal = bool(params.get("internal"))
    problems.problem(names.object_name_problem("network name", name))
    check_former_name(problems, params)
    if parent is not None:
        problems.problem(parent_problem(parent))
    driver, mode = read_driver(problems, params)
    infers = infers_gateway(parent is not None, internal, mode)
    subnets = _with_slices(problems, params, read_subnets(problems, _of_segment(params, mode), infers, mode))
    has_ipv6 = _check_ipv6(problems, params.get("ipv6"), subnets)
    ipam_mode = params.get("ipam") or "default"
    if ipam_mode == "none":
        _check_no_addresses(problems, params)
    problems.number("mtu", mtu, MIN_MTU_IPV6 if has_ipv6 else MIN_MTU, MAX_MTU)
    host_access = read_host_access(problems, params.get("host_access"))
    check_host_access(problems, host_access, mode, ipam_mode, subnets)
    return NetworkOptions(
        name=name,
        parent=parent,
        mode=mode,
        subnets=subnets,
        ipv6=params.get("ipv6"),
        internal=internal,
        mtu=mtu,
        ipam=ipam_mode,
        address_pools=_pools(problems, params),
        labels=texts(params.get("labels")),
        allow_shared_parent=bool(params.get("allow_shared_parent")),
        allow_overlap=bool(params.get("allow_overlap")),
        exclusive=bool(params.get("exclusive")),
        probe=params.get("probe"),
        link_options=read_link_options(problems, params, driver),
        replace=bool(params.get("replace")),
        renamed_from=params.get("renamed_from"),
        host_access=host_access,
        driver=driver,
        segment=params.get("segment"),
        notes=problems.finish(),
    )


def _of_segment(params: t.Mapping[str, t.Any], mode: str) -> t.Mapping[str, t.Any]:
    """The parameters, without the gateways of a segment where the host routes: endpoints have no next hop there."""
    if params.get("segment") is None or mode not in ROUTED_MODES:
        return params
    from .slices import without_gateways

    return without_gateways(params)


def _with_slices(problems: Problems, params: t.Mapping[str, t.Any], subnets: tuple[Subnet, ...]) -> tuple[Subnet, ...]:
    """The subnets with the slices of the host; most networks are of no segment."""
    if params.get("segment") is None and params.get("slices") is None:
        return subnets
    from .slices import read_slices

    return read_slices(problems, params, subnets)


def _check_ipv6(problems: Problems, wanted: bool | None, subnets: t.Iterable[Subnet]) -> bool:
    """Whether the network will have IPv6."""
    has_subnet = any(version_of(subnet.subnet) == 6 for subnet in subnets)
    if wanted is False and has_subnet:
        problems.problem("ipv6: false contradicts the IPv6 subnet in subnets; remove one of the two")
    return has_subnet or bool(wanted)


def _check_no_addresses(problems: Problems, params: t.Mapping[str, t.Any]) -> None:
    """What says something about addresses contradicts ``ipam: none``."""
    if params.get("subnets"):
        problems.problem("ipam: none gives links without addresses; remove subnets, or ipam")
    if params.get("ipv6"):
        problems.problem("ipam: none gives links without addresses; remove ipv6, or ipam")
    if params.get("exclusive"):
        problems.problem(
            "ipam: none leaves the addresses of links to the programs in their namespaces, and exclusive: true would remove "
            "them; remove exclusive, or ipam"
        )
    if params.get("probe") not in (None, "none"):
        problems.problem(
            f"ipam: none gives links without addresses, so there is none that probe: {params['probe']} could ask about; "
            f"remove probe, or ipam"
        )


def network_removal(params: t.Mapping[str, t.Any]) -> NetworkRemoval:
    """A removal needs only the name; other options have no effect.

    :raises OptionsError: the name cannot be one
    """
    problems = Problems()
    problems.problem(names.object_name_problem("network name", params["name"]))
    check_no_former_name(problems, params)
    problems.finish()
    return NetworkRemoval(params["name"], bool(params.get("force")))


def _pools(problems: Problems, params: t.Mapping[str, t.Any]) -> tuple[tuple[str, int], ...]:
    items = enumerate(params.get("address_pools") or ())
    pools = (_pool(problems, f"address_pools[{position}]", item) for position, item in items)
    return tuple(pool for pool in pools if pool is not None)


def _pool(problems: Problems, option: str, item: t.Mapping[str, t.Any]) -> tuple[str, int] | None:
    base, size = problems.normalised(f"{option}.base", parse_network, item["base"]), item["size"]
    if base is None:
        return None
    problems.number(f"{option}.size", size, prefix_length(base), 32 if version_of(base) == 4 else 128)
    return base, size
