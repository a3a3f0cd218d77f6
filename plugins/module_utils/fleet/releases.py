# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is taken back from hosts that are gone, in a store, and what a task tells of it."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import Holding, KnownHost, Segment, Snapshot
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.reclaim import Reclaim, Wanted, reclaim
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.store import Store, settle

Moment = t.Callable[[int], str]


class Releases(t.NamedTuple):
    """What a run has done, or would do.

    :ivar result: what the task returns
    """

    result: dict[str, t.Any]
    before: dict[str, t.Any]
    after: dict[str, t.Any]
    warnings: tuple[str, ...] = ()


def release(segments: t.Sequence[Segment], wanted: Wanted, store: Store, *, now: int, moment: Moment, dry_run: bool) -> Releases:
    """Take back what hosts had that are gone; with ``dry_run`` nothing is written, and all else is the same.

    :param now: the second of the epoch
    :param moment: shows such a second
    :raises MistakesError: a host is not gone or not known, a sentence for each; nothing was written
    :raises StoreError: the store cannot be used
    """
    decided, seen = settle(store, lambda seen: reclaim(segments, seen, wanted, now), dry_run)
    steps = _steps(decided)
    result = {
        "changed": bool(steps),
        "noted": [host.name for host in decided.noted],
        "waiting": [{"host": host.name, "since": moment(host.gone), "until": moment(host.gone + wanted.grace)} for host in decided.waiting],
        "due": [{"host": item.host, "segment": item.segment, "slice": item.block} for item in decided.due],
        "released": [
            {"host": item.former, "segment": item.segment, "slice": item.block, "generation": item.generation} for item in decided.released
        ],
        "conflicts": [],
        "steps": steps,
    }
    return Releases(result, _view(seen, wanted.hosts), _view(_after(decided, seen), wanted.hosts))


def _steps(decided: Reclaim) -> list[str]:
    steps = [f"note that {host.name} is gone" for host in decided.noted]
    kept = {host.name: host.addresses for host in decided.change.know}
    steps += [
        f"forget the addresses of {host.name}: {', '.join(address for address in host.addresses if address not in kept[host.name])}"
        for host in decided.forgotten
    ]
    steps += [f"take {item.block} of segment {item.segment} back from {item.former}" for item in decided.released]
    return steps


def _after(decided: Reclaim, seen: Snapshot) -> Snapshot:
    put = {item[:2]: item for item in decided.change.put}
    known = {host.name: host for host in (*seen.known, *decided.change.know)}
    return Snapshot(tuple(put.get(item[:2], item) for item in seen.holdings), tuple(known.values()))


def _view(snapshot: Snapshot, hosts: t.Collection[str]) -> dict[str, t.Any]:
    """Some hosts as a diff shows them: without moments, which are others at every run."""
    known = {host.name: host for host in snapshot.known}
    told = {name: _host(known.get(name, KnownHost(name))) for name in sorted(hosts)}
    for item in sorted(snapshot.holdings, key=_title):
        if item.host in told:
            told[item.host]["slices"].setdefault(item.segment, []).append(item.block)
    return told


def _host(host: KnownHost) -> dict[str, t.Any]:
    return {"gone": host.gone > 0, "addresses": list(host.addresses), "slices": {}}


def _title(item: Holding) -> tuple[str, str]:
    return item.segment, item.block
