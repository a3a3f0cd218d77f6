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
from dataclasses import dataclass, field

from . import checks
from .changes import Change, apply_changes, change_from_plain, link_from_plain, whole
from .errors import DamagedError, StateError
from .model import Endpoint, Network, OwnedNetns, Record
from .steps import Step, from_plain, to_plain

DEFAULT_FOLDER = "/var/lib/macvlan_host"
SCHEMA_VERSION = 1
APPLICATION_ID = 0x464E4D56  # "FNMV", tells our database from any other SQLite file
LOCK_TIMEOUT = 60.0
LOCK_INTERVAL = 0.02
READ_ATTEMPTS = 50

_SCHEMA = """
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


@dataclass(frozen=True)
class Journal:
    """What a run intends, written before it touches the kernel.

    :ivar boot_id: of the boot in which it ran; after another boot the kernel remembers nothing of it
    :ivar removal: finished rather than turned back
    :ivar changes: what it will have recorded; known after a crash only for a removal, and for what is to be confirmed
    :ivar confirm_by: seconds of CLOCK_BOOTTIME until which somebody has to confirm it, None when nobody has to
    :ivar connection: the one that it came by, which is not the one to confirm it by
    :ivar applied: whether all of it is done, and nothing but the confirmation is missing
    """

    boot_id: str
    doing: str
    removal: bool
    steps: tuple[Step, ...]
    changes: tuple[Change, ...]
    confirm_by: float | None = None
    connection: str | None = None
    applied: bool = False


@dataclass(frozen=True)
class Stored:
    """What the database holds."""

    record: Record = field(default_factory=Record)
    journal: Journal | None = None


class State:
    """The database of one ``state_dir``; nothing is opened or made before it is needed."""

    def __init__(self, folder: str) -> None:
        if not checks.path(folder):
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
        return _signature(self.path), _signature(f"{self.path}-wal")

    def read(self) -> Stored:
        """What is recorded, without a lock and without a trace on the disk; empty when there is no database.

        :raises StateError: it is damaged, newer, or not safe to use
        """
        for dummy in range(READ_ATTEMPTS):
            if not self.is_there():
                return Stored()
            with _reported(self.path):
                stored = _read_once(self.path)
            if stored is not None:
                return stored
            time.sleep(LOCK_INTERVAL)
        raise StateError(f"the state database {self.path} changes too fast to be read; run the task again")

    @contextlib.contextmanager
    def locked(self, doing: str) -> t.Iterator[Session]:
        """Be the one writer for the length of the block.

        :param doing: what for, told to those who wait in vain
        :raises StateError: another writer does not end, or the database cannot be used
        """
        self._make_folder()
        with self._lock(doing) as waited:
            version = None if waited else self.version()
            with _reported(self.path):
                if not os.path.exists(self.path):
                    os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
                _check_whole(self.path)
                connection = _connect(self.path, "mode=rw")
            try:
                yield Session(connection, self.path, version)
            finally:
                connection.close()

    def repair(self) -> list[str]:
        """Put the backup where the database is damaged, empty or gone; what was done, a sentence each.

        :raises StateError: it cannot be done, or the database belongs to something else or to a newer version
        """
        self._make_folder()
        done: list[str] = []
        with self._lock("repairing the state database"):
            try:
                if self.is_there():
                    self.read()
                    return done
                # A log that is left would be played back into what takes the place of its database.
                self._put_aside()
                done.append(f"there was no state database {self.path}")
            except DamagedError as exc:
                done.append(f"{exc.reason}; it is kept as {self._put_aside()}")
            return [*done, self._take_backup()]

    def _put_aside(self) -> str:
        """Keep a damaged database, with its log, for whoever wants to look at it; where it is now."""
        numbers = (number for number in range(1, 1000) if not os.path.lexists(f"{self.path}.damaged{number}"))
        kept = f"{self.path}.damaged{next(numbers)}"
        with _files_used(self.path):
            for ending in ("-wal", "-shm", ""):
                with contextlib.suppress(FileNotFoundError):
                    os.rename(self.path + ending, kept + ending)
        return kept

    def _take_backup(self) -> str:
        try:
            with _reported(self.backup):
                good = _read_once(self.backup) is not None
                written = os.stat(self.backup).st_mtime
        except (FileNotFoundError, DamagedError) as exc:
            why = exc.reason if isinstance(exc, DamagedError) else f"there is no {self.backup}"
            return f"{why}, so it begins empty"
        if not good:
            raise StateError(f"the backup {self.backup} changes while it is read; try again")
        with _files_used(self.path):
            partial = f"{self.path}.partial"
            shutil.copyfile(self.backup, partial)
            os.chmod(partial, 0o600)
            _make_durable(partial)
            os.replace(partial, self.path)
        return f"it is now the backup {self.backup}, written {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(written))}"

    def is_locked(self) -> bool:
        """Whether a writer is at work, found out without taking the lock even for a moment (proc_locks(5))."""
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
        """Refuse what somebody else could have put or could change there."""
        for path, what in ((self.folder, "state_dir"), (self.path, "state database")):
            try:
                found = os.lstat(path)
            except FileNotFoundError:
                continue
            except OSError as exc:
                raise StateError(f"cannot use {what} {path}: {exc.strerror}") from exc
            right_kind = stat.S_ISDIR(found.st_mode) if what == "state_dir" else stat.S_ISREG(found.st_mode)
            if stat.S_ISLNK(found.st_mode) or not right_kind:
                kind = "symbolic link" if stat.S_ISLNK(found.st_mode) else "thing of another kind"
                raise StateError(f"{what} {path} is a {kind}; use a plain path that only root can write to")
            if found.st_uid != os.geteuid() or found.st_mode & 0o022:
                raise StateError(
                    f"{what} {path} belongs to or can be written by others (owner {found.st_uid}, mode "
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
        """Take the lock; whether another run had it at first."""
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
                    f"another run holds {self.folder} for more than {LOCK_TIMEOUT:.0f} s: process {pid or 'unknown'}, "
                    f"working on {doing or 'something unknown'}; run the task again when it has ended"
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
        with _reported(path):
            # Before anything is changed: a database of something else must stay as it is.
            empty = _is_empty(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        if empty:
            self._make_schema()

    def _make_schema(self) -> None:
        with self._transaction():
            for statement in _SCHEMA.split(";"):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def read(self) -> Stored:
        """What is recorded.

        :raises StateError: it is damaged
        """
        with _reported(self._path):
            return _load(self._connection)

    def intend(self, journal: Journal) -> None:
        """Write down what is about to be done, for whoever comes after a crash.

        That is what they use: a removal is finished, so the way back is not needed; anything else is turned back, so
        what it would have recorded is not.
        """
        # Piece by piece: all steps of a large host as plain dicts would take more memory than anything else of a run.
        steps = ", ".join(json.dumps(to_plain(step, with_way_back=not journal.removal)) for step in journal.steps)
        to_confirm = journal.confirm_by is not None
        changes = json.dumps(journal.changes if journal.removal or to_confirm else ())
        body = f'{{"removal": {json.dumps(journal.removal)}, "steps": [{steps}], "changes": {changes}'
        if to_confirm:
            body += f', "confirm_by": {journal.confirm_by!r}, "connection": {json.dumps(journal.connection)}'
        body += "}"
        with self._transaction():
            self._connection.execute(
                "INSERT INTO journal VALUES (1, ?, ?, ?)", (journal.boot_id, journal.doing, body)
            )

    def record(self, changes: t.Iterable[Change]) -> None:
        """Record what was done, and take the intention away, in one transaction."""
        with self._transaction():
            _apply(self._connection, tuple(changes))
            self._connection.execute("DELETE FROM journal")

    def keep_backup(self) -> str | None:
        """Keep a copy of what is recorded now beside the database; why that failed, None when it did not.

        What was done is done, and recorded; so this is a matter for a warning.
        """
        backup, partial = f"{self._path}.backup", f"{self._path}.backup.partial"
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial)
            os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            with contextlib.closing(_connect(partial, "mode=rw")) as copy:
                # It counts only when it is whole, and then it is made durable at once.
                copy.execute("PRAGMA synchronous = OFF")
                self._connection.backup(copy)
                (problem,) = copy.execute("PRAGMA quick_check(1)").fetchone()
            if problem != "ok":
                raise sqlite3.DatabaseError(problem)
            _make_durable(partial)
            os.replace(partial, backup)
        except (OSError, sqlite3.Error) as exc:
            return f"the backup {backup} could not be written: {exc}"
        return None

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
    def _transaction(self) -> t.Iterator[None]:
        with _reported(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


@contextlib.contextmanager
def _reported(path: str) -> t.Iterator[None]:
    """Say in words what SQLite says in numbers."""
    try:
        yield
    except (sqlite3.DatabaseError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as exc:
        if isinstance(exc, (sqlite3.OperationalError, sqlite3.IntegrityError)):
            raise StateError(f"the state database {path} cannot be used: {exc}") from exc
        raise DamagedError(path, str(exc)) from exc


@contextlib.contextmanager
def _files_used(path: str) -> t.Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise StateError(f"the state database {path} cannot be replaced: {exc}") from exc


def _make_durable(path: str) -> None:
    """Have a file on the disk before its new name is."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_once(path: str) -> Stored | None:
    """What is recorded; None when a writer came in between.

    Without a write-ahead log no writer is at work, and the file is read as it is: the usual way of reading
    would leave a log and an index behind.
    """
    log = f"{path}-wal"
    writing = os.path.exists(log)
    before = _signature(path)
    _check_whole(path)
    connection = _connect(path, "mode=ro" if writing else "immutable=1")
    try:
        stored = _load(connection)
    except sqlite3.DatabaseError:
        if not writing and _signature(path) != before or os.path.exists(log) != writing:
            return None
        raise
    finally:
        connection.close()
    undisturbed = _signature(path) == before and not os.path.exists(log)
    return stored if writing or undisturbed else None


