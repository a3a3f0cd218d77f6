# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps as JSON types, for the journal."""

from __future__ import annotations

import dataclasses
import typing as t

from ..model.links import SubInterface, VlanFacts
from ..model.netns import Netns
from ..model.network import MODES
from ..model.route import Route
from ..model.sysctl import Sysctl
from ..values import validators
from ..values.plain import plain
from ..wire.kinds import KINDS
from .link_spec import LinkSpec
from .steps import (
    AddAddress,
    AddConnectedRoute,
    AddLink,
    AddRoute,
    CreateNetns,
    DeleteAddress,
    DeleteLink,
    DeleteNetns,
    DeleteRoute,
    Note,
    ReplaceRoute,
    SetLink,
    SetSysctls,
    Step,
)

_STEPS: dict[str, type] = {cls.__name__: cls for cls in t.get_args(Step)}


def to_plain(step: Step, with_way_back: bool = True) -> dict[str, t.Any]:
    """A step as JSON types, for the journal.

    :param with_way_back: with the steps that make a deleted link again
    """
    if not isinstance(step, DeleteLink):
        return {"step": type(step).__name__, **plain(step)}
    restore = [to_plain(item) for item in step.restore] if with_way_back else []
    return {"step": "DeleteLink", **plain(dataclasses.replace(step, restore=())), "restore": restore}


def from_plain(data: dict[str, t.Any]) -> Step:
    """The step that :func:`to_plain` wrote.

    :raises UnknownError: it is one of a newer release
    :raises ValueError: it is none that a plan could have
    """
    step = data.get("step") if isinstance(data, dict) else None
    if not validators.known("step", step, _STEPS):
        raise ValueError(f"there is an unknown step {step!a:.80}")
    cls = _STEPS[t.cast(str, step)]
    values = validators.fields(f"step {step}", {key: value for key, value in data.items() if key != "step"}, _CHECKS[cls])
    read = _READ_ROUTES if cls is ReplaceRoute else _READ
    found = cls(**{key: read[key](value) if key in read else value for key, value in values.items()})
    if cls is SetLink and not all(_ATTRIBUTES[found.attribute](value) for value in (found.old, found.new)):
        raise ValueError(f"there is a step that changes {found.attribute} from {found.old!a:.80} to {found.new!a:.80}")
    return t.cast(Step, found)


def _link_from_plain(data: t.Any) -> LinkSpec:
    values = validators.fields("link", data, _LINK_CHECKS)
    vlan = VlanFacts.from_plain(values["vlan"]) if values["vlan"] is not None else None
    found = LinkSpec(**{**values, "vlan": vlan})
    # Of what is not ours only VLAN links are ever removed, and by force.
    if vlan is None and (found.kind == SubInterface.kind or not validators.tag(found.tag)):
        raise ValueError(f"there is a step for a link {found.name!a} that cannot be ours")
    return found


def _several(title: str, read: t.Callable[[t.Any], t.Any]) -> t.Callable[[t.Any], tuple[t.Any, ...]]:
    return lambda data: validators.each(read, validators.items(title, data))


_SYSCTL_CHECKS: dict[str, validators.Check] = {
    "key": validators.sysctl_key,
    "old": validators.optional(validators.sysctl_value),
    "new": validators.sysctl_value,
    "optional": validators.flag,
}

_READ: dict[str, t.Callable[[t.Any], t.Any]] = {
    "netns": Netns.from_plain,
    "link": _link_from_plain,
    "route": Route.from_plain,
    "restore": _several("steps of a way back", from_plain),
    "settings": _several("settings of a step", lambda data: Sysctl(**validators.fields("setting", data, _SYSCTL_CHECKS))),
}

_READ_ROUTES = {**_READ, "old": Route.from_plain, "new": Route.from_plain}

# Namespaces are ruled by others too, who may have called a link what no task would.
_PLACE: dict[str, validators.Check] = {"netns": validators.elsewhere, "ifname": validators.link_name}
_OF_ADDRESS: dict[str, validators.Check] = {
    **_PLACE,
    "address": validators.with_length,
    "peer": validators.optional(validators.address),
}
_OF_ROUTE: dict[str, validators.Check] = {**_PLACE, "route": validators.elsewhere}
_OF_NETNS: dict[str, validators.Check] = {"name": validators.namespace, "tag": validators.tag}

_CHECKS: dict[type, dict[str, validators.Check]] = {
    Note: {"text": validators.text},
    CreateNetns: _OF_NETNS,
    DeleteNetns: _OF_NETNS,
    AddLink: {"netns": validators.elsewhere, "link": validators.elsewhere},
    DeleteLink: {
        "netns": validators.elsewhere,
        "link": validators.elsewhere,
        "restore": validators.elsewhere,
        "because": validators.text,
    },
    SetLink: {
        **_PLACE,
        "attribute": validators.one_of("name", "mac", "mtu", "mode", "alias", "up", "vlan"),
        "old": validators.elsewhere,
        "new": validators.elsewhere,
    },
    AddAddress: _OF_ADDRESS,
    DeleteAddress: _OF_ADDRESS,
    AddRoute: _OF_ROUTE,
    DeleteRoute: _OF_ROUTE,
    ReplaceRoute: {**_PLACE, "old": validators.elsewhere, "new": validators.elsewhere},
    AddConnectedRoute: {**_PLACE, "address": lambda value: validators.with_length(value) and Route.connected(value) is not None},
    SetSysctls: {**_PLACE, "settings": validators.elsewhere},
}

# What the attributes of a link can be changed from, and to.
_ATTRIBUTES: dict[str, validators.Check] = {
    "name": validators.link_name,
    "mac": validators.mac,
    "mtu": validators.number(0, validators.MAX_UINT32),
    "mode": validators.one_of(*MODES, "source"),
    "alias": validators.link_alias,
    "up": validators.flag,
    "vlan": lambda value: VlanFacts.from_plain(value) is not None,
}

_LINK_CHECKS: dict[str, validators.Check] = {
    "name": validators.link_name,
    "kind": validators.one_of(*(kind.name for kind in KINDS.values() if kind.is_made)),
    "tag": validators.optional(validators.link_alias),
    "parent": validators.optional(validators.link_name),
    "mac": validators.optional(validators.mac),
    "mtu": validators.optional(validators.number(0, validators.MAX_UINT32)),
    "mode": validators.optional(validators.one_of(*MODES)),
    "vlan": validators.elsewhere,
}
