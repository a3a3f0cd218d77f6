# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task asks for: options checked, all problems at once, and brought to one canonical form."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from . import checks, ipam, names
from .errors import MissingLibraryError, OptionsError
from .model import Mode, Netns, Route, Subnet

# net/ipv4/devinet.c: IPv4 needs 68 bytes (RFC 791); IPv6 needs 1280 (RFC 8200 5).
MIN_MTU = 68
MIN_MTU_IPV6 = 1280
MAX_MTU = 65535

# Python refuses to read thousands of digits; the right ones have ten at most.
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,20}\Z")

T = t.TypeVar("T")


@dataclass(frozen=True)
class NetworkOptions:
    """A network that shall be there.

    :ivar subnets: with their gateways, given or inferred
    :ivar ipv6: None for "as the subnets say"
    :ivar address_pools: (base network, prefix length of the subnets in it)
    :ivar notes: what was read differently from how it was written
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
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"network {self.name}"

    @property
    def infers_gateway(self) -> bool:
        """Networks without a parent and internal networks lead nowhere, so no gateway is inferred."""
        return self.parent is not None and not self.internal


@dataclass(frozen=True)
class NetworkRemoval:
    """A network that shall be gone; ``force`` takes its endpoints along."""

    name: str
    force: bool = False
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"network {self.name}"


@dataclass(frozen=True)
class SubInterfaceOptions:
    """A VLAN sub-interface that shall be there; maps without the entries that map to 0, as the kernel shows them."""

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
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"vlan_subinterface {self.name}"


@dataclass(frozen=True)
class SubInterfaceRemoval:
    """A VLAN sub-interface that shall be gone; ``force`` also when foreign or in use."""

    name: str
    force: bool = False
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"vlan_subinterface {self.name}"


@dataclass(frozen=True)
class SubInterfaceRetraction:
    """A VLAN sub-interface that nobody declares any longer: gone, unless a network or another sub-interface uses it."""

    name: str
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"vlan_subinterface {self.name}"


@dataclass(frozen=True)
class EndpointOptions:
    """An endpoint that shall be there.

    :ivar subnet: pool to take the address of its family from
    :ivar default_route: None for "yes, except in the host's own namespace"
    :ivar exclusive: None for what its network says
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
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"endpoint {self.network}/{self.name}"

    @property
    def takes_default_route(self) -> bool:
        return bool(self.netns.path) if self.default_route is None else self.default_route


@dataclass(frozen=True)
class EndpointRemoval:
    """An endpoint that shall be gone."""

    name: str
    network: str
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"endpoint {self.network}/{self.name}"


@dataclass(frozen=True)
class Restoration:
    """Everything that is recorded shall be there again, as it is recorded; what cannot be is left out, and told.

    :ivar only: the title of one object, and what it needs; None for all
    """

    only: str | None = None
    notes: t.ClassVar[tuple[str, ...]] = ()

    @property
    def title(self) -> str:
        return f"the restoration of {self.only or 'this host'}"


ObjectRequest = t.Union[
    NetworkOptions,
    NetworkRemoval,
    SubInterfaceOptions,
    SubInterfaceRemoval,
    SubInterfaceRetraction,
    EndpointOptions,
    EndpointRemoval,
]
Request = t.Union[ObjectRequest, Restoration]


