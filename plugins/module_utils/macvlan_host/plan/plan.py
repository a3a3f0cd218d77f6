# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what is wanted, what is recorded and what the kernel shows to a plan. Pure: same input, same plan."""

from __future__ import annotations

import typing as t

from ..errors import PlanError
from ..model.kernel import Kernel
from ..model.record import Lease, Record
from ..model.ref import Ref
from ..request.asked import Restoration
from ..request.endpoint import EndpointOptions
from ..steps.plan import Plan
from .builder import PlanBuilder
from .endpoint_addresses import requested_leases
from .mistakes import Mistakes, raise_all
from .table import restorers, work_of

if t.TYPE_CHECKING:
    from ..request.host import Request


def plan(requests: t.Sequence[Request], recorded: Record, kernel: Kernel, foresee: bool = False) -> Plan:
    """The steps that lead from what is to what is wanted, and the record afterwards.

    Addresses that are asked for are reserved before others are chosen, and what a later request uses is not taken
    away by an earlier one.

    :param requests: worked in one after the other, each sees what those before it will have done
    :param foresee: take it that networks which are not there yet will be made before the plan is carried out
    :raises PlanError: some of them cannot be done, all of which are named; nothing is to be done then
    """
    builder = PlanBuilder(recorded, kernel)
    builder.coming = {request.subject: request for request in requests if request.subject is not None and request.describes}
    builder.foresees = foresee
    users = [request.uses for request in requests]
    for links, namespaces in users:
        builder.expect(links, namespaces)
    builder.expect_subnets(subnet for request in requests for subnet in request.named_subnets)
    reserved: dict[Ref, tuple[Lease, ...]] | None = None
    failures = _Failures()
    for request, (links, namespaces) in zip(requests, users):
        builder.expect(links, namespaces, -1)
        for note in request.notes:
            builder.warn(note)
        if isinstance(request, EndpointOptions):
            if reserved is None:
                reserved = _reserve(builder, requests)
            builder.leases.release(reserved.pop(request.ref, ()))
        failures.work_in(builder, request)
    failures.check()
    _release(builder, dict.fromkeys(link for links, dummy in users for link in links))
    return builder.finish(removal=all(request.removes for request in requests))


def _release(builder: PlanBuilder, links: t.Collection[str]) -> None:
    """Take away what was kept for a request that then used something foreign instead."""
    if builder.links.keys().isdisjoint(links):
        return
    from .parent_changes import release_parent

    for name in links:
        release_parent(builder, name)


def _reserve(builder: PlanBuilder, requests: t.Iterable[Request]) -> dict[Ref, tuple[Lease, ...]]:
    """The reservations of the endpoints that ask for addresses; the first to ask for one has it.

    Also of addresses that are held: their holders may be about to get others.
    """
    reserved = {}
    taken: set[tuple[str, str]] = set()
    for request in requests:
        if isinstance(request, EndpointOptions) and (request.ipv4 or request.ipv6):
            leases = [item for item in requested_leases(builder, request) if (item.pool, item.address) not in taken]
            taken.update((item.pool, item.address) for item in leases)
            reserved[request.ref] = tuple(leases)
            builder.leases.take(leases)
    return reserved


class _Failures:
    """The mistakes of all requests; what is only there because another request failed is passed over."""

    def __init__(self) -> None:
        self._errors: list[PlanError] = []
        self._sentences: list[str] = []
        self._failed: set[Ref] = set()

    def work_in(self, builder: PlanBuilder, request: Request) -> None:
        """Work a request into the plan, or note why that cannot be, and leave the plan as it was."""
        if self._depends_on_failed(builder, request):
            self._spread(request)
            return
        mistakes = Mistakes(request.title)
        steps = len(builder.steps)
        with mistakes:
            _work_in(builder, request)
            _check_writable(builder, request.title, steps)
        if mistakes:
            builder.undo(steps)
            self._errors += mistakes.errors
            self._sentences += mistakes.sentences
            self._spread(request)

    def _depends_on_failed(self, builder: PlanBuilder, request: Request) -> bool:
        rests_on = work_of(request).rests_on if self._failed and not isinstance(request, Restoration) else None
        return rests_on is not None and not self._failed.isdisjoint(rests_on(builder, request))

    def _spread(self, request: Request) -> None:
        if request.describes and request.subject is not None:
            self._failed.add(request.subject)

    def check(self) -> None:
        """Refuse what was refused.

        :raises PlanError: the only one as it was, else all of them in one
        """
        raise_all(self._errors, self._sentences)


def _check_writable(builder: PlanBuilder, title: str, steps: int) -> None:
    """Refuse steps that write where nothing can be written; those before so many are of other requests."""
    if len(builder.steps) > steps and builder.kernel.read_only:
        from .unwritable_settings import check_writable

        check_writable(builder.kernel, title, builder.steps[steps:])


def _work_in(builder: PlanBuilder, request: Request) -> None:
    if not isinstance(request, Restoration):
        work_of(request).plan(builder, request)
        return
    # A link without a tag after a boot is foreign, however similar to ours it is.
    builder.adopts = False
    for restore in restorers():
        restore(builder, request)
