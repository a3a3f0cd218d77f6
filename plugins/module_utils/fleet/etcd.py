# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd as the store of a fleet: one key for each slice, one for each host, and one that every transaction changes."""

from __future__ import annotations

import base64
import json
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.etcd_client import Access, EtcdClient, encoded
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import Change, Holding, KnownHost, Snapshot
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.store import MovedError, StoreError, check_holding, check_host
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import block_of, prefix_length

# etcd takes 128 operations in a transaction, unless it is told otherwise.
MOST = 60
# Keys in one answer.
PAGE = 4000


class Etcd:
    """Members of etcd. A commit is one transaction for each sixty keys, and each of them goes on only if nobody else has written."""

    records = True

    def __init__(self, access: Access) -> None:
        self._client = EtcdClient(access)
        self._prefix = access.prefix
        self._guard = f"{access.prefix}revision"

    # --- reading ------------------------------------------------------------------------------------------------------

    def read(self) -> Snapshot:
        """All keys, as they were at one moment."""
        holdings, known, guard = [], [], "0"
        for item in self._rows():
            key = base64.b64decode(item["key"]).decode("utf-8", "replace")
            kind = key[len(self._prefix) :].partition("/")[0]
            if key == self._guard:
                guard = item["mod_revision"]
            elif kind in ("slices", "hosts"):
                try:
                    value = json.loads(base64.b64decode(item.get("value", "")))
                    if kind == "slices":
                        holdings.append(_holding(key, self._prefix, value))
                    else:
                        known.append(_host(key, self._prefix, value))
                except (ValueError, LookupError, TypeError, AttributeError) as exc:
                    raise StoreError(
                        f"the key {key!a:.200} of etcd has a value that this release cannot read: {exc}; use a newer release if one has written "
                        f"it, or put its value right"
                    ) from exc
        return Snapshot(tuple(holdings), tuple(known), guard)

    def _rows(self) -> t.Iterator[dict[str, t.Any]]:
        begin = self._prefix.encode()
        end = begin[:-1] + bytes([begin[-1] + 1])
        moment: dict[str, str] = {}
        while True:
            answer = self._client.ask("/kv/range", {"key": encoded(begin), "range_end": encoded(end), "limit": str(PAGE), **moment})
            rows = answer.get("kvs", [])
            yield from rows
            if not answer.get("more"):
                return
            moment = moment or {"revision": answer["header"]["revision"]}
            begin = base64.b64decode(rows[-1]["key"]) + b"\0"

    # --- writing ------------------------------------------------------------------------------------------------------

    def commit(self, change: Change, seen: Snapshot) -> None:
        """Write a change in as many transactions as it takes; what another task has written in between ends it."""
        guard = seen.revision or "0"
        operations = list(self._operations(change))
        for begin in range(0, len(operations), MOST):
            answer = self._client.ask(
                "/kv/txn",
                {
                    "compare": [{"key": encoded(self._guard), "target": "MOD", "result": "EQUAL", "mod_revision": guard}],
                    "success": [*operations[begin : begin + MOST], _put(self._guard, "")],
                },
            )
            if not answer.get("succeeded"):
                raise MovedError("another task has written to etcd")
            guard = answer["header"]["revision"]

    def _operations(self, change: Change) -> t.Iterator[dict[str, t.Any]]:
        """In an order in which the next task can finish a commit that was cut off: a former name is known until all slices have the new one."""
        for item in change.drop:
            yield {"request_delete_range": {"key": encoded(self._key(item))}}
        for item in change.put:
            yield _put(self._key(item), json.dumps(item._asdict()))
        for name in change.forget:
            yield {"request_delete_range": {"key": encoded(f"{self._prefix}hosts/{name}")}}
        for host in change.know:
            yield _put(f"{self._prefix}hosts/{host.name}", json.dumps(host._asdict()))

    def _key(self, item: Holding) -> str:
        """In the order of addresses."""
        block = block_of(item.block)
        digits = 8 if block.version == 4 else 32
        return f"{self._prefix}slices/{item.segment}/{block.version}/{block.first:0{digits}x}-{prefix_length(item.block)}"


def _put(key: str, value: str) -> dict[str, t.Any]:
    return {"request_put": {"key": encoded(key), "value": encoded(value)}}


def _holding(key: str, prefix: str, value: t.Any) -> Holding:
    item = Holding(**value)
    check_holding(item)
    if not key.startswith(f"{prefix}slices/{item.segment}/"):
        raise ValueError(f"it is of segment {item.segment}")
    return item


def _host(key: str, prefix: str, value: t.Any) -> KnownHost:
    host = KnownHost(**{**value, "addresses": tuple(value["addresses"])})
    check_host(host)
    if key != f"{prefix}hosts/{host.name}":
        raise ValueError(f"it is of host {host.name}")
    return host
