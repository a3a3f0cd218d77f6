# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task asks for with ``host_access`` of a network, which is true or a dictionary."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..ipam.subnets import address_problem, usable
from ..model.endpoint import Endpoint
from ..model.host_access import ENDPOINTS, RANGES, ROUTES, UNREACHABLE, HostAccess
from ..model.netns import HOST
from ..model.network import DRIVERS, Network, Subnet
from ..model.ref import HOST_ACCESS
from ..values import names, validators
from ..values.addresses import block_of, parse_address, version_of
from .endpoint import EndpointOptions
from .problems import WHOLE_NUMBER, Problems, prefixed
from .recorded import host_access_params

OPTION = "host_access"
_KEYS = ("address", "ifname", "metric", "routes")
_EXAMPLE = "host_access: {address: 192.168.50.2}"
# The words that Ansible takes for booleans, which a template makes of them.
_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
# An address of the host is answered for on its own interface only; answers of endpoints may come in by it, whatever other routes say.
SETTINGS = {"net.ipv4.conf.IFNAME.arp_ignore": "1", "net.ipv4.conf.IFNAME.rp_filter": "2"}


@dataclass(frozen=True)
class HostAccessOptions:
    """What a task asks for.

    :ivar addresses: one of a family at most; of the other families one is chosen
    :ivar ifname: None for the one that follows from the name of the network
    """

    addresses: tuple[str, ...] = ()
    routes: str = ENDPOINTS
    ifname: str | None = None
    metric: int | None = None


def read_host_access(problems: Problems, value: t.Any) -> HostAccessOptions | None:
    """The options of the host's access, None for no access; what is wrong with them is added to the problems."""
    if isinstance(value, str) and value.lower() in _WORDS:
        value = _WORDS[value.lower()]
    if value is None or value is False:
        return None
    if value is True:
        return HostAccessOptions()
    if not isinstance(value, dict):
        problems.problem(_of_wrong_type(OPTION, value, f"true, false or a dictionary, such as {_EXAMPLE}"))
        return None
    unknown = sorted(f"{key!s:.80}" for key in value if key not in _KEYS)
    if unknown:
        problems.problem(f"{OPTION}: unknown options: {', '.join(unknown)} (there are {', '.join(_KEYS)})")
    return HostAccessOptions(
        _addresses(problems, value.get("address")), _routes(problems, value), _ifname(problems, value), _metric(problems, value)
    )


def _of_wrong_type(where: str, value: t.Any, needed: str) -> str:
    kinds = {bool: "a boolean", str: "text", int: "a number", float: "a number", list: "a list", dict: "a dictionary"}
    shown = {True: "true", False: "false"}[value] if isinstance(value, bool) else f"{value!r:.80}"
    return f"{where}: {shown} is {kinds.get(type(value), 'no value')}, but must be {needed}"


def _addresses(problems: Problems, value: t.Any) -> tuple[str, ...]:
    addresses: dict[int, str] = {}
    for item in value if isinstance(value, list) else () if value is None else (value,):
        if not isinstance(item, str):
            problems.problem(_of_wrong_type(f"{OPTION}.address", item, f"an address, or a list with one of each family, such as {_EXAMPLE}"))
            continue
        address = problems.parsed(f"{OPTION}.address", parse_address, item)
        if address is None:
            continue
        problem = prefixed(f"{OPTION}.address", address_problem(address))
        if problem is not None:
            problems.problem(problem)
            continue
        other = addresses.setdefault(version_of(address), address)
        if other != address:
            problems.problem(f"{OPTION}.address: {other} and {address} are both of IPv{version_of(address)}; give one of each family")
    return tuple(addresses[version] for version in sorted(addresses))


def _routes(problems: Problems, value: t.Mapping[str, t.Any]) -> str:
    routes = value.get("routes")
    if routes is None or isinstance(routes, str) and routes in ROUTES:
        return routes or ENDPOINTS
    problems.problem(_of_wrong_type(f"{OPTION}.routes", routes, f"one of {', '.join(ROUTES)}, such as routes: {RANGES}"))
    return ENDPOINTS


def _ifname(problems: Problems, value: t.Mapping[str, t.Any]) -> str | None:
    ifname = value.get("ifname")
    if ifname is None:
        return None
    if not isinstance(ifname, str):
        problems.problem(_of_wrong_type(f"{OPTION}.ifname", ifname, "the name of an interface, such as ifname: host0"))
        return None
    problems.problem(prefixed(f"{OPTION}.ifname", names.interface_name_problem(ifname)))
    return ifname


def _metric(problems: Problems, value: t.Mapping[str, t.Any]) -> int | None:
    metric = value.get("metric")
    if isinstance(metric, str) and WHOLE_NUMBER.match(metric):
        metric = int(metric)
    if metric is None:
        return None
    if isinstance(metric, bool) or not isinstance(metric, int):
        problems.problem(_of_wrong_type(f"{OPTION}.metric", metric, "a whole number, such as metric: 100"))
        return None
    problems.number(f"{OPTION}.metric", metric, 0, validators.MAX_UINT32)
    # 0 is what the kernel uses for IPv4 without a metric, and turns into 1024 for IPv6 (net/ipv6/route.c).
    return metric or None


def check_host_access(
    problems: Problems, access: HostAccessOptions | None, mode: str, ipam: str, subnets: t.Sequence[Subnet]
) -> None:
    """Add why the host cannot have access to a network with these options; note where it depends on the switch."""
    if access is None:
        return
    if ipam == "none":
        problems.problem(f"{OPTION}: the host needs an address of the network, and ipam: none has none; remove {OPTION}, or ipam")
    elif mode in UNREACHABLE:
        default = next(modes[0] for modes in DRIVERS.values() if mode in modes)
        problems.problem(f"{OPTION}: {UNREACHABLE[mode]}; remove {OPTION}, or use mode: {default}")
    elif mode == "vepa":
        problems.note(
            f"{OPTION}: in mode vepa the host and the endpoints reach each other only by a switch that sends frames back to where "
            f"they came from (reflective relay); without one, use mode: bridge"
        )
    for address in access.addresses if subnets else ():
        subnet = next((item.subnet for item in subnets if address in block_of(item.subnet)), None)
        if subnet is None:
            problems.problem(f"{OPTION}.address: {address} is in none of {', '.join(item.subnet for item in subnets)}")
        elif address not in usable(subnet):
            problems.problem(f"{OPTION}.address: {address} is an address of {subnet} that no link can have; use another")


def interface_options(network: str, access: HostAccessOptions, replace: bool) -> EndpointOptions:
    """The interface of the host as it is planned, like that of an endpoint."""
    of_version = {version_of(address): address for address in access.addresses}
    return EndpointOptions(
        name=HOST_ACCESS,
        network=network,
        netns=HOST,
        ifname=access.ifname or names.host_access_interface(network),
        ipv4=of_version.get(4),
        ipv6=of_version.get(6),
        default_route=False,
        sysctls=dict(SETTINGS),
        replace=replace,
        host_access=HostAccess(access.routes, access.metric),
    )


def interface_as_recorded(access: Endpoint, network: Network) -> EndpointOptions:
    """The interface of the host as it is recorded; it gets other addresses where its own do not fit."""
    options = read_host_access(Problems(), host_access_params(access, network, pin=False))
    return interface_options(network.name, options or HostAccessOptions(), replace=True)
