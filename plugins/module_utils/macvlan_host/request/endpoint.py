# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The request of a task for an endpoint."""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass, field

from ..ipam.subnets import address_problem, next_hop_problem
from ..model.host_access import HostAccess
from ..model.netns import Netns
from ..model.ref import Ref, endpoint_ref
from ..model.resolver import Dns
from ..model.route import Route
from ..values import names, validators
from ..values.addresses import (
    parse_address,
    parse_interface_address,
    parse_mac,
    parse_network,
    version_of,
    without_prefix,
)
from .base import Declaration, Removal
from .problems import MAX_MTU, MIN_MTU, Problems, check_former_name, check_no_former_name, prefixed, text_of, texts


@dataclass(frozen=True)
class EndpointOptions(Declaration):
    """A declared endpoint.

    :ivar ipv4: without prefix length, as ipv6
    :ivar addresses: further addresses, without prefix length
    :ivar left_out: the IP versions of which it is to have no address
    :ivar prefix_lengths: address → the prefix length that was given with it
    :ivar subnet: the pool for the address of its family
    :ivar default_route: None for "yes, except in the host's own namespace"
    :ivar exclusive: None for the value of its network
    :ivar probe: None for the value of its network
    :ivar vrf: the VRF of the host that its link is put into
    :ivar replace: whether its link may be created again, and it may get other addresses
    :ivar renamed_from: the name under which it is recorded, if it is not recorded under its name yet
    :ivar host_access: how it gives the host access to its network, which only a network asks for
    """

    name: str
    network: str
    netns: Netns
    ifname: str
    ipv4: str | None = None
    ipv6: str | None = None
    subnet: str | None = None
    mac: str | None = None
    mtu: int | None = None
    default_route: bool | None = None
    routes: tuple[Route, ...] = ()
    sysctls: dict[str, str] = field(default_factory=dict)
    announce: bool = True
    labels: dict[str, str] = field(default_factory=dict)
    exclusive: bool | None = None
    probe: str | None = None
    prefix_lengths: dict[str, int] = field(default_factory=dict)
    replace: bool = False
    renamed_from: str | None = None
    notes: tuple[str, ...] = ()
    host_access: HostAccess | None = None
    vrf: str | None = None
    addresses: tuple[str, ...] = ()
    left_out: frozenset[int] = frozenset()
    dns: Dns | None = None

    @functools.cached_property
    def ref(self) -> Ref:
        return endpoint_ref(self.network, self.name)

    def option_of_address(self, version: int) -> str:
        """The option that asks for an address of a family."""
        return f"ipv{version}" if self.host_access is None else "address"

    def first_address(self, version: int) -> str | None:
        """The address of a family that it asks for beside further ones; None if it leaves that open, or the family out."""
        return self.ipv4 if version == 4 else self.ipv6

    @functools.cached_property
    def requested(self) -> tuple[str, ...]:
        """All addresses that it asks for."""
        first = tuple(item for item in (self.ipv4, self.ipv6) if item is not None)
        return (*first, *self.addresses) if self.addresses else first

    @property
    def new_names(self) -> tuple[tuple[Ref, Ref], ...]:
        return () if self.renamed_from is None else ((endpoint_ref(self.network, self.renamed_from), self.ref),)

    @property
    def aligned_networks(self) -> tuple[str, ...]:
        return (self.network,)

    @property
    def uses(self) -> tuple[tuple[str, ...], tuple[Netns, ...]]:
        return (), (self.netns,)

    @property
    def takes_default_route(self) -> bool:
        return bool(self.netns.path) if self.default_route is None else self.default_route


@dataclass(frozen=True)
class EndpointRemoval(Removal):
    """An endpoint to remove."""

    name: str
    network: str
    notes: tuple[str, ...] = ()

    @functools.cached_property
    def ref(self) -> Ref:
        return endpoint_ref(self.network, self.name)


# --- endpoints ------------------------------------------------------------------------------------------------------


