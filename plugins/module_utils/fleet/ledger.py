# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger: the slices of a fleet in one SQLite file, for which a single host is enough.

A commit is one transaction. It begins with the lock of the file, and goes on only if nobody has written since the ledger was read.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import Change, Holding, KnownHost, Snapshot
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.store import KEPT, MovedError, StoreError, check_holding, check_host

APPLICATION_ID = 0x464E4D46  # "FNMF"
VERSION = 1
# Seconds to wait for another task, which holds the lock for a few milliseconds.
WAIT = 10.0
_SLICES = """CREATE TABLE slices (
    segment TEXT NOT NULL, block TEXT NOT NULL, host TEXT NOT NULL, generation INTEGER NOT NULL, former TEXT NOT NULL, quarantine INTEGER NOT NULL,
    PRIMARY KEY (segment, block)
) WITHOUT ROWID"""
_HOSTS = """CREATE TABLE hosts (
    name TEXT PRIMARY KEY, uuid TEXT NOT NULL, machine TEXT NOT NULL, addresses TEXT NOT NULL, gone INTEGER NOT NULL
) WITHOUT ROWID"""
SCHEMA = (
    "CREATE TABLE revision (only INTEGER PRIMARY KEY CHECK (only = 1), number INTEGER NOT NULL)",
    _SLICES,
    _HOSTS,
    "CREATE UNIQUE INDEX one_name ON hosts (uuid) WHERE uuid <> ''",
    "INSERT INTO revision VALUES (1, 0)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)


class Ledger:
    """An SQLite file; it is created by the first commit, and nobody but its owner can read it.

    :param path: absolute
    """

    records = True

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)

    def read(self) -> Snapshot:
        """All rows; nothing if there is no file."""
        if not self._is_there():
            return Snapshot()
        with self._opened() as connection:
            connection.execute("BEGIN")
            if self._is_new(connection):
                return Snapshot()
            if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("its pages are not whole")
            holdings = tuple(Holding(*row) for row in connection.execute("SELECT segment, block, host, generation, former, quarantine FROM slices"))
            rows = connection.execute("SELECT name, uuid, machine, addresses, gone FROM hosts")
            known = tuple(KnownHost(name, uuid, machine, tuple(addresses.split()), gone) for name, uuid, machine, addresses, gone in rows)
            for item in holdings:
                check_holding(item)
            for host in known:
                check_host(host)
            return Snapshot(holdings, known, self._revision(connection))

    def commit(self, change: Change, seen: Snapshot) -> None:
        """Write a change, if the ledger is as it was seen."""
        self._create()
        with self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            is_new = self._is_new(connection)
            if (None if is_new else self._revision(connection)) != seen.revision:
                raise MovedError(f"another task has written to the ledger {self.path}")
            for statement in SCHEMA if is_new else ():
                connection.execute(statement)
            connection.executemany("DELETE FROM slices WHERE segment = ? AND block = ?", [item[:2] for item in change.drop])
            connection.executemany("INSERT OR REPLACE INTO slices VALUES (?, ?, ?, ?, ?, ?)", change.put)
            # All go before any comes: two hosts may have changed their UUIDs.
            connection.executemany("DELETE FROM hosts WHERE name = ?", [(name,) for name in (*change.forget, *(host.name for host in change.know))])
            rows = [(host.name, host.uuid, host.machine, " ".join(host.addresses), host.gone) for host in change.know]
            connection.executemany("INSERT INTO hosts VALUES (?, ?, ?, ?, ?)", rows)
            connection.execute("UPDATE revision SET number = number + 1")
            connection.execute("COMMIT")

    @staticmethod
    def _revision(connection: sqlite3.Connection) -> int:
        return int(connection.execute("SELECT number FROM revision").fetchone()[0])

    def _is_new(self, connection: sqlite3.Connection) -> bool:
        """Whether nothing has been written; a file of something else, or of a newer release, is refused."""
        version, application = (int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("user_version", "application_id"))
        if not version and not application and not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return True
        if application != APPLICATION_ID:
            raise StoreError(f"{self.path} is an SQLite database of something else, and no ledger of a fleet; write another path")
        if version > VERSION:
            raise StoreError(
                f"the ledger {self.path} was written by a newer release of the collection fleetnet.macvlan (its schema is {version}, and this release "
                f"knows {VERSION}); use that release or a newer one"
            )
        return False

    # --- the file -----------------------------------------------------------------------------------------------------

    def _is_there(self) -> bool:
        with self._reported():
            try:
                status = os.lstat(self.path)
            except FileNotFoundError:
                return False
        if not stat.S_ISREG(status.st_mode):
            kind = "symbolic link" if stat.S_ISLNK(status.st_mode) else "folder" if stat.S_ISDIR(status.st_mode) else "file of another type"
            raise StoreError(f"{self.path} is a {kind}; write the path of a plain file for the ledger")
        if status.st_mode & 0o022:
            raise StoreError(
                f"the ledger {self.path} can be written to by other users (mode {stat.S_IMODE(status.st_mode):04o}); take that away: chmod go-w {self.path}"
            )
        return True

    def _create(self) -> None:
        """Have a file that only its owner reads."""
        if self._is_there():
            return
        with self._reported():
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))

    @contextlib.contextmanager
    def _opened(self) -> t.Iterator[sqlite3.Connection]:
        """A connection; what was not committed in the block is taken back."""
        with self._reported():
            connection = sqlite3.connect(self.path, isolation_level=None, timeout=WAIT)
            try:
                yield connection
            finally:
                connection.close()

    @contextlib.contextmanager
    def _reported(self) -> t.Iterator[None]:
        """Translate errors into messages."""
        try:
            yield
        except sqlite3.OperationalError as exc:
            if "locked" in str(exc):
                raise StoreError(f"another program has had the ledger {self.path} locked for {WAIT:.0f} s; end it, or run the task again") from exc
            raise StoreError(f"the ledger {self.path} cannot be used: {exc}; {KEPT}") from exc
        except (sqlite3.DatabaseError, ValueError, AttributeError, TypeError) as exc:
            if "not a database" in str(exc):
                raise StoreError(f"{self.path} is not an SQLite database, and so no ledger of a fleet; write another path") from exc
            raise StoreError(f"the ledger {self.path} is damaged ({exc}); put a copy of it from a backup in its place; {KEPT}") from exc
        except OSError as exc:
            raise StoreError(f"the ledger {self.path} cannot be used: {exc.strerror}; {KEPT}") from exc
