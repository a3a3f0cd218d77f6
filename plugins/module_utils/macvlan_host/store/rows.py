# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows of the database."""

from __future__ import annotations

import json
import sqlite3
import typing as t

from ..model.endpoint import Endpoint
from ..model.links import link_from_plain
from ..model.netns import OwnedNetns
from ..model.network import Network
from ..model.record import Record, whole
from ..values import validators
from .journal import Journal, Stored
from .migrations import SCHEMA_VERSION, TABLES, migrated
from .schema import schema_of

if t.TYPE_CHECKING:
    from ..steps.record_diff import Change


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Migrate every row to the schema of this release, and set the version of the file."""
    for table in TABLES:
        columns = _KEY_COLUMNS[table]
        where = " AND ".join(f"{column} = ?" for column in columns)
        for *key, text in connection.execute(f"SELECT {', '.join(columns)}, body FROM {table}").fetchall():
            old = json.loads(text)
            new = migrated(version, table, old)
            if new != old:
                connection.execute(f"UPDATE {table} SET body = ? WHERE {where}", (json.dumps(new), *key))
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def load(connection: sqlite3.Connection, path: str) -> Stored:
    """The record and the journal."""
    connection.execute("BEGIN")
    try:
        version = schema_of(connection, path)
        if version is None:
            return Stored()
        rows = [
            (table, tuple(key), text)
            for table in TABLES
            for *key, text in connection.execute(f"SELECT {', '.join(_KEY_COLUMNS[table])}, body FROM {table}")
        ]
        journals = connection.execute("SELECT boot_id, doing FROM journal").fetchall()
    finally:
        connection.execute("COMMIT")

    def read(row: tuple[str, tuple[t.Any, ...], str]) -> tuple[str, t.Any, t.Any]:
        table, key, text = row
        body = migrated(version, table, json.loads(text))
        item = _journal(boot_id, doing, body) if table == "journal" else _READ[table](body)
        return table, key if table == "endpoints" else key[0], item

    boot_id, doing = journals[0] if journals else ("", "")
    parts: dict[str, dict[t.Any, t.Any]] = {table: {} for table in TABLES}
    # All rows are read even if one is wrong: another row may show that a newer release has written the database.
    for table, key, item in validators.each(read, rows):
        parts[table][key] = item
    journal = t.cast("Journal | None", parts.pop("journal").get(1))
    record = whole(Record(**parts))
    if journal is not None:
        from ..steps.record_diff import apply_changes

        whole(apply_changes(record, journal.changes))
    return Stored(record, journal)


def _journal(boot_id: str, doing: str, body: t.Any) -> Journal:
    # Imported here, because there is rarely a journal, and only a journal has steps.
    from .intentions import journal_from_plain

    return journal_from_plain(boot_id, doing, body)


_READ: dict[str, t.Callable[[t.Any], t.Any]] = {
    "networks": Network.from_plain,
    "links": link_from_plain,
    "namespaces": OwnedNetns.from_plain,
    "endpoints": Endpoint.from_plain,
}


_KEY_COLUMNS: dict[str, tuple[str, ...]] = {
    "networks": ("name",),
    "links": ("name",),
    "namespaces": ("name",),
    "endpoints": ("network", "name"),
    "leases": ("pool", "address", "holder"),
    "journal": ("only",),
}


def apply_rows(connection: sqlite3.Connection, changes: tuple[Change, ...]) -> None:
    """Write the changes of a run."""
    # All old rows first: an address or a MAC may go from one object to another.
    for change in changes:
        if change.existed:
            _delete_row(connection, change.table, change.key)
    for change in changes:
        if change.body is not None:
            _insert_row(connection, change.table, change.key, change.body)


def _delete_row(connection: sqlite3.Connection, table: str, key: list[str]) -> None:
    where = " AND ".join(f"{column} = ?" for column in _KEY_COLUMNS[table])
    connection.execute(f"DELETE FROM {table} WHERE {where}", key)


def _insert_row(connection: sqlite3.Connection, table: str, key: list[str], body: dict[str, t.Any]) -> None:
    """Insert only: an existing row, such as the lease of another endpoint, is an error."""
    values = [*key]
    if table == "endpoints":
        values += [body["parent"], body["mac"], json.dumps(body["body"])]
    elif table != "leases":
        values.append(json.dumps(body))
    connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)
