# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A provisional change, which is reverted unless it is confirmed."""

from __future__ import annotations

import contextlib
import typing as t

from ..errors import NewerError, StateError
from ..model.access import LockoutPolicy
from ..result.outcome import Outcome
from ..steps.record_diff import changes_between
from ..store.database import State
from ..store.journal import Journal
from ..store.session import Session
from .confirm import WATCH_INTERVAL
from .decide import Decision
from .interrupted import undo_or_finish_interrupted
from .perform import apply_steps, naming_moved_links, writing
from .revert_timer import RevertTimer
from .tools import Tools
from .whole_engine import import_engine

if t.TYPE_CHECKING:
    from ..request.host import AnyRequest
    from .probing import Wire


def perform_provisionally(
    session: Session,
    request: AnyRequest,
    decision: Decision,
    policy: LockoutPolicy,
    timer: RevertTimer,
    tools: Tools,
    wire: Wire | None = None,
) -> Outcome:
    """Carry out a plan that is reverted unless it is confirmed.

    The journal stays in the database, so that everything that can come instead of a confirmation (the timeout, a crash,
    a power cut) is handled as an interrupted run: its steps are undone. A removal is undone then, too.
    """
    plan = decision.plan
    changes = changes_between(plan.before, plan.after)
    confirm_by = tools.clock.uptime() + policy.confirm
    connection = policy.connection.text if policy.connection else None
    session.intend(
        Journal(decision.boot_id, request.title, False, plan.steps, changes, confirm_by, connection)
    )
    # Before the first step: the steps may cut the connection, which ends this process.
    timer.begin(repr(confirm_by))
    with naming_moved_links(plan, tools), writing(plan.steps, tools) as writer:
        apply_steps(session, writer, plan, request.title, wire)
    session.await_confirmation()
    return decision.outcome._replace(confirm_within=policy.confirm)


@contextlib.contextmanager
def open_revert_timer(state_dir: str, policy: LockoutPolicy | None, tools: Tools) -> t.Iterator[RevertTimer | None]:
    """The process that will revert everything at the timeout, if the task asks for one."""
    if policy is None or not policy.confirm:
        yield None
        return
    import_engine()
    timer = RevertTimer(lambda confirm_by: revert_when_due(state_dir, float(confirm_by), tools))
    with contextlib.closing(timer):
        yield timer


def revert_when_due(state_dir: str, confirm_by: float, tools: Tools) -> None:
    """Wait until a change is confirmed, or until its time is over; revert it then.

    If a newer release has written to the record, it has confirmed or reverted the change first.
    """
    with contextlib.suppress(NewerError):
        _revert_unless_confirmed(tools.store(state_dir), confirm_by, tools)


def _revert_unless_confirmed(state: State, confirm_by: float, tools: Tools) -> None:
    while (left := confirm_by - tools.clock.uptime()) > 0:
        tools.clock.sleep(min(left, WATCH_INTERVAL))
        with _retrying():
            if not _is_due(state.read().journal, confirm_by):
                return
    while True:
        with _retrying(), state.locked("reverting an unconfirmed change") as session:
            stored = session.read()
            if _is_due(stored.journal, confirm_by):
                undo_or_finish_interrupted(session, stored, tools)
            return
        tools.clock.sleep(WATCH_INTERVAL)


@contextlib.contextmanager
def _retrying() -> t.Iterator[None]:
    try:
        yield
    except NewerError:
        raise
    except StateError:
        return


def _is_due(journal: Journal | None, confirm_by: float) -> bool:
    """Whether a change still awaits its confirmation, and is the one with this deadline."""
    return journal is not None and journal.confirm_by == confirm_by
