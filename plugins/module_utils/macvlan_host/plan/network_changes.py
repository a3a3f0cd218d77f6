# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps for networks that are new, change or go; a network that stays as it is needs none of this, and it is not imported then."""

from __future__ import annotations

import dataclasses
import typing as t

from ..compare.ownership import is_of_lost_record, is_ours
from ..errors import PlanError
from ..model.endpoint import Endpoint
from ..model.link_identity import former_names
from ..model.link_options import shown_options
from ..model.links import DummyParent, OwnedLink, SubInterface
from ..model.network import Network
from ..request.network import NetworkOptions, NetworkRemoval
from ..steps.steps import Note
from ..values import names
from ..wire.kinds import kind_of
from .builder import PlanBuilder
from .endpoint_changes import follow_network, remove_endpoint
from .network_parent import make_subinterface, use_as_it_is
from .parent import ensure_owned
from .parent_changes import release_parent, rename_dummy
from .parent_names import words_of_former_name
from .replacement import has_new_links, loses_address, needing_more, refusal


def note_change(builder: PlanBuilder, recorded: Network | None, network: Network) -> None:
    """Say what changes of the record of a network, which is new or differs."""
    if recorded is None:
        builder.do(Note(f"record {network.title} on {network.parent}"))
        return
    if recorded.parent != network.parent:
        builder.do(Note(f"move {network.title} from {recorded.parent} to {network.parent}"))
    if network.ref in builder.new_names:
        builder.do(Note(f"rename {builder.new_names[network.ref].title} to {network.name}"))
    changed = [name for name in _changed_fields(recorded, network) if name not in DERIVED]
    if changed:
        builder.do(Note(f"change {', '.join(changed)} of {network.title}"))


# The fields that change with the name or the place of a network, which have notes of their own.
DERIVED = ("id", "parent", "parent_created")


def _changed_fields(recorded: Network, network: Network) -> list[str]:
    """The fields that differ, under their names in results."""
    before, after = (
        {
            **{field.name: getattr(item, field.name) for field in dataclasses.fields(Network) if field.compare},
            "subnets": [dataclasses.replace(subnet, slices=None) for subnet in item.subnets],
            "slices": item.slices,
            **shown_options(item.link_options),
        }
        for item in (recorded, network)
    )
    return [name for name in after if name != "link_options" and before[name] != after[name]]


def follow_change(
    builder: PlanBuilder, recorded: Network, network: Network, followed: Network, endpoints: t.Iterable[Endpoint]
) -> None:
    """Plan what a change of a network means for its endpoints; those with a request of their own are planned by that.

    :param followed: the network with the link options that its links are set to
    """
    more = {endpoint.key for endpoint in needing_more(builder, recorded, network)} if recorded != network else set()
    has_other_subnets = network.ref not in builder.new_names and not has_new_links(recorded, network)
    for endpoint in endpoints:
        if endpoint.key in more and has_other_subnets and endpoint.ref not in builder.interrupted and loses_address(network, endpoint):
            builder.interrupted[endpoint.ref] = None
            builder.do(Note(f"interrupt the traffic of {endpoint.title}, of which a subnet goes or changes its size"))
        if endpoint.ref in builder.pending:
            continue
        if endpoint.key in more:
            builder.replanned[endpoint.key] = None
        elif endpoint.key not in builder.replanned:
            follow_network(builder, endpoint, followed)


# --- the parent -----------------------------------------------------------------------------------------------------


def take_parent(builder: PlanBuilder, wanted: NetworkOptions, parent: str, identifier: str) -> bool:
    """Use the parent as it is, or create it; return whether it was created."""
    link = builder.host.links.get(parent)
    if wanted.parent is None:
        if link is not None and parent not in builder.links and not is_ours(link, identifier, DummyParent.kind):
            raise PlanError(f"{wanted.title}: the name {parent} of its dummy parent is taken by another link")
        ensure_owned(builder, DummyParent(identifier, parent))
        return True
    if parent in builder.links:
        ensure_owned(builder, builder.links[parent])
        _warn_of_former_base(builder, wanted, builder.links[parent])
        return False
    if link is None or is_of_lost_record(link, builder.kernel.host):
        make_subinterface(builder, wanted.title, parent)
        return True
    use_as_it_is(builder, wanted.title, link, kind_of(wanted))
    return False


