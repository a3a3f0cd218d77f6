# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deletes many links and namespaces at once.

The kernel waits for all of its processors at the end of every deletion (net/core/dev.c, netdev_run_todo), so single
deletions of links take some 15 ms each. Deletions at the same time share one wait: links of the host are deleted as a group,
links in a namespace that is deleted too with it, all others from several threads.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import time
import typing as t
from dataclasses import dataclass

from ..errors import KernelError
from ..model.links import Link
from ..model.netns import Netns
from ..steps.steps import DeleteLink, DeleteNetns, Step
from ..wire import ask, attributes, pack, parse
from ..wire.kinds import kind_of
from . import namespace_changes
from .route_socket import RouteSocket, reason

THREADS = 32
# Waiting for the end of a namespace costs more than deleting a few links first.
FEW = 4
# The kernel begins to delete this many namespaces while the next ones are identified.
TOGETHER = 200
# No such link, and no namespace with this number (any more).
GONE_ERRNOS = (errno.ENODEV, errno.EINVAL)
SECONDS_UNTIL_HELD = 1.0
# The kernel may be slow to begin; a link that is still seen after this time is another one.
SECONDS_WITHOUT_PROGRESS = 10.0
INTERVAL = 0.005


@dataclass(frozen=True)
class LinkToDelete:
    """A link to delete, which was identified as the one of its step."""

    step: DeleteLink
    link: Link


# A link, and the number of its namespace.
_Numbered = tuple[LinkToDelete, int]


