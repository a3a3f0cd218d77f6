# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Segments and hosts as users write them."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import HostOfFleet, Segment, SegmentSubnet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.slices import EVERYWHERE
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.network import Subnet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.network import network_options
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.problems import Problems
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import (
    WIDTHS,
    block_of,
    parse_interface_address,
    prefix_length,
    version_of,
    without_prefix,
)

SEGMENT_KEYS = ("name", "subnets", "isolated")
HOST_KEYS = ("place", "addresses", "networks", "endpoints")
# What a segment says of a subnet; ranges are what it works out.
SUBNET_KEYS = ("subnet", "slice_length", "gateway", "gateway_onlink", "exclude", "aux_addresses")
# A network needs a parent for its gateways to be inferred as on every wire.
ANY_PARENT = "eth0"


def read_segments(given: t.Any) -> list[Segment]:
    """Segments from a list of dictionaries.

    :raises OptionsError: naming every problem
    :raises MissingLibraryError: netaddr is not installed
    """
    problems = Problems()
    if not isinstance(given, (list, tuple)):
        raise OptionsError([f"segments must be a list of dictionaries, not {type(given).__name__}"])
    read = [_segment(problems, f"segments[{position}]", item) for position, item in enumerate(given)]
    segments = [segment for segment in read if segment is not None]
    seen: set[str] = set()
    for segment in segments:
        if segment.name in seen:
            problems.problem(f"segments: {segment.name} stands there twice; write each segment once")
        seen.add(segment.name)
    problems.finish()
    return segments


def _segment(problems: Problems, option: str, given: t.Any) -> Segment | None:
    if not _is_dictionary(problems, option, given, SEGMENT_KEYS):
        return None
    name = str(given.get("name") or "")
    problem = names.object_name_problem("segment name", name)
    if problem is not None:
        problems.problem(f"{option}.name: {problem}")
        return None
    items = given.get("subnets")
    if not isinstance(items, (list, tuple)) or not items:
        problems.problem(f"{option}.subnets: segment {name} needs a list of at least one subnet")
        return None
    subnets = [_subnet(problems, f"{option}.subnets[{position}]", item) for position, item in enumerate(items)]
    _check_apart(problems, option, [item for item in subnets if item is not None])
    isolated = given.get("isolated", False)
    if not isinstance(isolated, bool):
        problems.problem(f"{option}.isolated: {isolated!r} is neither true nor false")
    return Segment(name, tuple(item for item in subnets if item is not None), isolated is True)


def _subnet(problems: Problems, option: str, given: t.Any) -> SegmentSubnet | None:
    if not _is_dictionary(problems, option, given, SUBNET_KEYS):
        return None
    subnet = _as_of_a_network(problems, option, given)
    length = given.get("slice_length")
    if subnet is None:
        return None
    shortest, longest = prefix_length(subnet.subnet), WIDTHS[version_of(subnet.subnet)]
    if isinstance(length, str) and length.isascii() and length.isdigit():
        length = int(length[:4])
    if isinstance(length, bool) or not isinstance(length, int) or not shortest <= length <= longest:
        problems.problem(
            f"{option}.slice_length: the prefix length of a slice of {subnet.subnet} must be from {shortest} to {longest}, "
            f"not {'left out' if length is None else repr(length)[:40]}"
        )
        return None
    return SegmentSubnet(subnet, length)


def _as_of_a_network(problems: Problems, option: str, given: t.Mapping[str, t.Any]) -> Subnet | None:
    """The subnet as a network of its own would have it; what is wrong is told under its option here."""
    if not isinstance(given.get("subnet"), str):
        problems.problem(f"{option}.subnet: write a subnet in CIDR form such as 192.0.2.0/24")
        return None
    kept = {key: value for key, value in given.items() if key != "slice_length"}
    try:
        read = network_options({"name": "segment", "parent": ANY_PARENT, "subnets": [kept]})
    except OptionsError as exc:
        for text in exc.problems:
            problems.problem(text.replace("subnets[0]", option, 1))
        problems.missing = problems.missing or exc.missing
        return None
    for note in read.notes:
        problems.note(note.replace("subnets[0]", option, 1))
    return read.subnets[0]


