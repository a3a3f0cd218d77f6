# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a link of the host is known by, beside its name."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..values import validators

if t.TYPE_CHECKING:
    from .links import Link


@dataclass(frozen=True)
class LinkIdentity:
    """A link below one of our objects, as a run has seen it last.

    :ivar index: its ifindex, which holds in one boot only
    :ivar boot_id: of that boot
    :ivar mac: the MAC address that it had; a container that is started again may give the index to another link
    :ivar permanent_mac: the MAC address of the hardware, None where there is none or the kernel does not tell
    :ivar former: names that it had before, while it was recorded, the last one last
    """

    index: int
    boot_id: str
    mac: str = ""
    permanent_mac: str | None = None
    former: tuple[str, ...] = ()

    CHECKS: t.ClassVar[dict[str, validators.Check]] = {
        "index": validators.number(1, 2**31 - 1),
        "boot_id": validators.text,
        "mac": validators.text,
        "permanent_mac": validators.optional(validators.mac),
        "former": validators.checked_separately,
    }

    def signs(self, boot_id: str) -> tuple[str, ...]:
        """What the link can be recognised by in a boot when it comes back under another name; no name has a space or a colon."""
        index = (_index_sign(self.index),) if self.boot_id == boot_id else ()
        return *index, *((self.permanent_mac,) if self.permanent_mac else ())

    @classmethod
    def from_plain(cls, data: dict[str, t.Any] | None) -> LinkIdentity | None:
        """The identity as it was stored; None where a release has stored none.

        :raises UnknownError: a newer release has written it
        :raises ValueError: it is none
        """
        if data is None:
            return None
        values = validators.fields("link below an object", data, cls.CHECKS)
        former = validators.items("former names of a link", values.get("former", []))
        if not all(map(validators.link_name, former)):
            raise ValueError(f"there is a former name of a link in {former!a:.80}")
        return cls(**{**values, "former": tuple(former)})


def former_names(identity: LinkIdentity | None) -> tuple[str, ...]:
    """The names that a link had before; none of a link that no run has recorded."""
    return () if identity is None else identity.former


def signs_of(link: Link) -> tuple[str, ...]:
    """All that a link may be awaited by: its names, its index and its permanent MAC address."""
    return link.name, *link.altnames, _index_sign(link.index), *((link.permanent_mac,) if link.permanent_mac else ())


def _index_sign(index: int) -> str:
    return f"link {index}"
