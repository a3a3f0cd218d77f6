# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of work of every run: observe, decide, and perform with the lock held."""

from __future__ import annotations

import dataclasses

from ..compare.claims import with_peer
from ..errors import KernelError, PlanError
from ..kernel import machine
from ..kernel.access import read_ways
from ..kernel.read import read_kernel
from ..model.access import Caution
from ..model.host_view import HostView
from ..model.kernel import Kernel, Needs
from ..model.record import Record
from ..plan import lockout_guard
from ..plan.needs import needs_before_turning_back, needs_of
from ..plan.plan import plan
from ..request.host import AnyRequest, check_omission, requests_of
from ..result.outcome import Outcome, outcome_of
from ..steps.plan import Plan
from ..store.database import Session, State
from ..store.journal import Stored
from .awaiting import journal_warnings, refuse_while_awaited
from .foreseen import Foreseen, left_elsewhere
from .look import check_not_lost, look


def execute(request: AnyRequest, *, state_dir: str, check: bool, caution: Caution | None = None) -> Outcome:
    """Bring one object, or a whole configuration, to what is asked, or, with ``check``, tell what that would be.

    A real run begins with the same pass that check mode makes: a run with nothing to do takes no lock, and what
    is refused on a host without a database leaves none behind. Otherwise a refusal counts only with the lock held,
    because another run may be half-way through what this one looks at. The plan of that pass is carried out if
    the lock was free and nobody has written to the database since; else it is made again.

    :param caution: how careful to be with the ways by which the host is reached; None where nobody can be locked out
    :raises MacvlanHostError: it was refused, or failed; nothing has changed then
    """
    state = State(state_dir)
    foreseen: Foreseen | None = None
    try:
        foreseen = _foresee(state, request, caution, check)
        if check or not (foreseen.outcome.changed or foreseen.interrupted or foreseen.may_come):
            return foreseen.outcome
    except (PlanError, KernelError):
        if check or not state.is_there():
            raise
    # What only looks imports nothing that writes.
    from .perform import perform
    from .provisional import armed, perform_for_now

    with armed(state_dir, caution) as watchdog, state.locked(request.title) as session:
        if foreseen is None or foreseen.version is None or foreseen.version != session.version_before:
            foreseen = _plan_again(session, request, caution)
        if watchdog is not None and caution is not None and foreseen.touches_kernel:
            return perform_for_now(session, request, foreseen, caution, watchdog)
        return perform(session, request, foreseen)


# --- one run --------------------------------------------------------------------------------------------------------


def _foresee(state: State, request: AnyRequest, caution: Caution | None, check: bool) -> Foreseen:
    """The plan, without a lock and without touching anything."""
    check_not_lost(state)
    version = state.version()
    stored, kernel = look(state, lambda stored: _needs(request, stored, caution))
    refuse_while_awaited(stored)
    record = stored.record
    interrupted = stored.journal is not None and not state.is_locked()
    if interrupted:
        from .interrupted import as_after_recovery

        record, kernel = as_after_recovery(stored, kernel)
    warnings = journal_warnings(stored, interrupted)
    made, outcome = _planned(request, record, kernel, warnings, caution, check)
    steady = stored.journal is None and state.version() == version
    return Foreseen(outcome, made, kernel, version if steady else None, interrupted)


def _needs(request: AnyRequest, stored: Stored, caution: Caution | None) -> Needs:
    needs = needs_of(requests_of(request, stored.record), stored.record)
    if stored.journal is not None:
        needs = needs_before_turning_back(needs, stored.journal.steps)
    # To put a link back as it was takes the routes that others have put on it.
    return dataclasses.replace(needs, host_routes=True) if caution is not None and caution.confirm else needs


def _planned(
    request: AnyRequest,
    record: Record,
    kernel: Kernel,
    warnings: tuple[str, ...],
    caution: Caution | None,
    check: bool = False,
) -> tuple[Plan, Outcome]:
    check_omission(request, record)
    requests = requests_of(request, record)
    if caution is not None and caution.connection is not None:
        kernel = with_peer(kernel, caution.connection.remote)
    made = plan(requests, record, kernel, foresee=check)
    # A run with nothing to do cuts nothing, and need not ask.
    if caution is not None and made.steps:
        kernel = dataclasses.replace(kernel, ways=read_ways(caution.connection))
        warnings += lockout_guard.check(request.title, made.steps, kernel, caution)
    warnings += left_elsewhere(made)
    return made, outcome_of(request, requests, made, HostView(record, kernel), warnings)


def _plan_again(session: Session, request: AnyRequest, caution: Caution | None) -> Foreseen:
    """The plan with the lock held, after clearing up what a run that died has left."""
    warnings: tuple[str, ...] = ()
    stored = session.read()
    refuse_while_awaited(stored)
    if stored.journal is not None:
        from .interrupted import settle_interrupted

        warnings = (*journal_warnings(stored, interrupted=True), *settle_interrupted(session, stored))
        stored = session.read()
    kernel = read_kernel(_needs(request, stored, caution), machine.host_id(), machine.boot_id())
    made, outcome = _planned(request, stored.record, kernel, warnings, caution)
    return Foreseen(outcome, made, kernel, None, False)
