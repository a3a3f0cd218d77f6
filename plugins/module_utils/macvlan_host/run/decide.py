# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The second phase of a run: decide what to do, and what to tell the user."""

from __future__ import annotations

import dataclasses
import typing as t

from ..compare.claims import with_peer
from ..compare.host_identity import warnings_of_copy
from ..model.endpoint import Endpoint
from ..model.host_view import HostView
from ..model.kernel import Kernel, Needs
from ..model.record import Record
from ..model.ref import Ref
from ..plan.choices import NO_CHOICES, Choices
from ..plan.needs import needs_of
from ..plan.plan import plan as make_plan
from ..request.base import requests_of
from ..result.outcome import Outcome, outcome_of
from ..steps.plan import Plan
from ..store.journal import Stored
from ..values import names
from .observe import Observation
from .reader import reader_of
from .renamed_links import planned_with, with_present_names
from .tools import Tools

if t.TYPE_CHECKING:
    from ..model.access import LockoutPolicy
    from ..request.host import AnyRequest


class Decision(t.NamedTuple):
    """What a run will do.

    :ivar outcome: the result, as the user will see it
    :ivar plan: the steps, and the record before and after them
    :ivar boot_id: of the boot in which this was decided
    """

    outcome: Outcome
    plan: Plan
    boot_id: str

    @property
    def touches_kernel(self) -> bool:
        return any(not step.notes_only for step in self.plan.steps)


def needs_to_decide(request: AnyRequest, stored: Stored, policy: LockoutPolicy | None) -> Needs:
    """The part of the kernel's state that the decision on a request needs."""
    record = _renamed(request, stored.record)[0]
    needs = needs_of(requests_of(request, record), record)
    if stored.journal is not None:
        from ..steps.needs import needs_before_undoing

        needs = needs_before_undoing(needs, stored.journal.steps)
    # Reverting to the earlier state of a link needs the routes that other programs have added to it.
    return needs._replace(host_routes=True) if policy is not None and policy.confirm else needs


def decide(
    request: AnyRequest,
    observed: Observation,
    policy: LockoutPolicy | None,
    tools: Tools,
    foresee: bool = False,
    choices: Choices = NO_CHOICES,
) -> Decision:
    """Plan the steps for a request, and refuse what must not be done.

    :param policy: how to treat steps that would cut an access path; None if there is no access path to protect
    :param foresee: as in :func:`plan.plan.plan`; only check mode does so
    :param choices: what is known of addresses from the wire
    :raises PlanError: it is refused
    """
    kernel = observed.kernel
    record, renamed_links = with_present_names(observed.record, kernel)
    record, former = _renamed(request, record)
    request.check_against(record)
    requests = requests_of(request, record)
    if policy is not None and policy.connection is not None:
        kernel = with_peer(kernel, policy.connection.remote)
    before = observed.record if former else None
    plan = make_plan(requests, record, kernel, foresee=foresee, before=before, new_names=former, choices=choices)
    plan = planned_with(plan, observed.record, renamed_links)
    told = (*_check_access_paths(request, plan, kernel, policy, tools), *warnings_of_moved_links(plan, tools))
    warnings = (*observed.warnings, *warnings_of_copy(record.identity, kernel), *told)
    return Decision(outcome_of(request, requests, plan, HostView(observed.record, kernel), warnings, former), plan, kernel.boot_id)


def _renamed(request: AnyRequest, record: Record) -> tuple[Record, dict[Ref, Ref]]:
    """The record under the new names that a request gives, and new identity → former identity."""
    pairs = request.new_names
    if not pairs:
        return record, {}
    from ..request.renames import renamed

    return renamed(record, pairs)


def _check_access_paths(
    request: AnyRequest, plan: Plan, kernel: Kernel, policy: LockoutPolicy | None, tools: Tools
) -> tuple[str, ...]:
    """The warnings about steps that may cut an access path.

    :raises PlanError: they would cut it, and the policy does not allow that
    """
    # A run without steps cuts no access path.
    if policy is None or not plan.steps:
        return ()
    from ..plan import lockout_guard

    kernel = dataclasses.replace(kernel, access_paths=reader_of(tools).read_access_paths(policy.connection))
    return lockout_guard.check(request.title, plan.steps, kernel, policy)


def warnings_of_moved_links(plan: Plan, tools: Tools) -> tuple[str, ...]:
    """The warnings about removed endpoints whose links another program has moved to another namespace."""
    gone = [item for key, item in plan.before.endpoints.items() if key not in plan.after.endpoints]
    if not gone:
        return ()
    from ..steps.steps import DeleteLink

    deleted = {step.link.tag for step in plan.steps if isinstance(step, DeleteLink)}
    return tuple(
        f"the link of {title} was moved to another namespace: it is {name} in {namespace} now; delete it there if nothing uses it"
        for title, name, namespace in links_in_other_namespaces([item for item in gone if names.tag(item.id) not in deleted], tools)
    )


def links_in_other_namespaces(endpoints: t.Sequence[Endpoint], tools: Tools) -> t.Iterator[tuple[str, str, str]]:
    """(title of the endpoint, name of the link, title of the namespace) of each link in a wrong namespace."""
    tagged = {names.tag(endpoint.id): endpoint for endpoint in endpoints}
    for netns, space in reader_of(tools).tagged_spaces(tools.host_id()).items() if tagged else ():
        for link in space.links.values():
            endpoint = tagged.get(link.alias)
            if endpoint is not None and endpoint.netns.path != netns.path:
                yield endpoint.title, link.name, netns.title
