# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the hosts of a play declare, as the options of macvlan_fleet, and their networks with the slices that they have got.

A user writes the segments, and ``segment`` in a network. All else follows: which hosts have a part in which segment, how many
addresses their endpoints need, and which addresses the hosts have themselves.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.lint import FAMILIES, names_in_words
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import Segment
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.read import read_places, read_segments
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.slices import EVERYWHERE, family
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.wishes import MAX_ADDRESSES
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.problems import Problems
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import inet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import block_of, parse_network, version_of, without_prefix
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.ordering import natural

# What the role has set for each host: its declared variables, as the host itself sees them, and the record that was read.
DECLARED, RECORD, RECORD_AGAIN = "_macvlan_fleet_declared", "_macvlan_fleet_found", "_macvlan_fleet_found_again"
SEGMENTS, ADDRESSES, NUMBERS = "macvlan_fleet_segments", "macvlan_fleet_addresses", "macvlan_fleet_place"
REPLACED, RENAMED_FROM = "macvlan_fleet_replaced", "macvlan_fleet_renamed_from"
NETWORKS, ENDPOINTS = "macvlan_host_networks", "macvlan_host_endpoints"
# What a network has from its segment.
OF_SEGMENT = ("subnets", "slices", "address_pools")

Item = t.Mapping[str, t.Any]
# IP version → number of addresses.
Count = dict[int, int]


class Asked(t.NamedTuple):
    """What the play asks for.

    :ivar segments: the option segments of macvlan_fleet
    :ivar hosts: the option hosts of macvlan_fleet, in the order of their names
    :ivar unbound: names of these hosts whose record has no UUID, or was not read
    :ivar problems: why nothing can be asked for, a sentence each
    :ivar notes: what a reader must know all the same, a sentence each
    """

    segments: list[Item]
    hosts: list[dict[str, t.Any]]
    unbound: list[str]
    problems: list[str]
    notes: list[str]


def asked_of_fleet(variables: t.Mapping[str, Item], names: t.Iterable[str]) -> Asked:
    """What the hosts of a play ask for.

    :param variables: inventory name → the variables of the host
    :param names: the hosts of the play
    :raises MissingLibraryError: netaddr is not installed
    """
    members = [_Member(name, variables[name]) for name in sorted(map(str, names), key=natural)]
    written, problems = _segments_of_all(members)
    try:
        segments = {segment.name: segment for segment in read_segments(written)}
    except OptionsError as exc:
        return Asked([], [], [], [*problems, *(f"{SEGMENTS}: {text}" for text in exc.problems)], [])
    collected = Problems()
    for text in problems:
        collected.problem(text)
    needs = {member.name: _needs(collected, member, segments) for member in members}
    asking = [member for member in members if needs[member.name]]
    hosts = [_host(collected, member, needs[member.name], segments) for member in asking]
    unbound = [member.name for member in asking if not member.uuid]
    return Asked(written, hosts, unbound, collected.problems, _notes(members, asking))


class _Member:
    """A host with its variables."""

    def __init__(self, name: str, variables: Item) -> None:
        self.name = name
        self._variables = variables
        declared = variables.get(DECLARED)
        # Of a host that the play has not come to, there is what the inventory says.
        self.is_reached = isinstance(declared, t.Mapping)
        self._declared: Item = declared if isinstance(declared, t.Mapping) else variables
        self.record = self._record()

    def said(self, variable: str) -> t.Any:
        """The value of a variable of the role; None for a blank one."""
        value = self._declared.get(variable)
        return None if value is None or isinstance(value, str) and not value.strip() else value

    def listed(self, variable: str) -> list[Item]:
        """The items of a declared list, as far as they are dictionaries."""
        value = self.said(variable)
        return [item for item in value if isinstance(item, t.Mapping)] if isinstance(value, (list, tuple)) else []

    def _record(self) -> Item:
        """What macvlan_info has returned, or how its task has failed."""
        for variable in (RECORD_AGAIN, RECORD):
            answer = self._variables.get(variable)
            if isinstance(answer, t.Mapping) and answer.get("skipped") is not True:
                return answer
        return {}

    @property
    def uuid(self) -> str:
        host = self.record.get("host")
        return str(host.get("uuid") or "") if isinstance(host, t.Mapping) else ""

    @property
    def facts(self) -> Item:
        facts = self._variables.get("ansible_facts")
        return facts if isinstance(facts, t.Mapping) else {}


