# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state database: one SQLite file in a folder of its own, one writer at a time, readers at any time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import sqlite3
import stat
import time
import typing as t

from ..errors import DamagedError, NewerError, StateError
from ..steps.record_diff import Change
from ..steps.stored import to_plain
from ..values import validators
from .files import LOCK_TIMEOUT, check_whole, connect, files_used, make_durable, read_once, reported, signature
from .journal import Journal, Stored
from .migrations import SCHEMA_VERSION
from .rows import apply_rows, load, migrate
from .schema import APPLICATION_ID, SCHEMA, newer_schema, schema_of

DEFAULT_FOLDER = "/var/lib/macvlan_host"

LOCK_INTERVAL = 0.02
READ_ATTEMPTS = 50


class State:
    """The database of one ``state_dir``; nothing is opened or created before it is needed."""

    def __init__(self, folder: str) -> None:
        if not validators.path(folder):
            raise StateError(f"state_dir {folder!a} is not an absolute path")
        self.folder = os.path.abspath(folder)
        self.path = os.path.join(self.folder, "state.db")
        self.backup = f"{self.path}.backup"

    def is_there(self) -> bool:
        """Whether there is a database that holds something.

        :raises StateError: folder or file are not safe to use
        """
        self._check_safe()
        try:
            return os.stat(self.path).st_size > 0
        except FileNotFoundError:
            return False

    def version(self) -> tuple[object, ...]:
        """Equal for two moments between which nothing was written."""
        return signature(self.path), signature(f"{self.path}-wal")

    def read(self) -> Stored:
        """What is recorded, without a lock and without a trace on the disk; empty when there is no database.

        :raises StateError: it is damaged, newer, or not safe to use
        """
        for dummy in range(READ_ATTEMPTS):
            if not self.is_there():
                return Stored()
            with reported(self.path):
                stored = read_once(self.path)
            if stored is not None:
                return stored
            time.sleep(LOCK_INTERVAL)
        raise StateError(f"the state database {self.path} changed during every attempt to read it; run the task again")

    @contextlib.contextmanager
    def locked(self, doing: str) -> t.Iterator[Session]:
        """Hold the lock of the one writer during the block.

        :param doing: the purpose, which the message of a run that waits in vain names
        :raises StateError: another writer does not end, or the database cannot be used
        """
        self._make_folder()
        with self._lock(doing) as waited:
            version = None if waited else self.version()
            with reported(self.path):
                if not os.path.exists(self.path):
                    os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
                check_whole(self.path)
                connection = connect(self.path, "mode=rw")
            try:
                yield Session(connection, self.path, version)
            finally:
                connection.close()

    def repair(self) -> list[str]:
        """Restore the backup if the database is damaged, empty or gone; return what was done, one sentence each.

        :raises StateError: it cannot be done, or the database or its backup belongs to something else or to a newer
            release; both are as they were then
        """
        self._make_folder()
        with self._lock("repairing the state database"):
            damage = self._damage()
            backup = self._usable_backup()
            if damage is None:
                return []
            # A log that is left would be played back into what takes the place of its database.
            was_there = self.is_there()
            kept = self._put_aside()
            done = f"{damage}; it is kept as {kept}" if was_there else damage
            return [done, self._take_backup(backup)]

    def _damage(self) -> str | None:
        """Why the database cannot be used; None when it can.

        :raises StateError: it belongs to something else or to a newer release
        """
        try:
            if not self.is_there():
                return f"there was no state database {self.path}"
            self.read()
        except DamagedError as exc:
            return exc.reason
        return None

    def _usable_backup(self) -> tuple[str, bool]:
        """A phrase about the backup, and whether it can be used.

        :raises StateError: it belongs to something else or to a newer release, or does not hold still
        """
        try:
            written = os.stat(self.backup)
            if written.st_size == 0:
                return f"the backup {self.backup} is empty", False
            with reported(self.backup):
                good = read_once(self.backup) is not None
        except FileNotFoundError:
            return f"there is no {self.backup}", False
        except DamagedError as exc:
            return exc.reason, False
        if not good:
            raise StateError(f"the backup {self.backup} changed while it was read; try again")
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(written.st_mtime))
        return f"it is now the backup {self.backup}, written {when}", True

    def _put_aside(self) -> str:
        """Keep a damaged database, with its log, for inspection; return its new path."""
        numbers = (number for number in range(1, 1000) if not os.path.lexists(f"{self.path}.damaged{number}"))
        kept = f"{self.path}.damaged{next(numbers)}"
        with files_used(self.path):
            for ending in ("-wal", "-shm", ""):
                with contextlib.suppress(FileNotFoundError):
                    os.rename(self.path + ending, kept + ending)
        return kept

    def _take_backup(self, backup: tuple[str, bool]) -> str:
        """Replace the database by the backup, if it can be used; return what was done."""
        said, is_usable = backup
        if not is_usable:
            return f"{said}, so the record starts empty"
        with files_used(self.path):
            partial = f"{self.path}.partial"
            shutil.copyfile(self.backup, partial)
            os.chmod(partial, 0o600)
            make_durable(partial)
            os.replace(partial, self.path)
        return said

    def is_locked(self) -> bool:
        """Whether a writer is working, without taking the lock even for a moment (proc_locks(5))."""
        try:
            lock = os.stat(os.path.join(self.folder, "lock"))
            place = f" {os.major(lock.st_dev):02x}:{os.minor(lock.st_dev):02x}:{lock.st_ino} "
            with open("/proc/locks", encoding="ascii") as file:
                return any(" FLOCK " in line and place in line for line in file)
        except OSError:
            return False

    def _make_folder(self) -> None:
        self._check_safe()
        # The mode is that of the last folder; those above it must not be for others to write either.
        umask = os.umask(0o022)
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
        except OSError as exc:
            raise StateError(f"cannot create state_dir {self.folder}: {exc.strerror}") from exc
        finally:
            os.umask(umask)
        self._check_safe()

    def _check_safe(self) -> None:
        """Refuse files that another user could have created or could change."""
        for path, what in ((self.folder, "state_dir"), (self.path, "state database")):
            try:
                found = os.lstat(path)
            except FileNotFoundError:
                continue
            except OSError as exc:
                raise StateError(f"cannot use {what} {path}: {exc.strerror}") from exc
            right_kind = stat.S_ISDIR(found.st_mode) if what == "state_dir" else stat.S_ISREG(found.st_mode)
            if stat.S_ISLNK(found.st_mode) or not right_kind:
                kind = "symbolic link" if stat.S_ISLNK(found.st_mode) else "file of the wrong type"
                raise StateError(f"{what} {path} is a {kind}; use a plain path that only root can write to")
            if found.st_uid != os.geteuid() or found.st_mode & 0o022:
                raise StateError(
                    f"{what} {path} belongs to another user or is writable for others (owner {found.st_uid}, mode "
                    f"{stat.S_IMODE(found.st_mode):04o}); make it root's own: chown root, chmod go-w"
                )

    @contextlib.contextmanager
    def _lock(self, doing: str) -> t.Iterator[bool]:
        """Hold the lock; whether it had to be waited for."""
        path = os.path.join(self.folder, "lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as exc:
            raise StateError(f"cannot open the lock {path}: {exc.strerror}") from exc
        try:
            waited = self._wait_for(descriptor)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()} {doing}\n".encode(), 0)
            yield waited
        finally:
            os.close(descriptor)

    def _wait_for(self, descriptor: int) -> bool:
        """Take the lock; return whether another run had it at first."""
        deadline = time.monotonic() + LOCK_TIMEOUT
        waited = False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return waited
            except OSError as exc:
                if exc.errno not in (errno.EAGAIN, errno.EACCES):
                    raise
            if time.monotonic() > deadline:
                pid, dummy, doing = os.pread(descriptor, 500, 0).decode("utf-8", "replace").strip().partition(" ")
                raise StateError(
                    f"another run has held the lock on {self.folder} for more than {LOCK_TIMEOUT:.0f} s (process "
                    f"{pid or 'unknown'}, working on {doing or 'something unknown'}); run the task again when it has ended"
                )
            waited = True
            time.sleep(LOCK_INTERVAL)