def _check_whole(path: str) -> None:
    """SQLite takes a short file for an empty database, and misses a lost end until it gets there.

    The header (sqlite.org/fileformat2.html, 1.3) says how many pages there are; with a log beside it, the file may
    rightly have fewer.

    :raises ValueError: this is no database, or not all of one
    """
    with open(path, "rb") as file:
        header = file.read(100)
        size = os.fstat(file.fileno()).st_size
    if size == 0:
        return
    if not header.startswith(b"SQLite format 3\0") or len(header) < 100:
        raise ValueError("it is no SQLite database")
    page_size = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    if size < pages * (65536 if page_size == 1 else page_size) and not os.path.exists(f"{path}-wal"):
        raise ValueError("its end is missing")


def _connect(path: str, mode: str) -> sqlite3.Connection:
    # Transactions are begun by hand (isolation_level None), so that it is plain what belongs to one.
    # What has a meaning of its own in a file: address (sqlite.org/uri.html, 3.1).
    escaped = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    uri = f"file:{escaped}?{mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=LOCK_TIMEOUT)


def _signature(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _is_empty(connection: sqlite3.Connection) -> bool:
    """Whether the schema has still to be made.

    :raises StateError: the file belongs to something else, or to a newer version of the collection
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables == 0 and version == 0:
        return True
    if application != APPLICATION_ID:
        raise StateError("state.db is an SQLite database of something else; use another state_dir")
    if version > SCHEMA_VERSION:
        raise StateError(
            f"the state database was written by a newer version of the collection (schema {version}, this one knows "
            f"{SCHEMA_VERSION}); use that version, or newer"
        )
    return False


# --- rows -----------------------------------------------------------------------------------------------------------


def _load(connection: sqlite3.Connection) -> Stored:
    if _is_empty(connection):
        return Stored()
    connection.execute("BEGIN")
    try:
        record = whole(Record(
            networks={name: Network.from_plain(body) for name, body in _bodies(connection, "networks")},
            links={name: link_from_plain(body) for name, body in _bodies(connection, "links")},
            namespaces={name: OwnedNetns.from_plain(body) for name, body in _bodies(connection, "namespaces")},
            endpoints=dict(_endpoints(connection)),
        ))
        row = connection.execute("SELECT boot_id, doing, body FROM journal").fetchone()
    finally:
        connection.execute("COMMIT")
    journal = None if row is None else _journal(*row)
    if journal is not None:
        whole(apply_changes(record, journal.changes))
    return Stored(record, journal)


def _bodies(connection: sqlite3.Connection, table: str) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    for name, body in connection.execute(f"SELECT name, body FROM {table}"):
        yield name, json.loads(body)


def _endpoints(connection: sqlite3.Connection) -> t.Iterator[tuple[tuple[str, str], Endpoint]]:
    for network, name, body in connection.execute("SELECT network, name, body FROM endpoints"):
        yield (network, name), Endpoint.from_plain(json.loads(body))


def _journal(boot_id: str, doing: str, text: str) -> Journal:
    body = checks.fields("journal", {"boot_id": boot_id, "doing": doing, **json.loads(text)}, _JOURNAL)
    steps = tuple(from_plain(step) for step in checks.items("steps of a journal", body["steps"]))
    changes = tuple(change_from_plain(change) for change in checks.items("changes of a journal", body["changes"]))
    waiting = {key: body[key] for key in ("confirm_by", "connection", "applied") if key in body}
    return Journal(boot_id, doing, body["removal"], steps, changes, **waiting)


_JOURNAL: dict[str, checks.Check] = {
    "boot_id": checks.text,
    "doing": checks.text,
    "removal": checks.flag,
    "steps": checks.elsewhere,
    "changes": checks.elsewhere,
    "confirm_by": checks.moment,
    "connection": checks.optional(checks.text),
    "applied": checks.flag,
}


def _apply(connection: sqlite3.Connection, changes: tuple[Change, ...]) -> None:
    # All old rows first: an address or a MAC may go from one object to another.
    for change in changes:
        if change.existed:
            _delete_row(connection, change.table, change.key)
    for change in changes:
        if change.body is not None:
            _insert_row(connection, change.table, change.key, change.body)


def _delete_row(connection: sqlite3.Connection, table: str, key: list[str]) -> None:
    columns = {"endpoints": ("network", "name"), "leases": ("pool", "address", "holder")}.get(table, ("name",))
    where = " AND ".join(f"{column} = ?" for column in columns)
    connection.execute(f"DELETE FROM {table} WHERE {where}", key)


def _insert_row(connection: sqlite3.Connection, table: str, key: list[str], body: dict[str, t.Any]) -> None:
    """Insert only: a row that is there already, such as somebody else's lease, is an error."""
    values = [*key]
    if table == "endpoints":
        values += [body["parent"], body["mac"], json.dumps(body["body"])]
    elif table != "leases":
        values.append(json.dumps(body))
    connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)
