# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of a run to the record, as rows of the database: computed from two records, and applied to one."""

from __future__ import annotations

import typing as t

from ..ipam.lease_book import held_by, reservations
from ..model.endpoint import Endpoint
from ..model.host_identity import HostIdentity
from ..model.host_routes import as_row, with_host_routes
from ..model.links import link_from_plain
from ..model.netns import OwnedNetns
from ..model.network import Network
from ..model.record import Lease, Record, has_same_row
from ..values import validators
from ..values.plain import plain
from ..wire.kinds import kind_of

Key = t.TypeVar("Key", str, "tuple[str, str]")


class Change(t.NamedTuple):
    """The change of one row.

    :ivar existed: whether the row is there before
    :ivar body: its new content, None to delete it
    """

    table: str
    key: list[str]
    existed: bool
    body: dict[str, t.Any] | None


_KEYS = {"identity": 1, "networks": 1, "links": 1, "namespaces": 1, "endpoints": 2, "leases": 3}
_BUILD: dict[str, t.Callable[[t.Any], t.Any]] = {
    "identity": HostIdentity.from_plain,
    "networks": Network.from_plain,
    "links": link_from_plain,
    "namespaces": OwnedNetns.from_plain,
    "endpoints": lambda row: Endpoint.from_plain(row["body"]),
}


def change_from_plain(data: t.Any) -> Change:
    """A change from the JSON types of a journal.

    :raises UnknownError: it was written by a newer release
    :raises ValueError: it is not a change
    """
    change = Change(*validators.items("changes of a journal", data))
    is_table = validators.known("change of the table", change.table, _KEYS)
    is_key = is_table and _KEYS[change.table] == len(change.key) and all(map(validators.text, change.key))
    if not is_key or not validators.flag(change.existed):
        raise ValueError(f"there is a change of {change.table!a:.80} {change.key!a:.80}")
    if change.body is not None and change.table in _BUILD:
        item = _BUILD[change.table](change.body)
        key = list(item.key) if change.table == "endpoints" else [item.name]
        if key != change.key:
            raise ValueError(f"there is a change of {change.key!a:.80} that is one of {key}")
    return change


def changes_between(before: Record, after: Record) -> tuple[Change, ...]:
    """The changes after which the database holds ``after`` instead of ``before``."""
    changes = [
        *_changed_objects("identity", _identities(before), _identities(after)),
        *_changed_objects("networks", before.networks, after.networks),
        *_changed_objects("links", before.links, after.links),
        *_changed_objects("namespaces", before.namespaces, after.namespaces),
    ]
    for key in _changed_endpoints(before, after):
        endpoint = after.endpoints.get(key)
        body = None
        if endpoint is not None:
            network = after.networks[endpoint.network]
            # The table permits a MAC address once on a parent; links that have that of their parent have none of their own.
            mac = endpoint.id if kind_of(network).follows_parent else endpoint.mac
            body = {"parent": network.parent, "mac": mac, "body": plain(as_row(endpoint))}
        changes.append(Change("endpoints", list(key), key in before.endpoints, body))
    old, new = _leases_that_differ(before, after), _leases_that_differ(after, before)
    for lease in {**old, **new}:
        if (lease in old) != (lease in new):
            # The holder belongs to the key, so that a second one meets the table's constraint instead of the first.
            key_of_lease = [lease.pool, lease.address, lease.holder]
            changes.append(Change("leases", key_of_lease, lease in old, {} if lease in new else None))
    return tuple(changes)


def _identities(record: Record) -> dict[str, HostIdentity]:
    return {} if record.identity is None else {record.identity.name: record.identity}


def _changed_endpoints(before: Record, after: Record) -> list[tuple[str, str]]:
    """The endpoints whose rows differ; a row has the parent of its network, too, and one column depends on the driver."""
    old, new = before.networks, after.networks
    moved = {name for name in old.keys() & new.keys() if (old[name].parent, old[name].driver) != (new[name].parent, new[name].driver)}
    changed = _changed_keys(before.endpoints, after.endpoints)
    if not moved:
        return changed
    return [key for key in {**before.endpoints, **after.endpoints} if key[0] in moved or before.endpoints.get(key) != after.endpoints.get(key)]


def _changed_keys(before: t.Mapping[Key, t.Any], after: t.Mapping[Key, t.Any]) -> list[Key]:
    return [key for key in {**before, **after} if not has_same_row(before.get(key), after.get(key))]


def _changed_objects(table: str, before: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any]) -> t.Iterator[Change]:
    for name in _changed_keys(before, after):
        yield Change(table, [name], name in before, plain(after[name]) if name in after else None)


def _leases_that_differ(record: Record, other: Record) -> dict[Lease, None]:
    """The leases of a record that the other may not have; a gateway that networks share is one lease.

    An endpoint's leases follow from the endpoint and its network, so unchanged endpoints are skipped.
    """
    leases: dict[Lease, None] = {}
    same_network = {name: network == other.networks.get(name) for name, network in record.networks.items()}
    if not all(same_network.values()) or record.networks.keys() != other.networks.keys():
        for network in record.networks.values():
            leases.update(dict.fromkeys(reservations(network)))
    for key, endpoint in record.endpoints.items():
        if not same_network[endpoint.network] or endpoint != other.endpoints.get(key):
            leases.update(dict.fromkeys(held_by(endpoint, record.networks[endpoint.network])))
    return leases


def apply_changes(record: Record, changes: t.Iterable[Change]) -> Record:
    """The record as it is after the changes."""
    parts: dict[str, dict[t.Any, t.Any]] = {
        "identity": dict(_identities(record)),
        "networks": dict(record.networks),
        "links": dict(record.links),
        "namespaces": dict(record.namespaces),
        "endpoints": dict(record.endpoints),
    }
    for table, key, dummy, body in changes:
        if table in parts:
            name = tuple(key) if table == "endpoints" else key[0]
            parts[table].pop(name, None)
            if body is not None:
                parts[table][name] = _BUILD[table](body)
    identity = parts.pop("identity").get(HostIdentity.name)
    return with_host_routes(Record(**parts, identity=identity))
