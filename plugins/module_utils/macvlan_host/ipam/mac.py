# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MAC addresses that follow from an address or from names, so that a link that is created again has the same one."""

from __future__ import annotations

from ..values import inet, names


def mac_of_ipv4(ipv4: str) -> str:
    """02:42 and the four bytes of the address: 192.168.216.11 gives 02:42:c0:a8:d8:0b."""
    return _mac(inet.to_bytes(ipv4))


def mac_of_names(host: str, network_name: str, endpoint_name: str) -> str:
    """02:42 and four bytes that depend on host, network and endpoint, for endpoints without IPv4.

    The host is part of it because the hosts of a fleet give their endpoints the same names, on one wire.
    """
    return _mac(names.digest(host, "mac", network_name, endpoint_name)[:4])


def is_derived(mac: str, ipv4: str | None) -> bool:
    """Whether a MAC address can be the one that is derived for an endpoint with this IPv4 address, or without one."""
    return mac.startswith(_BEGINNING) if ipv4 is None else mac == mac_of_ipv4(ipv4)


_BEGINNING = "02:42:"


def _mac(last_four: bytes) -> str:
    return _BEGINNING + ":".join(f"{byte:02x}" for byte in last_four)
