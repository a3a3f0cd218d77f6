# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collaborators of a run: the store, the kernel, the clock and this machine."""

from __future__ import annotations

import time
import typing as t

from ..kernel import machine
from ..store.database import State

if t.TYPE_CHECKING:
    from ..model.access import AccessPath, Connection
    from ..model.kernel import Kernel, Needs, Space
    from ..model.netns import Netns
    from ..model.probe import Heard, Pace, Segment
    from ..steps.steps import Step


class Reader(t.Protocol):
    """Reads the kernel."""

    def read_kernel(self, needs: Needs, host: str, boot_id: str) -> Kernel:
        """The part of the kernel's state that is needed."""

    def tagged_spaces(self, host: str) -> dict[Netns, Space]:
        """The namespaces that have links with our tag."""

    def read_access_paths(self, connection: Connection | None) -> tuple[AccessPath, ...]:
        """How this host is reached."""


class Writer(t.Protocol):
    """Performs steps in the kernel."""

    def apply(self, steps: t.Sequence[Step], interludes: t.Mapping[int, t.Callable[[], None]] | None = None) -> None:
        """Perform all steps, in order; interludes are done when so many steps are done."""

    def effective(self, steps: t.Sequence[Step]) -> list[Step]:
        """Those of the steps given to apply that may have had an effect."""

    def ensure_done(self, steps: t.Sequence[Step]) -> list[str]:
        """Perform steps of which some may be done already; return the problems, a sentence each."""

    def close(self) -> None:
        """Close its sockets."""


class Prober(t.Protocol):
    """Asks the neighbours of parents about addresses."""

    @property
    def reflecting(self) -> set[str]:
        """The parents that return frames of this host."""

    def add(self, segments: t.Iterable[Segment]) -> dict[str, str]:
        """Begin to listen on parents; return those that cannot be asked on → why, as the end of a sentence."""

    def ask_by_parent(self, parent: str) -> None:
        """From now on have the parent itself ask."""

    def asks_by_parent(self, parent: str) -> bool:
        """Whether the parent itself asks."""

    def macs(self, parent: str) -> tuple[str, str]:
        """The MAC addresses of the link that asks on a parent, and of the parent."""

    def ask(self, questions: t.Mapping[str, t.Collection[str]], pace: Pace) -> None:
        """Ask for addresses on parents."""

    def heard(self) -> list[Heard]:
        """All that has arrived since the last call."""

    def close(self) -> None:
        """Close its sockets, and take its links away."""


def _uptime() -> float:
    """Looked up at each call, so that tests can change the clock of a machine after this file was imported."""
    return machine.uptime()


class Clock(t.NamedTuple):
    """The sources of time, in seconds.

    :ivar uptime: since the boot of the machine
    :ivar now: since an arbitrary moment, to measure durations
    """

    uptime: t.Callable[[], float] = _uptime
    now: t.Callable[[], float] = time.monotonic
    sleep: t.Callable[[float], None] = time.sleep


class Tools(t.NamedTuple):
    """The collaborators of a run.

    The kernel's own reader and writer are in run/reader.py and run/writer.py, so that a run imports only
    the one that it uses.

    :ivar store: the state database of a folder
    :ivar reader: None for the one of the kernel of this machine
    :ivar writer: opens one; None for those of the kernel of this machine
    :ivar prober: opens one; None for those of the kernel of this machine
    :ivar host_id: identifies this machine
    :ivar boot_id: the id of this boot
    """

    store: t.Callable[[str], State] = State
    reader: Reader | None = None
    writer: t.Callable[[], Writer] | None = None
    prober: t.Callable[[], Prober] | None = None
    clock: Clock = Clock()
    host_id: t.Callable[[], str] = machine.host_id
    boot_id: t.Callable[[], str] = machine.boot_id


# The tools of this machine, for a run that is given no others.
DEFAULT_TOOLS = Tools()