class Deletions:
    """Links and namespaces that were identified, and are deleted together.

    :param host: a socket in the host's own namespace
    """

    def __init__(self, host: RouteSocket) -> None:
        self._host = host
        self._of_host: list[LinkToDelete] = []
        self._elsewhere: list[_Numbered] = []
        self._names: dict[str, list[str]] = {}
        self._namespaces: dict[str, DeleteNetns] = {}
        self._going: list[_Numbered] = []

    def __bool__(self) -> bool:
        return bool(self._of_host or self._elsewhere or self._namespaces or self._going)

    @property
    def enough(self) -> bool:
        """Whether there are enough namespaces to delete together: the kernel can begin while others are identified."""
        return len(self._namespaces) >= TOGETHER

    def clear(self) -> None:
        self._of_host.clear()
        self._elsewhere.clear()
        self._names.clear()
        self._namespaces.clear()
        self._going.clear()

    def add_link(self, deletion: LinkToDelete, descriptor: int) -> None:
        """Note a link.

        :param descriptor: of its namespace; it is replaced by a number, which does not keep the namespace alive
        """
        if not deletion.step.netns.path:
            self._of_host.append(deletion)
            return
        # The kernel refuses to number a namespace that has a number, which is as good.
        answer, body = self._host.ask(ask.get_nsid(descriptor), ask.name_netns(descriptor))
        nsid = -1 if body is None else parse.parse_nsid(body)
        if nsid < 0:
            (named,) = self._host.exchange([ask.name_netns(descriptor)])
            raise _refused(deletion.step, named if named.errno else answer)
        self._elsewhere.append((deletion, nsid))
        self._names.setdefault(deletion.step.netns.path, []).append(deletion.link.name)

    def links_in(self, netns: Netns) -> frozenset[str]:
        """The names of the links of a namespace that were noted."""
        return frozenset(self._names.get(netns.path, ()))

    def add_netns(self, step: DeleteNetns) -> None:
        """Note a namespace, which is ours and holds nothing but links that were noted."""
        self._namespaces[step.name] = step

    def carry_out(self) -> None:
        """Delete everything that was noted; the thread must be in the host's own namespace.

        :raises KernelError: naming the first step that was refused
        """
        self.begin()
        going, of_host = self._going, self._of_host
        self._going, self._of_host = [], []
        self._wait_until_gone(going)
        self._delete_of_host(of_host)

    def begin(self) -> None:
        """Remove the names of the namespaces, and delete links that need not wait for them.

        The thread must be in the host's own namespace.

        :raises KernelError: naming the first step that was refused
        """
        elsewhere, spaces = self._elsewhere, self._namespaces
        self._elsewhere, self._namespaces = [], {}
        self._names.clear()
        going, first = self._sorted(elsewhere, spaces)
        self._delete_in_parallel(first)
        for step in spaces.values():
            try:
                namespace_changes.remove(step.name)
            except KernelError as exc:
                exc.step = step
                raise
        self._going += going

    def _sorted(
        self, items: t.Sequence[_Numbered], spaces: t.Collection[str]
    ) -> tuple[list[_Numbered], list[_Numbered]]:
        """Those that can be left to the end of their namespaces, and those that are deleted before it."""
        leaving = [item for item in items if len(spaces) > FEW and item[0].step.netns.value in spaces]
        filters = self._filters({item.link.lower for item, dummy in leaving if item.link.lower is not None})
        seen = {id(item) for item in leaving if _is_named(item[0]) and _mark(item[0]) in filters}
        return [item for item in items if id(item) in seen], [item for item in items if id(item) not in seen]

    def _delete_in_parallel(self, items: t.Sequence[_Numbered]) -> None:
        if len(items) <= 1:
            for item, nsid in items:
                error = _delete(self._host, item, nsid)
                if error is not None:
                    raise error
            return
        import concurrent.futures  # here, because most runs delete nothing

        shares = [items[start::THREADS] for start in range(min(THREADS, len(items)))]
        with concurrent.futures.ThreadPoolExecutor(len(shares)) as pool:
            for error in list(pool.map(_delete_share, shares)):
                if error is not None:
                    raise error

    def _wait_until_gone(self, items: t.Sequence[_Numbered]) -> None:
        """Wait until links are gone whose namespaces have no name any more.

        The kernel deletes namespaces from a work queue. One that another process holds, by an open file or a
        mount, stays; its link is then deleted by itself.

        :raises KernelError: a link stays
        """
        left = {_mark(item): (item, nsid) for item, nsid in items}
        progress = time.monotonic()
        asked = False
        while left and time.monotonic() - progress < SECONDS_WITHOUT_PROGRESS:
            looked = time.monotonic()
            visible = left.keys() & self._filters({item.link.lower or 0 for item, dummy in left.values()})
            if len(visible) < len(left):
                left, progress = {mark: left[mark] for mark in visible}, time.monotonic()
            elif not asked and looked - progress > SECONDS_UNTIL_HELD:
                asked = True
                for deletion, nsid in left.values():
                    self._delete_if_held(deletion, nsid)
            if left:
                # Reading takes the lock that the kernel needs for the deletion that is waited for.
                time.sleep(max(INTERVAL, 3 * (time.monotonic() - looked)))
        # Entries of other programs stay in the filter, and some links have no entry: ask for the link itself.
        for deletion, nsid in items:
            self._delete_if_held(deletion, nsid)

    def _delete_if_held(self, deletion: LinkToDelete, nsid: int) -> None:
        """Delete a link whose namespace is still there.

        The number of a namespace that is being deleted is no longer known (net/core/net_namespace.c, get_net_ns_by_id), and
        may be given to another one; so the link must be identified again.
        """
        answer, body = self._host.ask(pack.get_link_in(nsid, deletion.link.index))
        if answer.errno or body is None or parse.parse_link(body).alias != deletion.link.alias:
            return
        error = _delete(self._host, deletion, nsid)
        if error is not None:
            raise error

    def _filters(self, lowers: t.Iterable[int]) -> set[tuple[int, str]]:
        """(index, MAC address) of all filter entries; a macvlan that is up has one."""
        return {parse.parse_filter(body) for lower in lowers for body in self._host.dump(ask.dump_filter(lower))}

    def _delete_of_host(self, items: t.Sequence[LinkToDelete]) -> None:
        for dummy, run in itertools.groupby(items, key=lambda item: item.link.kind):
            links = list(run)
            if len(links) == 1:
                self._ask_all([(links[0].step, pack.delete_link(links[0].link.index))])
                continue
            # A new group each time: links that an interrupted run has left in one must not be in it.
            group = int.from_bytes(os.urandom(4), "little") >> 1 | 1
            try:
                self._ask_all([(item.step, pack.set_link(item.link.index, group=group)) for item in links])
                self._ask_all([(links[0].step, pack.delete_group(group))])
            except KernelError:
                self._host.exchange([pack.set_link(item.link.index, group=item.link.group) for item in links])
                raise

    def _ask_all(self, requests: t.Sequence[tuple[Step, ask.Packed]]) -> None:
        for (step, dummy), answer in zip(requests, self._host.exchange([request for dummy, request in requests])):
            if answer.errno:
                raise _refused(step, answer)


def _is_named(deletion: LinkToDelete) -> bool:
    """Whether a link was found under the name of its namespace; other paths may outlive that."""
    return deletion.step.netns.kind == "name" and not kind_of(deletion.link).has_mac_of_parent(deletion.link.mode)


def _mark(deletion: LinkToDelete) -> tuple[int, str]:
    """The filter entry of a link: the index of the link below it, and its MAC address."""
    return deletion.link.lower or 0, deletion.link.mac


def _delete_share(items: t.Sequence[_Numbered]) -> KernelError | None:
    """Delete the share of one thread, over its own socket; return the first refusal."""
    with contextlib.closing(RouteSocket()) as sock:
        for deletion, nsid in items:
            error = _delete(sock, deletion, nsid)
            if error is not None:
                return error
    return None


def _delete(sock: RouteSocket, deletion: LinkToDelete, nsid: int) -> KernelError | None:
    """Delete a link by the number of its namespace; return the refusal, except for a link or namespace that is gone already."""
    (answer,) = sock.exchange([pack.delete_link(deletion.link.index, nsid)])
    return None if answer.errno in (0, *GONE_ERRNOS) else _refused(deletion.step, answer)


def _refused(step: Step, answer: attributes.Answer) -> KernelError:
    return KernelError(f"cannot {step.describe()}: {reason(answer)}", answer.errno, step)
