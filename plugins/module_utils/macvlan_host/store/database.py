# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state database: one SQLite file in a folder of its own, one writer at a time, readers at any time."""

from __future__ import annotations

import contextlib
import os
import time
import typing as t

from ..errors import StateError
from ..model.record import Record
from ..values import validators
from .files import LOCK_INTERVAL, read_once, reported, signature
from .folder import check_safe
from .journal import Stored

if t.TYPE_CHECKING:
    from .session import Session

DEFAULT_FOLDER = "/var/lib/macvlan_host"

READ_ATTEMPTS = 50


class State:
    """The database of one ``state_dir``; nothing is opened or created before it is needed.

    A run that only reads imports nothing that writes.
    """

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
        check_safe(self.folder, self.path)
        try:
            return os.stat(self.path).st_size > 0
        except FileNotFoundError:
            return False

    def version(self) -> tuple[object, ...]:
        """A value that changes with every write to the database."""
        return signature(self.path), signature(f"{self.path}-wal")

    def read(self) -> Stored:
        """What is recorded, without a lock and without a trace on the disk; empty when there is no database.

        :raises StateError: it is damaged, newer, or not safe to use
        """
        for dummy in range(READ_ATTEMPTS):
            if not self.is_there():
                return Stored(Record())
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
        from .session import locked

        with locked(self, doing) as session:
            yield session

    def is_locked(self) -> bool:
        """Whether a writer is at work."""
        from .lock import is_locked

        return is_locked(self.folder)

    def repair(self) -> list[str]:
        """Restore the backup if the database is damaged, empty or gone; return what was done, one sentence each.

        :raises StateError: it cannot be done, or the database or its backup belongs to something else or to a newer
            release; both are as they were then
        """
        from .repair import repair

        return repair(self)
