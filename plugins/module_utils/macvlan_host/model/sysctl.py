# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of an interface or of its namespace."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..values import validators

# Settings of an interface that come with its link: name → place in the array. IPv4 counts from 1 (IPV4_DEVCONF_*,
# include/uapi/linux/ip.h), and the array from 0; IPv6 counts from 0 (DEVCONF_*, include/uapi/linux/ipv6.h).
IPV4_SETTINGS = {"promote_secondaries": 19, "arp_notify": 21}
IPV4_PREFIX = "net.ipv4.conf.IFNAME."


def setting_by_netlink(key: str, value: str) -> str | None:
    """Which of IPV4_SETTINGS a sysctl of an endpoint's interface is, if a value of it can be written with its link."""
    setting = key[len(IPV4_PREFIX) :] if key.startswith(IPV4_PREFIX) else ""
    return setting if setting in IPV4_SETTINGS and value in ("0", "1") else None


@dataclass(frozen=True)
class Sysctl:
    """One setting of a namespace.

    :ivar old: its value now; None when that goes away with the interface anyway
    :ivar optional: a kernel without it is no error
    """

    key: str
    old: str | None
    new: str
    optional: bool = False

    CHECKS: t.ClassVar[dict[str, validators.Check]] = {
        "key": validators.sysctl_key,
        "old": validators.optional(validators.sysctl_value),
        "new": validators.sysctl_value,
        "optional": validators.flag,
    }

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> Sysctl:
        return cls(**validators.fields("setting", data, cls.CHECKS))
