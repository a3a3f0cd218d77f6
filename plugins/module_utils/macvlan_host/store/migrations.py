# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Migrations of rows from the schema of an older release to the one of this release. Pure.

A new field that has a default needs no step here, because a row without it gets the default. The version still increases with the
first release that writes the field, so that an older release can tell that the database is newer.
"""

from __future__ import annotations

import typing as t

from ..ipam.mac import is_derived
from ..values import validators
from ..values.addresses import without_prefix
from .schema import SCHEMA_VERSION, TABLES

# Table of the body, or STEP for a step of a journal, and what was stored → what this release would have stored.
Migration = t.Callable[[str, t.Any], t.Any]
STEP = "step"


def _from_1(table: str, stored: t.Any) -> t.Any:
    """Release 2 has added fields; the default of each is the behaviour of release 1.

    A MAC address that a task asked for is recorded as such. Where the link has the one of its parent (passthru), the field has no
    meaning.
    """
    if table != "endpoints" or not isinstance(stored, dict) or "own_mac" in stored:
        return stored
    ipv4, mac = stored.get("ipv4"), stored.get("mac")
    if not validators.mac(mac) or not validators.optional(validators.with_length_of(4))(ipv4):
        return stored
    return stored if is_derived(str(mac), ipv4 and without_prefix(ipv4)) else {**stored, "own_mac": mac}


# Old version → the migration to the next one.
MIGRATIONS: dict[int, Migration] = {1: _from_1}


def migrated(
    version: int, table: str, body: t.Any, migrations: t.Mapping[int, Migration] | None = None
) -> t.Any:
    """A body in the schema of this release.

    A malformed body is returned unchanged: the readers refuse it with a message.

    :param version: the schema in which it was written
    """
    known = MIGRATIONS if migrations is None else migrations
    for number in range(version, SCHEMA_VERSION):
        body = _journal(known[number], body) if table == "journal" else known[number](table, body)
    return body


def _journal(migration: Migration, body: t.Any) -> t.Any:
    """The body of a journal, with the steps and the rows that it will have written."""
    if not isinstance(body, dict):
        return body
    changed = migration("journal", body)
    parts: dict[str, t.Callable[[t.Any], t.Any]] = {
        "steps": lambda step: migration(STEP, step),
        "changes": lambda change: _change(migration, change),
    }
    lists = {key: [read(item) for item in changed[key]] for key, read in parts.items() if isinstance(changed.get(key), list)}
    return {**changed, **lists}


def _change(migration: Migration, change: t.Any) -> t.Any:
    if not isinstance(change, list) or len(change) != 4 or change[0] not in TABLES or not isinstance(change[3], dict):
        return change
    table, key, existed, body = change
    if table == "endpoints":
        return [table, key, existed, {**body, "body": migration(table, body.get("body"))}]
    return [table, key, existed, migration(table, body)]
