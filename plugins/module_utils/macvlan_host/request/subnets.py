# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The subnets of a network as a task writes them."""

from __future__ import annotations

import typing as t

from ..ipam.subnets import infer_gateway, next_hop_problem, subnet_problem, usable
from ..model.network import Subnet
from ..values import names
from ..values.addresses import block_of, is_link_local, parse_address, parse_addresses, parse_network, parse_range, version_of
from .driver import check_gateway_of_mode
from .problems import Problems, prefixed


def read_subnets(problems: Problems, params: t.Mapping[str, t.Any], infers: bool, mode: str) -> tuple[Subnet, ...]:
    """The subnets of a module's parameters, without those that are wrong.

    :param infers: whether the network has an inferred gateway where none is given
    """
    subnets = tuple(
        subnet
        for position, item in enumerate(params.get("subnets") or ())
        if (subnet := _subnet(problems, f"subnets[{position}]", item, infers, mode)) is not None
    )
    _check_apart(problems, subnets)
    return subnets


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