class _Check:
    """Collects problems and notes, so that one run names all of them."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.missing: MissingLibraryError | None = None

    def problem(self, text: str | None) -> None:
        if text is not None:
            self.problems.append(text)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def parsed(self, option: str, parse: t.Callable[[str], T], text: str | None) -> T | None:
        """The parsed text; None when it was not given or is wrong, which is then a problem."""
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError as exc:
            self.problem(f"{option}: {exc}")
        except MissingLibraryError as exc:
            # What can be read without the library is told all the same.
            self.missing = exc
        return None

    def normalised(self, option: str, parse: t.Callable[[str], tuple[str, bool]], text: str | None) -> str | None:
        """The canonical network; a note says so when host bits were cleared."""
        found = self.parsed(option, parse, text)
        if found is None:
            return None
        canonical, had_host_bits = found
        if had_host_bits:
            self.note(f"{option}: {text} has host bits set and is read as {canonical}")
        return canonical

    def number(self, option: str, value: int | None, lowest: int, highest: int) -> None:
        if value is not None and not lowest <= value <= highest:
            # Python refuses to write thousands of digits.
            shown = str(value) if abs(value) < 10**20 else "a number of more than 20 digits"
            self.problem(f"{option} must be from {lowest} to {highest}, not {shown}")

    def finish(self) -> tuple[str, ...]:
        """The notes.

        :raises OptionsError: there was a problem
        :raises MissingLibraryError: there was none as far as could be seen, and the library is missing that the rest takes
        """
        refuse(self.problems, self.missing)
        return tuple(self.notes)


def refuse(problems: list[str], missing: MissingLibraryError | None) -> None:
    """Refuse options that are wrong, or cannot be read; a library that is missing as well is told last.

    :raises OptionsError: there are problems
    :raises MissingLibraryError: there are none, and a library is missing
    """
    if problems:
        raise OptionsError(problems, missing)
    if missing is not None:
        raise missing


def _texts(mapping: t.Mapping[t.Any, t.Any] | None) -> dict[str, str]:
    """A dict of texts; YAML's booleans become ``true`` and ``false``."""
    return {str(key): _text(value, "true", "false") for key, value in (mapping or {}).items()}


def _text(value: t.Any, true: str, false: str) -> str:
    if isinstance(value, bool):
        return true if value else false
    return "" if value is None else str(value)


# --- networks -------------------------------------------------------------------------------------------------------


def network_options(params: t.Mapping[str, t.Any]) -> NetworkOptions:
    """Options of a network from a module's parameters.

    :raises OptionsError: naming every problem
    """
    check = _Check()
    name, parent, mtu = params["name"], params.get("parent"), params.get("mtu")
    internal = bool(params.get("internal"))
    check.problem(names.object_name_problem("network name", name))
    if parent is not None:
        check.problem(_problem_of_parent(parent))
    infers = parent is not None and not internal
    subnets = tuple(
        subnet
        for position, item in enumerate(params.get("subnets") or ())
        if (subnet := _subnet(check, f"subnets[{position}]", item, infers)) is not None
    )
    _check_apart(check, subnets)
    has_ipv6 = any(ipam.version_of(subnet.subnet) == 6 for subnet in subnets)
    wants_ipv6 = params.get("ipv6")
    if wants_ipv6 is False and has_ipv6:
        check.problem("ipv6: false contradicts the IPv6 subnet in subnets; remove one of the two")
    ipam_mode = params.get("ipam") or "default"
    if ipam_mode == "none":
        if params.get("subnets"):
            check.problem("ipam: none gives links without addresses; remove subnets, or ipam")
        if wants_ipv6:
            check.problem("ipam: none gives links without addresses; remove ipv6, or ipam")
        if params.get("exclusive"):
            check.problem(
                "ipam: none leaves the addresses of links to what runs in their namespaces, and exclusive: true would remove "
                "them; remove exclusive, or ipam"
            )
    check.number("mtu", mtu, MIN_MTU_IPV6 if has_ipv6 or wants_ipv6 else MIN_MTU, MAX_MTU)
    pools = tuple(
        pool
        for position, item in enumerate(params.get("address_pools") or ())
        if (pool := _pool(check, f"address_pools[{position}]", item)) is not None
    )
    return NetworkOptions(
        name=name,
        parent=parent,
        mode=params.get("mode") or "bridge",
        subnets=subnets,
        ipv6=wants_ipv6,
        internal=internal,
        mtu=mtu,
        ipam=ipam_mode,
        address_pools=pools,
        labels=_texts(params.get("labels")),
        allow_shared_parent=bool(params.get("allow_shared_parent")),
        allow_overlap=bool(params.get("allow_overlap")),
        exclusive=bool(params.get("exclusive")),
        notes=check.finish(),
    )


