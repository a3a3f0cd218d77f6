# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of work of every run: observe, decide, and perform with the lock held."""

from __future__ import annotations

from ..errors import KernelError, PlanError
from ..model.access import LockoutPolicy
from ..model.kernel import Needs
from ..request.host import AnyRequest
from ..result.outcome import Outcome
from ..store.journal import Stored
from .decide import Decision, decide, needs_to_decide
from .observe import observe, observe_as_writer
from .tools import Tools, default_tools


def execute(
    request: AnyRequest, *, state_dir: str, dry_run: bool, policy: LockoutPolicy | None = None, tools: Tools | None = None
) -> Outcome:
    """Bring one object, or a whole configuration, to the requested state, or, with ``dry_run``, predict the result.

    A real run begins with the same phases that check mode consists of: a run with nothing to do takes no lock, and what
    is refused on a host without a database leaves none behind. Otherwise a refusal counts only with the lock held,
    because another run may be half-way through what this one looks at. What was decided without the lock is performed if
    the lock was free and no run has written to the database since; else the run observes and decides again.

    :param policy: how to treat steps that would cut an access path; None if there is no access path to protect
    :param tools: what it works with; those of this machine when none are handed in
    :raises MacvlanHostError: it was refused, or failed; nothing has changed then
    """

    def needs(stored: Stored) -> Needs:
        return needs_to_decide(request, stored, policy)

    tools = tools or default_tools()
    state = tools.store(state_dir)
    decision: Decision | None = None
    version: tuple[object, ...] | None = None
    try:
        observed = observe(state, needs, tools)
        decision = decide(request, observed, policy, tools, foresee=dry_run)
        version = observed.version if state.version() == observed.version else None
        # Another run that is at work may be making what is missing at this moment.
        may_come = bool(decision.outcome.missing) and version is None
        if dry_run or not (decision.outcome.changed or observed.interrupted or may_come):
            return decision.outcome
    except (PlanError, KernelError):
        if dry_run or not state.is_there():
            raise
    # What only looks imports nothing that writes.
    from .perform import perform
    from .provisional import open_revert_timer, perform_provisionally

    with open_revert_timer(state_dir, policy, tools) as timer, state.locked(request.title) as session:
        if decision is None or version is None or version != session.version_before:
            decision = decide(request, observe_as_writer(session, needs, tools), policy, tools)
        if timer is not None and policy is not None and decision.touches_kernel:
            return perform_provisionally(session, request, decision, policy, timer, tools)
        return perform(session, request, decision, tools)