class Session:
    """The database in the hands of the one writer.

    :ivar version_before: :meth:`State.version` when the lock was taken; None when another run had the lock before,
        however briefly, because the kernel has had time to change as well
    """

    def __init__(self, connection: sqlite3.Connection, path: str, version: tuple[object, ...] | None) -> None:
        self.version_before = version
        self._connection = connection
        self._path = path
        with reported(path):
            # Before anything is changed: a database of something else must stay as it is.
            found = schema_of(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        self._schema = SCHEMA_VERSION if found is None else found
        if found is None:
            self._make_schema()

    @property
    def is_older(self) -> bool:
        """Whether an older release has written the database, and nothing was written in the form of this one yet."""
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
        """Store the intended steps, so that the next run can recover from a crash.

        A removal is finished, so its undo steps are left out; everything else is undone, so its record changes are
        left out.
        """
        # Piece by piece: all steps of a large host as plain dicts would take more memory than anything else of a run.
        steps = ", ".join(json.dumps(to_plain(step, with_way_back=not journal.removal)) for step in journal.steps)
        to_confirm = journal.confirm_by is not None
        changes = json.dumps(journal.changes if journal.removal or to_confirm else ())
        body = f'{{"removal": {json.dumps(journal.removal)}, "steps": [{steps}], "changes": {changes}'
        if to_confirm:
            body += f', "confirm_by": {journal.confirm_by!r}, "connection": {json.dumps(journal.connection)}'
        body += "}"
        with self._transaction_of_this_release():
            self._connection.execute(
                "INSERT INTO journal VALUES (1, ?, ?, ?)", (journal.boot_id, journal.doing, body)
            )

    def record(self, changes: t.Iterable[Change]) -> None:
        """Record the result, and delete the journal, in one transaction."""
        with self._transaction_of_this_release():
            apply_rows(self._connection, tuple(changes))
            self._connection.execute("DELETE FROM journal")

    def record_intention(self) -> None:
        """Record what was intended, as it is written down, and take the intention away, in one transaction.

        It is in the form of the release that has written it, and so is the rest of the database. That stays so: the
        process of an older release that waits for a confirmation has to see that there is nothing left to wait for.
        """
        with self._transaction():
            ((text,),) = self._connection.execute("SELECT body FROM journal").fetchall()
            apply_rows(self._connection, tuple(Change(*change) for change in json.loads(text)["changes"]))
            self._connection.execute("DELETE FROM journal")

    def keep_backup(self) -> str | None:
        """Keep a copy of what is recorded now beside the database; why that failed, None when it did not.

        The change is done and recorded, so a failure here is only a warning.
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
        """Copy the committed state to another file, atomically."""
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
        """All of what was intended is done; it is recorded when it is confirmed."""
        with self._transaction():
            ((text,),) = self._connection.execute("SELECT body FROM journal").fetchall()
            self._connection.execute("UPDATE journal SET body = ?", (json.dumps({**json.loads(text), "applied": True}),))

    def forget_intention(self) -> None:
        """What was intended has been turned back."""
        with self._transaction():
            self._connection.execute("DELETE FROM journal")

    @contextlib.contextmanager
    def _transaction_of_this_release(self) -> t.Iterator[None]:
        """One that writes rows in the form of this release, after all others have been brought to it.

        :raises StateError: the last state in the older form cannot be kept; it is the way back to that release
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