def network_removal(params: t.Mapping[str, t.Any]) -> NetworkRemoval:
    """The name is all that a removal needs; other options say nothing about it.

    :raises OptionsError: the name cannot be one
    """
    check = _Check()
    check.problem(names.object_name_problem("network name", params["name"]))
    check.finish()
    return NetworkRemoval(params["name"], bool(params.get("force")))


def _prefixed(option: str, problem: str | None) -> str | None:
    return None if problem is None else f"{option}: {problem}"


def _subnet(check: _Check, option: str, item: t.Mapping[str, t.Any], infers: bool) -> Subnet | None:
    cidr = check.normalised(f"{option}.subnet", ipam.network, item["subnet"])
    ip_range = check.normalised(f"{option}.ip_range", ipam.address_range, item.get("ip_range"))
    gateway_text = item.get("gateway")
    wants_none = gateway_text is not None and gateway_text.lower() == "none"
    gateway = check.parsed(f"{option}.gateway", _gateway, None if wants_none else gateway_text)
    for key in item.get("aux_addresses") or ():
        if not names.is_encodable(str(key)):
            check.problem(f"{option}.aux_addresses: {key!a} cannot be a name")
    aux = {
        str(key): canonical
        for key, text in (item.get("aux_addresses") or {}).items()
        if (canonical := check.parsed(f"{option}.aux_addresses.{key}", ipam.address, str(text))) is not None
    }
    if cidr is None:
        return None
    check.problem(_prefixed(f"{option}.subnet", ipam.subnet_problem(cidr)))
    inferred = ipam.infer_gateway(cidr) if infers and gateway_text is None else None
    _check_inside(check, f"{option}.gateway", gateway, cidr)
    _check_ip_range(check, f"{option}.ip_range", ip_range, cidr)
    _check_aux(check, option, aux, cidr, gateway, inferred)
    return Subnet(
        subnet=cidr,
        gateway=gateway or inferred,
        gateway_inferred=inferred is not None,
        ip_range=ip_range,
        aux_addresses=aux,
    )


def _gateway(text: str) -> str:
    try:
        return ipam.address(text)
    except ValueError as exc:
        raise ValueError(f"{exc}; give one, or write gateway: none for a subnet without a gateway") from exc


def _check_inside(check: _Check, option: str, address: str | None, cidr: str) -> None:
    if address is None:
        return
    if address not in ipam.block(cidr):
        check.problem(f"{option}: {address} is not inside {cidr}")
    elif ipam.version_of(cidr) == 4 and address not in ipam.usable(cidr):
        check.problem(f"{option}: {address} is the network or broadcast address of {cidr}")


def _check_ip_range(check: _Check, option: str, ip_range: str | None, cidr: str) -> None:
    if ip_range is None:
        return
    if not ipam.block(cidr).covers(ipam.block(ip_range)):
        check.problem(f"{option}: {ip_range} is not inside {cidr}")
    elif not ipam.usable(cidr).overlaps(ipam.block(ip_range)):
        check.problem(f"{option}: {ip_range} holds no address that an endpoint of {cidr} can have")


def _check_aux(
    check: _Check, option: str, aux: dict[str, str], cidr: str, gateway: str | None, inferred: str | None
) -> None:
    holders: dict[str, str] = {}
    for key, address in aux.items():
        name = f"{option}.aux_addresses.{key}"
        if address not in ipam.block(cidr):
            check.problem(f"{name}: {address} is not inside {cidr}")
        elif ipam.version_of(cidr) == 4 and address not in ipam.usable(cidr):
            check.problem(f"{name}: {address} is the network or broadcast address of {cidr}, which is never given out anyway")
        if address == gateway:
            check.problem(f"{name}: {address} is also the gateway of {cidr}")
        if address == inferred:
            check.problem(
                f"{name}: {address} is the gateway that is inferred for {cidr}; "
                f"name another one with gateway:, or ask for none with gateway: none"
            )
        if address in holders:
            check.problem(f"{name}: {address} is already aux address {holders[address]}")
        holders[address] = key


