# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network namespaces: enter, leave, create, remove and identify them."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
import typing as t

from ..errors import KernelError, NoNamespaceError
from ..model.netns import HOST, NETNS_FOLDER, Netns

CLONE_NEWNET = 0x40000000
MS_BIND, MS_REC, MS_SHARED = 0x1000, 0x4000, 0x100000
MNT_DETACH, UMOUNT_NOFOLLOW = 0x2, 0x8
NS_GET_NSTYPE = 0xB703  # include/uapi/linux/nsfs.h
OWN = "/proc/thread-self/ns/net"


_LIBRARY = ctypes.CDLL(None, use_errno=True)


def _call(function: str, *arguments: t.Any) -> None:
    """Call the C library.

    :raises OSError: with the errno of the call
    """
    if getattr(_LIBRARY, function)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _mount(source: str, target: str, flags: int) -> None:
    _call("mount", source.encode(), os.fsencode(target), b"none", ctypes.c_ulong(flags), None)


def open_netns(netns: Netns) -> int:
    """A file descriptor of the namespace, or of the thread's own for the host's.

    :raises NoNamespaceError: the file is something else
    :raises KernelError: there is none
    """
    path = netns.path or OWN
    try:
        descriptor = _open_plain(path)
    except OSError as exc:
        raise KernelError(f"cannot open {netns.title}: {exc.strerror} ({path})", exc.errno or 0) from exc
    try:
        if descriptor is not None and fcntl.ioctl(descriptor, NS_GET_NSTYPE) == CLONE_NEWNET:
            return descriptor
    except OSError:
        pass
    if descriptor is not None:
        os.close(descriptor)
    raise NoNamespaceError(f"{path} is not a network namespace", errno.ENOENT)


def _open_plain(path: str) -> int | None:
    """Open a plain file, as the kernel shows a namespace; opening a device or a FIFO could have side effects.

    :raises OSError: it is not there, or cannot be opened
    """
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        return os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(handle)


class Walker:
    """Moves the thread between namespaces, one at a time, and back to its first one at the end."""

    def __init__(self) -> None:
        self._home = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
        self._here: int | None = None
        self._path = HOST.path
        self._folder_is_shared = False

    @property
    def descriptor(self) -> int:
        """A file descriptor of the namespace that the thread is in."""
        return self._home if self._here is None else self._here

    @property
    def home(self) -> int:
        """A file descriptor of the namespace that the thread comes from."""
        return self._home

    def go(self, netns: Netns) -> None:
        """Enter a namespace.

        :raises KernelError: it does not exist, is not a namespace, or cannot be entered; the thread stays where it was
        """
        if netns.path == self._path:
            return
        if not netns.path:
            self._go_home()
            return
        there = open_netns(netns)
        try:
            _call("setns", there, CLONE_NEWNET)
        except OSError as exc:
            os.close(there)
            raise KernelError(f"cannot enter {netns.title}: {exc.strerror}", exc.errno or 0) from exc
        self._arrive(netns.path, there)

    def _arrive(self, path: str, descriptor: int | None) -> None:
        if self._here is not None:
            os.close(self._here)
        self._path, self._here = path, descriptor

    def _go_home(self) -> None:
        _call("setns", self._home, CLONE_NEWNET)
        self._arrive(HOST.path, None)

    def close(self) -> None:
        """Return to the first namespace.

        :raises OSError: the thread cannot return; the run must end then, because it would continue in a wrong namespace
        """
        try:
            self._go_home()
        finally:
            os.close(self._home)

    def create(self, name: str, prepare: t.Callable[[], None]) -> None:
        """Create a namespace, enter it, and name it as ip-netns(8) does, so that the tools of ip(8) see it too.

        :param prepare: called inside, before the namespace has its name
        :raises KernelError: the name is taken, or the kernel refused; nothing is left then
        """
        target = Netns("name", name)
        self._go_home()
        try:
            self._share_folder()
            os.close(os.open(target.path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444))
        except OSError as exc:
            raise KernelError(f"cannot create {target.path}: {exc.strerror}", exc.errno or 0) from exc
        try:
            _call("unshare", CLONE_NEWNET)
            self._arrive(target.path, os.open(OWN, os.O_RDONLY | os.O_CLOEXEC))
            prepare()
            _mount(OWN, target.path, MS_BIND)
        except OSError as exc:
            self._abandon(target)
            raise KernelError(f"cannot create {target.title}: {exc.strerror}", exc.errno or 0) from exc
        except KernelError:
            self._abandon(target)
            raise

    def _abandon(self, target: Netns) -> None:
        self._go_home()
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


def identity(netns: Netns) -> tuple[int, int] | None:
    """(device, inode) of the namespace: equal for two paths to the same one; None if there is nothing."""
    try:
        status = os.stat(netns.path or OWN)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def is_there(netns: Netns) -> bool:
    """Whether the path is that of a network namespace, not of another file."""
    try:
        os.close(open_netns(netns))
    except KernelError:
        return False
    return True


def is_dangling(netns: Netns) -> bool:
    """Whether the name of a namespace is a symbolic link to nothing."""
    return netns.kind == "name" and os.path.islink(netns.path) and not os.path.exists(netns.path)


def is_placeholder(netns: Netns) -> bool:
    """Whether a name is the empty file that an interrupted creation leaves."""
    try:
        status = os.lstat(netns.path)
        return stat.S_ISREG(status.st_mode) and not status.st_size and status.st_dev == os.stat(NETNS_FOLDER).st_dev
    except OSError:
        return False


def named() -> tuple[Netns, ...]:
    """The namespaces that have a name under /run/netns."""
    try:
        return tuple(Netns("name", name) for name in sorted(os.listdir(NETNS_FOLDER)))
    except FileNotFoundError:
        return ()


def processes_in(wanted: t.Iterable[Netns]) -> dict[str, tuple[int, ...]]:
    """Path → the ids of the processes in a namespace, without this one; read in one pass over all processes."""
    paths_of: dict[tuple[int, int], list[str]] = {}
    for netns in wanted:
        key = identity(netns)
        if key is not None:
            paths_of.setdefault(key, []).append(netns.path)
    result: dict[str, tuple[int, ...]] = {}
    for name in os.listdir("/proc") if paths_of else ():
        own_key = identity(Netns("pid", name)) if name.isdigit() and int(name) != os.getpid() else None
        for path in paths_of.get(own_key, ()) if own_key else ():
            result[path] = (*result.get(path, ()), int(name))
    return result


def remove(name: str) -> None:
    """Remove the name of a namespace; the kernel deletes the namespace when nothing else holds it.

    :raises KernelError: there is none, or the kernel refused
    """
    target = Netns("name", name)
    try:
        try:
            _call("umount2", os.fsencode(target.path), MNT_DETACH | UMOUNT_NOFOLLOW)
        except OSError as exc:
            # No mount point: the file of an interrupted creation, or a symbolic link to a mount of another program.
            if exc.errno != errno.EINVAL:
                raise
        os.unlink(target.path)
    except OSError as exc:
        raise KernelError(f"cannot delete {target.title}: {exc.strerror}", exc.errno or 0) from exc
