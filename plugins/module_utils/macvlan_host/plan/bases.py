# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The links below a VLAN sub-interface: those that are ours, and those that are created for it (QinQ)."""

from __future__ import annotations

from ..compare.ownership import fits, is_of_lost_record
from ..errors import PlanError
from ..model.links import OwnedLink, SubInterface
from ..values import names
from .builder import PlanBuilder


def bases_of(builder: PlanBuilder, sub: SubInterface) -> list[OwnedLink]:
    """The links below a sub-interface that are ours, or become ours with it, those that carry others before these.

    What is missing is created for a new sub-interface only: a base that is not recorded was created by somebody else.

    :raises PlanError: the name of a missing base is not spelled as the collection spells it
    """
    bases: list[OwnedLink] = []
    names_of_bases = {sub.name}
    above = sub
    while above.parent not in names_of_bases:
        base = builder.links.get(above.parent) or _new_base(builder, above)
        if base is None:
            break
        bases.append(base)
        if not isinstance(base, SubInterface):
            break
        names_of_bases.add(base.name)
        above = base
    return bases[::-1]


def _new_base(builder: PlanBuilder, sub: SubInterface) -> SubInterface | None:
    """The sub-interface to create for another one on it; None where there is a link, or where none can be created."""
    link = builder.host.links.get(sub.parent)
    parts = names.split_subinterface(sub.parent)
    if parts is None or not _can_be_created(builder, sub):
        return None
    if link is None:
        _check_spelling(builder, sub)
        return SubInterface(names.subinterface_id(builder.kernel.host, sub.parent), sub.parent, parts.base, parts.vlan_id)
    if link.vlan is None or not is_of_lost_record(link, builder.kernel.host):
        return None
    identifier = names.subinterface_id(builder.kernel.host, link.name)
    base = SubInterface(identifier, link.name, parts.base, parts.vlan_id, link.vlan.protocol)
    return base if fits(builder.host, link, base) else None


def _can_be_created(builder: PlanBuilder, sub: SubInterface) -> bool:
    """Whether the base of a sub-interface may be one of ours that is not recorded.

    What a base was known by is recorded only if it was not ours. A restoration creates nothing that is not recorded.
    """
    recorded = builder.links.get(sub.name)
    if not isinstance(recorded, SubInterface) or recorded.parent != sub.parent:
        return True
    return builder.adopts and recorded.parent_link is None


def _check_spelling(builder: PlanBuilder, sub: SubInterface) -> None:
    spelled = spelling(builder, sub.parent)
    if spelled != sub.parent:
        raise PlanError(f"cannot create VLAN link {sub.name}: there is no link {sub.parent} on this host; did you mean {spelled}?")


def spelling(builder: PlanBuilder, name: str) -> str:
    """A name as the collection spells it: each VLAN id without leading zeros, down to a link that exists."""
    parts = names.split_subinterface(name)
    if parts is None or name in builder.host.links:
        return name
    return names.SubInterfaceName(spelling(builder, parts.base), parts.vlan_id).canonical
