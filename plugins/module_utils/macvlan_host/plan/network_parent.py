# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parent of a network: a foreign one is used as it is, an owned one is created or restored."""

from __future__ import annotations

from ..errors import AbsentError, PlanError
from ..model.links import DummyParent, Link, OwnedLink, SubInterface
from ..model.network import Network
from ..values import names
from ..wire.kinds import LinkKind, kind_of
from .builder import PlanBuilder
from .kernel_limits import problem_of_parent


def ensure_parent(builder: PlanBuilder, network: Network) -> None:
    """Plan the restoration of an owned parent; a foreign one must exist.

    :raises PlanError: a foreign parent is gone, or an owned one cannot be created again
    """
    owned = builder.links.get(network.parent)
    if owned is not None:
        _ensure_owned(builder, owned)
        return
    link = builder.host.links.get(network.parent)
    if link is not None:
        use_as_it_is(builder, network.title, link, kind_of(network))
        return
    if not network.parent_created:
        raise AbsentError(
            f"{network.title}: its parent {network.parent} is gone from this host; it was not created "
            f"here, so it is not created again: bring it back first",
            network.parent,
        )
    if builder.uses_dummy(network):
        _ensure_owned(builder, DummyParent(network.id, network.parent))
    else:
        make_subinterface(builder, network.title, network.parent)


def _ensure_owned(builder: PlanBuilder, owned: OwnedLink) -> None:
    """Bring a link of ours back; a foreign parent needs none of what does so, and it is not imported then."""
    from .parent import ensure_owned

    ensure_owned(builder, owned)


def make_subinterface(builder: PlanBuilder, title: str, parent: str) -> None:
    """Create the sub-interface that a network needs.

    :raises PlanError: its name is not that of a sub-interface, or it cannot be created
    """
    parts = names.split_subinterface(parent)
    if parts is None:
        raise PlanError(
            f"{title}: there is no link {parent} on this host; only a name of the form base.vlan_id with an "
            f"id from {names.MIN_VLAN_ID} to {names.MAX_VLAN_ID}, such as eth0.50, can be created"
        )
    from .bases import spelling

    spelled = spelling(builder, parent) if parent not in builder.host.links else parent
    if spelled != parent:
        raise PlanError(f"{title}: there is no link {parent} on this host; did you mean {spelled}?")
    warn_of_other_base(builder, title, parts.base)
    try:
        _ensure_owned(builder, SubInterface(names.subinterface_id(builder.kernel.host, parent), parent, parts.base, parts.vlan_id))
    except AbsentError as exc:
        raise AbsentError(f"{title}: {exc}", exc.awaits) from exc
    except PlanError as exc:
        raise PlanError(f"{title}: {exc}") from exc


def use_as_it_is(builder: PlanBuilder, title: str, link: Link, kind: LinkKind) -> None:
    """Use a foreign link as parent of links of a kind.

    :raises PlanError: the kernel would refuse such a link on it, naming the conflicting object
    """
    problem = problem_of_parent(builder.host, link, kind, builder.kernel.moved_links)
    if problem is not None:
        raise PlanError(f"{title}: {problem}")
    if not link.up:
        builder.warn(f"{title}: its parent {link.name} is down, and stays so until its owner brings it up")
    warn_of_other_vlan(builder, title, link)


def warn_of_other_vlan(builder: PlanBuilder, title: str, link: Link) -> None:
    """Warn of a link that is not ours and is not the VLAN that its name says."""
    parts = names.split_subinterface(link.name)
    if parts is None or link.name in builder.links:
        return
    base = builder.host.by_index(link.lower) if link.vlan is not None and link.lower_netns is None else None
    if base is None or base.name != parts.base or link.vlan is None or link.vlan.vlan_id != parts.vlan_id:
        builder.warn(
            f"{title}: {link.name} is not VLAN {parts.vlan_id} of {parts.base}, as its name says; "
            f"it is used as it is"
        )


def warn_of_other_base(builder: PlanBuilder, title: str, base: str) -> None:
    """Warn of the highest link that exists below a new sub-interface, if it is not the VLAN that its name says."""
    link = next((builder.host.links[name] for name in names.and_below(base) if name in builder.host.links), None)
    if link is not None:
        warn_of_other_vlan(builder, title, link)
