# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads and writes the files under /etc/netns that tell the name servers of namespaces.

A folder that is a symbolic link leads elsewhere, and a file that is none could be anything: both are left alone.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import typing as t

from ..errors import KernelError
from ..model.resolver import FILE, FOLDER, SOMETHING_ELSE, ResolverFile, is_our_resolver
from .sysctls import mount_of

if t.TYPE_CHECKING:
    from ..steps.steps import WriteResolver

BESIDE = f".{FILE}.fleetnet-macvlan"
MOST = 64 << 10  # bytes of a file that is read


def read_resolvers(names: t.Iterable[str]) -> dict[str, ResolverFile]:
    """The files of namespaces, most of which have none."""
    try:
        there = frozenset(os.listdir(FOLDER))
    except OSError:
        there = frozenset()
    missing = ResolverFile(None, False, _read_only(FOLDER))
    return {name: _read_resolver(name) if name in there else missing for name in names}


def _read_resolver(name: str) -> ResolverFile:
    folder = f"{FOLDER}/{name}"
    blocked = _read_only(folder)
    try:
        descriptor = _open_folder(folder)
    except FileNotFoundError:
        return ResolverFile(None, False, blocked)
    except OSError:
        return ResolverFile(SOMETHING_ELSE, True, blocked)
    try:
        return ResolverFile(_read(descriptor), True, blocked)
    finally:
        os.close(descriptor)


def write_resolver(step: WriteResolver) -> None:
    """Write or delete the file of a namespace; it is written beside its place, and then moved there.

    :raises KernelError: another program has put a file there, or it cannot be written
    """
    folder = f"{FOLDER}/{step.name}"
    try:
        if step.new is not None:
            os.makedirs(FOLDER, mode=0o755, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.mkdir(folder, 0o755)
        descriptor = _open_folder(folder)
        try:
            _refuse_foreign(step, _read(descriptor))
            if step.new is None:
                _unlink(descriptor, BESIDE)
                _unlink(descriptor, FILE)
            else:
                _replace(descriptor, step.new)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if step.new is None and step.with_folder:
            _remove_folder(folder)
    except OSError as exc:
        raise KernelError(f"cannot {step.describe()}: {exc.strerror}", exc.errno or 0, step) from exc


def _open_folder(folder: str) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _read(folder: int) -> str | None:
    try:
        descriptor = os.open(FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError:
        return SOMETHING_ELSE
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return SOMETHING_ELSE
        return os.read(descriptor, MOST).decode("utf-8", "backslashreplace")
    finally:
        os.close(descriptor)


def _refuse_foreign(step: WriteResolver, present: str | None) -> None:
    if present is not None and not is_our_resolver(present):
        raise KernelError(f"cannot {step.describe()}: another program has put a file there", errno.EEXIST, step)


def _replace(folder: int, content: str) -> None:
    _unlink(folder, BESIDE)
    descriptor = os.open(BESIDE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=folder)
    with open(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o644)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    os.replace(BESIDE, FILE, src_dir_fd=folder, dst_dir_fd=folder)


def _unlink(folder: int, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def _remove_folder(folder: str) -> None:
    try:
        os.rmdir(folder)
    except OSError as exc:
        # Other programs have put files there, and keep it.
        if exc.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def _read_only(folder: str) -> str:
    """The mount that keeps a folder, or the first one above it that is there, from being written to; "" if none does."""
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return mount_of(folder) if os.statvfs(folder).f_flag & os.ST_RDONLY else ""
