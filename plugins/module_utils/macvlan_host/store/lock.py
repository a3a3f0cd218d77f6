# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock of a ``state_dir``: one writer at a time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
import typing as t

from ..errors import StateError
from .files import LOCK_INTERVAL, LOCK_TIMEOUT

LOCK = "lock"


@contextlib.contextmanager
def lock(folder: str, doing: str) -> t.Iterator[bool]:
    """Hold the lock of a folder; yield whether the run had to wait for it.

    :param doing: the purpose, which a waiting run names if its wait fails
    :raises StateError: another writer does not end
    """
    path = os.path.join(folder, LOCK)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as exc:
        raise StateError(f"cannot open the lock {path}: {exc.strerror}") from exc
    try:
        waited = _wait_for(descriptor, folder)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {doing}\n".encode(), 0)
        yield waited
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, folder: str) -> bool:
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
                f"another run has held the lock on {folder} for more than {LOCK_TIMEOUT:.0f} s (process "
                f"{pid or 'unknown'}, working on {doing or 'something unknown'}); run the task again when it has ended"
            )
        waited = True
        time.sleep(LOCK_INTERVAL)


def is_locked(folder: str) -> bool:
    """Whether a writer is at work, learned without taking the lock (proc_locks(5))."""
    try:
        status = os.stat(os.path.join(folder, LOCK))
        inode = f" {os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino} "
        with open("/proc/locks", encoding="ascii") as file:
            return any(" FLOCK " in line and inode in line for line in file)
    except OSError:
        return False
