# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tells this host from all others, copies of it included."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..values import validators


@dataclass(frozen=True)
class HostIdentity:
    """The identity of a host, recorded with the first change.

    :ivar uuid: MAC addresses and prefixes that follow from no leased address follow from it
    :ivar macs: the permanent MAC addresses of its hardware, of all that it was seen with, sorted
    :ivar doubted: addresses of its endpoints, without prefix length, that the machine may have which it is a copy of
    """

    uuid: str
    macs: tuple[str, ...] = ()
    doubted: tuple[str, ...] = ()

    # The key of its only row.
    name: t.ClassVar[str] = "host"
    CHECKS: t.ClassVar[dict[str, validators.Check]] = {
        "uuid": validators.uuid,
        "macs": validators.checked_separately,
        "doubted": validators.listed(validators.address),
    }

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> HostIdentity:
        """The identity as it was stored.

        :raises UnknownError: a newer release has written it
        :raises ValueError: it is none
        """
        values = validators.fields("host", data, cls.CHECKS)
        macs = validators.items("MAC addresses of a host", values.get("macs", []))
        if not all(map(validators.mac, macs)):
            raise ValueError(f"there is a host with the MAC addresses {macs!a:.80}")
        return cls(**{**values, "macs": tuple(macs), "doubted": tuple(values.get("doubted", ()))})
