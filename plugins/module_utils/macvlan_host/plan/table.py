# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of the kinds of object, with their planners: a new kind is a new entry here.

The planner of a kind is imported when a request for an object of it is looked up: a task is about one kind, a configuration
about several. result/views.py has the functions that show an object of a kind, because runs that only read need no planner.
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
    """The functions for one sort of request.

    :ivar needs: the part of the kernel's state that it needs
    :ivar plan: works it into a plan
    :ivar dependencies: the objects on which it depends, as far as known; None if it depends on none
    """

    needs: t.Callable[[t.Any, Recorded], ObjectNeeds]
    plan: t.Callable[[PlanBuilder, t.Any], None]
    dependencies: t.Callable[[PlanBuilder, t.Any], t.Iterable[Ref]] | None = None


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
        subinterface_dependencies,
    )

    return {
        SubInterfaceOptions: Work(needs_of_subinterface, plan_subinterface, subinterface_dependencies),
        SubInterfaceRemoval: Work(needs_of_subinterface_removal, plan_subinterface_removal),
        SubInterfaceRetraction: Work(needs_of_subinterface_removal, plan_subinterface_retraction),
    }


def _work_on_networks() -> WorkOfKind:
    from ..request.network import NetworkOptions, NetworkRemoval
    from .network import needs_of_network, needs_of_network_removal, network_dependencies, plan_network, plan_network_removal

    return {
        NetworkOptions: Work(needs_of_network, plan_network, network_dependencies),
        NetworkRemoval: Work(needs_of_network_removal, plan_network_removal),
    }


def _work_on_endpoints() -> WorkOfKind:
    from ..request.endpoint import EndpointOptions, EndpointRemoval
    from .endpoint_task import (
        endpoint_dependencies,
        needs_of_endpoint,
        needs_of_endpoint_removal,
        plan_endpoint_on_network,
        plan_endpoint_removal,
    )

    return {
        EndpointOptions: Work(needs_of_endpoint, plan_endpoint_on_network, endpoint_dependencies),
        EndpointRemoval: Work(needs_of_endpoint_removal, plan_endpoint_removal),
    }


# Each kind after those on which it depends.
_WORK: dict[str, t.Callable[[], WorkOfKind]] = {
    SUBINTERFACE: _work_on_subinterfaces,
    NETWORK: _work_on_networks,
    ENDPOINT: _work_on_endpoints,
}


@functools.cache
def work_on(kind: str) -> WorkOfKind:
    """The functions for the requests of a kind."""
    return _WORK[kind]()


def work_of(request: ObjectRequest) -> Work:
    """The functions for a request."""
    return work_on(request.ref.kind)[type(request)]


def restorers() -> tuple[t.Callable[[PlanBuilder, Restoration], None], ...]:
    """The functions that restore the recorded objects of each kind, each kind after those on which it depends."""
    from .restore import restore_endpoints, restore_networks, restore_subinterfaces

    return restore_subinterfaces, restore_networks, restore_endpoints
