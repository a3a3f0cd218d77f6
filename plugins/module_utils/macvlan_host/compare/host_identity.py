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
from ..values.addresses import without_prefix
from ..wire.kinds import kind_of

if t.TYPE_CHECKING:
    from ..model.endpoint import Endpoint
    from ..model.record import Record

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
    present = macs_of_hardware(kernel)
    if known is None:
        return HostIdentity(names.uuid_of(kernel.host, kernel.boot_id, repr(kernel.identities.get(HOST.path)), *present), present)
    return known if is_copy(known, kernel) else with_macs(known, present)


def with_macs(identity: HostIdentity, present: t.Iterable[str]) -> HostIdentity:
    """The identity, known by more hardware."""
    return dataclasses.replace(identity, macs=tuple(sorted({*identity.macs, *present})))


def is_copy(known: HostIdentity | None, kernel: Kernel) -> bool:
    """Whether the record is of another machine: this one has hardware, and none of it is known."""
    present = macs_of_hardware(kernel)
    return known is not None and bool(known.macs) and bool(present) and set(present).isdisjoint(known.macs)


def addresses_in_doubt(recorded: Record, kernel: Kernel) -> frozenset[str]:
    """The recorded addresses that another machine may have, without prefix length; hardly any host has some."""
    if is_copy(recorded.identity, kernel):
        return frozenset(addresses_of(recorded.endpoints.values()))
    return frozenset(recorded.identity.doubted if recorded.identity is not None else ())


def without_certain(identity: HostIdentity, endpoints: t.Iterable[Endpoint]) -> HostIdentity:
    """The identity without doubts about addresses that none of the endpoints has any more."""
    if not identity.doubted:
        return identity
    held = set(addresses_of(endpoints))
    return dataclasses.replace(identity, doubted=tuple(address for address in identity.doubted if address in held))


def addresses_of(endpoints: t.Iterable[Endpoint]) -> t.Iterator[str]:
    """The addresses of endpoints, without prefix length."""
    return (without_prefix(address) for endpoint in endpoints for address in endpoint.addresses)


def warnings_of_copy(known: HostIdentity | None, kernel: Kernel) -> tuple[str, ...]:
    """What every run tells on a machine with the record of another one."""
    if known is None or not is_copy(known, kernel):
        return ()
    text = (
        f"the state database was written on another machine: it knows the permanent MAC addresses {_listed(known.macs)}, and this "
        f"machine has {_listed(macs_of_hardware(kernel))}. If this machine is a copy, its endpoints have the addresses of the "
        f"original: run 'macvlan-host identity --new', and give them other ones. If it is the same machine with other network "
        f"cards, run 'macvlan-host identity --keep'"
    )
    return (text,)


def macs_of_hardware(kernel: Kernel) -> tuple[str, ...]:
    """The permanent MAC addresses that this machine has now, sorted."""
    host = kernel.spaces[HOST.path] or Space()
    return tuple(sorted({link.permanent_mac for link in hardware_of(host)}))


def _listed(macs: t.Sequence[str]) -> str:
    more = f" and {len(macs) - SHOWN} more" if len(macs) > SHOWN else ""
    return ", ".join(macs[:SHOWN]) + more
