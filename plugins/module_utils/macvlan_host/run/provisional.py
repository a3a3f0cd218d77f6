# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A provisional change, which is reverted unless it is confirmed."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ..errors import NewerError, StateError
from ..model.access import Caution
from ..request.host import AnyRequest
from ..result.outcome import Outcome
from ..steps.record_diff import changes_between
from ..store.database import State
from ..store.journal import Journal
from ..store.session import Session
from .confirm import WATCH_INTERVAL
from .decide import Decision
from .interrupted import settle_interrupted
from .perform import apply_steps, naming_moved, writing
from .revert_timer import Watchdog
from .tools import Tools


def perform_for_now(
    session: Session, request: AnyRequest, decision: Decision, caution: Caution, watchdog: Watchdog, tools: Tools
) -> Outcome:
    """Carry out a plan that is reverted unless it is confirmed.

    What is intended stays written down, so that whatever comes instead of a confirmation, the end of the time, a crash
    or a power cut, the way back is the one of an interrupted run. A removal, too, is turned back then.
    """
    plan = decision.plan
    changes = changes_between(plan.before, plan.after)
    confirm_by = tools.clock.uptime() + caution.confirm
    connection = caution.connection.text if caution.connection else None
    session.intend(
        Journal(decision.boot_id, request.title, False, plan.steps, changes, confirm_by, connection)
    )
    # Before anything is done: the connection, and this process with it, may end in the middle.
    watchdog.begin(repr(confirm_by))
    with naming_moved(plan, tools), writing(plan.steps, tools) as writer:
        apply_steps(session, writer, plan, request.title)
    session.await_confirmation()
    return dataclasses.replace(decision.outcome, confirm_within=caution.confirm)


@contextlib.contextmanager
def armed(state_dir: str, caution: Caution | None, tools: Tools) -> t.Iterator[Watchdog | None]:
    """The process that will put everything back, where that is asked for."""
    if caution is None or not caution.confirm:
        yield None
        return
    watchdog = Watchdog(lambda confirm_by: revert_when_due(state_dir, float(confirm_by), tools))
    with contextlib.closing(watchdog):
        yield watchdog


def revert_when_due(state_dir: str, confirm_by: float, tools: Tools) -> None:
    """Wait until a change is confirmed or its time is over, and put it back then.

    A newer release that has written to the record has settled it first.
    """
    with contextlib.suppress(NewerError):
        _revert_unless_settled(tools.store(state_dir), confirm_by, tools)


def _revert_unless_settled(state: State, confirm_by: float, tools: Tools) -> None:
    while (left := confirm_by - tools.clock.uptime()) > 0:
        tools.clock.sleep(min(left, WATCH_INTERVAL))
        with _tried_again():
            if not _is_due(state.read().journal, confirm_by):
                return
    while True:
        with _tried_again(), state.locked("reverting an unconfirmed change") as session:
            stored = session.read()
            if _is_due(stored.journal, confirm_by):
                settle_interrupted(session, stored, tools)
            return
        tools.clock.sleep(WATCH_INTERVAL)


@contextlib.contextmanager
def _tried_again() -> t.Iterator[None]:
    try:
        yield
    except NewerError:
        raise
    except StateError:
        return


def _is_due(journal: Journal | None, confirm_by: float) -> bool:
    """Whether a change is still the one that is to be put back at a time."""
    return journal is not None and journal.confirm_by == confirm_by
