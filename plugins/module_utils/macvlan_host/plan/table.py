# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of object, and what planning does with each: a new kind is a new entry here.

How an object is shown is looked up by its kind too, in result/views.py, which what only reads has without any planner.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..model.ref import Ref
from ..request.endpoint import EndpointOptions, EndpointRemoval
from ..request.host import ObjectRequest, Restoration
from ..request.network import NetworkOptions, NetworkRemoval
from ..request.subinterface import SubInterfaceOptions, SubInterfaceRemoval, SubInterfaceRetraction
from .builder import PlanBuilder
from .endpoint_task import (
    needs_of_endpoint,
    needs_of_endpoint_removal,
    plan_endpoint_on_network,
    plan_endpoint_removal,
    what_endpoint_rests_on,
)
from .network import needs_of_network, needs_of_network_removal, plan_network, plan_network_removal, what_network_rests_on
from .object_needs import ObjectNeeds, Recorded
from .restore import restore_endpoints, restore_networks, restore_subinterfaces
from .subinterface import (
    needs_of_subinterface,
    needs_of_subinterface_removal,
    plan_subinterface,
    plan_subinterface_removal,
    plan_subinterface_retraction,
    what_subinterface_rests_on,
)

Asked = t.TypeVar("Asked", bound=ObjectRequest)


@dataclass(frozen=True)
class Work(t.Generic[Asked]):
    """What is done with one sort of request.

    :ivar needs: what has to be read of the kernel for it
    :ivar plan: works it into a plan
    :ivar rests_on: objects without which it cannot be had, as far as is known; None where it needs none
    """

    needs: t.Callable[[Asked, Recorded], ObjectNeeds]
    plan: t.Callable[[PlanBuilder, Asked], None]
    rests_on: t.Callable[[PlanBuilder, Asked], t.Iterable[Ref]] | None = None


@dataclass(frozen=True)
class ObjectKind:
    """One kind of object.

    :ivar work: what is done with each sort of request for it: it is present, it is absent, no task declares it any more
    :ivar restore: restores what is recorded of it, and notes what cannot be restored
    """

    work: t.Mapping[type, Work[t.Any]]
    restore: t.Callable[[PlanBuilder, Restoration], None]


SUBINTERFACES = ObjectKind(
    {
        SubInterfaceOptions: Work(needs_of_subinterface, plan_subinterface, what_subinterface_rests_on),
        SubInterfaceRemoval: Work(needs_of_subinterface_removal, plan_subinterface_removal),
        SubInterfaceRetraction: Work(needs_of_subinterface_removal, plan_subinterface_retraction),
    },
    restore_subinterfaces,
)
NETWORKS = ObjectKind(
    {
        NetworkOptions: Work(needs_of_network, plan_network, what_network_rests_on),
        NetworkRemoval: Work(needs_of_network_removal, plan_network_removal),
    },
    restore_networks,
)
ENDPOINTS = ObjectKind(
    {
        EndpointOptions: Work(needs_of_endpoint, plan_endpoint_on_network, what_endpoint_rests_on),
        EndpointRemoval: Work(needs_of_endpoint_removal, plan_endpoint_removal),
    },
    restore_endpoints,
)
# Those first that carry others.
KINDS = (SUBINTERFACES, NETWORKS, ENDPOINTS)
WORK: dict[type, Work[t.Any]] = {request: work for kind in KINDS for request, work in kind.work.items()}
