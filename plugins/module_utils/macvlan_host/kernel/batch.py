# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages that wait to be sent together, and what the answers to them mean for their steps."""

from __future__ import annotations

import errno
import typing as t

from ..errors import KernelError
from ..model.netns import HOST, Netns
from ..model.sysctl import Sysctl
from ..steps.steps import AddAddress, AddConnectedRoute, AddRoute, DeleteAddress, ReplaceRoute, SetSysctls, Step
from ..wire import attributes, pack
from .delete import Deletions
from .route_socket import reason
from .setting_files import write_setting
from .sockets import Sockets
from .step_error import step_error

# After a refusal nothing more should be sent; the refusal is seen when the batch is.
LONGEST_BATCH = 256

# Steps of one message that add something, which the kernel does or refuses as a whole. What was not deleted may go by a
# later step of the same batch, a route with its address, and adding again what is still there does no harm.
SINGLE = (AddAddress, AddConnectedRoute, AddRoute, ReplaceRoute)


class _Queued(t.NamedTuple):
    """A message that waits to be sent.

    :ivar setting: the setting that it writes, if it writes one
    """

    step: Step
    request: pack.Packed
    setting: Sysctl | None


class Batch:
    """Neighbouring messages to one namespace go out together, neighbouring deletions too; never do both wait.

    :ivar untagged: (path of the namespace, name) → first name of those links whose message with tag and name waits
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

    def queue(self, step: Step, netns: Netns, request: pack.Packed, setting: Sysctl | None = None) -> None:
        """Have a message sent with the next batch, after all that waits now."""
        self.flush_deletions()
        self._sockets.seen = None
        if self._queued and self._netns != netns or len(self._queued) >= LONGEST_BATCH:
            self.flush_messages()
        self._netns = netns
        self._queued.append(_Queued(step, request, setting))

    def await_additions(self) -> None:
        """Have no address go before the kernel has taken the one that comes in its stead.

        It goes on with a batch behind what it refuses, and with the last address of a family the routes of the link go,
        which are no steps of their own and so would not be restored.
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
        # What comes after a refused step in its batch may have been done.
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
        """Send and delete nothing of what waits."""
        self._queued.clear()
        self._deletions.clear()
        self.untagged.clear()

    def _take_setting(self, queued: _Queued, answer: attributes.Answer) -> None:
        """See that a setting is written that was sent with others: a kernel that refuses the message has the file.

        :raises KernelError: both ways are refused
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
    """Whether an address has gone by itself: a temporary one of IPv6 does so with the one that it was made for."""
    return isinstance(step, DeleteAddress) and ":" in step.address and answer.errno == errno.EADDRNOTAVAIL
