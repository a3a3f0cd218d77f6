# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The context that all functions that perform steps share: sockets, the batch, and the links that are known."""

from __future__ import annotations

import errno
import typing as t

from ..errors import KernelError
from ..model.links import Link
from ..model.netns import Netns
from ..steps.link_spec import LinkSpec
from ..steps.steps import AddLink, Step
from ..wire import attributes
from ..wire.kinds import LinkKind, kind_of
from .batch import Batch
from .delete import Deletions
from .pyroute import LinkMaker
from .read import read_links
from .sockets import Sockets
from .step_error import step_error

# The path of a namespace, and the name of a link there.
InterfaceKey = tuple[str, str]


class KnownLink(t.NamedTuple):
    """The facts about a link that a change of it needs.

    :ivar table: of its routes, if it is in a VRF, or is one; None for the main table

    """

    ifindex: int
    kind: LinkKind
    table: int | None = None


class StepContext:
    """The context of the steps of a run: sockets, batch, deletions, and known links.

    :ivar many: whether there are so many new links that they are kept private to each other (kernel/link_creation.py)
    :ivar kept_private: those that are
    :ivar known: the links that were looked up, or created
    """

    def __init__(self) -> None:
        self.sockets = Sockets()
        self.deletions = Deletions(self.sockets.host)
        self.batch = Batch(self.sockets, self.deletions)
        self.many = False
        self.kept_private: dict[InterfaceKey, AddLink] = {}
        self.known: dict[InterfaceKey, KnownLink] = {}
        self._of_host: dict[str, Link] | None = None
        self._link_maker: LinkMaker | None = None

    def close(self) -> None:
        self.sockets.close()
        if self._link_maker is not None:
            self._link_maker.close()

    def forget(self) -> None:
        """Forget all queued messages and all known links."""
        self.batch.forget()
        self.known.clear()
        self.kept_private.clear()
        self.sockets.seen = self._of_host = None
        self.many = False

    def forget_links(self) -> None:
        """Read links again: some of those that were read are deleted by now."""
        self.sockets.seen = self._of_host = None

    def links(self, step: Step, netns: Netns) -> dict[str, Link]:
        """The links of a namespace, read once for consecutive deletions."""
        sock = self.sockets.of(step, netns)
        if self.sockets.seen is None:
            self.sockets.seen = read_links(sock)
        return self.sockets.seen

    def tagged(self, step: Step, netns: Netns, wanted: LinkSpec) -> Link | None:
        """The link that carries the tag of the wanted one, under any name."""
        if netns.path:
            links = self.links(step, netns)
        else:
            self._of_host = links = self._of_host or read_links(self.sockets.host)
        return next((link for link in links.values() if link.alias and link.alias == wanted.tag), None)

    def find(self, step: Step, netns: Netns, name: str) -> KnownLink:
        """A link, looked up once.

        :raises KernelError: it is not there
        """
        interface = netns.path, name
        if interface not in self.known:
            self.batch.flush_messages()
            link = self.sockets.of(step, netns).link(name)
            if link is None:
                raise KernelError(
                    f"cannot {step.describe()}: there is no link {name}{netns.phrase or ' on this host'}", errno.ENODEV
                )
            self.known[interface] = KnownLink(link.index, kind_of(link), link.table or self._table_of_vrf(step, netns, link))
        return self.known[interface]

    def _table_of_vrf(self, step: Step, netns: Netns, link: Link) -> int | None:
        """The table of the VRF that a link is in."""
        if link.master is None:
            return None
        links = read_links(self.sockets.of(step, netns)).values()
        return next((other.table for other in links if other.index == link.master), None)

    def by_link_maker(self, step: Step, make: t.Callable[[LinkMaker], attributes.Answer]) -> None:
        """Let pyroute2 do something in the host's own namespace.

        :raises KernelError: naming the step
        """
        if self._link_maker is None:
            self.sockets.go_home()
            self._link_maker = LinkMaker()
        answer = make(self._link_maker)
        if answer.errno:
            raise step_error(step, answer)
