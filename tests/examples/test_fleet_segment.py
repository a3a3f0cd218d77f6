# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts of a segment, each with the slices that it was given."""

from __future__ import annotations

import ipaddress

from ansible_collections.fleetnet.macvlan.tests.support.example import Example
from ansible_collections.fleetnet.macvlan.tests.support.host import Host


def test_a_host_gets_a_slice_and_keeps_it_when_its_network_has_gone(host: Host) -> None:
    before = host.snapshot()
    example = Example(host, "fleet_segment")
    assert example.create().changed == 3
    (first,) = host.call("macvlan_info")["networks"][0]["slices"]
    address = ipaddress.ip_interface(host.addresses("eth0", netns="app3")[0])
    assert address.network == ipaddress.ip_network("172.16.98.0/24")
    assert address.ip in ipaddress.ip_network(first["slice"])
    assert example.remove().changed == 2
    assert host.snapshot().without_state() == before.without_state()
    assert example.play().changed == 2
    assert host.call("macvlan_info")["networks"][0]["slices"] == [first]
