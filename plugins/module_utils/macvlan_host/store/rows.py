# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows of the database."""

from __future__ import annotations

import json
import sqlite3
import typing as t

from ..model.endpoint import Endpoint
from ..model.host_identity import HostIdentity
from ..model.host_routes import with_host_routes
from ..model.links import link_from_plain
from ..model.netns import OwnedNetns
from ..model.network import Network
from ..model.record import Record, whole
from ..values import validators
from .journal import Journal, Stored
from .schema import SCHEMA_VERSION, TABLES, schema_of, tables_of


def load(connection: sqlite3.Connection, path: str) -> Stored:
    """The record and the journal."""
    connection.execute("BEGIN")
    try:
        version = schema_of(connection, path)
        if version is None:
            return Stored(Record())
        rows = [
            (table, tuple(key), text)
            for table in tables_of(version)
            for *key, text in connection.execute(f"SELECT {', '.join(KEY_COLUMNS[table])}, body FROM {table}")
        ]
        journals = connection.execute("SELECT boot_id, doing FROM journal").fetchall()
    finally:
        connection.execute("COMMIT")

    def read(row: tuple[str, tuple[t.Any, ...], str]) -> tuple[str, t.Any, t.Any]:
        table, key, text = row
        body = _in_this_schema(version, table, json.loads(text))
        item = _journal(boot_id, doing, body) if table == "journal" else _READ[table](body)
        return table, key if table == "endpoints" else key[0], item

    boot_id, doing = journals[0] if journals else ("", "")
    parts: dict[str, dict[t.Any, t.Any]] = {table: {} for table in TABLES}
    # All rows are read even if one is wrong: another row may show that a newer release has written the database.
    for table, key, item in validators.each(read, rows):
        parts[table][key] = item
    journal = t.cast("Journal | None", parts.pop("journal").get(1))
    identity = parts.pop("identity").get(HostIdentity.name)
    record = with_host_routes(whole(Record(**parts, identity=identity)))
    if journal is not None:
        from ..steps.record_diff import apply_changes

        whole(apply_changes(record, journal.changes))
    return Stored(record, journal)


def _in_this_schema(version: int, table: str, body: t.Any) -> t.Any:
    """A body in the schema of this release; migrations are imported only for a database of an older one."""
    if version == SCHEMA_VERSION:
        return body
    from .migrations import migrated

    return migrated(version, table, body)


def _journal(boot_id: str, doing: str, body: t.Any) -> Journal:
    # Imported here, because there is rarely a journal, and only a journal has steps.
    from .intentions import journal_from_plain

    return journal_from_plain(boot_id, doing, body)


_READ: dict[str, t.Callable[[t.Any], t.Any]] = {
    "identity": HostIdentity.from_plain,
    "networks": Network.from_plain,
    "links": link_from_plain,
    "namespaces": OwnedNetns.from_plain,
    "endpoints": Endpoint.from_plain,
}


KEY_COLUMNS: dict[str, tuple[str, ...]] = {
    "identity": ("name",),
    "networks": ("name",),
    "links": ("name",),
    "namespaces": ("name",),
    "endpoints": ("network", "name"),
    "leases": ("pool", "address", "holder"),
    "journal": ("only",),
}
