# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder of the state database: only root can change anything in it."""

from __future__ import annotations

import os
import stat

from ..errors import StateError


def make_folder(folder: str, path: str) -> None:
    """Create a folder for the database in which only root can change anything, if it is missing.

    :raises StateError: it cannot be created, or is not safe to use
    """
    check_safe(folder, path)
    # The mode applies to the last folder; other users must not be able to write to those above it either.
    umask = os.umask(0o022)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError as exc:
        raise StateError(f"cannot create state_dir {folder}: {exc.strerror}") from exc
    finally:
        os.umask(umask)
    check_safe(folder, path)


def check_safe(folder: str, path: str) -> None:
    """Refuse a folder or database that a user other than root owns or can write to.

    :raises StateError: naming it, and what to do
    """
    for item, what in ((folder, "state_dir"), (path, "state database")):
        try:
            status = os.lstat(item)
        except FileNotFoundError:
            continue
        except OSError as exc:
            raise StateError(f"cannot use {what} {item}: {exc.strerror}") from exc
        right_kind = stat.S_ISDIR(status.st_mode) if what == "state_dir" else stat.S_ISREG(status.st_mode)
        if stat.S_ISLNK(status.st_mode) or not right_kind:
            kind = "symbolic link" if stat.S_ISLNK(status.st_mode) else "file of the wrong type"
            raise StateError(f"{what} {item} is a {kind}; use a plain path that only root can write to")
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise StateError(
                f"{what} {item} belongs to another user or is writable for others (owner {status.st_uid}, mode "
                f"{stat.S_IMODE(status.st_mode):04o}); make it root's own: chown root, chmod go-w"
            )
