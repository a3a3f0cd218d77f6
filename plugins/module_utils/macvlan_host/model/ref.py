# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The identity of an object, and its title in messages."""

from __future__ import annotations

import functools
import typing as t

NETWORK, SUBINTERFACE, ENDPOINT = "network", "vlan_subinterface", "endpoint"
# The name under which the interface is recorded that gives the host access to a network; no task can name an endpoint so.
HOST_ACCESS = "(host)"
DUMMY = "dummy parent"  # the parent of a network without a given one; no task names it
# What is asked for, recorded and shown.
KINDS = (NETWORK, SUBINTERFACE, ENDPOINT)
# The lists that options and results have of them, those first whose objects carry others.
LISTS = {"vlan_subinterfaces": SUBINTERFACE, "networks": NETWORK, "endpoints": ENDPOINT}


class Ref(t.NamedTuple):
    """The identity of an object, whether it is recorded or only asked for.

    A tuple, because every object of a run is looked up by it, and a dataclass hashes and compares in Python.

    :ivar kind: one of :data:`KINDS`, or :data:`DUMMY`
    :ivar network: the network of an endpoint, empty for the other kinds
    """

    kind: str
    network: str
    name: str

    @property
    def title(self) -> str:
        """What messages and results call the object."""
        if self.name == HOST_ACCESS:
            return f"host access of {NETWORK} {self.network}"
        return f"{self.kind} {self.network}/{self.name}" if self.network else f"{self.kind} {self.name}"


def network_ref(name: str) -> Ref:
    """The identity of a network."""
    return Ref(NETWORK, "", name)


def subinterface_ref(name: str) -> Ref:
    """The identity of a VLAN sub-interface."""
    return Ref(SUBINTERFACE, "", name)


def endpoint_ref(network: str, name: str) -> Ref:
    """The identity of an endpoint."""
    return Ref(ENDPOINT, network, name)


def host_access_ref(network: str) -> Ref:
    """The identity of the interface that gives the host access to a network."""
    return Ref(ENDPOINT, network, HOST_ACCESS)


def shown_object(ref: Ref) -> Ref:
    """The object that results show: the network, for the interface that gives the host access to it."""
    return network_ref(ref.network) if ref.name == HOST_ACCESS else ref


class Identified:
    """An object with an identity, and so with a title."""

    @property
    def ref(self) -> Ref:
        """The identity of the object."""
        raise NotImplementedError

    @functools.cached_property
    def title(self) -> str:
        """The title of the object in messages and results."""
        return self.ref.title
