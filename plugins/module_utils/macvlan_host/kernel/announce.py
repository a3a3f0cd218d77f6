# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Announcements of addresses that the kernel does not announce by itself.

- Host addresses that a link of ours had, and that the host has again. The link is gone, or gets another address, but neighbours go
  on sending to its MAC address until their caches forget it.
- Addresses that come to a link which is up. The kernel announces those that a link has when it comes up, or gets another MAC address.
"""

from __future__ import annotations

import contextlib
import socket
import typing as t

from ..errors import KernelError
from ..model.links import ETHERNET
from ..model.netns import HOST
from ..steps.steps import AddAddress, AddLink, DeleteAddress, DeleteLink, SetLink, Step
from ..values.addresses import without_prefix
from ..wire import frames
from .namespaces import Walker
from .read import read_space
from .sysctls import sysctl_path

if t.TYPE_CHECKING:
    from ..model.endpoint import Endpoint


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


class Interface(t.NamedTuple):
    """A link, by its namespace and its name."""

    path: str
    name: str


def added_by(steps: t.Iterable[Step]) -> dict[Interface, list[str]]:
    """Interface → the addresses that come to it without an announcement of the kernel."""
    added: dict[Interface, list[str]] = {}
    new: set[Interface] = set()
    for step in steps:
        if isinstance(step, AddLink):
            new.add(Interface(step.netns.path, step.link.name))
        elif isinstance(step, AddAddress):
            interface = Interface(step.netns.path, step.ifname)
            if interface not in new:
                added.setdefault(interface, []).append(without_prefix(step.address))
        elif isinstance(step, SetLink) and step.attribute in ("up", "mac") and step.new:
            added.pop(Interface(step.netns.path, step.ifname), None)
    return added


def announce_added(steps: t.Iterable[Step], endpoints: t.Iterable[Endpoint]) -> None:
    """Announce the addresses that have come to links of endpoints, as far as these announce theirs.

    Nothing depends on it, as above.

    :param endpoints: as they are after the steps
    """
    added = added_by(steps)
    if not added:
        return
    with contextlib.suppress(KernelError), contextlib.closing(Walker()) as walker:
        for endpoint in endpoints:
            addresses = set(added.get(Interface(endpoint.netns.path, endpoint.ifname), ())).intersection(map(without_prefix, endpoint.addresses))
            if addresses and endpoint.announce:
                walker.go(endpoint.netns)
                router = _forwards(endpoint.ifname)
                _send(endpoint.ifname, [frames.announcement(endpoint.mac, address, router) for address in sorted(addresses)])


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