def _check_apart(problems: Problems, option: str, subnets: t.Sequence[SegmentSubnet]) -> None:
    for position, item in enumerate(subnets):
        for other in subnets[:position]:
            if block_of(item.subnet.subnet).overlaps(block_of(other.subnet.subnet)):
                problems.problem(f"{option}.subnets: {other.subnet.subnet} and {item.subnet.subnet} overlap; write each address in one subnet only")


def read_hosts(given: t.Any, segments: t.Sequence[Segment]) -> list[HostOfFleet]:
    """Hosts from a dictionary: inventory name → place, or dictionary.

    :raises OptionsError: naming every problem
    """
    problems = Problems()
    if not isinstance(given, t.Mapping):
        raise OptionsError([f"hosts must be a dictionary, inventory name → dictionary, not {type(given).__name__}"])
    read = [_host(problems, str(name), item, segments) for name, item in given.items()]
    problems.finish()
    return [host for host in read if host is not None]


def _host(problems: Problems, name: str, given: t.Any, segments: t.Sequence[Segment]) -> HostOfFleet | None:
    if not isinstance(given, t.Mapping):
        given = {"place": given}
    if not _is_dictionary(problems, name, given, HOST_KEYS):
        return None
    places = read_places(problems, f"{name}.place", given.get("place"), segments)
    for key in ("networks", "endpoints"):
        if not isinstance(given.get(key) or [], (list, tuple)):
            problems.problem(f"{name}.{key} must be a list of dictionaries, not {type(given[key]).__name__}")
            return None
    addresses = read_addresses(problems, f"{name}.addresses", given.get("addresses"))
    networks, endpoints = (tuple(item for item in given.get(key) or () if isinstance(item, t.Mapping)) for key in ("networks", "endpoints"))
    return HostOfFleet(name, places, addresses or (), networks, endpoints)


def read_addresses(problems: Problems, option: str, given: t.Any) -> tuple[str, ...] | None:
    """Addresses of a host, without their prefix lengths; None if they are left out."""
    if given is None:
        return None
    if not isinstance(given, (list, tuple)):
        problems.problem(f"{option} must be a list of addresses, not {type(given).__name__}")
        return None
    read = [problems.parsed(f"{option}[{position}]", parse_interface_address, str(text)) for position, text in enumerate(given)]
    return tuple(without_prefix(text) for text in read if text is not None)


def read_places(problems: Problems, option: str, given: t.Any, segments: t.Sequence[Segment]) -> dict[str, tuple[int, ...]]:
    """Segment → places, of a place for all segments, a list of them, or a dictionary of segments with these."""
    if given is None:
        return {}
    if not isinstance(given, t.Mapping):
        return {EVERYWHERE: _places(problems, option, given)}
    known = {segment.name for segment in segments}
    for name in given:
        if name not in known:
            problems.problem(f"{option}: there is no segment {name}; there are {', '.join(sorted(known)) or 'none'}")
    return {str(name): _places(problems, f"{option}.{name}", value) for name, value in given.items()}


def _places(problems: Problems, option: str, given: t.Any) -> tuple[int, ...]:
    items = given if isinstance(given, (list, tuple)) else [given]
    read = [_place(item) for item in items]
    wrong = [item for item, place in zip(items, read) if place is None]
    if wrong:
        problems.problem(f"{option}: a place is a whole number from 0 on, not {repr(wrong[0])[:40]}")
    return distinct_places(problems, option, [place for place in read if place is not None])


def distinct_places(problems: Problems, option: str, places: t.Sequence[int]) -> tuple[int, ...]:
    """Places of a host, each once; a problem is added for one that stands there several times."""
    if len(set(places)) < len(places):
        problems.problem(f"{option}: a place stands there twice; write each place once")
    return tuple(dict.fromkeys(places))


def _place(given: t.Any) -> int | None:
    """A place; inventories in INI form have texts."""
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 20:
        return int(given)
    return given if isinstance(given, int) and not isinstance(given, bool) and given >= 0 else None


def _is_dictionary(problems: Problems, option: str, given: t.Any, keys: t.Sequence[str]) -> bool:
    if not isinstance(given, t.Mapping):
        problems.problem(f"{option} must be a dictionary, not {type(given).__name__}")
        return False
    unknown = [str(key) for key in given if key not in keys]
    if unknown:
        problems.problem(f"{option}: there is no {', '.join(unknown)[:80]}; there are {', '.join(keys)}")
    return not unknown
