# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of a request for a network that is about its segment and the slices of the host in it.

A task can leave the slices out, and the subnets with them: the host has recorded those that it was given last.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..errors import PlanError
from ..model.network import Network, Slice, Subnet
from ..model.record import Record
from ..values import names, validators
from ..values.addresses import Block, block_of, parse_network
from .problems import Problems, prefixed
from .subnets import read_subnets

if t.TYPE_CHECKING:
    from .network import NetworkOptions

Params = t.Mapping[str, t.Any]


def read_slices(problems: Problems, params: Params, subnets: tuple[Subnet, ...]) -> tuple[Subnet, ...]:
    """The subnets with the slices of the host in each; a problem is added for each that is wrong.

    :param subnets: that are given
    """
    given = params.get("slices")
    _check_segment(problems, params, given)
    if given is None or not params.get("segment") or not subnets:
        return subnets
    read = [_slice(problems, f"slices[{position}]", item, subnets) for position, item in enumerate(given)]
    slices = [item for item in read if item is not None]
    _check_apart(problems, [item for dummy, item in slices])
    complete = tuple(
        dataclasses.replace(subnet, slices=tuple(item for within, item in slices if within == subnet.subnet)) for subnet in subnets
    )
    if len(slices) == len(given):
        for text in _range_problems(complete):
            problems.problem(text)
    return complete


def without_gateways(params: Params) -> Params:
    """Parameters whose gateways are excluded addresses: they are routers of the wire, and no endpoint's next hop."""
    subnets = []
    for item in params.get("subnets") or ():
        gateway = str(item.get("gateway") or "none")
        exclude = [] if gateway.lower() == "none" or item.get("gateway_onlink") else [gateway]
        kept = {key: value for key, value in item.items() if key not in ("gateway", "gateway_onlink")}
        subnets.append({**kept, "exclude": [*(kept.get("exclude") or ()), *exclude]})
    return {**params, "subnets": subnets}


def _check_segment(problems: Problems, params: Params, given: t.Any) -> None:
    """Add what contradicts a segment, or is without a meaning if there is none."""
    segment = params.get("segment")
    if segment is None:
        if given is not None:
            problems.problem("slices are parts of a segment; write its name as segment, or remove slices")
        return
    problems.problem(names.object_name_problem("segment", segment))
    if params.get("parent") is None:
        problems.problem("segment is a wire that hosts share, and a network without a parent is on none; add parent, or remove segment")
    if params.get("ipam") == "none":
        problems.problem("ipam: none gives links without addresses, and a segment gives the addresses; remove segment, or ipam")
    if params.get("ipv6") and not any(":" in str(item["subnet"]) for item in params.get("subnets") or ()):
        problems.problem("ipv6: true has a subnet chosen that the segment does not have; add the IPv6 subnet of the segment to subnets, or remove ipv6")
    if params.get("allow_overlap"):
        problems.problem("allow_overlap: true is for wires of their own, and segment is for one that hosts share; remove one of the two")
    if given is not None and not params.get("subnets"):
        problems.problem("slices: add the subnets of the segment, in which they are")


def _slice(problems: Problems, option: str, item: Params, subnets: t.Iterable[Subnet]) -> tuple[str, Slice] | None:
    """The subnet of a slice, and the slice."""
    block = problems.normalised(f"{option}.slice", parse_network, item["slice"])
    within = problems.normalised(f"{option}.subnet", parse_network, item.get("subnet"))
    generation, lost_to = item.get("generation"), item.get("lost_to") or ""
    problems.number(f"{option}.generation", generation, 1, validators.MAX_UINT32)
    if lost_to:
        problems.problem(prefixed(f"{option}.lost_to", names.inventory_name_problem(lost_to)))
    if block is None:
        return None
    subnet = next((item.subnet for item in subnets if block_of(item.subnet).covers(block_of(block))), None)
    if subnet is None:
        problems.problem(f"{option}.slice: {block} is in none of the subnets; correct it, or add its subnet to subnets")
        return None
    if within not in (None, subnet):
        problems.problem(f"{option}.subnet: {block} is in {subnet}, not in {within}; correct it, or leave it out")
    return subnet, Slice(block, 1 if generation is None else generation, lost_to)


def _check_apart(problems: Problems, slices: t.Sequence[Slice]) -> None:
    for position, item in enumerate(slices):
        for earlier in slices[:position]:
            if block_of(item.block).overlaps(block_of(earlier.block)):
                problems.problem(f"slices: {earlier.block} and {item.block} overlap; write each address in one slice only")


