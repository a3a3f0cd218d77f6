# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links that were renamed: a run goes on with the names that they have now."""

from __future__ import annotations

import typing as t

from ..model.kernel import Kernel, Space
from ..model.links import SubInterface
from ..model.netns import HOST
from ..model.network import Network
from ..model.record import Record

if t.TYPE_CHECKING:
    from ..compare.followed import Renamed
    from ..steps.plan import Plan


def with_present_names(record: Record, kernel: Kernel) -> tuple[Record, tuple[Renamed, ...]]:
    """The record with the names that the links below its objects, and their VRFs, have now, and what was renamed."""
    if _all_are_known(record, kernel):
        return record, ()
    from ..compare.followed import followed

    return followed(record, kernel)


def _all_are_known(record: Record, kernel: Kernel) -> bool:
    """Whether all links have their recorded names and indexes, which is so in nearly all runs."""
    links = (kernel.spaces[HOST.path] or Space()).links
    items: list[Network | SubInterface] = [link for link in record.links.values() if isinstance(link, SubInterface)]
    items += record.networks.values()
    for item in items:
        link, known = links.get(item.parent), item.parent_link
        if link is None or known is not None and (known.index, known.boot_id) != (link.index, kernel.boot_id):
            return False
    return all(endpoint.vrf is None or endpoint.vrf in links for endpoint in record.endpoints.values())


def planned_with(plan: Plan, stored: Record, renamed: t.Sequence[Renamed]) -> Plan:
    """A plan for a record with present names, as the change of the stored record; a removal of nothing changes nothing."""
    if not renamed:
        return plan
    if plan.removal and not plan.changed:
        return plan._replace(before=stored, after=stored)
    from ..steps.steps import Note

    notes = tuple(Note(item.step) for item in renamed)
    warnings = tuple(item.warning for item in renamed)
    # What is right by the present names differs from the record by the former ones.
    return plan._replace(before=stored, steps=(*notes, *plan.steps), warnings=(*warnings, *plan.warnings), right=())
