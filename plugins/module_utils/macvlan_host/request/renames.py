# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects with a new name: the record under the names that a request gives, before anything is planned. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..model.record import Record
from ..model.ref import NETWORK, Ref, endpoint_ref, network_ref

# (former identity, new identity)
Pairs = t.Iterable[tuple[Ref, Ref]]


class Renamed(t.NamedTuple):
    """A record under new names.

    :ivar record: its renamed objects still have the ids that follow from their former names, because their links have tags of these
    :ivar former: new identity → former identity, of all objects that have another one now
    """

    record: Record
    former: dict[Ref, Ref]


def renamed(record: Record, pairs: Pairs) -> Renamed:
    """The record with new names for the objects that are recorded under their former names only.

    A former name has no effect once the new one is recorded, so that a task can be run again. If a third object had the new
    name and gets another one in the same request, it is renamed first.
    """
    listed = tuple(pairs)
    networks = _effective([(old.name, new.name) for old, new in listed if new.kind == NETWORK], record.networks)
    record = _with_networks(record, networks)
    of_endpoints = [((old.network, old.name), (new.network, new.name)) for old, new in listed if new.kind != NETWORK]
    endpoints = _effective(of_endpoints, record.endpoints)
    before = {new: old for old, new in endpoints.items()}
    old_networks = {new: old for old, new in networks.items()}
    former = {network_ref(new): network_ref(old) for old, new in networks.items()}
    record = _with_endpoints(record, endpoints)
    for key in record.endpoints:
        network, name = before.get(key, key)
        old = endpoint_ref(old_networks.get(network, network), name)
        if old != endpoint_ref(*key):
            former[endpoint_ref(*key)] = old
    return Renamed(record, former)


Name = t.TypeVar("Name", str, "tuple[str, str]")


def _effective(pairs: t.Sequence[tuple[Name, Name]], recorded: t.Container[Name]) -> dict[Name, Name]:
    """Former name → new name of the objects to rename; names that would go round in a circle keep their objects."""
    effective: dict[Name, Name] = {}
    left = [(old, new) for old, new in pairs if old in recorded]
    while ready := [(old, new) for old, new in left if new not in recorded or new in effective]:
        for old, new in ready:
            if old not in effective and new not in effective.values():
                effective[old] = new
        left = [pair for pair in left if pair not in ready]
    return effective


def _with_networks(record: Record, names: t.Mapping[str, str]) -> Record:
    if not names:
        return record
    networks = {names.get(name, name): item for name, item in record.networks.items()}
    endpoints = {(names.get(network, network), name): item for (network, name), item in record.endpoints.items()}
    return dataclasses.replace(
        record,
        networks={name: dataclasses.replace(item, name=name) if item.name != name else item for name, item in networks.items()},
        endpoints={
            key: dataclasses.replace(item, network=key[0]) if item.network != key[0] else item for key, item in endpoints.items()
        },
    )


def _with_endpoints(record: Record, names: t.Mapping[tuple[str, str], tuple[str, str]]) -> Record:
    if not names:
        return record
    endpoints = {names.get(key, key): item for key, item in record.endpoints.items()}
    return dataclasses.replace(
        record, endpoints={key: dataclasses.replace(item, name=key[1]) if item.name != key[1] else item for key, item in endpoints.items()}
    )
