# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Announcements of host addresses that a link of ours had, and that the host has again.

The link is gone, or gets another address, but neighbours go on sending to its MAC address until their caches forget it.
So the host announces the address again, as the kernel does for one that is new.
"""

from __future__ import annotations

import contextlib
import socket
import typing as t

from ..errors import KernelError
from ..model.netns import HOST
from ..steps.steps import AddAddress, DeleteAddress, DeleteLink, Step
from ..values.addresses import without_prefix
from ..wire import frames
from .namespaces import Walker
from .read import read_space
from .sysctls import sysctl_path

ETHERNET = 1  # ARPHRD_ETHER


def touched_by(steps: t.Iterable[Step]) -> frozenset[str]:
    """The addresses that steps add or delete, and those of links that they delete, without prefix lengths."""
    return frozenset(without_prefix(step.address) for step in _of_addresses(steps))


def released_by(steps: t.Iterable[Step]) -> frozenset[str]:
    """The addresses that steps delete and do not add."""
    all_steps = tuple(steps)
    return touched_by(step for step in all_steps if not isinstance(step, AddAddress)) - touched_by(
        step for step in all_steps if isinstance(step, AddAddress)
    )


def _of_addresses(steps: t.Iterable[Step]) -> t.Iterator[AddAddress | DeleteAddress]:
    for step in steps:
        if isinstance(step, (AddAddress, DeleteAddress)):
            yield step
        elif isinstance(step, DeleteLink):
            yield from _of_addresses(step.restore)


def announce(addresses: t.Collection[str]) -> None:
    """Announce those of the addresses that links of this host have; the thread is in the host's own namespace.

    Nothing depends on it: what cannot be read or sent is left out.
    """
    if not addresses:
        return
    with contextlib.suppress(KernelError, OSError), contextlib.closing(Walker()) as walker:
        host = read_space(walker, HOST)
        if host is None:
            return
        for link in host.links.values():
            held = (*host.addresses.get(link.index, ()), *host.link_scope.get(link.index, ()))
            own = [address for address in map(without_prefix, held) if address in addresses]
            if own and link.up and link.hardware == ETHERNET and not link.loopback:
                _send(link.name, [frames.announcement(link.mac, address, _forwards(link.name)) for address in own])


def _send(ifname: str, messages: t.Iterable[bytes]) -> None:
    with contextlib.suppress(OSError), socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC) as sock:
        sock.bind((ifname, 0))
        for message in messages:
            sock.send(message)


def _forwards(ifname: str) -> bool:
    """Whether the host forwards IPv6 on the link."""
    try:
        with open(sysctl_path(f"net.ipv6.conf.{ifname.replace('.', '/')}.forwarding"), encoding="ascii") as file:
            return file.read().strip() != "0"
    except OSError:  # a kernel without IPv6
        return False
