# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the neighbours of parents whether they have addresses, and listens.

What asks is a link beside those of endpoints, so that these hear it too. Two packet sockets do for any number of parents: one at
these links, and one in the host's own namespace, which hears what comes from the wire and nothing that this host sends.
"""

from __future__ import annotations

import contextlib
import errno
import random
import select
import socket
import typing as t

from ..errors import KernelError
from ..model.probe import Heard, Pace, Segment
from ..wire import probes
from ..wire.ask import get_link
from ..wire.attributes import LINK
from ..wire.constants import IFF_UP
from ..wire.frames import mac_bytes
from ..wire.parse import parse_link
from .packet_socket import hear_all, packet_socket
from .probe_links import ProbeLinks
from .probe_notes import Notes
from .route_socket import RouteSocket

# No frame that says something about an address is longer.
LONGEST_FRAME = 1024
# More questions at once overflow the broadcast queue of macvlan links elsewhere (bcqueuelen), which then never hear them.
BURST, BURST_TIME = 256, 0.01  # frames on each parent, and seconds
READ_AT_ONCE = 512
IFF_LOWER_UP = 0x10000  # include/uapi/linux/if.h
# A parent may go down, or away, while it is asked on.
_LINK_LOST = (errno.ENETDOWN, errno.ENODEV, errno.ENXIO)

_Frame = tuple[socket.socket, str, bytes]


class _Voice(t.NamedTuple):
    """What asks on a parent.

    :ivar link: the name of the link that sends
    :ivar mac: of that link
    :ivar parent_mac: of the parent
    """

    sock: socket.socket
    link: str
    mac: str
    parent_mac: str

    @property
    def is_parent(self) -> bool:
        return self.mac == self.parent_mac


class Prober:
    """Asks on any number of parents at once. It listens from the moment when a parent is added until :meth:`close`.

    :ivar reflecting: the parents that return frames of this host, as some hubs and access points do
    """

    def __init__(self, now: t.Callable[[], float]) -> None:
        """Open its socket, in the host's own namespace.

        :param now: the seconds since an arbitrary moment
        :raises KernelError: this process can have no packet socket
        """
        self.reflecting: set[str] = set()
        self._now = now
        self._notes = Notes()
        self._voices: dict[str, _Voice] = {}
        self._parent_of: dict[str, str] = {}
        self._segments: dict[str, Segment] = {}
        self._links: ProbeLinks | None = None
        try:
            self._outside = packet_socket()
        except OSError as exc:
            raise KernelError(f"cannot open a packet socket: {exc.strerror}", exc.errno or 0) from exc

    def close(self) -> None:
        self._outside.close()
        if self._links is not None:
            self._links.close()

    # --- parents ----------------------------------------------------------------------------------------------------

    def add(self, segments: t.Iterable[Segment]) -> dict[str, str]:
        """Begin to listen on parents; return those that cannot be asked on → why, as the end of a sentence."""
        silent: dict[str, str] = {}
        ready: list[tuple[Segment, int, str]] = []
        with contextlib.closing(RouteSocket()) as host:
            for segment in segments:
                body = host.ask(get_link(segment.parent))[1]
                problem = "does not exist" if body is None else _problem(body)
                if body is None or problem:
                    silent[segment.parent] = problem
                    continue
                link = parse_link(body)
                try:
                    hear_all(self._outside, link.index)
                except OSError as exc:
                    silent[segment.parent] = f"gives no answers ({exc.strerror})"
                    continue
                self._notes.expect(segment)
                self._segments[segment.parent] = segment
                self._voices[segment.parent] = _Voice(self._outside, segment.parent, link.mac, link.mac)
                ready.append((segment, link.index, link.mac))
            self._add_links(host, [item for item in ready if not item[0].by_parent])
        return silent

    def _add_links(self, host: RouteSocket, ready: t.Sequence[tuple[Segment, int, str]]) -> None:
        """Have a link of its own ask on each parent, where the kernel permits one."""
        if not ready:
            return
        try:
            self._links = self._links or ProbeLinks()
            added = self._links.add(host, [(index, probes.asking_mac(segment.host, mac)) for segment, index, mac in ready])
        except OSError:
            # Then the parents ask.
            return
        for (segment, dummy, parent_mac), link in zip(ready, added):
            if link is not None:
                name, mac = link
                self._voices[segment.parent] = _Voice(self._links.sock, name, mac, parent_mac)
                self._parent_of[name] = segment.parent

    def ask_by_parent(self, parent: str) -> None:
        """From now on have the parent itself ask."""
        mac = self._voices[parent].parent_mac
        self._voices[parent] = _Voice(self._outside, parent, mac, mac)

    def asks_by_parent(self, parent: str) -> bool:
        return self._voices[parent].is_parent

    def macs(self, parent: str) -> tuple[str, str]:
        """The MAC addresses of the link that asks on a parent, and of the parent."""
        voice = self._voices[parent]
        return voice.mac, voice.parent_mac

    # --- asking -----------------------------------------------------------------------------------------------------

    def ask(self, questions: t.Mapping[str, t.Collection[str]], pace: Pace) -> None:
        """Ask for addresses, in a random order, and so slowly that no neighbour loses a question.

        :param questions: parent that was added → addresses
        """
        frames = {parent: self._frames(parent, addresses) for parent, addresses in questions.items()}
        for dummy in range(pace.rounds):
            for queue in frames.values():
                random.shuffle(queue)
            for start in range(0, max(map(len, frames.values()), default=0), BURST):
                until = self._now() + BURST_TIME
                for queue in frames.values():
                    _send(queue[start : start + BURST])
                self.listen(until)
            self.listen(self._now() + pace.pause)

    def _frames(self, parent: str, addresses: t.Collection[str]) -> list[_Frame]:
        """The questions; routers are asked by the parent too, which tells whether frames of other links pass."""
        voice = self._voices[parent]
        gateways = () if voice.is_parent else self._segments[parent].gateways
        self._notes.ask(parent, (*addresses, *gateways))
        mac, parent_mac = mac_bytes(voice.mac), mac_bytes(voice.parent_mac)
        frames = [(voice.sock, voice.link, probes.probe(mac, address)) for address in {*addresses, *gateways}]
        return frames + [(self._outside, parent, probes.probe(parent_mac, gateway)) for gateway in gateways]

    # --- listening --------------------------------------------------------------------------------------------------

    def listen(self, until: float) -> None:
        """Listen until a moment."""
        poll = select.poll()
        sockets = {sock.fileno(): sock for sock in (self._outside, *([self._links.sock] if self._links is not None else []))}
        for descriptor in sockets:
            poll.register(descriptor, select.POLLIN)
        while True:
            left = until - self._now()
            ready = poll.poll(max(left, 0.0) * 1000)
            for descriptor, dummy in ready:
                self._read(sockets[descriptor])
            # In a flood there is always more.
            if left <= 0 or not ready and self._now() >= until:
                return

    def heard(self) -> list[Heard]:
        """All that has arrived since the last call."""
        self.listen(self._now())
        return self._notes.take()

    def _read(self, sock: socket.socket) -> None:
        for dummy in range(READ_AT_ONCE):
            try:
                frame, source = sock.recvfrom(LONGEST_FRAME, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError as exc:
                if exc.errno in _LINK_LOST:
                    continue
                raise KernelError(f"cannot read a packet socket: {exc.strerror}", exc.errno or 0) from exc
            is_outside = sock is self._outside
            parent = source[0] if is_outside else self._parent_of.get(source[0], "")
            if parent in self._voices:
                self._note(parent, frame, is_outside)

    def _note(self, parent: str, frame: bytes, came_in: bool) -> None:
        claim = probes.claim_in(frame)
        if claim is None:
            return
        voice = self._voices[parent]
        own = (mac_bytes(voice.mac), mac_bytes(voice.parent_mac))
        if claim.sender not in own and claim.mac not in own:
            self._notes.add(parent, claim, came_in)
        elif came_in:
            self.reflecting.add(parent)


def _problem(body: bytes) -> str:
    """Why a link cannot send, as the end of a sentence, by the answer to a question for it.

    IFF_RUNNING follows the carrier a moment later (net/core/link_watch.c), so a link that was just created would not have it.
    """
    flags = LINK.unpack_from(body)[3]
    if not flags & IFF_UP:
        return "is down"
    return "" if flags & IFF_LOWER_UP else "has no carrier"


def _send(frames: t.Iterable[_Frame]) -> None:
    for sock, link, frame in frames:
        try:
            sock.sendto(frame, (link, 0))
        except OSError as exc:
            # A full queue loses this one, and the next round asks again.
            if exc.errno != errno.ENOBUFS and exc.errno not in _LINK_LOST:
                raise KernelError(f"cannot send by {link}: {exc.strerror}", exc.errno or 0) from exc
