# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The link options: numbers of a network, each of which is one attribute of the links of its endpoints.

An option is declared here, and nowhere else. All other code uses this table: the option specification, the reading of a task, the
check of what is recorded, the comparison with the kernel, drift, steps, netlink messages, and results.
"""

from __future__ import annotations

import typing as t

from ..values import validators

# Name → value. An option that was left out is not in it: links keep the value that they have.
LinkOptions = dict[str, int]


class LinkOption(t.NamedTuple):
    """A link option.

    :ivar name: of the option, also in records, steps, drift and results
    :ivar lowest: the lowest value that a task can give; the kernel reads the number as signed where this is negative
    :ivar highest: the highest one
    :ivar default: the value of a link that was made without the option, and of one that the kernel shows without it
    :ivar attribute: its number in the data of a macvlan link (linux/if_link.h, IFLA_MACVLAN_…)
    :ivar since: the first release of Linux that has it
    :ivar of_parent: whether the kernel has one value for all links on a parent, the one that was set last
    """

    name: str
    lowest: int
    highest: int
    default: int
    attribute: int
    since: tuple[int, int]
    of_parent: bool = False

    @property
    def is_signed(self) -> bool:
        return self.lowest < 0

    @property
    def check(self) -> validators.Check:
        """The validator of the value of a network."""
        return validators.number(self.lowest, self.highest)

    @property
    def check_on_link(self) -> validators.Check:
        """The validator of the value of a link: other programs can set any number of the attribute's type."""
        return validators.number(-(2**31), 2**31 - 1) if self.is_signed else validators.number(0, validators.MAX_UINT32)


_DECLARED = (
    LinkOption("bcqueuelen", 0, validators.MAX_UINT32, default=1000, attribute=7, since=(5, 11)),
    LinkOption("bclim", -1, 2**31 - 1, default=1, attribute=9, since=(6, 4), of_parent=True),
)
LINK_OPTIONS = {option.name: option for option in _DECLARED}


def are_recorded(value: t.Any) -> bool:
    """Whether this is a value of :data:`LinkOptions` as it was stored.

    :raises UnknownError: it has an option that this release does not know
    """
    return isinstance(value, dict) and all(
        validators.known("link option", name, LINK_OPTIONS) and LINK_OPTIONS[name].check(number)
        for name, number in value.items()
    )


def shown_options(values: LinkOptions) -> dict[str, int | None]:
    """All options as results have them, None for an omitted one."""
    return {name: values.get(name) for name in LINK_OPTIONS}


def not_default(values: LinkOptions) -> frozenset[str]:
    """The options that a kernel must have for these values, because they are not the defaults."""
    return frozenset(name for name, value in values.items() if value != LINK_OPTIONS[name].default)
