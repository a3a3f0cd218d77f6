# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes of rows: of what a run changes, and of all rows when an older release has written them."""

from __future__ import annotations

import json
import sqlite3
import typing as t

from ..steps.record_diff import Change
from .migrations import migrated
from .rows import KEY_COLUMNS
from .schema import ADDED, SCHEMA_VERSION, tables_of


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Migrate every row to the schema of this release, add its tables, and set the version of the file."""
    for table in tables_of(version):
        for *key, text in connection.execute(f"SELECT {', '.join(KEY_COLUMNS[table])}, body FROM {table}").fetchall():
            old = json.loads(text)
            new = migrated(version, table, old)
            if new != old:
                connection.execute(f"UPDATE {table} SET body = ? WHERE {_has_key(table)}", (json.dumps(new), *key))
    for added in range(version + 1, SCHEMA_VERSION + 1):
        for statement in ADDED.get(added, {}).values():
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


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
    connection.execute(f"DELETE FROM {table} WHERE {_has_key(table)}", key)


def _has_key(table: str) -> str:
    """The condition for the row with a key."""
    return " AND ".join(f"{column} = ?" for column in KEY_COLUMNS[table])


def _insert_row(connection: sqlite3.Connection, table: str, key: list[str], body: dict[str, t.Any]) -> None:
    """Insert only: an existing row, such as the lease of another endpoint, is an error."""
    values = [*key]
    if table == "endpoints":
        values += [body["parent"], body["mac"], json.dumps(body["body"])]
    elif table != "leases":
        values.append(json.dumps(body))
    connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)
