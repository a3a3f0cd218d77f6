# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The identity of this host: a first one, and whether a recorded one is that of another machine. Pure.

A machine that was copied with its database has the identity of the other one. Its hardware tells them apart: a hypervisor
gives every machine MAC addresses of its own. Where no hardware has a permanent MAC address, such as in a container or before
Linux 5.6, nothing tells them apart.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..model.host_identity import HostIdentity
from ..model.kernel import Kernel, Space
from ..model.links import ETHERNET, Link
from ..model.netns import HOST
from ..values import names
from ..wire.kinds import kind_of

SHOWN = 3


def hardware_of(host: Space) -> list[Link]:
    """The links whose permanent MAC address is that of hardware.

    What sits on others may have taken it from them, and that of a tunnel is an address of the tunnel.
    """
    return [link for link in host.links.values() if link.permanent_mac and link.hardware == ETHERNET and _is_at_bottom(link)]


def _is_at_bottom(link: Link) -> bool:
    return link.lower is None and not kind_of(link).has_mac_of_port


def identity_now(known: HostIdentity | None, kernel: Kernel) -> HostIdentity:
    """The identity of this host, with the hardware that it has now; that of a copy stays as it is recorded.

    A first one is the same in check mode and in the run after it. It depends on the boot and on the namespace too, because
    copies of a machine have its machine-id, and containers have the boot of their host.
    """
    present = _macs(kernel)
    if known is None:
        words = (kernel.host, kernel.boot_id, repr(kernel.identities.get(HOST.path)), *sorted(present))
        return HostIdentity(names.uuid_of(*words), tuple(sorted(present)))
    if present <= set(known.macs) or is_copy(known, kernel):
        return known
    return dataclasses.replace(known, macs=tuple(sorted(present.union(known.macs))))


def is_copy(known: HostIdentity | None, kernel: Kernel) -> bool:
    """Whether the record is of another machine: this one has hardware, and none of it is known."""
    present = _macs(kernel)
    return known is not None and bool(known.macs) and bool(present) and present.isdisjoint(known.macs)


def is_in_doubt(known: HostIdentity | None, kernel: Kernel, addresses: t.Iterable[str]) -> bool:
    """Whether another machine may have one of the recorded addresses, which are given without prefix length."""
    return known is not None and (is_copy(known, kernel) or not set(known.doubted).isdisjoint(addresses))


def without_certain(identity: HostIdentity, held: t.Callable[[], t.Container[str]]) -> HostIdentity:
    """The identity without doubts about addresses that no endpoint has any more.

    :param held: the addresses of all endpoints, without prefix length; most hosts have no doubts, and none to collect
    """
    if not identity.doubted:
        return identity
    left = held()
    return dataclasses.replace(identity, doubted=tuple(address for address in identity.doubted if address in left))


def warnings_of_copy(known: HostIdentity | None, kernel: Kernel) -> tuple[str, ...]:
    """What every run tells on a machine with the record of another one."""
    if known is None or not is_copy(known, kernel):
        return ()
    text = (
        f"the state database was written on another machine: it knows the permanent MAC addresses {_listed(known.macs)}, and this "
        f"machine has {_listed(sorted(_macs(kernel)))}. If this machine is a copy, its endpoints have the addresses of the "
        f"original: run 'macvlan-host identity --new', and give them other ones. If it is the same machine with other network "
        f"cards, run 'macvlan-host identity --keep'"
    )
    return (text,)


def _macs(kernel: Kernel) -> set[str]:
    host = kernel.spaces[HOST.path] or Space()
    return {link.permanent_mac for link in hardware_of(host)}


def _listed(macs: t.Sequence[str]) -> str:
    more = f" and {len(macs) - SHOWN} more" if len(macs) > SHOWN else ""
    return ", ".join(macs[:SHOWN]) + more
