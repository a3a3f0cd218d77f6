# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows the identity of this host, and settles it where the database was written on another machine."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ..compare.host_identity import addresses_of, identity_now, is_copy, macs_of_hardware, with_macs
from ..ipam.mac import is_derived, mac_of_names
from ..model.host_identity import HostIdentity
from ..model.kernel import Needs
from ..model.netns import HOST
from ..model.record import Record
from ..steps.record_diff import changes_between
from ..values import names
from ..values.addresses import version_of
from ..wire.kinds import kind_of
from .awaiting import refuse_while_awaited
from .observe import observe_as_writer
from .snapshot import read_kernel_state
from .tools import DEFAULT_TOOLS, Tools

if t.TYPE_CHECKING:
    from ..model.endpoint import Endpoint
    from ..model.kernel import Kernel
    from ..model.network import Network

_NONE_YET = "this host has no identity yet: the first task that changes something records one"
# The links of the host tell its hardware.
_NEEDS = Needs(spaces={HOST: frozenset()}, links_only=frozenset((HOST,)))


class Identified(t.NamedTuple):
    """The identity of this host.

    :ivar lines: about it, and what was done, for people
    :ivar is_copy: whether the database is still that of another machine
    """

    lines: tuple[str, ...]
    is_copy: bool


def identify(*, state_dir: str, settling: str | None = None, tools: Tools = DEFAULT_TOOLS) -> Identified:
    """The identity that is recorded, beside the hardware of this machine; settled before, if that is asked for.

    :param settling: ``new``: this machine is a copy, which gets a UUID of its own, and so do the MAC addresses that follow from
        it; ``keep``: it is the same machine, with other hardware; None to change nothing
    :raises MacvlanHostError: the database or the kernel cannot be used
    """
    return _shown(state_dir, tools) if settling is None else _settled(state_dir, settling == "new", tools)


def _shown(state_dir: str, tools: Tools) -> Identified:
    stored = tools.store(state_dir).read()
    refuse_while_awaited(stored, tools)
    kernel = read_kernel_state(_NEEDS, tools)
    known = stored.record.identity
    if known is None:
        return Identified((_NONE_YET,), False)
    return Identified(_lines(known, kernel), is_copy(known, kernel))


def _settled(state_dir: str, is_new: bool, tools: Tools) -> Identified:
    state = tools.store(state_dir)
    if not state.is_there():
        return Identified((_NONE_YET,), False)
    with state.locked("settling the identity of this host") as session:
        observed = observe_as_writer(session, lambda dummy: _NEEDS, tools)
        record, kernel = observed.record, observed.kernel
        after = _with_new(record, kernel) if is_new else _with_kept(record, kernel)
        changes = changes_between(record, after)
        if changes:
            session.record(changes)
        problem = session.keep_backup() if changes else None
    lines = (*observed.warnings, *_lines(t.cast(HostIdentity, after.identity), kernel), *(_advice(record, after) if is_new else ()))
    return Identified((*lines, *([problem] if problem else [])), False)


def _with_kept(record: Record, kernel: Kernel) -> Record:
    """The record of the machine that it was, with the hardware of this one."""
    known = with_macs(record.identity or identity_now(None, kernel), macs_of_hardware(kernel))
    return dataclasses.replace(record, identity=dataclasses.replace(known, doubted=()))


def _with_new(record: Record, kernel: Kernel) -> Record:
    """The record of a machine of its own."""
    doubted = tuple(addresses_of(record.endpoints.values()))
    identity = HostIdentity(names.uuid_of(os.urandom(16).hex()), macs_of_hardware(kernel), doubted)
    endpoints = {
        key: dataclasses.replace(item, mac=mac_of_names(identity.uuid, *key)) if _has_mac_of_host(item, record.networks[item.network]) else item
        for key, item in record.endpoints.items()
    }
    return dataclasses.replace(record, endpoints=endpoints, identity=identity)


def _has_mac_of_host(endpoint: Endpoint, network: Network) -> bool:
    """Whether a MAC address follows from the identity of the host."""
    if kind_of(network).has_mac_of_parent(network.mode):
        return False
    return endpoint.own_mac is None and endpoint.ipv4 is None and is_derived(endpoint.mac, None)


def _lines(identity: HostIdentity, kernel: Kernel) -> tuple[str, ...]:
    present = macs_of_hardware(kernel)
    lines = (
        f"UUID of this host: {identity.uuid}",
        f"permanent MAC addresses that it is known by: {', '.join(identity.macs) or 'none'}",
        f"permanent MAC addresses of this machine: {', '.join(present) or 'none'}",
    )
    if not is_copy(identity, kernel):
        return lines
    return (*lines, "the state database was written on another machine; say what this one is: --new for a copy, --keep for other network cards")


def _advice(before: Record, after: Record) -> t.Iterator[str]:
    """What a new identity does not change."""
    changed = [item.title for key, item in after.endpoints.items() if item.mac != before.endpoints[key].mac]
    if changed:
        yield f"{', '.join(changed)}: a new MAC address is recorded; 'macvlan-host restore' gives it to the link"
    kept = [f"{item.title} ({', '.join(item.addresses)})" for item in after.endpoints.values() if item.addresses]
    if kept:
        yield f"these keep their addresses, which the original of this copy has too; give them others with their tasks: {'; '.join(kept)}"
    prefixes = [
        f"{network.title} ({subnet.subnet})"
        for network in after.networks.values()
        for subnet in network.subnets
        if subnet.chosen and version_of(subnet.subnet) == 6
    ]
    if prefixes:
        yield f"these keep the prefix that was chosen for the original: {'; '.join(prefixes)}"
