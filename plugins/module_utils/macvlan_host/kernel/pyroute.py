# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The few requests that the library pyroute2 makes."""

from __future__ import annotations

import os
import typing as t

from ..errors import PYROUTE2, KernelError, MissingLibraryError
from ..model.kernel import BridgeVlans
from ..model.links import VlanFacts
from ..wire import attributes, constants
from .route_socket import BRIDGE_VLAN_INFO_PVID, BRIDGE_VLAN_INFO_UNTAGGED


class LinkMaker:
    """Dummy links, and changes of VLAN links, by pyroute2, which costs more to import than most whole runs."""

    def __init__(self) -> None:
        """Open its socket, in the namespace of the moment.

        :raises MissingLibraryError: pyroute2 is not installed
        """
        try:
            from pyroute2 import IPRoute
            from pyroute2.netlink.exceptions import NetlinkError
        except ImportError as exc:
            raise MissingLibraryError(PYROUTE2) from exc
        self._route = IPRoute()
        self._error = NetlinkError

    def close(self) -> None:
        self._route.close()

    def add(self, kind: str, name: str, mac: str, group: int) -> attributes.Answer:
        """Create a link of a kind that needs only a MAC address, in a group."""
        return self._link("add", ifname=name, kind=kind, address=mac, group=group)

    def change_vlan(self, index: int, old: VlanFacts, new: VlanFacts) -> attributes.Answer:
        """Change flags and priority maps; a removed entry is mapped to 0, which unmaps it."""
        flags = sum(bit for name, bit in constants.VLAN_FLAGS.items() if getattr(new, name))
        arguments: dict[str, t.Any] = {"vlan_flags": {"flags": flags, "mask": sum(constants.VLAN_FLAGS.values())}}
        for direction in ("ingress", "egress"):
            unmapped = dict.fromkeys(getattr(old, f"{direction}_qos_map"), 0)
            pairs = {**unmapped, **getattr(new, f"{direction}_qos_map")}
            if pairs:
                arguments[f"vlan_{direction}_qos"] = {
                    "attrs": [
                        ("IFLA_VLAN_QOS_MAPPING", {"from": int(source), "to": target})
                        for source, target in pairs.items()
                    ]
                }
        return self._link("set", index=index, kind="vlan", **arguments)

    def _link(self, command: str, **arguments: t.Any) -> attributes.Answer:
        try:
            self._route.link(command, **arguments)
        except self._error as exc:
            return attributes.Answer(exc.code, "")
        return attributes.Answer(0, "")


def read_bridge_vlans(protocols: t.Mapping[int, str]) -> dict[int, BridgeVlans]:
    """The VLANs that bridges take themselves, by pyroute2; of none where it is not installed, because no step needs it.

    :param protocols: ifindex of a bridge → protocol of the tags that it looks at
    """
    try:
        from pyroute2 import IPRoute
        from pyroute2.netlink.exceptions import NetlinkError
    except ImportError:
        return {}
    entries: dict[int, list[tuple[int, int]]] = {index: [] for index in protocols}
    with IPRoute() as route:
        try:
            for message in route.get_vlans():
                # One message for each port, and one for the bridge itself, each with all of its VLANs.
                infos = (value for name, value in _bridge_part(message) if name == "IFLA_BRIDGE_VLAN_INFO")
                entries.get(message["index"], []).extend((info["vid"], info["flags"]) for info in infos)
        except NetlinkError as exc:
            raise KernelError(f"cannot read the VLANs of bridges: {os.strerror(exc.code)}", exc.code) from exc
    return {
        index: BridgeVlans(
            protocol,
            frozenset(vid for vid, flags in entries[index] if not flags & BRIDGE_VLAN_INFO_UNTAGGED),
            frozenset(vid for vid, flags in entries[index] if flags & BRIDGE_VLAN_INFO_UNTAGGED),
            next((vid for vid, flags in entries[index] if flags & BRIDGE_VLAN_INFO_PVID), None),
        )
        for index, protocol in protocols.items()
    }


def _bridge_part(message: t.Any) -> t.Iterable[tuple[str, t.Any]]:
    part = message.get_attr("IFLA_AF_SPEC")
    return part["attrs"] if part is not None else ()
