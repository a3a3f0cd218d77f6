# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of the database: open, check and sync them."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import typing as t

from ..errors import DamagedError, NewerError, StateError
from ..values import validators
from .journal import Stored
from .rows import load
from .schema import MAGIC, SCHEMA_VERSION, newer_header

LOCK_TIMEOUT = 60.0
LOCK_INTERVAL = 0.02


@contextlib.contextmanager
def reported(path: str) -> t.Iterator[None]:
    """Translate errors of SQLite into messages."""
    try:
        yield
    except validators.UnknownError as exc:
        what = f"the backup {path}" if path.endswith(".backup") else f"the state database {path}"
        raise NewerError(what, str(exc), SCHEMA_VERSION) from exc
    except (sqlite3.DatabaseError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as exc:
        if isinstance(exc, (sqlite3.OperationalError, sqlite3.IntegrityError)):
            raise StateError(f"the state database {path} cannot be used: {exc}") from exc
        raise DamagedError(path, str(exc)) from exc


@contextlib.contextmanager
def files_used(path: str) -> t.Iterator[None]:
    """Report an error of a file as a database that could not be replaced."""
    try:
        yield
    except OSError as exc:
        raise StateError(f"the state database {path} cannot be replaced: {exc}") from exc


def make_durable(path: str) -> None:
    """Sync a file to the disk before it gets its new name."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_once(path: str) -> Stored | None:
    """The record; None if a writer interfered.

    Without a write-ahead log no writer is at work, and the file is read as it is: the usual way of reading
    would leave a log and an index behind.
    """
    log = f"{path}-wal"
    writing = os.path.exists(log)
    before = signature(path)
    check_whole(path)
    connection = connect(path, "mode=ro" if writing else "immutable=1")
    try:
        stored = load(connection, path)
    except sqlite3.DatabaseError:
        if not writing and signature(path) != before or os.path.exists(log) != writing:
            return None
        raise
    finally:
        connection.close()
    undisturbed = signature(path) == before and not os.path.exists(log)
    return stored if writing or undisturbed else None


def check_whole(path: str) -> None:
    """Refuse a truncated file: SQLite reads a short file as an empty database, and notices a lost end only when it reads there.

    The header (sqlite.org/fileformat2.html, 1.3) says how many pages there are; with a log beside it, the file may
    rightly have fewer.

    :raises UnknownError: a newer release has written it
    :raises ValueError: this is no database, or not all of one
    """
    with open(path, "rb") as file:
        header = file.read(100)
        size = os.fstat(file.fileno()).st_size
    if size == 0:
        return
    newer = newer_header(header)
    if newer is not None:
        raise validators.UnknownError(newer)
    if not header.startswith(MAGIC) or len(header) < 100:
        raise ValueError("it is not an SQLite database")
    page_size = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    if size < pages * (65536 if page_size == 1 else page_size) and not os.path.exists(f"{path}-wal"):
        raise ValueError("it is truncated")


def connect(path: str, mode: str) -> sqlite3.Connection:
    """A connection to a database file."""
    # Transactions are begun explicitly (isolation_level None), so that their extent is visible in the code.
    # Characters with a special meaning in a file: URI (sqlite.org/uri.html, 3.1).
    escaped = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    uri = f"file:{escaped}?{mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=LOCK_TIMEOUT)


def signature(path: str) -> tuple[int, int, int] | None:
    """A value that changes when a file is replaced or written; None if there is no file."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
