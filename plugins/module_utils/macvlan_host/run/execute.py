# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of work of every run: observe, decide, ask the wire, decide again, and perform with the lock held."""

from __future__ import annotations

import contextlib
import functools
import gc
import typing as t

from ..errors import KernelError, PlanError
from ..plan.choices import NO_CHOICES, Choices
from ..request.base import Restoration
from ..result.outcome import Outcome
from .decide import Decision, decide
from .kernel_names import observed_by_names
from .observe import Observation, observe, observe_as_writer
from .tools import DEFAULT_TOOLS, Tools

if t.TYPE_CHECKING:
    from ..model.access import LockoutPolicy
    from ..request.host import AnyRequest
    from ..store.database import State
    from ..store.session import Session
    from .probing import Wire
    from .revert_timer import RevertTimer
    from .snapshot import NeedsOf


def _is_to_record(request: AnyRequest, decision: Decision) -> bool:
    """Whether a run that changes nothing records what the host and links are known by: a restoration does, which is the first run of a boot."""
    return isinstance(request, Restoration) and decision.plan.knows_better


@contextlib.contextmanager
def _without_collector() -> t.Iterator[None]:
    """Leave garbage where it is: what a run creates lives until its end, so that a search for cycles finds nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@_without_collector()
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
    decided: _Decided | None = None
    version: tuple[object, ...] | None = None
    try:
        decided = _observe_and_decide(request, policy, tools, lambda needs: observe(state, needs, tools), foresee=dry_run)
        observed, decision = decided.observed, decided.decision
        version = observed.version if state.version() == observed.version else None
        # Another run may be creating the missing objects at this moment.
        may_come = bool(decision.outcome.missing) and version is None
        if dry_run or not (decision.outcome.changed or observed.interrupted or may_come or _is_to_record(request, decision)):
            return _predict(decided, policy, tools)
    except (PlanError, KernelError):
        if dry_run or not state.is_there():
            raise
    # A run that only reads imports nothing that writes.
    from .probing import AddressInUseError, Wire
    from .provisional import open_revert_timer

    with contextlib.closing(Wire(tools, request)) as wire:
        if decided is not None and not state.is_there():
            decided = _settled_before_any_trace(decided, wire, policy, tools, state)
        while True:
            with open_revert_timer(state_dir, policy, tools) as timer, state.locked(request.title) as session:
                if decided is None or version is None or version != session.version_before:
                    wire.hang_up()
                    read = functools.partial(observe_as_writer, session, tools=tools)
                    decided = _observe_and_decide(request, policy, tools, read, choices=wire.probe_log.choices)
                try:
                    return wire.probe_log.told(_perform(session, decided, policy, timer, wire, tools))
                except AddressInUseError:
                    decided = None


class _Decided(t.NamedTuple):
    """The request with the names that links have, the state for it, and the decision on it."""

    request: AnyRequest
    observed: Observation
    decision: Decision


def _observe_and_decide(
    request: AnyRequest,
    policy: LockoutPolicy | None,
    tools: Tools,
    read: t.Callable[[NeedsOf], Observation],
    foresee: bool = False,
    choices: Choices = NO_CHOICES,
) -> _Decided:
    """Observe and decide.

    :raises PlanError: the request is refused
    """
    named, observed = observed_by_names(request, policy, read)
    return _Decided(named, observed, decide(named, observed, policy, tools, foresee, choices))


def _predict(decided: _Decided, policy: LockoutPolicy | None, tools: Tools) -> Outcome:
    """The prediction, after neighbours were asked as the real run will ask them.

    :raises PlanError: an address that was requested is in use, or no free one was found
    """
    if not decided.decision.plan.steps:
        return decided.decision.outcome
    from .probing import Wire

    with contextlib.closing(Wire(tools, decided.request)) as wire:
        if decided.observed.interrupted:
            wire.leave_out(decided.decision, "the links of an interrupted run, which may have it, are still there")
            return wire.probe_log.told(decided.decision.outcome)
        decision = _settle(decided, wire, policy, tools, foresee=True)
        wire.leave_out_new_parents()
    return wire.probe_log.told(decision.outcome)


def _settle(decided: _Decided, wire: Wire, policy: LockoutPolicy | None, tools: Tools, foresee: bool = False) -> Decision:
    """The decision, or another one, of whose addresses no neighbour has any.

    :raises PlanError: an address that was requested is in use, or no free one was found
    """
    again = functools.partial(decide, decided.request, decided.observed, policy, tools, foresee)
    return wire.settle(decided.decision, again)


def _settled_before_any_trace(
    decided: _Decided, wire: Wire, policy: LockoutPolicy | None, tools: Tools, state: State
) -> _Decided | None:
    """The same on a host without a database: a request that is refused leaves none, and the lock needs its folder.

    :return: None if another run has created the database in the meantime, whose endpoints may have answered
    :raises PlanError: it is refused
    """
    try:
        return decided._replace(decision=_settle(decided, wire, policy, tools))
    except (PlanError, KernelError):
        if not state.is_there():
            raise
        return None


def _perform(
    session: Session, decided: _Decided, policy: LockoutPolicy | None, timer: RevertTimer | None, wire: Wire, tools: Tools
) -> Outcome:
    """Ask neighbours about the addresses of a plan, and perform it."""
    from .perform import perform
    from .provisional import perform_provisionally

    decision = _settle(decided, wire, policy, tools)
    if timer is not None and policy is not None and decision.touches_kernel:
        return perform_provisionally(session, decided.request, decision, policy, timer, tools, wire)
    return perform(session, decided.request, decision, tools, wire)
