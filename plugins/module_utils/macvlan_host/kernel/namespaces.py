# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network namespaces: enter, leave and identify them."""

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
NS_GET_NSTYPE = 0xB703  # include/uapi/linux/nsfs.h
OWN = "/proc/thread-self/ns/net"


_LIBRARY = ctypes.CDLL(None, use_errno=True)


def call(function: str, *arguments: t.Any) -> None:
    """Call the C library.

    :raises OSError: with the errno of the call
    """
    if getattr(_LIBRARY, function)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


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
            self.go_home()
            return
        there = open_netns(netns)
        try:
            call("setns", there, CLONE_NEWNET)
        except OSError as exc:
            os.close(there)
            raise KernelError(f"cannot enter {netns.title}: {exc.strerror}", exc.errno or 0) from exc
        self.arrive(netns.path, there)

    def arrive(self, path: str, descriptor: int | None) -> None:
        if self._here is not None:
            os.close(self._here)
        self._path, self._here = path, descriptor

    def go_home(self) -> None:
        call("setns", self._home, CLONE_NEWNET)
        self.arrive(HOST.path, None)

    def close(self) -> None:
        """Return to the first namespace.

        :raises OSError: the thread cannot return; the run must end then, because it would continue in a wrong namespace
        """
        try:
            self.go_home()
        finally:
            os.close(self._home)


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
