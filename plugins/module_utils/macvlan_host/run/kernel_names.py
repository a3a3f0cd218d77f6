# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observes a host for a request that may name links by other names than the kernel does."""

from __future__ import annotations

import typing as t

from ..model.netns import HOST
from ..model.ref import ENDPOINT
from .decide import needs_to_decide
from .renamed_links import with_present_names

if t.TYPE_CHECKING:
    from ..model.access import LockoutPolicy
    from ..request.host import AnyRequest
    from .observe import Observation
    from .snapshot import NeedsOf


def observed_by_names(
    request: AnyRequest, policy: LockoutPolicy | None, observe: t.Callable[[NeedsOf], Observation]
) -> tuple[AnyRequest, Observation]:
    """The request with the names that links have, and the state for it.

    Which part of the kernel's state a request needs depends on these names, which only the kernel knows. So if they are others
    than written or recorded, which is rare, it is read twice.
    """
    first = observe(lambda stored: needs_to_decide(request, stored, policy))
    named, is_renamed = _named(request, first)
    if named is request and not is_renamed:
        return request, first
    kernel = first.kernel
    observed = observe(
        lambda stored: needs_to_decide(named, stored._replace(record=with_present_names(stored.record, kernel)[0]), policy)
    )
    warnings = tuple(dict.fromkeys((*first.warnings, *observed.warnings)))
    return _named(request, observed)[0], observed._replace(warnings=warnings)


def _named(request: AnyRequest, observed: Observation) -> tuple[AnyRequest, bool]:
    """The request with the names that links have, and whether a recorded link has another name."""
    record, renamed = with_present_names(observed.record, observed.kernel)
    if request.subject is not None and request.subject.kind == ENDPOINT:
        vrf, host = getattr(request, "vrf", None), observed.kernel.spaces[HOST.path]
        if vrf is None or host is not None and vrf in host.links:
            return request, bool(renamed)
    from ..plan.parent_names import with_kernel_names

    return with_kernel_names(request, record, observed.kernel), bool(renamed)