def _check_apart(check: _Check, subnets: tuple[Subnet, ...]) -> None:
    for position, subnet in enumerate(subnets):
        for earlier in subnets[:position]:
            if ipam.block(subnet.subnet).overlaps(ipam.block(earlier.subnet)):
                check.problem(f"subnets {earlier.subnet} and {subnet.subnet} of the same network overlap")


def _pool(check: _Check, option: str, item: t.Mapping[str, t.Any]) -> tuple[str, int] | None:
    base, size = check.normalised(f"{option}.base", ipam.network, item["base"]), item["size"]
    if base is None:
        return None
    check.number(f"{option}.size", size, ipam.prefix_length(base), 32 if ipam.version_of(base) == 4 else 128)
    return base, size


# --- sub-interfaces -------------------------------------------------------------------------------------------------


def subinterface_options(params: t.Mapping[str, t.Any]) -> SubInterfaceOptions:
    """Options of a VLAN sub-interface from a module's parameters.

    :raises OptionsError: naming every problem
    """
    check = _Check()
    name, parent, vlan_id = _subinterface_key(check, params)
    check.number("mtu", params.get("mtu"), MIN_MTU, MAX_MTU)
    mac = check.parsed("mac", ipam.mac_address, params.get("mac"))
    ingress = _qos_map(check, "ingress_qos_map", params.get("ingress_qos_map"), 7, checks.MAX_UINT32)
    egress = _qos_map(check, "egress_qos_map", params.get("egress_qos_map"), checks.MAX_UINT32, 7)
    return SubInterfaceOptions(
        name=name,
        parent=parent,
        vlan_id=vlan_id,
        protocol=params.get("protocol") or "802.1q",
        mtu=params.get("mtu"),
        mac=mac,
        up=params.get("up") is not False,
        reorder_hdr=params.get("reorder_hdr") is not False,
        gvrp=bool(params.get("gvrp")),
        mvrp=bool(params.get("mvrp")),
        loose_binding=bool(params.get("loose_binding")),
        ingress_qos_map=ingress,
        egress_qos_map=egress,
        notes=check.finish(),
    )


def subinterface_removal(params: t.Mapping[str, t.Any]) -> SubInterfaceRemoval:
    """The name of what shall be gone.

    :raises OptionsError: naming every problem
    """
    check = _Check()
    key = _subinterface_key(check, params)
    check.finish()
    return SubInterfaceRemoval(key[0], bool(params.get("force")))


def _problem_of_parent(name: str) -> str | None:
    """Why a name cannot be that of a parent; one that is only too long may be an alternative name of a link."""
    problem = _prefixed("parent", names.interface_name_problem(name))
    if not names.is_encodable(name) or len(name.encode()) <= names.MAX_INTERFACE_NAME:
        return problem
    return f"{problem}; of a link with alternative names write its own name, which this shows: ip link show {name}"


def _subinterface_key(check: _Check, params: t.Mapping[str, t.Any]) -> tuple[str, str, int]:
    """(name, base link, VLAN id): from parent and vlan_id, or from the name alone."""
    name, parent, vlan_id = params.get("name"), params.get("parent"), params.get("vlan_id")
    if (parent is None) != (vlan_id is None):
        check.problem("parent and vlan_id go together; give both, or name alone (such as eth0.50)")
        return name or "", parent or "", vlan_id or names.MIN_VLAN_ID
    if parent is None and name is None:
        check.problem("give parent and vlan_id, or name (such as eth0.50)")
        return "", "", names.MIN_VLAN_ID
    if parent is None:
        return _subinterface_from_name(check, t.cast(str, name))
    check.number("vlan_id", vlan_id, names.MIN_VLAN_ID, names.MAX_VLAN_ID)
    problem = _problem_of_parent(parent)
    check.problem(problem)
    result = name if name is not None else f"{parent}.{vlan_id}"
    name_problem = names.interface_name_problem(result)
    if name_problem is not None and problem is None:
        hint = "" if name is not None else "; give the sub-interface a shorter name with name:"
        check.problem(f"name: {name_problem}{hint}")
    if result == parent:
        check.problem(f"name: a sub-interface cannot have the name of its parent {parent}")
    return result, parent, t.cast(int, vlan_id)


