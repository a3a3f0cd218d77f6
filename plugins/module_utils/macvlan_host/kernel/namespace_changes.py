# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network namespaces: create and remove."""

from __future__ import annotations

import ctypes
import errno
import os
import typing as t

from ..errors import KernelError
from ..model.netns import NETNS_FOLDER, Netns
from .namespaces import CLONE_NEWNET, OWN, Walker, call

MS_BIND, MS_REC, MS_SHARED = 0x1000, 0x4000, 0x100000
MNT_DETACH, UMOUNT_NOFOLLOW = 0x2, 0x8


def _mount(source: str, target: str, flags: int) -> None:
    call("mount", source.encode(), os.fsencode(target), b"none", ctypes.c_ulong(flags), None)


class Creator(Walker):
    """A walker that also creates namespaces."""

    def __init__(self) -> None:
        super().__init__()
        self._folder_is_shared = False

    def create(self, name: str, prepare: t.Callable[[], None]) -> None:
        """Create a namespace, enter it, and name it as ip-netns(8) does, so that the tools of ip(8) see it too.

        :param prepare: called inside, before the namespace has its name
        :raises KernelError: the name is taken, or the kernel refused; nothing is left then
        """
        target = Netns("name", name)
        self.go_home()
        try:
            self._share_folder()
            os.close(os.open(target.path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444))
        except OSError as exc:
            raise KernelError(f"cannot create {target.path}: {exc.strerror}", exc.errno or 0) from exc
        try:
            call("unshare", CLONE_NEWNET)
            self.arrive(target.path, os.open(OWN, os.O_RDONLY | os.O_CLOEXEC))
            prepare()
            _mount(OWN, target.path, MS_BIND)
        except OSError as exc:
            self._abandon(target)
            raise KernelError(f"cannot create {target.title}: {exc.strerror}", exc.errno or 0) from exc
        except KernelError:
            self._abandon(target)
            raise

    def _abandon(self, target: Netns) -> None:
        self.go_home()
        os.unlink(target.path)

    def _share_folder(self) -> None:
        """/run/netns must be a shared mount, or namespaces would be missing where others look for them."""
        if self._folder_is_shared:
            return
        os.makedirs(NETNS_FOLDER, mode=0o755, exist_ok=True)
        try:
            _mount("", NETNS_FOLDER, MS_SHARED | MS_REC)
        except OSError as exc:
            if exc.errno != errno.EINVAL:
                raise
            _mount(NETNS_FOLDER, NETNS_FOLDER, MS_BIND | MS_REC)
            _mount("", NETNS_FOLDER, MS_SHARED | MS_REC)
        self._folder_is_shared = True


def remove(name: str) -> None:
    """Remove the name of a namespace; the kernel deletes the namespace when nothing else holds it.

    :raises KernelError: there is none, or the kernel refused
    """
    target = Netns("name", name)
    try:
        try:
            call("umount2", os.fsencode(target.path), MNT_DETACH | UMOUNT_NOFOLLOW)
        except OSError as exc:
            # No mount point: the file of an interrupted creation, or a symbolic link to a mount of another program.
            if exc.errno != errno.EINVAL:
                raise
        os.unlink(target.path)
    except OSError as exc:
        raise KernelError(f"cannot delete {target.title}: {exc.strerror}", exc.errno or 0) from exc
