# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who a host is: its inventory name, the UUID of its record, and its machine-id as a hint."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import KnownHost, Wish


class Identities(t.NamedTuple):
    """The hosts as a store is to know them, and what is wrong with that.

    :ivar known: name → host, all of them
    :ivar renamed: former name → name
    """

    known: dict[str, KnownHost]
    renamed: dict[str, str]
    conflicts: list[str]
    warnings: list[str]


def identities(known: t.Iterable[KnownHost], wishes: t.Sequence[Wish]) -> Identities:
    """Bind what hosts say of themselves to what a store knows of them.

    :param wishes: in the order of their names
    """
    told = Identities({host.name: host for host in known}, {}, [], [])
    wanted = {wish.name for wish in wishes}
    for wish in wishes:
        _rename(told, wish, wanted)
    for wish in wishes:
        _bind(told, wish)
    _tell_apart(told, wanted)
    return told


def _rename(told: Identities, wish: Wish, wanted: set[str]) -> None:
    former = wish.renamed_from
    if not former or former not in told.known:
        return
    if former in wanted:
        told.conflicts.append(f"{wish.name} says renamed_from: {former}, but {former} is a host of this task as well; leave one of them out")
    elif wish.name in told.known:
        told.conflicts.append(
            f"{wish.name} says renamed_from: {former}, but both names are known and may have slices; leave renamed_from out, and take back the "
            f"slices of {former} when it is gone"
        )
    elif former in told.renamed:
        told.conflicts.append(f"{told.renamed[former]} and {wish.name} both say renamed_from: {former}; leave it out of one of them")
    else:
        told.renamed[former] = wish.name
        told.known[wish.name] = told.known.pop(former)._replace(name=wish.name)


def _bind(told: Identities, wish: Wish) -> None:
    before = told.known.get(wish.name, KnownHost(wish.name))
    if wish.uuid and before.uuid and wish.uuid != before.uuid and not wish.replaced:
        same = wish.machine and wish.machine == before.machine
        story = "the record of this machine was begun anew" if same else "another machine has this name now"
        told.conflicts.append(
            f"{wish.name} has the UUID {wish.uuid}, and was known by {before.uuid}: {story}; write replaced: true for {wish.name} if it takes "
            f"over the slices, or give it another name"
        )
        return
    if wish.replaced and wish.uuid and wish.uuid == before.uuid:
        told.warnings.append(f"{wish.name} says replaced: true, and is the machine that is known already; remove that line, so that the next one is noticed")
    if wish.uuid and wish.uuid == before.uuid and wish.machine and before.machine and wish.machine != before.machine:
        told.warnings.append(f"{wish.name} has another machine-id than before, with the same UUID; if it is a copy, run macvlan-host identity --new on it")
    told.known[wish.name] = KnownHost(
        wish.name,
        wish.uuid or before.uuid,
        wish.machine or before.machine,
        before.addresses if wish.addresses is None else tuple(sorted(set(wish.addresses))),
        # A host that is known by its record, and was not read, may be gone all the same.
        before.gone if before.uuid and not wish.uuid else 0,
    )


def _tell_apart(told: Identities, wanted: set[str]) -> None:
    """Refuse a host that has the UUID of another one; those that are not part of the task count too."""
    by_uuid: dict[str, list[KnownHost]] = {}
    by_machine: dict[str, list[KnownHost]] = {}
    for name in sorted(told.known):
        host = told.known[name]
        by_uuid.setdefault(host.uuid, []).append(host)
        by_machine.setdefault(host.machine, []).append(host)
    for uuid, same in by_uuid.items():
        if not uuid or len(same) == 1 or wanted.isdisjoint(host.name for host in same):
            continue
        first, *others = same
        for other in others:
            hint = " and the same machine-id" if first.machine and first.machine == other.machine else ""
            told.conflicts.append(
                f"{other.name} and {first.name} have the same UUID, {uuid}{hint}: one is a clone of the other; run macvlan-host identity --new on "
                f"the copy. If they are one host with two names, write renamed_from for the new one"
            )
    for machine, same in by_machine.items():
        if machine and len({host.uuid for host in same if host.uuid}) > 1 and not wanted.isdisjoint(host.name for host in same):
            text = " and ".join(host.name for host in same[:8])
            told.warnings.append(f"{text} have the same machine-id; one may be a copy of the other, whose machine-id must be made anew")
