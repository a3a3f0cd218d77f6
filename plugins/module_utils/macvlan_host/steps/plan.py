# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan: the steps, the record before and after them, and the warnings."""

from __future__ import annotations

import typing as t

from ..ipam.lease_book import Leases
from ..model.host_view import HostView
from ..model.record import Record, has_same_row
from ..model.ref import Ref

if t.TYPE_CHECKING:
    from .steps import Step


class Missing(t.NamedTuple):
    """An object that is recorded and cannot be restored.

    :ivar awaits: the name of a link of the host, or the path of a namespace, that has to appear first; None if
        waiting would not help
    :ivar cause: the object that is missing for the same reason and is reported with it; None for that one itself
    """

    ref: Ref
    reason: str
    awaits: str | None = None
    cause: Ref | None = None


class Plan(t.NamedTuple):
    """The steps to perform, and the record after them.

    :ivar missing: the objects that a restoration cannot restore
    :ivar removal: whether all requests are removals, which are finished, not undone, after an interruption
    :ivar outcome: record and kernel afterwards, for results
    :ivar leases: who holds which address afterwards
    :ivar interrupted: the endpoints whose traffic it interrupts
    :ivar right: the endpoints that were in the kernel as they are recorded
    :ivar chosen: (endpoint, address without prefix length) of the addresses that the collection has chosen
    """

    steps: tuple[Step, ...]
    before: Record
    after: Record
    warnings: tuple[str, ...]
    removal: bool
    outcome: HostView
    leases: Leases
    missing: tuple[Missing, ...] = ()
    interrupted: tuple[Ref, ...] = ()
    chosen: frozenset[tuple[Ref, str]] = frozenset()
    right: t.Collection[Ref] = ()

    @property
    def changed(self) -> bool:
        return bool(self.steps) or self.before != self.after

    @property
    def knows_better(self) -> bool:
        """Whether this host, or links below objects, are known by something else than before, which is no change."""
        if self.before.identity != self.after.identity and self.after != Record():
            return True
        pairs = ((self.before.networks, self.after.networks), (self.before.links, self.after.links))
        return any(not has_same_row(before.get(name), after[name]) for before, after in pairs for name in after)
