# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The schema of the database and its version."""

from __future__ import annotations

import sqlite3

from ..errors import StateError
from ..values import validators

SCHEMA_VERSION = 2
# The tables whose rows have a JSON body, in the order in which they are read.
TABLES = ("identity", "networks", "links", "namespaces", "endpoints", "journal")
# Table → its SQL, of those that a schema has added.
ADDED = {2: {"identity": "CREATE TABLE identity (name TEXT PRIMARY KEY CHECK (name = 'host'), body TEXT NOT NULL) WITHOUT ROWID"}}

APPLICATION_ID = 0x464E4D56  # "FNMV", tells our database from any other SQLite file

MAGIC = b"SQLite format 3\0"
SIGN = "its schema is {version}"

SCHEMA = f"""
{ADDED[2]["identity"]};
CREATE TABLE networks (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE links (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE namespaces (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE endpoints (
    network TEXT NOT NULL, name TEXT NOT NULL, parent TEXT NOT NULL, mac TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (network, name), UNIQUE (parent, mac)
) WITHOUT ROWID;
CREATE TABLE leases (
    pool TEXT NOT NULL, address TEXT NOT NULL, holder TEXT NOT NULL, PRIMARY KEY (pool, address)
) WITHOUT ROWID;
CREATE TABLE journal (
    only INTEGER PRIMARY KEY CHECK (only = 1), boot_id TEXT NOT NULL, doing TEXT NOT NULL, body TEXT NOT NULL
);
"""


def tables_of(version: int) -> tuple[str, ...]:
    """The tables of a schema."""
    later = {table for added, tables in ADDED.items() if added > version for table in tables}
    return tuple(table for table in TABLES if table not in later)


def newer_schema(path: str) -> str | None:
    """The sign in the header of a file that a newer release has written it; None if there is none."""
    try:
        with open(path, "rb") as file:
            return newer_header(file.read(100))
    except FileNotFoundError:
        return None


def newer_header(header: bytes) -> str | None:
    """A phrase about a header that a newer release has written; None for any other header."""
    version, application = (int.from_bytes(header[start : start + 4], "big") for start in (60, 68))
    is_newer = header.startswith(MAGIC) and application == APPLICATION_ID and version > SCHEMA_VERSION
    return SIGN.format(version=version) if is_newer else None


def schema_of(connection: sqlite3.Connection, path: str) -> int | None:
    """The version of the schema; None if the database is new and empty.

    :raises UnknownError: it belongs to a newer release of the collection
    :raises StateError: the file belongs to something else
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables == 0 and version == 0:
        return None
    if application != APPLICATION_ID:
        raise StateError(f"{path} is an SQLite database of something else; use another state_dir")
    if version > SCHEMA_VERSION:
        raise validators.UnknownError(SIGN.format(version=version))
    if version < 1:
        raise ValueError(f"its schema is {version}")
    return version