def _subinterface_from_name(check: _Check, name: str) -> tuple[str, str, int]:
    found = names.split_subinterface(name)
    check.problem(_prefixed("name", names.interface_name_problem(name)))
    if found is None:
        check.problem(
            f"name: '{name}' says no VLAN; write base.vlan_id with an id from {names.MIN_VLAN_ID} to "
            f"{names.MAX_VLAN_ID}, or give parent and vlan_id"
        )
        return name, "", names.MIN_VLAN_ID
    if found.canonical != name:
        check.problem(f"name: '{name}' must be written {found.canonical}")
    return name, found.base, found.vlan_id


def _qos_map(
    check: _Check, option: str, mapping: t.Mapping[t.Any, t.Any] | None, highest_key: int, highest_value: int
) -> dict[str, int]:
    """A priority map with decimal texts as keys, sorted; entries that map to 0 are what the kernel does anyway."""
    result: dict[int, int] = {}
    for key, value in (mapping or {}).items():
        if not all(_WHOLE_NUMBER.match(str(item)) for item in (key, value)):
            check.problem(f"{option}: '{key}: {value}' must map a whole number to a whole number")
            continue
        pair = int(str(key)), int(str(value))
        if pair[0] in result:
            check.problem(f"{option}: {pair[0]} is mapped twice")
        check.number(f"{option}: the key", pair[0], 0, highest_key)
        check.number(f"{option}: the value of {pair[0]}", pair[1], 0, highest_value)
        result[pair[0]] = pair[1]
    return {str(key): result[key] for key in sorted(result) if result[key]}


# --- endpoints ------------------------------------------------------------------------------------------------------


def endpoint_options(params: t.Mapping[str, t.Any]) -> EndpointOptions:
    """Options of an endpoint from a module's parameters.

    :raises OptionsError: naming every problem
    """
    check = _Check()
    name, network_name = _endpoint_key(check, params)
    netns = _netns(check, params)
    ifname = _ifname(check, params, netns)
    requested = {
        option: _requested(check, option, version, params.get(option)) for option, version in (("ipv4", 4), ("ipv6", 6))
    }
    mtu = params.get("mtu")
    check.number("mtu", mtu, MIN_MTU, MAX_MTU)
    return EndpointOptions(
        name=name,
        network=network_name,
        netns=netns,
        ifname=ifname,
        ipv4=requested["ipv4"],
        ipv6=requested["ipv6"],
        subnet=check.normalised("subnet", ipam.network, params.get("subnet")),
        mac=check.parsed("mac", ipam.mac_address, params.get("mac")),
        mtu=mtu,
        default_route=params.get("default_route"),
        routes=_routes(check, params.get("routes") or ()),
        sysctls=_sysctls(check, params.get("sysctls")),
        announce=params.get("announce") is not False,
        labels=_texts(params.get("labels")),
        exclusive=params.get("exclusive"),
        notes=check.finish(),
    )


def endpoint_removal(params: t.Mapping[str, t.Any]) -> EndpointRemoval:
    """Name and network are all that a removal needs.

    :raises OptionsError: they cannot be names
    """
    check = _Check()
    name, network_name = _endpoint_key(check, params)
    check.finish()
    return EndpointRemoval(name, network_name)


def _endpoint_key(check: _Check, params: t.Mapping[str, t.Any]) -> tuple[str, str]:
    check.problem(names.object_name_problem("endpoint name", params["name"]))
    check.problem(names.object_name_problem("network name", params["network"]))
    return params["name"], params["network"]


