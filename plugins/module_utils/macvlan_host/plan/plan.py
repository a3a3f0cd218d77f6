# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a plan from requests, the record and the kernel's state. Pure: same input, same plan."""

from __future__ import annotations

import typing as t

from ..errors import PlanError
from ..model.kernel import Kernel
from ..model.netns import Netns
from ..model.record import Lease, Record
from ..model.ref import HOST_ACCESS, NETWORK, Ref
from ..request.base import Restoration
from ..request.endpoint import EndpointOptions
from ..steps.plan import Plan
from .builder import PlanBuilder
from .choices import NO_CHOICES, Choices
from .endpoint_addresses import requested_leases
from .mistakes import Mistakes, raise_all
from .table import restorers, work_of

if t.TYPE_CHECKING:
    from ..request.host import Request


def plan(
    requests: t.Sequence[Request],
    recorded: Record,
    kernel: Kernel,
    foresee: bool = False,
    *,
    before: Record | None = None,
    new_names: t.Mapping[Ref, Ref] | None = None,
    choices: Choices = NO_CHOICES,
) -> Plan:
    """The steps from the present state to the requested one, and the record after them.

    Requested addresses are reserved before others are chosen, and an earlier request does not delete what a later one
    uses.

    :param requests: they are worked in one after the other; each sees the state after the earlier ones
    :param foresee: assume that networks which do not exist yet will be created before the plan is performed
    :param before: the record as it is stored, if ``recorded`` is another one: with new names
    :param new_names: new identity → former identity, of the objects that have a new name in ``recorded``
    :param choices: what is known of addresses from the wire
    :raises PlanError: some of them are refused, all of which are named
    """
    builder = PlanBuilder(recorded, kernel, new_names, choices)
    builder.foresees = foresee
    users = [request.uses for request in requests]
    _expect(builder, requests, users)
    reserved: dict[Ref, tuple[Lease, ...]] | None = None
    failures = _Failures()
    is_ready = False
    for request, (links, namespaces) in zip(requests, users):
        if request.declares and not is_ready:
            is_ready = True
            _make_ready(builder)
        builder.expect(links, namespaces, -1)
        if request.subject is not None:
            builder.pending.pop(request.subject, None)
        for note in request.notes:
            builder.warn(note)
        if isinstance(request, EndpointOptions):
            if reserved is None:
                reserved = _reserve(builder, requests)
            builder.leases.release(reserved.pop(request.ref, ()))
            builder.replanned.pop((request.network, request.name), None)
        failures.work_in(builder, request)
    failures.check()
    _bring_back(builder)
    _settle_host_routes(builder)
    _settle_resolvers(builder)
    _release(builder, dict.fromkeys(link for links, dummy in users for link in links))
    return builder.finish(removal=all(request.removes for request in requests), before=before)


def _expect(
    builder: PlanBuilder, requests: t.Sequence[Request], users: t.Sequence[tuple[tuple[str, ...], tuple[Netns, ...]]]
) -> None:
    """Have the builder know all that the requests name, before the first of them is worked in.

    :param users: the links and namespaces that each of them uses
    """
    builder.coming = {request.subject: request for request in requests if request.subject is not None and request.declares}
    builder.pending = dict(builder.coming)
    for links, namespaces in users:
        builder.expect(links, namespaces)
    builder.expect_subnets(subnet for request in requests for subnet in request.named_subnets)


def _bring_back(builder: PlanBuilder) -> None:
    if builder.replanned or builder.retired:
        from .retire import bring_back

        bring_back(builder)


def _settle_host_routes(builder: PlanBuilder) -> None:
    if any((name, HOST_ACCESS) in builder.endpoints for name in builder.networks):
        from .host_access import settle_host_routes

        settle_host_routes(builder)


def _settle_resolvers(builder: PlanBuilder) -> None:
    if builder.resolvers_to_settle:
        from .resolver import settle_resolvers

        settle_resolvers(builder)


def _make_ready(builder: PlanBuilder) -> None:
    """Have what the declared objects give up free for others of them; a single request without ``replace`` has no others."""
    if any(request.replace for request in builder.coming.values()):
        from .retire import make_ready

        make_ready(builder)
    elif len(builder.coming) < 2:
        return
    for request in builder.coming.values():
        network = builder.networks.get(request.name) if request.ref.kind == NETWORK else None
        if network is not None:
            from .subnets import free_subnets

            free_subnets(builder, network, request)


def _release(builder: PlanBuilder, links: t.Collection[str]) -> None:
    """Release links that were kept for a request that then used a foreign one instead."""
    if builder.links.keys().isdisjoint(links):
        return
    from .parent_changes import release_parent

    for name in links:
        release_parent(builder, name)


def _reserve(builder: PlanBuilder, requests: t.Iterable[Request]) -> dict[Ref, tuple[Lease, ...]]:
    """The reservations of the endpoints that request addresses; the first request for an address gets it.

    Held addresses are reserved too: their holders may get others in the same plan.
    """
    reserved = {}
    taken: set[tuple[str, str]] = set()
    for request in requests:
        if isinstance(request, EndpointOptions) and request.requested:
            leases = [item for item in requested_leases(builder, request) if (item.pool, item.address) not in taken]
            taken.update((item.pool, item.address) for item in leases)
            reserved[request.ref] = tuple(leases)
            builder.leases.take(leases)
    return reserved


class _Failures:
    """The mistakes of all requests; requests that depend on a failed one are skipped."""

    def __init__(self) -> None:
        self._errors: list[PlanError] = []
        self._sentences: list[str] = []
        self._failed: set[Ref] = set()

    def work_in(self, builder: PlanBuilder, request: Request) -> None:
        """Work a request into the plan, or note its refusal and leave the plan unchanged."""
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
        dependencies = work_of(request).dependencies if self._failed and not isinstance(request, Restoration) else None
        return dependencies is not None and not self._failed.isdisjoint(dependencies(builder, request))

    def _spread(self, request: Request) -> None:
        if request.declares and request.subject is not None:
            self._failed.add(request.subject)

    def check(self) -> None:
        """Raise the refusals that were collected.

        :raises PlanError: the only refusal itself, or one error for all of them
        """
        raise_all(self._errors, self._sentences)


def _check_writable(builder: PlanBuilder, title: str, steps: int) -> None:
    """Refuse steps that write to a read-only /proc/sys; the first ones belong to other requests."""
    if len(builder.steps) > steps and builder.kernel.read_only:
        from .unwritable_settings import check_writable

        check_writable(builder.kernel, title, builder.steps[steps:])


def _work_in(builder: PlanBuilder, request: Request) -> None:
    if not isinstance(request, Restoration):
        work_of(request).plan(builder, request)
        return
    # After a boot, a link without a tag is foreign, even if it looks like ours.
    builder.adopts = False
    for restore in restorers():
        restore(builder, request)
