# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The request of a task for a network."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..ipam.subnets import infer_gateway, next_hop_problem, subnet_problem, usable
from ..model.link_options import LinkOptions
from ..model.netns import Netns
from ..model.network import DEFAULT_DRIVER, Mode, Subnet, infers_gateway
from ..model.ref import Ref, network_ref
from ..values import names
from ..values.addresses import block_of, is_link_local, parse_address, parse_addresses, parse_network, parse_range, prefix_length, version_of
from .base import Declaration, Removal
from .driver import check_gateway_of_mode, read_driver, read_link_options
from .host_access import HostAccessOptions, check_host_access, read_host_access
from .problems import MAX_MTU, MIN_MTU, MIN_MTU_IPV6, Problems, check_former_name, check_no_former_name, parent_problem, prefixed, texts


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
    subnets = tuple(
        subnet
        for position, item in enumerate(params.get("subnets") or ())
        if (subnet := _subnet(problems, f"subnets[{position}]", item, infers, mode)) is not None
    )
    _check_apart(problems, subnets)
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
        notes=problems.finish(),
    )


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


def _subnet(problems: Problems, option: str, item: t.Mapping[str, t.Any], infers: bool, mode: str) -> Subnet | None:
    cidr = problems.normalised(f"{option}.subnet", parse_network, item["subnet"])
    ranges = _each(problems, f"{option}.ip_range", item.get("ip_range"), parse_range)
    if item.get("ip_range") == []:
        problems.problem(f"{option}.ip_range: an empty list leaves no address to choose; for the whole subnet leave ip_range out")
    exclude = _each(problems, f"{option}.exclude", item.get("exclude"), parse_addresses)
    gateway_text = item.get("gateway")
    wants_none = gateway_text is not None and gateway_text.lower() == "none"
    check_gateway_of_mode(problems, f"{option}.gateway", mode, gateway_text)
    gateway = problems.parsed(f"{option}.gateway", _gateway, None if wants_none else gateway_text)
    onlink = bool(item.get("gateway_onlink"))
    if onlink and (gateway_text is None or wants_none):
        problems.problem(f"{option}.gateway_onlink: true says that the gateway is on the link, and there is none; give gateway, or remove gateway_onlink")
    for key in item.get("aux_addresses") or ():
        if not names.is_encodable(str(key)):
            problems.problem(f"{option}.aux_addresses: {key!a} cannot be a name")
    aux = {
        str(key): canonical
        for key, text in (item.get("aux_addresses") or {}).items()
        if (canonical := problems.parsed(f"{option}.aux_addresses.{key}", parse_address, str(text))) is not None
    }
    if cidr is None:
        return None
    problems.problem(prefixed(f"{option}.subnet", subnet_problem(cidr)))
    inferred = infer_gateway(cidr) if infers and gateway_text is None else None
    _check_gateway(problems, f"{option}.gateway", gateway, cidr, onlink)
    for position, name in _names(f"{option}.ip_range", ranges):
        _check_ip_range(problems, name, ranges[position], ranges[:position], cidr)
    for position, name in _names(f"{option}.exclude", exclude):
        if not block_of(cidr).covers(block_of(exclude[position])):
            problems.problem(f"{name}: {exclude[position]} is not inside {cidr}")
    _check_aux(problems, option, aux, cidr, gateway, inferred)
    return Subnet(
        subnet=cidr,
        gateway=gateway or inferred,
        gateway_inferred=inferred is not None,
        aux_addresses=aux,
        gateway_onlink=onlink,
        ip_ranges=tuple(ranges),
        exclude=tuple(exclude),
    )


def _gateway(text: str) -> str:
    try:
        return parse_address(text)
    except ValueError as exc:
        raise ValueError(f"{exc}; give one, or write gateway: none for a subnet without a gateway") from exc


def _check_gateway(problems: Problems, option: str, gateway: str | None, cidr: str, onlink: bool) -> None:
    """Add what is wrong with a gateway: it is in the subnet, a link-local address of IPv6, or declared as on the link."""
    if gateway is None:
        return
    if version_of(gateway) != version_of(cidr):
        problems.problem(f"{option}: {gateway} is not inside {cidr}, which is of another family; give an address of IPv{version_of(cidr)}")
    elif gateway in block_of(cidr):
        if version_of(cidr) == 4 and gateway not in usable(cidr):
            problems.problem(f"{option}: {gateway} is the network or broadcast address of {cidr}")
    elif not is_link_local(gateway) and not onlink:
        problems.problem(
            f"{option}: {gateway} is not inside {cidr}; use an address of the subnet, or, if the router is on the link all the same, "
            f"add gateway_onlink: true"
        )
    else:
        problems.problem(prefixed(option, next_hop_problem(gateway)))


def _each(
    problems: Problems, option: str, given: str | t.Sequence[str] | None, parse: t.Callable[[str], tuple[str, bool]]
) -> list[str]:
    """The canonical texts of an option that is one text or a list of them, without those that are wrong."""
    written = [given] if isinstance(given, str) else list(given or ())
    read = [problems.normalised(name, parse, written[position]) for position, name in _names(option, written)]
    return [item for item in read if item is not None]


def _names(option: str, items: t.Sequence[str]) -> list[tuple[int, str]]:
    """The position of each item, and how messages name it."""
    return [(position, f"{option}[{position}]" if len(items) > 1 else option) for position in range(len(items))]


def _check_ip_range(problems: Problems, option: str, ip_range: str, earlier: t.Iterable[str], cidr: str) -> None:
    for other in earlier:
        if block_of(other).overlaps(block_of(ip_range)):
            problems.problem(f"{option}: {ip_range} and {other} overlap; write each address in one ip_range only")
    if not block_of(cidr).covers(block_of(ip_range)):
        problems.problem(f"{option}: {ip_range} is not inside {cidr}")
    elif not usable(cidr).overlaps(block_of(ip_range)):
        problems.problem(f"{option}: {ip_range} holds no address that an endpoint of {cidr} can have")


def _check_aux(
    problems: Problems, option: str, aux: dict[str, str], cidr: str, gateway: str | None, inferred: str | None
) -> None:
    holders: dict[str, str] = {}
    for key, address in aux.items():
        name = f"{option}.aux_addresses.{key}"
        if address not in block_of(cidr):
            problems.problem(f"{name}: {address} is not inside {cidr}")
        elif version_of(cidr) == 4 and address not in usable(cidr):
            problems.problem(f"{name}: {address} is the network or broadcast address of {cidr}, which is never given out anyway")
        if address == gateway:
            problems.problem(f"{name}: {address} is also the gateway of {cidr}")
        if address == inferred:
            problems.problem(
                f"{name}: {address} is the gateway that is inferred for {cidr}; "
                f"set another one with gateway:, or none with gateway: none"
            )
        if address in holders:
            problems.problem(f"{name}: {address} is already aux address {holders[address]}")
        holders[address] = key


def _check_apart(problems: Problems, subnets: tuple[Subnet, ...]) -> None:
    for position, subnet in enumerate(subnets):
        for earlier in subnets[:position]:
            if block_of(subnet.subnet).overlaps(block_of(earlier.subnet)):
                problems.problem(f"subnets {earlier.subnet} and {subnet.subnet} of the same network overlap")


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
