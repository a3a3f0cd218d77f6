# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deleting many links and namespaces at once.

The kernel waits for all of its processors at the end of every deletion (net/core/dev.c, netdev_run_todo), so links
that go one by one take some 15 ms each. They share one wait when they go together: those of the host as a group,
those of a namespace that goes anyway with it, the others from several threads.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import time
import typing as t
from dataclasses import dataclass

from . import codec, namespaces
from .errors import KernelError
from .model import Link
from .netlink import RouteSocket, reason
from .steps import DeleteLink, DeleteNetns, Step

THREADS = 32
# Waiting for a namespace to go costs more than deleting a few links first.
FEW = 4
SECONDS_TO_GO = 30.0
SECONDS_UNTIL_HELD = 1.0
INTERVAL = 0.005


@dataclass(frozen=True)
class Doomed:
    """A link to delete, found and recognised."""

    step: DeleteLink
    link: Link


# A link, and the number of its namespace.
_Numbered = tuple[Doomed, int]
# (index of the link below, MAC address) → such a link.
_Left = dict[tuple[int, str], _Numbered]


class Deletions:
    """Links and namespaces that were found and recognised, and go together.

    :param host: a socket in the host's own namespace
    """

    def __init__(self, host: RouteSocket) -> None:
        self._host = host
        self._of_host: list[Doomed] = []
        self._elsewhere: list[_Numbered] = []
        self._namespaces: dict[str, DeleteNetns] = {}

    def __bool__(self) -> bool:
        return bool(self._of_host or self._elsewhere or self._namespaces)

    def clear(self) -> None:
        self._of_host.clear()
        self._elsewhere.clear()
        self._namespaces.clear()

    def add_link(self, doomed: Doomed, descriptor: int) -> None:
        """Note a link.

        :param descriptor: of its namespace; a number stands for that from now on, and does not keep it alive
        """
        if not doomed.step.netns.path:
            self._of_host.append(doomed)
            return
        # It may have a number already, which is as good.
        self._host.exchange([codec.name_netns(descriptor)])
        answer, body = self._host.ask(codec.get_nsid(descriptor))
        nsid = -1 if body is None else codec.parse_nsid(body)
        if nsid < 0:
            raise _refused(doomed.step, answer)
        self._elsewhere.append((doomed, nsid))

    def add_netns(self, step: DeleteNetns) -> None:
        """Note a namespace, which is ours and holds nothing but links that were noted."""
        self._namespaces[step.name] = step

    def carry_out(self) -> None:
        """Delete everything that was noted; the thread must be in the host's own namespace.

        :raises KernelError: naming the first step that was refused
        """
        of_host, elsewhere, spaces = self._of_host, self._elsewhere, self._namespaces
        self._of_host, self._elsewhere, self._namespaces = [], [], {}
        going: list[_Numbered] = []
        first: list[_Numbered] = []
        for item in elsewhere:
            leaves = len(spaces) > FEW and _goes_with_its_namespace(item[0], spaces)
            (going if leaves else first).append(item)
        self._delete_in_parallel(first)
        for step in spaces.values():
            namespaces.remove(step.name)
        self._see_go(going)
        self._delete_of_host(of_host)

    def _delete_in_parallel(self, items: t.Sequence[_Numbered]) -> None:
        if len(items) <= 1:
            self._ask_all([(item.step, codec.delete_link(item.link.index, nsid)) for item, nsid in items])
            return
        import concurrent.futures  # here, because most runs delete nothing

        shares = [items[start::THREADS] for start in range(min(THREADS, len(items)))]
        with concurrent.futures.ThreadPoolExecutor(len(shares)) as pool:
            for error in list(pool.map(_delete_share, shares)):
                if error is not None:
                    raise error

    def _see_go(self, items: t.Sequence[_Numbered]) -> None:
        """Wait until links are gone whose namespaces were let go.

        The kernel takes namespaces apart from a work queue. One that somebody else holds, by an open file or a
        mount, stays; its link is then deleted by itself.

        :raises KernelError: they do not go
        """
        left = {(item.link.lower or 0, item.link.mac): (item, nsid) for item, nsid in items}
        start = time.monotonic()
        held = False
        while left:
            looked = time.monotonic()
            left = {key: left[key] for key in left.keys() & self._filters({lower for lower, dummy in left})}
            passed = time.monotonic() - start
            if left and passed > SECONDS_TO_GO:
                doomed = next(iter(left.values()))[0]
                raise KernelError(f"cannot {doomed.step.describe()}: it is still there after {SECONDS_TO_GO:.0f} s")
            if left and passed > SECONDS_UNTIL_HELD and not held:
                held = True
                left = self._delete_held(left)
            if left:
                # A look takes the lock that the kernel needs for the work that is waited for.
                time.sleep(max(INTERVAL, 3 * (time.monotonic() - looked)))

    def _delete_held(self, left: _Left) -> _Left:
        """Delete links whose namespaces are held by somebody else; those come back whose namespaces are going."""
        answers = self._host.exchange([codec.delete_link(item.link.index, nsid) for item, nsid in left.values()])
        # The number of a namespace that is going is no longer known (net/core/net_namespace.c, get_net_ns_by_id).
        return {key: item for (key, item), answer in zip(left.items(), answers) if answer.errno == errno.EINVAL}

    def _filters(self, lowers: t.Iterable[int]) -> set[tuple[int, str]]:
        """(index, MAC address) of all that links take frames for; a macvlan that is up is among it."""
        return {codec.parse_filter(body) for lower in lowers for body in self._host.dump(codec.dump_filter(lower))}

    def _delete_of_host(self, items: t.Sequence[Doomed]) -> None:
        for dummy, run in itertools.groupby(items, key=lambda item: item.link.kind):
            links = list(run)
            if len(links) == 1:
                self._ask_all([(links[0].step, codec.delete_link(links[0].link.index))])
                continue
            # A group of its own for each time: what is left of an interrupted one must not be in it.
            group = int.from_bytes(os.urandom(4), "little") >> 1 | 1
            self._ask_all([(item.step, codec.set_link(item.link.index, group=group)) for item in links])
            self._ask_all([(links[0].step, codec.delete_group(group))])

    def _ask_all(self, requests: t.Sequence[tuple[Step, codec.Packed]]) -> None:
        for (step, dummy), answer in zip(requests, self._host.exchange([request for dummy, request in requests])):
            if answer.errno:
                raise _refused(step, answer)


def _goes_with_its_namespace(doomed: Doomed, spaces: t.Container[str]) -> bool:
    """Whether a link can be left to the end of its namespace, because the filter of its parent then tells of it."""
    netns = doomed.step.netns
    in_sight = doomed.link.up and doomed.link.lower is not None and doomed.link.macvlan_mode != "passthru"
    return netns.kind == "name" and netns.value in spaces and in_sight


def _delete_share(items: t.Sequence[_Numbered]) -> KernelError | None:
    """What a thread deletes, over a socket of its own; the first refusal."""
    with contextlib.closing(RouteSocket()) as sock:
        for doomed, nsid in items:
            (answer,) = sock.exchange([codec.delete_link(doomed.link.index, nsid)])
            if answer.errno:
                return _refused(doomed.step, answer)
    return None


def _refused(step: Step, answer: codec.Answer) -> KernelError:
    return KernelError(f"cannot {step.describe()}: {reason(answer)}", answer.errno)
