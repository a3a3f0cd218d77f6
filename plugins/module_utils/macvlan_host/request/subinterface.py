# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The request of a task for a VLAN sub-interface."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..model.netns import Netns
from ..model.ref import Ref, subinterface_ref
from ..values import names, validators
from ..values.addresses import parse_mac
from .base import Declaration, Removal
from .problems import MAX_MTU, MIN_MTU, WHOLE_NUMBER, Problems, parent_problem, prefixed


@dataclass(frozen=True)
class SubInterfaceOptions(Declaration):
    """A declared VLAN sub-interface; maps without the entries that map to 0, as the kernel shows them.

    :ivar replace: whether its link, and the links on it, may be created again
    :ivar declared: whether a task declares it; otherwise it is only needed by networks, and goes with the last of them
    """

    name: str
    parent: str
    vlan_id: int
    protocol: str = "802.1q"
    mtu: int | None = None
    mac: str | None = None
    up: bool = True
    reorder_hdr: bool = True
    gvrp: bool = False
    mvrp: bool = False
    loose_binding: bool = False
    ingress_qos_map: dict[str, int] = field(default_factory=dict)
    egress_qos_map: dict[str, int] = field(default_factory=dict)
    replace: bool = False
    declared: bool = True
    notes: tuple[str, ...] = ()

    @property
    def ref(self) -> Ref:
        return subinterface_ref(self.name)

    @property
    def uses(self) -> tuple[tuple[str, ...], tuple[Netns, ...]]:
        return (self.name, *names.and_below(self.parent)), ()


@dataclass(frozen=True)
class SubInterfaceRemoval(Removal):
    """A VLAN sub-interface to remove; with ``force`` also if it is foreign or in use."""

    name: str
    force: bool = False
    notes: tuple[str, ...] = ()

    @property
    def ref(self) -> Ref:
        return subinterface_ref(self.name)


@dataclass(frozen=True)
class SubInterfaceRetraction(Removal):
    """A VLAN sub-interface that is no longer declared: removed, unless a network or another sub-interface uses it."""

    name: str
    notes: tuple[str, ...] = ()

    @property
    def ref(self) -> Ref:
        return subinterface_ref(self.name)


def subinterface_options(params: t.Mapping[str, t.Any]) -> SubInterfaceOptions:
    """Options of a VLAN sub-interface from a module's parameters.

    :raises OptionsError: naming every problem
    """
    problems = Problems()
    name, parent, vlan_id = _subinterface_key(problems, params)
    problems.number("mtu", params.get("mtu"), MIN_MTU, MAX_MTU)
    mac = problems.parsed("mac", parse_mac, params.get("mac"))
    ingress = _qos_map(problems, "ingress_qos_map", params.get("ingress_qos_map"), 7, validators.MAX_UINT32)
    egress = _qos_map(problems, "egress_qos_map", params.get("egress_qos_map"), validators.MAX_UINT32, 7)
    return SubInterfaceOptions(
        name=name,
        parent=parent,
        vlan_id=vlan_id,
        protocol=params.get("protocol") or "802.1q",
        mtu=params.get("mtu"),
        mac=mac,
        up=params.get("up") is not False,
        reorder_hdr=params.get("reorder_hdr") is not False,
        gvrp=bool(params.get("gvrp")),
        mvrp=bool(params.get("mvrp")),
        loose_binding=bool(params.get("loose_binding")),
        ingress_qos_map=ingress,
        egress_qos_map=egress,
        replace=bool(params.get("replace")),
        notes=problems.finish(),
    )


def subinterface_removal(params: t.Mapping[str, t.Any]) -> SubInterfaceRemoval:
    """The name of the sub-interface to remove; one that contains no VLAN says enough.

    :raises OptionsError: naming every problem
    """
    problems = Problems()
    name = params.get("name")
    if name is None or params.get("parent") is not None or params.get("vlan_id") is not None or names.split_subinterface(name):
        name = _subinterface_key(problems, params)[0]
    else:
        problems.problem(prefixed("name", names.written_name_problem(name)))
    problems.finish()
    return SubInterfaceRemoval(name, bool(params.get("force")))


def _subinterface_key(problems: Problems, params: t.Mapping[str, t.Any]) -> tuple[str, str, int]:
    """(name, base link, VLAN id): from parent and vlan_id, or from the name alone."""
    name, parent, vlan_id = params.get("name"), params.get("parent"), params.get("vlan_id")
    if (parent is None) != (vlan_id is None):
        problems.problem("parent and vlan_id go together; give both, or name alone (such as eth0.50)")
        return name or "", parent or "", vlan_id or names.MIN_VLAN_ID
    if parent is None and name is None:
        problems.problem("give parent and vlan_id, or name (such as eth0.50)")
        return "", "", names.MIN_VLAN_ID
    if parent is None:
        return _subinterface_from_name(problems, t.cast(str, name))
    problems.number("vlan_id", vlan_id, names.MIN_VLAN_ID, names.MAX_VLAN_ID)
    problems.problem(parent_problem(parent))
    # The name of the parent may be an alternative one, so the plan sees how long this is.
    result = name if name is not None else f"{parent}.{vlan_id}"
    if name is not None:
        problems.problem(prefixed("name", names.written_name_problem(name)))
    if result == parent:
        problems.problem(f"name: a sub-interface cannot have the name of its parent {parent}")
    return result, parent, t.cast(int, vlan_id)


def _subinterface_from_name(problems: Problems, name: str) -> tuple[str, str, int]:
    parts = names.split_subinterface(name)
    problems.problem(prefixed("name", names.written_name_problem(parts.base if parts is not None else name)))
    if parts is None:
        problems.problem(
            f"name: '{name}' names no VLAN; write base.vlan_id with an id from {names.MIN_VLAN_ID} to "
            f"{names.MAX_VLAN_ID}, or give parent and vlan_id"
        )
        return name, "", names.MIN_VLAN_ID
    if parts.canonical != name:
        problems.problem(f"name: '{name}' must be written {parts.canonical}")
    return name, parts.base, parts.vlan_id


def _qos_map(
    problems: Problems, option: str, mapping: t.Mapping[t.Any, t.Any] | None, highest_key: int, highest_value: int
) -> dict[str, int]:
    """A priority map with decimal texts as keys, sorted; entries that map to 0 are what the kernel does anyway."""
    result: dict[int, int] = {}
    for key, value in (mapping or {}).items():
        if not all(WHOLE_NUMBER.match(str(item)) for item in (key, value)):
            problems.problem(f"{option}: '{key}: {value}' must map a whole number to a whole number")
            continue
        pair = int(str(key)), int(str(value))
        if pair[0] in result:
            problems.problem(f"{option}: {pair[0]} is mapped twice")
        problems.number(f"{option}: the key", pair[0], 0, highest_key)
        problems.number(f"{option}: the value of {pair[0]}", pair[1], 0, highest_value)
        result[pair[0]] = pair[1]
    return {str(key): result[key] for key in sorted(result) if result[key]}