def _segments_of_all(members: t.Sequence[_Member]) -> tuple[list[Item], list[str]]:
    """The segments that any host declares, each once, and what is wrong with them."""
    declared: dict[str, tuple[str, Item]] = {}
    unnamed: list[Item] = []
    problems = []
    for member in members:
        given = member.said(SEGMENTS)
        if given is not None and not isinstance(given, (list, tuple)):
            problems.append(f"{member.name}: {SEGMENTS} must be a list of dictionaries, not {type(given).__name__}")
            continue
        names = [str(item.get("name")) for item in given or () if isinstance(item, t.Mapping)]
        problems += [f"{member.name}: {SEGMENTS} has {name} twice; write each segment once" for name in sorted({*names}) if names.count(name) > 1]
        for item in given or ():
            if not isinstance(item, t.Mapping) or not item.get("name"):
                unnamed += [item] if item not in unnamed else []
                continue
            host, other = declared.setdefault(str(item["name"]), (member.name, item))
            if other != item and host != member.name:
                problems.append(f"{host} and {member.name} declare the segment {item['name']} with different values; declare it once, for a group of both")
    return [*(item for dummy, (dummy2, item) in sorted(declared.items())), *unnamed], list(dict.fromkeys(problems))


# --- what a host needs ------------------------------------------------------------------------------------------------


def _needs(problems: Problems, member: _Member, segments: t.Mapping[str, Segment]) -> dict[str, int]:
    """Segment → how many addresses the endpoints of a host need, in each family."""
    counts: dict[str, Count] = {}
    of_network: dict[str, str] = {}
    for network in member.listed(NETWORKS):
        if network.get("segment") is None:
            problems.problem(_unnamed_problem(member, network, segments))
            continue
        segment = str(network["segment"])
        problem = _network_problem(network, segment, segments)
        if problem is None and segment in of_network.values():
            problem = f"another network of the host is on the segment {segment} already, and a host has one network on a segment; leave one of them out"
        if problem is not None:
            problems.problem(f"{member.name}: network {str(network.get('name'))[:80]}: {problem}")
            continue
        of_network[str(network.get("name"))] = segment
        access = network.get("host_access")
        has_access = access is not None and access is not False and str(access).strip().lower() not in ("false", "no", "off", "0", "")
        _add(counts.setdefault(segment, {}), FAMILIES if has_access else ())
    for endpoint in member.listed(ENDPOINTS):
        if str(endpoint.get("network")) in of_network:
            _add(counts[of_network[str(endpoint["network"])]], _families_of(endpoint))
    further = _further(problems, member, segments)
    return {
        name: max(1, further.get(name, 0) + max((counts.get(name, {}).get(family(item), 0) for item in segments[name].subnets), default=0))
        for name in sorted({*counts, *further})
    }


def _unnamed_problem(member: _Member, network: Item, segments: t.Mapping[str, Segment]) -> str | None:
    """That a network without a segment gives out addresses of one, which other hosts may have."""
    subnets = network.get("subnets")
    if not network.get("parent") or network.get("allow_overlap") or not isinstance(subnets, (list, tuple)):
        return None
    for item in subnets:
        try:
            block = block_of(parse_network(str(item["subnet"]))[0])
        except (ValueError, TypeError, KeyError):
            # The module refuses it, in its own words.
            continue
        for segment in segments.values():
            if not segment.isolated and any(block_of(one.subnet.subnet).overlaps(block) for one in segment.subnets):
                return (
                    f"{member.name}: network {str(network.get('name'))[:80]} has {item['subnet']}, addresses of the segment {segment.name}, which other "
                    f"hosts may have; write segment: {segment.name} in place of its subnets, or isolated: true for the segment if it is another wire"
                )
    return None


def _network_problem(network: Item, segment: str, segments: t.Mapping[str, Segment]) -> str | None:
    if segment not in segments:
        return f"no host declares the segment {segment[:80]}; there are {', '.join(sorted(segments)) or 'none'}; add it to {SEGMENTS}"
    given = [option for option in OF_SEGMENT if network.get(option)]
    if given:
        return f"it has segment and {' and '.join(given)}; leave out {' and '.join(given)}, which the segment {segment} gives it"
    if str(network.get("ipam") or "default") != "default":
        return f"it has segment, and ipam: {network['ipam']}, with which it gives out no addresses; leave one of the two out"
    return None


def _families_of(endpoint: Item) -> list[int]:
    """The IP version of each address that an endpoint takes."""
    first = [version for version, option in FAMILIES.items() if str(endpoint.get(option) or "").strip().lower() != "none"]
    listed = endpoint.get("addresses")
    return [*first, *(version_of(str(text)) for text in (listed if isinstance(listed, (list, tuple)) else ()))]


def _add(count: Count, versions: t.Iterable[int]) -> None:
    for version in versions:
        count[version] = count.get(version, 0) + 1


