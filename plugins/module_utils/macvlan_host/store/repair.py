# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A state database that is damaged, empty or gone, and its backup."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import typing as t

from ..errors import DamagedError, StateError
from .files import files_used, make_durable, read_once, reported
from .folder import make_folder
from .lock import lock

if t.TYPE_CHECKING:
    from .database import State


def repair(database: State) -> list[str]:
    """Replace a database that is damaged, empty or gone by its backup; return what was done, a sentence each.

    :raises StateError: it cannot be done, or the database or its backup belongs to something else or to a newer
        release; both are as they were then
    """
    make_folder(database.folder, database.path)
    with lock(database.folder, "repairing the state database"):
        damage = _damage(database)
        backup = _usable_backup(database)
        if damage is None:
            return []
        # SQLite would play a remaining log back into the database that replaces the damaged one.
        was_there = database.is_there()
        kept = _put_aside(database)
        done = f"{damage}; it is kept as {kept}" if was_there else damage
        return [done, _take_backup(database, backup)]


def _damage(database: State) -> str | None:
    """Why the database cannot be used; None if it can.

    :raises StateError: it belongs to something else or to a newer release
    """
    try:
        if not database.is_there():
            return f"there was no state database {database.path}"
        database.read()
    except DamagedError as exc:
        return exc.reason
    return None


def _usable_backup(database: State) -> tuple[str, bool]:
    """A sentence about the backup, and whether it can be used.

    :raises StateError: it belongs to something else or to a newer release, or changes all the time
    """
    try:
        written = os.stat(database.backup)
        if written.st_size == 0:
            return f"the backup {database.backup} is empty", False
        with reported(database.backup):
            good = read_once(database.backup) is not None
    except FileNotFoundError:
        return f"there is no {database.backup}", False
    except DamagedError as exc:
        return exc.reason, False
    if not good:
        raise StateError(f"the backup {database.backup} changed while it was read; try again")
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(written.st_mtime))
    return f"it is now the backup {database.backup}, written {when}", True


def _put_aside(database: State) -> str:
    """Rename a damaged database and its log, so that people can examine them; returns the new path."""
    numbers = (number for number in range(1, 1000) if not os.path.lexists(f"{database.path}.damaged{number}"))
    kept = f"{database.path}.damaged{next(numbers)}"
    with files_used(database.path):
        for ending in ("-wal", "-shm", ""):
            with contextlib.suppress(FileNotFoundError):
                os.rename(database.path + ending, kept + ending)
    return kept


def _take_backup(database: State, backup: tuple[str, bool]) -> str:
    """Replace the database by the backup, if the backup can be used; return what was done."""
    said, is_usable = backup
    if not is_usable:
        return f"{said}, so the record starts empty"
    with files_used(database.path):
        partial = f"{database.path}.partial"
        shutil.copyfile(database.backup, partial)
        os.chmod(partial, 0o600)
        make_durable(partial)
        os.replace(partial, database.path)
    return said