def _netns(check: _Check, params: t.Mapping[str, t.Any]) -> Netns:
    name, path, pid = params.get("netns"), params.get("netns_path"), params.get("pid")
    given = [option for option in ("netns", "netns_path", "pid") if params.get(option) is not None]
    if len(given) > 1:
        check.problem(f"only one of netns, netns_path and pid can say where the endpoint is, not {' and '.join(given)}")
    if name is not None:
        check.problem(_prefixed("netns", names.namespace_name_problem(name)))
        return Netns("name", name)
    if path is not None:
        if not checks.path(path):
            check.problem(f"netns_path: {path!r} is not an absolute path")
        return Netns("path", path)
    if pid is not None:
        check.number("pid", pid, 1, 2**22)
        return Netns("pid", str(pid))
    return Netns()


def _ifname(check: _Check, params: t.Mapping[str, t.Any], netns: Netns) -> str:
    given = params.get("ifname")
    ifname = given or ("eth0" if netns.path else names.host_interface_name(params["name"]))
    problem = names.interface_name_problem(ifname)
    if problem is not None:
        check.problem(f"ifname: {problem}" + ("" if given else "; name the interface with ifname:"))
    return ifname


def _requested(check: _Check, option: str, version: int, text: str | None) -> str | None:
    address = check.parsed(option, ipam.address, text)
    if address is not None and ipam.version_of(address) != version:
        check.problem(f"{option}: {address} is not an IPv{version} address")
        return None
    if address is not None:
        check.problem(_prefixed(option, ipam.address_problem(address)))
    return address


def _routes(check: _Check, items: t.Iterable[t.Mapping[str, t.Any]]) -> tuple[Route, ...]:
    routes: list[Route] = []
    for position, item in enumerate(items):
        route = _route(check, f"routes[{position}]", item)
        if route is None:
            continue
        if any(other.place == route.place for other in routes):
            check.problem(f"routes[{position}]: {route.to} with this metric is already in the list")
        routes.append(route)
    return tuple(routes)


def _route(check: _Check, option: str, item: t.Mapping[str, t.Any]) -> Route | None:
    via = check.parsed(f"{option}.via", ipam.address, item.get("via"))
    if via is not None and via not in ipam.block("fe80::/10"):
        check.problem(_prefixed(f"{option}.via", ipam.address_problem(via)))
    destination = item["to"]
    if destination == "default":
        if via is None:
            if item.get("via") is None:
                check.problem(f"{option}: a default route needs via")
            return None
        destination = "0.0.0.0/0" if ipam.version_of(via) == 4 else "::/0"
    to = check.normalised(f"{option}.to", _network_or_address, destination)
    check.number(f"{option}.metric", item.get("metric"), 0, checks.MAX_UINT32)
    if to is None:
        return None
    if via is not None and ipam.version_of(via) != ipam.version_of(to):
        check.problem(f"{option}: {to} and its via {via} are of different families")
    # 0 is what the kernel uses for IPv4 without a metric, and turns into 1024 for IPv6 (net/ipv6/route.c).
    return Route(to, via, item.get("metric") or None)


def _network_or_address(text: str) -> tuple[str, bool]:
    if "/" in text:
        return ipam.network(text)
    address = ipam.address(text)
    return f"{address}/{32 if ipam.version_of(address) == 4 else 128}", False


def _sysctls(check: _Check, mapping: t.Mapping[t.Any, t.Any] | None) -> dict[str, str]:
    result: dict[str, str] = {}
    for key, value in (mapping or {}).items():
        text = _text(value, "1", "0")
        if not checks.sysctl_key(str(key)):
            check.problem(
                f"sysctls: '{key}' must begin with net. and name one setting, such as net.ipv4.conf.IFNAME.rp_filter"
            )
        # Settings of several values are written with tabs or spaces between them.
        if not text.strip() or not checks.sysctl_value(text.replace("\t", " ")):
            check.problem(f"sysctls: the value of {key} must be one line of ASCII text")
        result[str(key)] = " ".join(text.split())
    return result