def _further(problems: Problems, member: _Member, segments: t.Mapping[str, Segment]) -> dict[str, int]:
    """Segment → how many addresses single tasks need beside the declared endpoints."""
    given = member.said(ADDRESSES)
    if given is None:
        return {}
    option = f"{member.name}: {ADDRESSES}"
    if not isinstance(given, t.Mapping):
        problems.problem(f"{option} must be a dictionary, segment → number of addresses, not {type(given).__name__}")
        return {}
    further = {}
    for name, text in given.items():
        number = int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 9 else text
        if str(name) not in segments:
            problems.problem(f"{option}: no host declares the segment {str(name)[:80]}; there are {', '.join(sorted(segments)) or 'none'}")
        elif isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= MAX_ADDRESSES:
            problems.problem(f"{option}.{name} must be a whole number from 0 to {MAX_ADDRESSES}, not {str(text)[:40]!r}")
        else:
            further[str(name)] = number
    return further


# --- the options of macvlan_fleet -------------------------------------------------------------------------------------


def _host(problems: Problems, member: _Member, needs: t.Mapping[str, int], segments: t.Mapping[str, Segment]) -> dict[str, t.Any]:
    numbers = read_places(problems, f"{member.name}: {NUMBERS}", member.said(NUMBERS), list(segments.values()))
    everywhere = numbers.pop(EVERYWHERE, None)
    listed = [{"segment": name, "addresses": count, **({"place": list(numbers[name])} if name in numbers else {})} for name, count in needs.items()]
    options = {
        "place": None if everywhere is None else list(everywhere),
        "own_addresses": _own_addresses(member, segments.values()),
        "uuid": member.uuid or None,
        "machine_id": member.facts.get("machine_id"),
        "replaced": member.said(REPLACED),
        "renamed_from": member.said(RENAMED_FROM),
    }
    return {"name": member.name, "needs": listed, **{key: value for key, value in options.items() if value is not None}}


def _own_addresses(member: _Member, segments: t.Iterable[Segment]) -> list[str] | None:
    """The addresses of the host itself on the segments; None if they are unknown. Those of endpoints are leases."""
    facts = [member.facts.get(f"all_{option}_addresses") for option in FAMILIES.values()]
    if all(listed is None for listed in facts):
        return None
    leased = {without_prefix(str(text)) for text in _leased(member.record)}
    wholes = [block_of(item.subnet.subnet) for segment in segments for item in segment.subnets]
    texts = [without_prefix(str(text)) for listed in facts for text in listed or ()]
    own = {text for text in texts if text not in leased and any(text in whole for whole in wholes)}
    return sorted(own, key=lambda text: (version_of(text), inet.number(text)))


def _leased(record: Item) -> t.Iterator[t.Any]:
    for endpoint in record.get("endpoints") or ():
        yield from (text for text in (endpoint.get("ipv4"), endpoint.get("ipv6"), *endpoint.get("addresses", ())) if text)
    for network in record.get("networks") or ():
        yield from (network.get("host_access") or {}).get("addresses", ())


def _notes(members: t.Sequence[_Member], asking: t.Sequence[_Member]) -> list[str]:
    """What is not as a reader expects, a sentence for all hosts that it is true of."""
    names = {member.name for member in asking}
    without = [member.name for member in members if member.name not in names]
    away = [member.name for member in asking if member.record.get("unreachable") is True]
    later = [member.name for member in asking if not member.is_reached]
    failed = [member for member in asking if member.name not in away and member.record.get("msg") and "host" not in member.record]
    told = {*away, *later, *(member.name for member in failed)}
    new = [member.name for member in asking if not member.uuid and member.name not in told]
    notes = [f"{member.name}: its record cannot be read, so its slices are not bound to it: {str(member.record['msg'])[:300]}" for member in failed]
    if without:
        notes.append(f"no slices for {names_in_words(without)}: no network there has a segment, and {ADDRESSES} names none")
    if away:
        notes.append(f"{names_in_words(away)} cannot be reached: the slices follow from the inventory; run it again when all hosts are back")
    if later:
        notes.append(f"{names_in_words(later)}: the play has not come to them yet: the slices follow from the inventory")
    if new:
        notes.append(f"nothing is recorded yet on {names_in_words(new)}: the slices are bound to the record when there is one")
    return notes


# --- networks with their slices ---------------------------------------------------------------------------------------


def with_slices(networks: t.Sequence[t.Any], of_segments: t.Mapping[str, Item]) -> list[t.Any]:
    """Networks, with what macvlan_fleet gives those that have a segment.

    :param of_segments: segment → options of a network
    :raises OptionsError: a network has a segment in which the host has got nothing
    """
    problems = Problems()
    filled: list[t.Any] = []
    for network in networks:
        segment = network.get("segment") if isinstance(network, t.Mapping) else None
        if segment is None:
            filled.append(network)
        elif str(segment) in of_segments:
            filled.append({**network, **of_segments[str(segment)]})
        else:
            problems.problem(f"network {network.get('name')}: the host has got no slice of segment {segment}; let macvlan_fleet give it one first")
    problems.finish()
    return filled