def _warn_of_former_base(builder: PlanBuilder, wanted: NetworkOptions, owned: OwnedLink) -> None:
    """Warn of a VLAN that is named after its base as that was called before, if another link has that name now."""
    parts = names.split_subinterface(owned.name)
    if parts is None or not isinstance(owned, SubInterface):
        return
    if parts.base in former_names(owned.parent_link) and parts.base in builder.host.links:
        builder.warn(
            f"{wanted.title}: its parent {owned.name} is VLAN {owned.vlan_id} of {owned.parent}, which was called {parts.base}, and "
            f"{parts.base} is another link now; for VLAN {owned.vlan_id} of that one, declare a VLAN sub-interface with parent: "
            f"{parts.base}, vlan_id: {owned.vlan_id} and another name, and write that name as parent"
        )


# --- what cannot change in place -------------------------------------------------------------------------------------


def check_replaceable(builder: PlanBuilder, recorded: Network, wanted: NetworkOptions, option: str | None) -> None:
    """Refuse a change for which all links must be created again, if that was not asked for.

    Without links that is no harm, but another parent, which an option left out would give it too, is always to be asked for.

    :param option: that changes, None if there is none
    """
    has_links = bool(builder.endpoints_of(recorded.name))
    if option is None or wanted.replace or not has_links and option != "parent":
        return
    problem = words_of_former_name(recorded, wanted.parent) if option == "parent" and wanted.parent is not None else None
    if problem is not None:
        raise PlanError(f"{problem}, or add replace: true to move the network to {wanted.parent}")
    endpoints = [endpoint.name for endpoint in builder.endpoints_of(recorded.name) if endpoint.host_access is None] if has_links else None
    if option in ("driver", "mode"):
        text = f"{option} is {getattr(recorded, option)} and cannot become {getattr(wanted, option)}"
        raise refusal(recorded.ref, option, text, endpoints)
    if wanted.parent is None:
        text = (
            f"parent was left out, which requests a network without a parent (a dummy link), but the recorded parent is "
            f"{recorded.parent}, which cannot change"
        )
        raise refusal(recorded.ref, option, text, endpoints, f"; to keep the parent, write parent: {recorded.parent}")
    raise refusal(recorded.ref, option, f"parent is {recorded.parent} and cannot become {wanted.parent}", endpoints)


def with_own_dummy(builder: PlanBuilder, recorded: Network, identifier: str, parent: str) -> str:
    """Plan to rename the dummy parent of a network that has a new name; return the name of its parent."""
    owned = builder.links.get(recorded.parent)
    if recorded.id == identifier or parent != recorded.parent or not isinstance(owned, DummyParent):
        return parent
    renamed = DummyParent(identifier, names.dummy_name(identifier))
    rename_dummy(builder, owned, renamed)
    return renamed.name


# --- absent ---------------------------------------------------------------------------------------------------------


def remove_network(builder: PlanBuilder, wanted: NetworkRemoval, network: Network) -> None:
    """Plan the removal of a network.

    :raises PlanError: it has endpoints, and ``force`` was not given
    """
    endpoints = builder.endpoints_of(network.name)
    named = sorted(endpoint.name for endpoint in endpoints if endpoint.host_access is None)
    if named and not wanted.force:
        shown = ", ".join(named)
        raise PlanError(
            f"{network.title} has the endpoints {shown}; remove them first, or use force: true to remove them too"
        )
    for endpoint in endpoints:
        remove_endpoint(builder, endpoint)
    builder.do(Note(f"forget {network.title}"))
    builder.drop_network(network.name)
    release_parent(builder, network.parent)
