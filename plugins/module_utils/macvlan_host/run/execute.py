# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of work of every run: observe, decide, and perform with the lock held."""

from __future__ import annotations

import typing as t

from ..errors import KernelError, PlanError
from ..request.base import Restoration
from ..result.outcome import Outcome
from .decide import Decision, decide
from .kernel_names import observed_by_names
from .observe import observe, observe_as_writer
from .tools import DEFAULT_TOOLS, Tools

if t.TYPE_CHECKING:
    from ..model.access import LockoutPolicy
    from ..request.host import AnyRequest


def _is_to_record(request: AnyRequest, decision: Decision) -> bool:
    """Whether a run that changes nothing records what links are known by: a restoration does, which is the first run of a boot."""
    return isinstance(request, Restoration) and decision.plan.knows_links_better


def execute(
    request: AnyRequest, *, state_dir: str, dry_run: bool, policy: LockoutPolicy | None = None, tools: Tools = DEFAULT_TOOLS
) -> Outcome:
    """Bring one object, or a whole configuration, to the requested state, or, with ``dry_run``, predict the result.

    Every run first observes and decides without the lock; a dry run ends there. So a run with nothing to do takes no lock,
    and a request that is refused on a host without a database creates none. Any other refusal counts only with the lock
    held, because another run may be in the middle of its steps. The decision made without the lock is performed if the
    lock was free and no run has written to the database since; otherwise the run observes and decides again.

    :param policy: how to treat steps that would cut an access path; None if there is no access path to protect
    :param tools: what it works with; those of this machine by default
    :raises MacvlanHostError: it was refused, or it failed; then nothing has changed
    """
    state = tools.store(state_dir)
    decision: Decision | None = None
    version: tuple[object, ...] | None = None
    try:
        named, observed = observed_by_names(request, policy, lambda needs: observe(state, needs, tools))
        decision = decide(named, observed, policy, tools, foresee=dry_run)
        version = observed.version if state.version() == observed.version else None
        # Another run may be creating the missing objects at this moment.
        may_come = bool(decision.outcome.missing) and version is None
        if dry_run or not (decision.outcome.changed or observed.interrupted or may_come or _is_to_record(request, decision)):
            return decision.outcome
    except (PlanError, KernelError):
        if dry_run or not state.is_there():
            raise
    # A run that only reads imports nothing that writes.
    from .perform import perform
    from .provisional import open_revert_timer, perform_provisionally

    with open_revert_timer(state_dir, policy, tools) as timer, state.locked(request.title) as session:
        if decision is None or version is None or version != session.version_before:
            named, observed = observed_by_names(request, policy, lambda needs: observe_as_writer(session, needs, tools))
            decision = decide(named, observed, policy, tools)
        if timer is not None and policy is not None and decision.touches_kernel:
            return perform_provisionally(session, request, decision, policy, timer, tools)
        return perform(session, request, decision, tools)
