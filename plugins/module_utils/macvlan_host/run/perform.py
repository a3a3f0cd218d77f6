# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last phase of a run: carry out a plan, or undo it."""

from __future__ import annotations

import contextlib
import errno
import typing as t

from ..errors import KernelError, MacvlanHostError, StateError
from ..kernel import announce
from ..result.outcome import Outcome
from ..steps.object_of_step import owner_of
from ..steps.plan import Plan
from ..steps.record_diff import changes_between
from ..steps.steps import AddLink, Step, inverse
from ..store.journal import Journal
from ..store.session import Session
from ..values import names
from ..wire.kinds import kind_of
from .decide import Decision, links_in_other_namespaces
from .tools import Tools, Writer
from .writer import open_writer

if t.TYPE_CHECKING:
    from ..request.host import AnyRequest
    from .probing import Wire

# The kernel's answers if another link has the MAC address, or the passthru parent.
TAKEN = (errno.EADDRINUSE, errno.EINVAL)


def perform(session: Session, request: AnyRequest, decision: Decision, tools: Tools, wire: Wire | None = None) -> Outcome:
    """Perform a plan and record its result.

    :param wire: asks neighbours about the addresses of the plan, and listens; None if there is nothing to ask
    """
    plan = decision.plan
    changes = changes_between(plan.before, plan.after)
    if plan.steps:
        session.intend(Journal(decision.boot_id, request.title, plan.removal, plan.steps, changes))
        with naming_moved_links(plan, tools), writing(plan.steps, tools) as writer:
            apply_steps(session, writer, plan, request.title, wire)
            _commit(session, writer, plan, changes)
    elif changes:
        session.record(changes)
    problem = session.keep_backup() if changes else None
    if problem is None:
        return decision.outcome
    return decision.outcome._replace(warnings=(*decision.outcome.warnings, problem))


@contextlib.contextmanager
def writing(steps: t.Sequence[Step], tools: Tools) -> t.Iterator[Writer]:
    """A writer for the steps. Afterwards host addresses that our links no longer have are announced to neighbours."""
    try:
        with contextlib.closing(open_writer(tools)) as writer:
            yield writer
    except BaseException:
        announce.announce(announce.touched_by(steps))
        raise
    announce.announce(announce.released_by(steps))


def apply_steps(session: Session, writer: Writer, plan: Plan, title: str, wire: Wire | None = None) -> None:
    """Perform the steps of a plan; if one fails, or a neighbour has an address of it, undo the steps before it.

    :raises KernelError: one was refused; naming its object, and what could not be undone
    :raises AddressInUseError: a neighbour has an address, and another one can be chosen
    :raises PlanError: a neighbour has an address that was requested
    """
    try:
        writer.apply(plan.steps, wire.interludes if wire is not None else None)
        announce.announce_added(plan.steps, plan.after.endpoints.values())
        if wire is not None:
            wire.check_announced()
    except BaseException as exc:
        problems = writer.ensure_done(inverse(writer.effective(plan.steps)))
        if not problems:
            session.forget_intention()
        if isinstance(exc, KernelError) or problems and isinstance(exc, Exception):
            # The journal stays, for the next run to finish.
            left = (
                f"; undoing the steps before it failed too: {'; '.join(problems)}; the next run tries again"
                if problems
                else ""
            )
            code = getattr(exc, "errno", None) or 0
            raise KernelError(f"{_with_owner(exc, plan, title)}{left}", code, getattr(exc, "step", None)) from exc
        raise


def _with_owner(exc: Exception, plan: Plan, title: str) -> str:
    """The error, after the title of its object."""
    if not isinstance(exc, MacvlanHostError):
        return f"{title}: {type(exc).__name__}: {exc}"
    step = exc.step if isinstance(exc, KernelError) else None
    owner = owner_of(step, plan.steps, plan.before, plan.after) if step is not None else None
    return f"{owner.title if owner is not None else title}: {exc}"


@contextlib.contextmanager
def naming_moved_links(plan: Plan, tools: Tools) -> t.Iterator[None]:
    """Add to an error of the kernel the namespaces to which other programs have moved the links that the plan creates.

    In their new namespaces they still have the MAC addresses, or the passthru parent, of those that were to be made.
    """
    try:
        yield
    except KernelError as exc:
        wanted = {step.link.tag for step in plan.steps if isinstance(step, AddLink) and kind_of(step.link).is_endpoint}
        coming = [endpoint for endpoint in plan.after.endpoints.values() if names.tag(endpoint.id) in wanted]
        moved = "".join(
            f"; the link of {title} was moved to another namespace: it is {name} in {namespace} now: move it back, or delete it there"
            for title, name, namespace in (links_in_other_namespaces(coming, tools) if exc.errno in TAKEN else ())
        )
        if not moved:
            raise
        raise KernelError(f"{exc}{moved}", exc.errno) from exc


def _commit(session: Session, writer: Writer, plan: Plan, changes: t.Sequence[t.Any]) -> None:
    try:
        session.record(changes)
    except BaseException as exc:
        if plan.removal:
            # The journal says that the next run finishes the removal, and the disk may refuse to delete the journal.
            raise StateError(f"{exc}; the objects are removed from the kernel, and the next run on this host updates the record") from exc
        writer.ensure_done(inverse(plan.steps))
        # The disk that refused the record may refuse this too; the next run then undoes what is gone already.
        with contextlib.suppress(Exception):
            session.forget_intention()
        raise