def _range_problems(subnets: t.Sequence[Subnet]) -> t.Iterator[str]:
    """Yield the ranges that are of no slice. One of a slice that the host has lost is right, and nothing is chosen from it."""
    for position, subnet in enumerate(subnets):
        for ip_range in subnet.ip_ranges:
            if not _is_covered(block_of(ip_range), [block_of(item.block) for item in subnet.slices or ()]):
                shown = ", ".join(subnet.owned_slices) or "none"
                yield (
                    f"subnets[{position}].ip_range: {ip_range} is not inside the slices of this host in {subnet.subnet}, which are {shown}; "
                    f"leave ip_range out to have addresses chosen from all of them"
                )


def _is_covered(block: Block, parts: t.Iterable[Block]) -> bool:
    """Whether blocks that do not overlap have all addresses of another one."""
    common = sum(min(part.last, block.last) - max(part.first, block.first) + 1 for part in parts if part.overlaps(block))
    return common == block.last - block.first + 1


# --- against the record ---------------------------------------------------------------------------------------------


def is_complete(wanted: NetworkOptions) -> bool:
    """Whether a task says all that is to be said of the slices of a network."""
    return wanted.segment is None or (bool(wanted.subnets) and all(subnet.slices is not None for subnet in wanted.subnets))


def with_recorded_slices(wanted: NetworkOptions, recorded: Record) -> NetworkOptions:
    """A declared network with the slices that are recorded, and with the subnets, if the task gives none; unchanged if none are."""
    network = _recorded_in_segment(wanted, recorded)
    if is_complete(wanted) or network is None:
        return wanted
    if not wanted.subnets:
        from .recorded import subnet_params_of

        subnets = read_subnets(Problems(), {"subnets": subnet_params_of(network)}, wanted.infers_gateway, wanted.mode)
    else:
        subnets = wanted.subnets
    return dataclasses.replace(wanted, subnets=tuple(dataclasses.replace(item, slices=_slices_in(item.subnet, network)) for item in subnets))


def _slices_in(cidr: str, network: Network) -> tuple[Slice, ...]:
    """The recorded slices that are in a subnet, which may have another size than before."""
    return tuple(item for item in network.slices if block_of(cidr).covers(block_of(item.block)))


def check_slices(wanted: NetworkOptions, recorded: Record) -> None:
    """Refuse slices that nobody knows, and those of an older plan than the recorded one.

    :raises PlanError: naming what to do
    """
    if wanted.segment is None:
        return
    network = _recorded_in_segment(wanted, recorded)
    if not is_complete(wanted):
        if network is None:
            raise PlanError(
                f"{wanted.title}: no slices of segment {wanted.segment} are recorded for it on this host; run macvlan_fleet for this host, "
                f"and give this task the subnets and slices that it returns, or have the role macvlan_fleet do both"
            )
        _check_recorded(wanted, network)
    elif network is not None:
        for subnet in wanted.subnets:
            for item in subnet.slices or ():
                _check_generation(wanted, network, item)


def _check_recorded(wanted: NetworkOptions, network: Network) -> None:
    """Refuse subnets in which recorded slices are not, and ranges that are of none of them."""
    complete = with_recorded_slices(wanted, Record(networks={network.name: network})).subnets
    left = [item.block for item in network.slices if not any(item in (subnet.slices or ()) for subnet in complete)]
    problem = next(_range_problems(complete), None)
    if left:
        raise PlanError(
            f"{wanted.title}: its slice {left[0]} is in none of the subnets of the task; add its subnet, or give this task the slices that "
            f"macvlan_fleet returns"
        )
    if problem is not None:
        raise PlanError(f"{wanted.title}: {problem}")


def _check_generation(wanted: NetworkOptions, network: Network, item: Slice) -> None:
    """Refuse a slice of an older plan: any part of it may have another owner by now."""
    newer = next((one for one in network.slices if one.generation > item.generation and block_of(one.block).overlaps(block_of(item.block))), None)
    if newer is not None:
        raise PlanError(
            f"{wanted.title}: the slice {item.block} has generation {item.generation} in the task, and {newer.block} has {newer.generation} in the "
            f"record of this host, so the task is of an older plan; run macvlan_fleet again, and use what it returns"
        )


def _recorded_in_segment(wanted: NetworkOptions, recorded: Record) -> Network | None:
    network = recorded.networks.get(wanted.name)
    return network if network is not None and network.segment == wanted.segment else None
