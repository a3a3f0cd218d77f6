# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The namespace of the thread, with one socket for it and one for the host."""

from __future__ import annotations

import typing as t

from ..errors import KernelError
from ..model.links import Link
from ..model.netns import HOST, Netns
from ..steps.steps import Step
from .namespace_changes import Creator
from .route_socket import RouteSocket


class Sockets:
    """One socket for the host and one for the present namespace, so that steps in any number of namespaces need no more.

    The thread stays in the namespace of the last step until a step in another one, and returns to the host's own in :meth:`close`.

    :ivar host: the socket in the host's own namespace
    :ivar seen: the links of the present namespace, if they were read and nothing has changed since
    """

    def __init__(self) -> None:
        self.host = RouteSocket()
        self.seen: dict[str, Link] | None = None
        self._walker = Creator()
        self._there: RouteSocket | None = None
        self._there_path = HOST.path

    def close(self) -> None:
        self.host.close()
        self.leave()
        self._walker.close()

    @property
    def descriptor(self) -> int:
        """Of the namespace that the thread is in."""
        return self._walker.descriptor

    def leave(self) -> None:
        """Close the socket of the present namespace, which would keep the namespace alive without its name."""
        if self._there is not None:
            self._there.close()
        self._there, self._there_path = None, HOST.path
        self.seen = None

    def go_home(self) -> None:
        """Return to the host's own namespace, and hold no other one."""
        self.leave()
        self._walker.go(HOST)

    def go(self, step: Step, netns: Netns) -> None:
        """Enter the namespace of a step.

        :raises KernelError: naming the step
        """
        if netns.path != self._there_path:
            self.leave()
        try:
            self._walker.go(netns)
        except KernelError as exc:
            raise KernelError(f"cannot {step.describe()}: {exc}", exc.errno, step) from exc

    def of(self, step: Step, netns: Netns) -> RouteSocket:
        """The socket of the namespace of a step, where the thread is then, unless it is the host's own."""
        if not netns.path:
            return self.host
        self.go(step, netns)
        if self._there is None:
            self._there, self._there_path = RouteSocket(), netns.path
        return self._there

    def create(self, name: str, prepare: t.Callable[[RouteSocket], None]) -> None:
        """Create a namespace, which gets its name when it is prepared; the thread is in it then.

        :raises KernelError: it cannot be created or prepared, and is gone again
        """
        self.leave()
        try:
            self._walker.create(name, lambda: prepare(self._created(name)))
        except KernelError:
            self.leave()
            raise

    def _created(self, name: str) -> RouteSocket:
        self._there, self._there_path = RouteSocket(), Netns("name", name).path
        return self._there
