# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The attributes of a link that a step can change in place, with their valid values and their sentences."""

from __future__ import annotations

import typing as t

from ..model.link_options import LINK_OPTIONS
from ..model.links import VlanFacts
from ..values import validators
from ..wire.kinds import KINDS


class LinkAttribute(t.NamedTuple):
    """One property of a link.

    :ivar check: the validator of its old and new values
    :ivar sentence: the sentence of a change, given the phrase of the link, the old value and the new one
    """

    check: validators.Check
    sentence: t.Callable[[str, t.Any, t.Any], str]


def _changed(name: str) -> t.Callable[[str, t.Any, t.Any], str]:
    return lambda where, old, new: f"change {name} of {where} from {old} to {new}"


def _changed_vlan(where: str, old: dict[str, t.Any], new: dict[str, t.Any]) -> str:
    changed = ", ".join(f"{key} {old.get(key)} to {value}" for key, value in new.items() if old.get(key) != value)
    return f"change VLAN settings of {where}: {changed}"


# Those that are no link options.
_ATTRIBUTES = {
    "name": LinkAttribute(validators.link_name, lambda where, dummy, new: f"rename {where} to {new}"),
    "mac": LinkAttribute(validators.mac, _changed("mac")),
    "mtu": LinkAttribute(validators.number(0, validators.MAX_UINT32), _changed("mtu")),
    "mode": LinkAttribute(validators.one_of(*(mode for kind in KINDS.values() for mode in kind.modes)), _changed("mode")),
    "alias": LinkAttribute(
        validators.link_alias,
        lambda where, dummy, new: f"tag {where} as ours" if new else f"remove our tag from {where}",
    ),
    "up": LinkAttribute(validators.flag, lambda where, dummy, new: f"bring {where} {'up' if new else 'down'}"),
    "vrf": LinkAttribute(
        validators.optional(validators.link_name),
        lambda where, old, new: f"put {where} into the VRF {new}" if new else f"take {where} out of the VRF {old}",
    ),
    "vlan": LinkAttribute(lambda value: VlanFacts.from_plain(value) is not None, _changed_vlan),
}


def is_attribute(value: t.Any) -> bool:
    """Whether a step can change this, by its name; a newer release may have others."""
    return validators.known("value", value, {*_ATTRIBUTES, *LINK_OPTIONS})


def attribute_named(name: str) -> LinkAttribute:
    """The attribute with this name."""
    option = LINK_OPTIONS.get(name)
    return _ATTRIBUTES[name] if option is None else LinkAttribute(option.check_on_link, _changed(name))
