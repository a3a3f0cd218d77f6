# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Slices for all hosts of a task, and what they are told of them."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import Holding, KnownHost, Segment, Slice, Wish
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.plan import Plan, addresses_of_others, own_addresses, plan
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.slices import as_subnets
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.store import Store, settle
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import block_of


class Allocation(t.NamedTuple):
    """What a run has done, or would do.

    :ivar slices: host → segment → its slices, and those that it had and another host has now
    :ivar subnets: host → segment → the option subnets of a network
    :ivar networks: host → segment → what a network takes that knows slices
    """

    changed: bool
    slices: dict[str, dict[str, list[dict[str, t.Any]]]]
    subnets: dict[str, dict[str, list[dict[str, t.Any]]]]
    networks: dict[str, dict[str, dict[str, t.Any]]]
    claims: list[dict[str, t.Any]]
    steps: tuple[str, ...]
    before: dict[str, t.Any]
    after: dict[str, t.Any]
    warnings: tuple[str, ...]

    @property
    def result(self) -> dict[str, t.Any]:
        """What the task returns."""
        return {**{key: getattr(self, key) for key in ("changed", "slices", "subnets", "networks", "claims")}, "conflicts": [], "steps": list(self.steps)}


def allocate(
    segments: t.Sequence[Segment], written: t.Sequence[t.Mapping[str, t.Any]], wishes: t.Sequence[Wish], store: Store, *, now: int, dry_run: bool
) -> Allocation:
    """Give the hosts the slices that they wish; with ``dry_run`` nothing is written, and all else is the same.

    :param written: the segments as the user has written them
    :param now: the second of the epoch
    :raises MistakesError: it cannot be, a sentence for each reason; nothing was written
    :raises StoreError: the store cannot be used
    """
    planned, seen = settle(store, lambda seen: plan(segments, seen, wishes, now, by_places=not store.records), dry_run)
    return _told(segments, written, wishes, planned, seen.known, store.records)


def _told(
    segments: t.Sequence[Segment],
    written: t.Sequence[t.Mapping[str, t.Any]],
    wishes: t.Sequence[Wish],
    planned: Plan,
    known: t.Sequence[KnownHost],
    records: bool,
) -> Allocation:
    hosts = {wish.name for wish in wishes}
    formerly = {**dict.fromkeys(hosts, ""), **{name: former for former, name in planned.renamed.items()}}
    steps = _steps(planned, known) if records else ()
    after = _view(planned.after, planned.known, hosts)
    owned, lost = (list(_inside(segments, planned.after, hosts, whose)) for whose in (_owner, _loser))
    given = {segment.name: item["subnets"] for segment, item in zip(segments, written)}
    slices = _slices([*owned, *lost], hosts)
    return Allocation(
        changed=bool(steps),
        slices=slices,
        subnets=_subnets(owned, given, planned.known, hosts),
        networks=_networks(segments, given, slices, _subnets(owned, given, planned.known, hosts)),
        claims=[{"host": item.host, "segment": item.segment, "slice": item.block, "generation": item.generation} for item in planned.claims if records],
        steps=steps,
        before=_view(planned.before, known, {former or name for name, former in formerly.items()}) if records else after,
        after=after,
        warnings=planned.warnings,
    )


def _steps(planned: Plan, known: t.Sequence[KnownHost]) -> tuple[str, ...]:
    before = {planned.renamed.get(host.name, host.name): host for host in known}
    steps = [f"rename {former} to {name}" for former, name in sorted(planned.renamed.items())]
    for host in planned.change.know:
        was = before.get(host.name, KnownHost(host.name))
        if host.gone != was.gone:
            steps.append(f"note that {host.name} is back")
        if host.uuid != was.uuid:
            steps.append(f"bind {host.name} to the UUID {host.uuid}")
        if host.machine != was.machine:
            steps.append(f"note the machine-id of {host.name}")
        if host.addresses != was.addresses:
            steps.append(f"note the addresses of {host.name}: {', '.join(host.addresses) or 'none'}")
        if host.name not in before:
            steps.append(f"note the host {host.name}")
    steps += [f"give {item.block} of segment {item.segment} to {item.host}" for item in planned.claims]
    return tuple(steps)


def _view(holdings: t.Iterable[Holding], known: t.Iterable[KnownHost], hosts: t.Collection[str]) -> dict[str, t.Any]:
    """Some hosts as a diff shows them."""
    seen: dict[str, t.Any] = {
        host.name: {"uuid": host.uuid, "addresses": list(host.addresses), "slices": {}} for host in sorted(known) if host.name in hosts
    }
    for item in holdings:
        if item.host in hosts:
            host = seen.setdefault(item.host, {"uuid": "", "addresses": [], "slices": {}})
            host["slices"].setdefault(item.segment, []).append(item.block)
    return dict(sorted(seen.items()))


