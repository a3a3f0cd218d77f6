# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits for links and namespaces that other programs create, by events of the kernel, without polling."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import time
import typing as t

from ..model.link_identity import signs_of
from ..model.netns import Netns
from ..wire import attributes, constants, parse
from . import namespaces

RTMGRP_LINK = 1  # include/uapi/linux/rtnetlink.h
MOUNTS = "/proc/self/mountinfo"
RECEIVE_SIZE = 1 << 16
LOOK_AT_PATHS = 10.0  # seconds


class Watch:
    """The events of links of this namespace, and of mounts, from now on; names of namespaces are mounts.

    Open it before reading the kernel, so that no event is missed.
    """

    def __init__(self) -> None:
        self._links = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        self._links.bind((0, RTMGRP_LINK))
        self._mounts = os.open(MOUNTS, os.O_RDONLY | os.O_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._links, select.POLLIN)
        # proc_pid_mountinfo(5): a change of the mounts is an error condition.
        self._poll.register(self._mounts, select.POLLPRI | select.POLLERR)

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        self._links.close()
        os.close(self._mounts)

    def wait(self, awaited: t.Collection[str], timeout: float | None) -> bool:
        """Wait until something has happened to one of the links or paths; False when time is up.

        :param awaited: what links are known by (:func:`signs_of`), and paths of namespaces
        :param timeout: in seconds, None for ever
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        # A path can also be a symbolic link, of which no event tells.
        looks = [LOOK_AT_PATHS] if any(name.startswith("/") for name in awaited) else []
        while deadline is None or time.monotonic() < deadline:
            waits = looks if deadline is None else [*looks, max(0.0, deadline - time.monotonic())]
            happened = self._poll.poll(min(waits) * 1000 if waits else None)
            if not happened and _existing(awaited):
                return True
            for descriptor, dummy in happened:
                come = self._changed_links() if descriptor == self._links.fileno() else _existing(awaited)
                if come is None or any(name in awaited for name in come):
                    return True
        return False

    def _changed_links(self) -> list[str] | None:
        """What links that are new or changed are known by; None if the kernel has dropped events."""
        signs: list[str] = []
        with contextlib.suppress(BlockingIOError):
            while True:
                try:
                    data, (port, dummy) = self._links.recvfrom(RECEIVE_SIZE)
                except OSError as exc:
                    if exc.errno == errno.ENOBUFS:
                        return None
                    raise
                for kind, *dummy, body in attributes.messages(data) if port == constants.KERNEL_PORT else ():
                    if kind == constants.RTM_NEWLINK:
                        signs += signs_of(parse.parse_link(body))
        return signs


def _existing(awaited: t.Iterable[str]) -> list[str]:
    return [name for name in awaited if name.startswith("/") and namespaces.is_there(Netns("path", name))]
