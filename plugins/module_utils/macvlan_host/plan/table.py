# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of object, and what planning does with each: a new kind is a new entry here.

What plans a kind is imported when a request for an object of it is looked up: a task is about one kind, a configuration
about several. How an object is shown is looked up by its kind too, in result/views.py, which what only reads has without
any planner.
"""

from __future__ import annotations

import functools
import typing as t

from ..model.ref import ENDPOINT, NETWORK, SUBINTERFACE, Ref

if t.TYPE_CHECKING:
    from ..request.host import ObjectRequest, Restoration
    from .builder import PlanBuilder
    from .object_needs import ObjectNeeds, Recorded

class Work(t.NamedTuple):
    """What is done with one sort of request.

    :ivar needs: what has to be read of the kernel for it
    :ivar plan: works it into a plan
    :ivar rests_on: objects without which it cannot be had, as far as is known; None where it needs none
    """

    needs: t.Callable[[t.Any, Recorded], ObjectNeeds]
    plan: t.Callable[[PlanBuilder, t.Any], None]
    rests_on: t.Callable[[PlanBuilder, t.Any], t.Iterable[Ref]] | None = None


# For each sort of request for an object of a kind: it is present, it is absent, no task declares it any more.
WorkOfKind = t.Mapping[type, Work]


def _work_on_subinterfaces() -> WorkOfKind:
    from ..request.subinterface import SubInterfaceOptions, SubInterfaceRemoval, SubInterfaceRetraction
    from .subinterface import (
        needs_of_subinterface,
        needs_of_subinterface_removal,
        plan_subinterface,
        plan_subinterface_removal,
        plan_subinterface_retraction,
        what_subinterface_rests_on,
    )

    return {
        SubInterfaceOptions: Work(needs_of_subinterface, plan_subinterface, what_subinterface_rests_on),
        SubInterfaceRemoval: Work(needs_of_subinterface_removal, plan_subinterface_removal),
        SubInterfaceRetraction: Work(needs_of_subinterface_removal, plan_subinterface_retraction),
    }


def _work_on_networks() -> WorkOfKind:
    from ..request.network import NetworkOptions, NetworkRemoval
    from .network import needs_of_network, needs_of_network_removal, plan_network, plan_network_removal, what_network_rests_on

    return {
        NetworkOptions: Work(needs_of_network, plan_network, what_network_rests_on),
        NetworkRemoval: Work(needs_of_network_removal, plan_network_removal),
    }


def _work_on_endpoints() -> WorkOfKind:
    from ..request.endpoint import EndpointOptions, EndpointRemoval
    from .endpoint_task import (
        needs_of_endpoint,
        needs_of_endpoint_removal,
        plan_endpoint_on_network,
        plan_endpoint_removal,
        what_endpoint_rests_on,
    )

    return {
        EndpointOptions: Work(needs_of_endpoint, plan_endpoint_on_network, what_endpoint_rests_on),
        EndpointRemoval: Work(needs_of_endpoint_removal, plan_endpoint_removal),
    }


# Those first that carry others.
_WORK: dict[str, t.Callable[[], WorkOfKind]] = {
    SUBINTERFACE: _work_on_subinterfaces,
    NETWORK: _work_on_networks,
    ENDPOINT: _work_on_endpoints,
}


@functools.cache
def work_on(kind: str) -> WorkOfKind:
    """What is done with the requests for objects of a kind."""
    return _WORK[kind]()


def work_of(request: ObjectRequest) -> Work:
    """What is done with a request."""
    return work_on(request.ref.kind)[type(request)]


def restorers() -> tuple[t.Callable[[PlanBuilder, Restoration], None], ...]:
    """What brings back what is recorded, kind by kind, and notes what cannot be; those first that carry others."""
    from .restore import restore_endpoints, restore_networks, restore_subinterfaces

    return restore_subinterfaces, restore_networks, restore_endpoints