def endpoint_options(params: t.Mapping[str, t.Any]) -> EndpointOptions:
    """Options of an endpoint from a module's parameters.

    :raises OptionsError: naming every problem
    """
    problems = Problems()
    name, network_name = _endpoint_key(problems, params)
    check_former_name(problems, params)
    netns = _netns(problems, params)
    ifname = _ifname(problems, params, netns)
    left_out = frozenset(version for version in (4, 6) if _is_none(params.get(f"ipv{version}")))
    requested = {
        option: None if version in left_out else _requested(problems, option, version, params.get(option))
        for option, version in (("ipv4", 4), ("ipv6", 6))
    }
    further = _further(problems, params.get("addresses") or (), requested, left_out)
    addresses = {option: without_prefix(text) if text else None for option, text in requested.items()}
    mtu = params.get("mtu")
    problems.number("mtu", mtu, MIN_MTU, MAX_MTU)
    subnet = problems.normalised("subnet", parse_network, params.get("subnet"))
    if subnet is not None and version_of(subnet) in left_out:
        problems.problem(f"subnet: {_contradiction(subnet)}")
    return EndpointOptions(
        name=name,
        network=network_name,
        netns=netns,
        ifname=ifname,
        ipv4=addresses["ipv4"],
        ipv6=addresses["ipv6"],
        subnet=subnet,
        mac=problems.parsed("mac", parse_mac, params.get("mac")),
        mtu=mtu,
        default_route=params.get("default_route"),
        routes=_routes(problems, params.get("routes") or ()),
        sysctls=_sysctls(problems, params.get("sysctls")),
        announce=params.get("announce") is not False,
        labels=texts(params.get("labels")),
        exclusive=params.get("exclusive"),
        probe=params.get("probe"),
        prefix_lengths={
            without_prefix(text): int(text.partition("/")[2]) for text in (*requested.values(), *further) if text and "/" in text
        },
        replace=bool(params.get("replace")),
        renamed_from=params.get("renamed_from"),
        vrf=_vrf(problems, params, netns),
        addresses=tuple(map(without_prefix, further)),
        left_out=left_out,
        dns=_dns(problems, params, netns),
        notes=problems.finish(),
    )


def endpoint_removal(params: t.Mapping[str, t.Any]) -> EndpointRemoval:
    """A removal needs only name and network.

    :raises OptionsError: they cannot be names
    """
    problems = Problems()
    name, network_name = _endpoint_key(problems, params)
    check_no_former_name(problems, params)
    problems.finish()
    return EndpointRemoval(name, network_name)


def _endpoint_key(problems: Problems, params: t.Mapping[str, t.Any]) -> tuple[str, str]:
    problems.problem(names.object_name_problem("endpoint name", params["name"]))
    problems.problem(names.object_name_problem("network name", params["network"]))
    return params["name"], params["network"]


def _netns(problems: Problems, params: t.Mapping[str, t.Any]) -> Netns:
    name, path, pid = params.get("netns"), params.get("netns_path"), params.get("pid")
    given = [option for option in ("netns", "netns_path", "pid") if params.get(option) is not None]
    if len(given) > 1:
        problems.problem(f"only one of netns, netns_path and pid can say where the endpoint is, not {' and '.join(given)}")
    if name is not None:
        problems.problem(prefixed("netns", names.namespace_name_problem(name)))
        return Netns("name", name)
    if path is not None:
        if not validators.path(path):
            problems.problem(f"netns_path: {path!r} is not an absolute path")
        return Netns("path", path)
    if pid is not None:
        problems.number("pid", pid, 1, 2**22)
        return Netns("pid", str(pid))
    return Netns()


def _ifname(problems: Problems, params: t.Mapping[str, t.Any], netns: Netns) -> str:
    given = params.get("ifname")
    ifname = given or names.default_ifname(params["name"], bool(netns.path))
    problem = names.interface_name_problem(ifname)
    if problem is not None:
        problems.problem(f"ifname: {problem}" + ("" if given else "; name the interface with ifname:"))
    return ifname


def _dns(problems: Problems, params: t.Mapping[str, t.Any], netns: Netns) -> Dns | None:
    if params.get("dns") is None:
        return None
    from .resolver import read_dns

    return read_dns(problems, params["dns"], netns, params.get("ifname") or names.IFNAME_IN_NAMESPACE)


def _vrf(problems: Problems, params: t.Mapping[str, t.Any], netns: Netns) -> str | None:
    name = params.get("vrf")
    if name is None:
        return None
    problems.problem(prefixed("vrf", names.written_name_problem(name)))
    if netns.path:
        problems.problem(
            "vrf: only endpoints in the host's own namespace can be in a VRF of the host; leave vrf out, or leave netns, netns_path and pid out"
        )
    return t.cast(str, name)


