# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state database as its one writer uses it."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import typing as t

from ..errors import NewerError, StateError
from ..steps.record_diff import Change
from .files import check_whole, connect, make_durable, reported
from .folder import make_folder
from .intentions import text_of
from .journal import Journal, Stored
from .lock import lock
from .row_changes import apply_rows, migrate
from .rows import load
from .schema import APPLICATION_ID, SCHEMA, SCHEMA_VERSION, newer_schema, schema_of

if t.TYPE_CHECKING:
    from .database import State


@contextlib.contextmanager
def locked(database: State, doing: str) -> t.Iterator[Session]:
    """Be the one writer of a database during the block; create the database if there is none.

    :param doing: the purpose, which a waiting run names if its wait fails
    :raises StateError: another writer does not end, or the database cannot be used
    """
    path = database.path
    make_folder(database.folder, path)
    with lock(database.folder, doing) as waited:
        version = None if waited else database.version()
        with reported(path):
            if not os.path.exists(path):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            check_whole(path)
            connection = connect(path, "mode=rw")
        try:
            yield Session(connection, path, version)
        finally:
            connection.close()


class Session:
    """The database as its one writer uses it.

    :ivar version_before: :meth:`State.version` when the lock was taken; None if another run had the lock before, even
        for a moment, because the kernel may have changed as well
    """

    def __init__(self, connection: sqlite3.Connection, path: str, version: tuple[object, ...] | None) -> None:
        self.version_before = version
        self._connection = connection
        self._path = path
        with reported(path):
            # Before any change: the database of another program must stay as it is.
            schema = schema_of(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        self._schema = SCHEMA_VERSION if schema is None else schema
        if schema is None:
            self._make_schema()

    @property
    def is_older(self) -> bool:
        """Whether the database still has the schema of an older release."""
        return self._schema < SCHEMA_VERSION

    def _make_schema(self) -> None:
        with self._transaction():
            for statement in SCHEMA.split(";"):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def read(self) -> Stored:
        """What is recorded.

        :raises StateError: it is damaged, or newer
        """
        with reported(self._path):
            return load(self._connection, self._path)

    def intend(self, journal: Journal) -> None:
        """Store the steps before they are performed, so that the next run can undo or finish them if this one is interrupted.

        The next run finishes a removal, which needs no inverse steps, and undoes anything else, which needs no new rows.
        """
        body = text_of(journal)
        with self._transaction_of_this_release():
            self._connection.execute(
                "INSERT INTO journal VALUES (1, ?, ?, ?)", (journal.boot_id, journal.doing, body)
            )

    def record(self, changes: t.Iterable[Change]) -> None:
        """Record what was done, and delete the journal, in one transaction."""
        with self._transaction_of_this_release():
            apply_rows(self._connection, tuple(changes))
            self._connection.execute("DELETE FROM journal")

    def record_intention(self) -> None:
        """Record the changes that the journal has, and delete the journal, in one transaction.

        The database keeps the schema of the release that has written the journal: if that is an older one, its process
        that waits for the confirmation must be able to read that there is nothing left to wait for.
        """
        with self._transaction():
            ((text,),) = self._connection.execute("SELECT body FROM journal").fetchall()
            apply_rows(self._connection, tuple(Change(*change) for change in json.loads(text)["changes"]))
            self._connection.execute("DELETE FROM journal")

    def keep_backup(self) -> str | None:
        """Write the backup beside the database; return why that failed, None if it did not.

        The changes are done and recorded by then, so a failure is only a warning.
        """
        backup = f"{self._path}.backup"
        try:
            newer = newer_schema(backup)
            if newer is not None:
                return f"{NewerError(f'the backup {backup}', newer, SCHEMA_VERSION)}. It is kept and not overwritten"
            self._keep_copy(backup)
        except (OSError, sqlite3.Error) as exc:
            return f"the backup {backup} could not be written: {exc}"
        return None

    def _keep_copy(self, path: str) -> None:
        """Copy the committed state to another file, completely or not at all."""
        partial = f"{path}.partial"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with contextlib.closing(connect(partial, "mode=rw")) as copy:
            # Synced once, after the integrity check.
            copy.execute("PRAGMA synchronous = OFF")
            self._connection.backup(copy)
            (problem,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        if problem != "ok":
            raise sqlite3.DatabaseError(problem)
        make_durable(partial)
        os.replace(partial, path)

    def await_confirmation(self) -> None:
        """Note that all steps are done; their result is recorded when it is confirmed."""
        with self._transaction():
            ((text,),) = self._connection.execute("SELECT body FROM journal").fetchall()
            self._connection.execute("UPDATE journal SET body = ?", (json.dumps({**json.loads(text), "applied": True}),))

    def forget_intention(self) -> None:
        """Delete the journal, because its steps have been undone."""
        with self._transaction():
            self._connection.execute("DELETE FROM journal")

    @contextlib.contextmanager
    def _transaction_of_this_release(self) -> t.Iterator[None]:
        """A transaction that writes rows in the schema of this release, after the migration of all other rows.

        :raises StateError: no copy of the database in the older schema can be kept; only with it can the host return to that release
        """
        if self.is_older:
            kept = f"{self._path}.schema{self._schema}"
            try:
                self._keep_copy(kept)
            except (OSError, sqlite3.Error) as exc:
                raise StateError(
                    f"the state database {self._path} of an older release cannot be brought to schema {SCHEMA_VERSION}, "
                    f"because no copy of it can be kept as {kept}: {exc}; free space for it, and run the task again"
                ) from exc
        with self._transaction():
            if self.is_older:
                migrate(self._connection, self._schema)
            yield
        self._schema = SCHEMA_VERSION

    @contextlib.contextmanager
    def _transaction(self) -> t.Iterator[None]:
        with reported(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
