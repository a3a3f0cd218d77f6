# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run works with and does not make itself: the store, the kernel, the clock and this machine."""

from __future__ import annotations

import time
import typing as t

from ..kernel import machine
from ..store.database import State

if t.TYPE_CHECKING:
    from ..model.access import AccessPath, Connection
    from ..model.kernel import Kernel, Needs, Space
    from ..model.netns import Netns
    from ..steps.steps import Step


class Reader(t.Protocol):
    """What looks at the kernel."""

    def read_kernel(self, needs: Needs, host: str, boot_id: str) -> Kernel:
        """What is needed of the kernel."""

    def tagged_spaces(self, host: str) -> dict[Netns, Space]:
        """The namespaces that have links with our tag."""

    def read_access_paths(self, connection: Connection | None) -> tuple[AccessPath, ...]:
        """How this host is reached."""


class Writer(t.Protocol):
    """What does steps in the kernel."""

    def apply(self, steps: t.Sequence[Step]) -> None:
        """Do all steps, in order."""

    def effective(self, steps: t.Sequence[Step]) -> list[Step]:
        """Those of the steps given to apply that may have had an effect."""

    def ensure_done(self, steps: t.Sequence[Step]) -> list[str]:
        """Do steps of which some may be done already; what went wrong, a sentence each."""

    def close(self) -> None:
        """Let go of the kernel."""


class Clock(t.NamedTuple):
    """What time is taken from, in seconds.

    :ivar uptime: since the boot of the machine
    :ivar now: since some moment, for measuring
    """

    uptime: t.Callable[[], float] = machine.uptime
    now: t.Callable[[], float] = time.monotonic
    sleep: t.Callable[[float], None] = time.sleep


class Tools(t.NamedTuple):
    """What a run works with.

    The kernel's own reader and writer are in run/reader.py and run/writer.py, so that a run imports only
    the one that it uses.

    :ivar store: the state database of a folder
    :ivar reader: None for the one of the kernel of this machine
    :ivar writer: opens one; None for those of the kernel of this machine
    :ivar host_id: what tells this machine from others
    :ivar boot_id: the id of this boot
    """

    store: t.Callable[[str], State] = State
    reader: Reader | None = None
    writer: t.Callable[[], Writer] | None = None
    clock: Clock = Clock()
    host_id: t.Callable[[], str] = machine.host_id
    boot_id: t.Callable[[], str] = machine.boot_id


# What a run takes that is handed no others; a test may put others in their place.
DEFAULT_TOOLS = Tools()


def default_tools() -> Tools:
    """The tools of this machine, at this moment."""
    return DEFAULT_TOOLS