def _is_none(text: str | None) -> bool:
    """Whether an option leaves a family out, which other cases of the word do as well."""
    return text is not None and text.lower() == "none"


def _contradiction(text: str) -> str:
    version = version_of(text)
    return f"{text} is of IPv{version}, and ipv{version}: none leaves IPv{version} out; remove one of the two"


def _further(
    problems: Problems, items: t.Iterable[str], first: t.Mapping[str, str | None], left_out: t.Container[int]
) -> tuple[str, ...]:
    """The further addresses, with the prefix lengths that were given with them."""
    known = {without_prefix(text): option for option, text in first.items() if text}
    further: list[str] = []
    for position, text in enumerate(items):
        option = f"addresses[{position}]"
        address = problems.parsed(option, parse_interface_address, text)
        if address is None:
            continue
        plain = without_prefix(address)
        problem = address_problem(plain)
        if problem is None and plain in known:
            problem = f"{plain} is the address of {known[plain]} too; an endpoint has it once"
        elif problem is None and version_of(plain) in left_out:
            problem = _contradiction(plain)
        problems.problem(prefixed(option, problem))
        known.setdefault(plain, option)
        further.append(address)
    return tuple(further)


def _requested(problems: Problems, option: str, version: int, text: str | None) -> str | None:
    """A requested address, with the prefix length that was given with it; only the plan knows that of its subnet."""
    address = problems.parsed(option, parse_interface_address, text)
    if address is not None and version_of(address) != version:
        problems.problem(f"{option}: {without_prefix(address)} is not an IPv{version} address")
        return None
    if address is not None:
        problems.problem(prefixed(option, address_problem(without_prefix(address))))
    return address


def _routes(problems: Problems, items: t.Iterable[t.Mapping[str, t.Any]]) -> tuple[Route, ...]:
    routes: list[Route] = []
    for position, item in enumerate(items):
        route = _route(problems, f"routes[{position}]", item)
        if route is None:
            continue
        if any(other.destination_and_metric == route.destination_and_metric for other in routes):
            problems.problem(f"routes[{position}]: {route.to} with this metric is already in the list")
        routes.append(route)
    return tuple(routes)


def _route(problems: Problems, option: str, item: t.Mapping[str, t.Any]) -> Route | None:
    via = problems.parsed(f"{option}.via", parse_address, item.get("via"))
    if via is not None:
        problems.problem(prefixed(f"{option}.via", next_hop_problem(via)))
    destination = item["to"]
    if destination == "default":
        if via is None:
            if item.get("via") is None:
                problems.problem(f"{option}: a default route needs via")
            return None
        destination = "0.0.0.0/0" if version_of(via) == 4 else "::/0"
    to = problems.normalised(f"{option}.to", _network_or_address, destination)
    problems.number(f"{option}.metric", item.get("metric"), 0, validators.MAX_UINT32)
    if to is None:
        return None
    if via is not None and version_of(via) != version_of(to):
        problems.problem(f"{option}: {to} and its via {via} are of different families")
    onlink = bool(item.get("onlink"))
    if onlink and item.get("via") is None:
        problems.problem(f"{option}: onlink: true says that the next hop is on the link, and the route has none; give via, or remove onlink")
    # 0 is what the kernel uses for IPv4 without a metric, and turns into 1024 for IPv6 (net/ipv6/route.c).
    return Route(to, via, item.get("metric") or None, onlink)


def _network_or_address(text: str) -> tuple[str, bool]:
    if "/" in text:
        return parse_network(text)
    address = parse_address(text)
    return f"{address}/{32 if version_of(address) == 4 else 128}", False


def _sysctls(problems: Problems, mapping: t.Mapping[t.Any, t.Any] | None) -> dict[str, str]:
    result: dict[str, str] = {}
    for key, value in (mapping or {}).items():
        text = text_of(value, "1", "0")
        if not validators.sysctl_key(str(key)):
            problems.problem(
                f"sysctls: '{key}' must begin with net. and name one setting, such as net.ipv4.conf.IFNAME.rp_filter"
            )
        # Settings of several values are written with tabs or spaces between them.
        if not text.strip() or not validators.sysctl_value(text.replace("\t", " ")):
            problems.problem(f"sysctls: the value of {key} must be one line of ASCII text")
        result[str(key)] = " ".join(text.split())
    return result
