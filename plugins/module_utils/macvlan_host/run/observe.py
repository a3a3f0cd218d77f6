# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first phase of a run: read the record and the kernel's state."""

from __future__ import annotations

import typing as t

from ..model.kernel import Kernel
from ..model.record import Record
from ..store.database import State
from .awaiting import journal_warnings, refuse_while_awaited
from .snapshot import NeedsOf, check_not_lost, read_kernel_state, read_snapshot
from .tools import Tools

if t.TYPE_CHECKING:
    from ..store.session import Session


class Observation(t.NamedTuple):
    """The state on which a run bases its decision.

    :ivar warnings: what the user is told of runs before this one, a sentence each
    :ivar version: of the database before it was read; None if a writer was at work
    :ivar interrupted: whether an interrupted run must be undone or finished first; record and kernel are as they will be then
    """

    record: Record
    kernel: Kernel
    warnings: tuple[str, ...]
    version: tuple[object, ...] | None = None
    interrupted: bool = False


def observe(state: State, needs: NeedsOf, tools: Tools) -> Observation:
    """Read record and kernel without a lock and without changing anything.

    :raises MacvlanHostError: the database or the kernel cannot be read, or a change awaits confirmation
    """
    check_not_lost(state, tools)
    version = state.version()
    stored, kernel = read_snapshot(state, needs, tools)
    refuse_while_awaited(stored, tools)
    record = stored.record
    interrupted = stored.journal is not None and not state.is_locked()
    if interrupted:
        from .interrupted import as_after_recovery

        record, kernel = as_after_recovery(stored, kernel)
    warnings = journal_warnings(stored, interrupted, tools)
    return Observation(record, kernel, warnings, version if stored.journal is None else None, interrupted)


def observe_as_writer(session: Session, needs: NeedsOf, tools: Tools) -> Observation:
    """Read record and kernel with the lock held, after an interrupted run was undone or finished.

    :raises MacvlanHostError: the database or the kernel cannot be read, or a change awaits confirmation
    """
    warnings: tuple[str, ...] = ()
    stored = session.read()
    refuse_while_awaited(stored, tools)
    if stored.journal is not None:
        from .interrupted import undo_or_finish_interrupted

        warnings = (*journal_warnings(stored, True, tools), *undo_or_finish_interrupted(session, stored, tools))
        stored = session.read()
    return Observation(stored.record, read_kernel_state(needs(stored), tools), warnings)
