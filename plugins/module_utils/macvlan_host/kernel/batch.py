# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages that are sent together, and the results of their steps from the answers."""

from __future__ import annotations

import errno
import typing as t

from ..errors import KernelError
from ..model.netns import HOST, Netns
from ..model.sysctl import Sysctl
from ..steps.steps import AddAddress, AddConnectedRoute, AddRoute, DeleteAddress, ReplaceRoute, SetSysctls, Step
from ..wire import ask, attributes
from .delete import Deletions
from .route_socket import reason
from .setting_files import write_setting
from .sockets import Sockets
from .step_error import step_error

# After a refusal no more messages should be sent, and a refusal is seen only with the answers to its batch.
LONGEST_BATCH = 256

# Steps of one message that add something, which the kernel does or refuses as a whole. What was not deleted may go by a
# later step of the same batch, a route with its address, and adding again what is still there does no harm.
SINGLE = (AddAddress, AddConnectedRoute, AddRoute, ReplaceRoute)


class _Queued(t.NamedTuple):
    """A message that waits to be sent.

    :ivar setting: the setting that it writes, if it writes one
    """

    step: Step
    request: ask.Packed
    setting: Sysctl | None


class Batch:
    """Sends neighbouring messages to one namespace together, and neighbouring deletions too; only one of the two waits.

    :ivar untagged: (path of the namespace, name) → the present name of a new link whose message with tag and name waits
    :ivar refused: steps that are known to have had no effect
    :ivar knows_settings: whether the kernel has taken a setting by netlink
    """

    def __init__(self, sockets: Sockets, deletions: Deletions) -> None:
        self.untagged: dict[tuple[str, str], str] = {}
        self.refused: list[Step] = []
        self.knows_settings = False
        self._sockets, self._deletions = sockets, deletions
        self._queued: list[_Queued] = []
        self._netns = HOST

    def queue(self, step: Step, netns: Netns, request: ask.Packed, setting: Sysctl | None = None) -> None:
        """Add a message to the batch, after those that wait already."""
        self.flush_deletions()
        self._sockets.seen = None
        if self._queued and self._netns != netns or len(self._queued) >= LONGEST_BATCH:
            self.flush_messages()
        self._netns = netns
        self._queued.append(_Queued(step, request, setting))

    def await_additions(self) -> None:
        """Delete no address before the kernel has accepted the address that replaces it.

        The kernel continues a batch after a refused message, and with the last address of a family it deletes the routes
        of the link, which have no steps of their own and so would not be restored.
        """
        if any(isinstance(queued.step, AddAddress) for queued in self._queued):
            self.flush_messages()

    def flush(self) -> None:
        """Send what is queued, and delete what is to be deleted.

        :raises KernelError: naming the first step that was refused
        """
        self.flush_messages()
        self.flush_deletions()

    def flush_messages(self) -> None:
        """Send what is queued.

        :raises KernelError: naming the first step that was refused
        """
        batch, self._queued = self._queued, []
        self.untagged.clear()
        if not batch:
            return
        sock = self._sockets.of(batch[0].step, self._netns)
        answers = sock.exchange([queued.request for queued in batch])
        # Steps after a refused one in the same batch may have been performed.
        self.refused += [
            queued.step for queued, answer in zip(batch, answers) if answer.errno and isinstance(queued.step, SINGLE)
        ]
        for queued, answer in zip(batch, answers):
            if queued.setting is not None:
                self._take_setting(queued, answer)
            elif answer.errno and not _has_gone(queued.step, answer):
                raise step_error(queued.step, answer)

    def flush_deletions(self) -> None:
        """Delete what is to be deleted.

        :raises KernelError: naming the first step that was refused
        """
        if self._deletions:
            self._sockets.go_home()
            self._deletions.carry_out()

    def forget(self) -> None:
        """Drop all messages and deletions that wait."""
        self._queued.clear()
        self._deletions.clear()
        self.untagged.clear()

    def _take_setting(self, queued: _Queued, answer: attributes.Answer) -> None:
        """Make sure that a setting which was sent in a batch is written: if the kernel refuses the message, use the file.

        :raises KernelError: both the message and the file are refused
        """
        if not answer.errno:
            self.knows_settings = True
        elif answer.errno == errno.ENODEV:
            raise step_error(queued.step, answer)
        else:
            step, item = t.cast(SetSysctls, queued.step), t.cast(Sysctl, queued.setting)
            self._sockets.go(step, step.netns)
            try:
                write_setting(step, item, step.ifname)
            except KernelError as exc:
                raise KernelError(f"{exc}; by netlink: {reason(answer)}", exc.errno, step) from exc


def _has_gone(step: Step, answer: attributes.Answer) -> bool:
    """Whether an address is gone already: a temporary IPv6 address is deleted with the one that it was derived from."""
    return isinstance(step, DeleteAddress) and ":" in step.address and answer.errno == errno.EADDRNOTAVAIL