# --- what tasks hand on -----------------------------------------------------------------------------------------------


class Inside(t.NamedTuple):
    """A slice inside of a subnet, as one host sees it.

    :ivar host: its owner, or the one that has lost it to the owner
    """

    host: str
    segment: Segment
    subnet: str
    item: Holding

    @property
    def is_lost(self) -> bool:
        return self.host != self.item.host


def _owner(item: Holding) -> str:
    return item.host


def _loser(item: Holding) -> str:
    """Who had a slice that another host has now; empty if nobody has lost it."""
    return item.former if item.host and item.host != item.former else ""


def _inside(segments: t.Sequence[Segment], holdings: t.Iterable[Holding], hosts: t.Collection[str], whose: t.Callable[[Holding], str]) -> t.Iterator[Inside]:
    """The holdings of some hosts that are inside of a subnet."""
    subnets = {segment.name: [(segment, item.subnet.subnet, block_of(item.subnet.subnet)) for item in segment.subnets] for segment in segments}
    for item in holdings:
        host = whose(item)
        if host in hosts and item.segment in subnets:
            block = block_of(item.block)
            for segment, cidr, whole in subnets[item.segment]:
                if whole.covers(block):
                    yield Inside(host, segment, cidr, item)


def _slices(parts: t.Iterable[Inside], hosts: t.Collection[str]) -> dict[str, dict[str, list[dict[str, t.Any]]]]:
    told: dict[str, dict[str, list[dict[str, t.Any]]]] = {name: {} for name in sorted(hosts)}
    for part in parts:
        lost = {"lost_to": part.item.host} if part.is_lost else {}
        item = {"subnet": part.subnet, "slice": part.item.block, "generation": part.item.generation, **lost}
        told[part.host].setdefault(part.segment.name, []).append(item)
    return told


def _subnets(
    parts: t.Iterable[Inside], written: t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]], known: t.Sequence[KnownHost], hosts: t.Collection[str]
) -> dict[str, dict[str, list[dict[str, t.Any]]]]:
    """Host → segment → the option subnets of a network.

    :param written: segment → its subnets as the user has written them
    """
    own = own_addresses(known)
    of_network: dict[tuple[str, str], tuple[Segment, list[Slice], dict[str, list[str]]]] = {}
    for part in parts:
        dummy, slices, of_others = of_network.setdefault((part.host, part.segment.name), (part.segment, [], {}))
        slices.append(Slice(part.segment.name, part.subnet, part.item.block))
        if not part.is_lost:
            of_others.setdefault(part.subnet, []).extend(addresses_of_others(part.item, own))
    told: dict[str, dict[str, list[dict[str, t.Any]]]] = {name: {} for name in sorted(hosts)}
    for (host, name), (segment, slices, of_others) in of_network.items():
        told[host][name] = as_subnets(segment, slices, written[name], of_others)
    return told


def _networks(
    segments: t.Sequence[Segment],
    written: t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]],
    slices: t.Mapping[str, t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]]],
    subnets: t.Mapping[str, t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]]],
) -> dict[str, dict[str, dict[str, t.Any]]]:
    """Host → segment → what a network takes.

    Its slices say which addresses it gives out. It has all subnets of the segment, so that none goes in which endpoints have addresses.
    """
    by_name = {segment.name: segment for segment in segments}
    return {
        host: {
            name: {"segment": name, "subnets": _of_network(by_name[name], written[name], subnets[host].get(name, ())), "slices": list(listed)}
            for name, listed in of_host.items()
        }
        for host, of_host in slices.items()
    }


def _of_network(
    segment: Segment, written: t.Sequence[t.Mapping[str, t.Any]], of_host: t.Sequence[t.Mapping[str, t.Any]]
) -> list[dict[str, t.Any]]:
    """All subnets of a segment, without ranges, and with gateways also where a network would infer none: they are no endpoint's."""
    known = {item["subnet"]: item for item in of_host}
    told = []
    for item, given in zip(segment.subnets, written):
        kept = {key: value for key, value in known.get(given["subnet"], given).items() if key not in ("ip_range", "slice_length") and value is not None}
        told.append({**kept, **({"gateway": item.subnet.gateway} if item.subnet.gateway_inferred else {})})
    return told
