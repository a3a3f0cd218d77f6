# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The links that ask the neighbours of parents: macvlan links in a network namespace without a name.

Only this process holds the namespace, so the kernel takes it away, links and all, with the process, however that ends.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import typing as t

from ..errors import KernelError
from ..wire import pack
from ..wire.kinds import MACVLAN, Details
from .namespaces import CLONE_NEWNET, OWN, call
from .packet_socket import hear_all, packet_socket
from .route_socket import RouteSocket

# Another run may ask on the same parent at this moment, with the same MAC address.
MAC_ATTEMPTS = 4
NO_IPV6 = "/proc/sys/net/ipv6/conf/default/disable_ipv6"


class ProbeLinks:
    """Links on any number of parents, and one packet socket for all of them.

    :ivar sock: sends by these links, and hears what arrives at them
    """

    def __init__(self) -> None:
        """Create the namespace; the thread is back where it was afterwards.

        :raises OSError: the kernel has refused it
        """
        self._names: list[str] = []
        self._home = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
        try:
            call("unshare", CLONE_NEWNET)
        except BaseException:
            os.close(self._home)
            raise
        try:
            self._netns = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
            # The kernel would make addresses for the links, and tell all neighbours.
            with contextlib.suppress(OSError), open(NO_IPV6, "w", encoding="ascii") as file:
                file.write("1")
            self.sock = packet_socket()
            self._netlink = RouteSocket()
        finally:
            call("setns", self._home, CLONE_NEWNET)

    def add(self, host: RouteSocket, parents: t.Sequence[tuple[int, str]]) -> list[tuple[str, str] | None]:
        """Add a link on each parent: its name and MAC address, None where the kernel refuses it.

        :param host: a socket in the host's own namespace
        :param parents: (ifindex, MAC address of the link) of each
        """
        names = [f"probe{len(self._names) + position}" for position in range(len(parents))]
        self._names += names
        answers = host.exchange(
            [
                pack.add_link(MACVLAN, name, index, Details("bridge"), mac, netns_fd=self._netns)
                for name, (index, mac) in zip(names, parents)
            ]
        )
        call("setns", self._netns, CLONE_NEWNET)
        try:
            return [
                None if answer.errno else self._bring_up(name, mac)
                for name, (dummy, mac), answer in zip(names, parents, answers)
            ]
        finally:
            call("setns", self._home, CLONE_NEWNET)

    def _bring_up(self, name: str, mac: str) -> tuple[str, str] | None:
        """Bring a link up, with another MAC address if a link on the same parent has this one."""
        for attempt in range(MAC_ATTEMPTS):
            tried = f"{mac[:-2]}{int(mac[-2:], 16) ^ attempt:02x}"
            if attempt:
                self._netlink.exchange([pack.set_link(0, by_name=name, mac=tried)])
            (answer,) = self._netlink.exchange([pack.set_link(0, by_name=name, up=True)])
            if not answer.errno:
                hear_all(self.sock, socket.if_nametoindex(name))
                return name, tried
            if answer.errno != errno.EADDRINUSE:
                break
        return None

    def close(self) -> None:
        """Take the links away at once; without this the kernel does it a moment after the process has ended."""
        self.sock.close()
        with contextlib.suppress(KernelError), contextlib.closing(self._netlink):
            links = [self._netlink.link(name) for name in self._names]
            self._netlink.exchange([pack.delete_link(link.index) for link in links if link is not None])
        os.close(self._netns)
        os.close(self._home)
