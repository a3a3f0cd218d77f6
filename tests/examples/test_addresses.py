# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses that are not one of a subnet with a router in it."""

from __future__ import annotations

from ansible_collections.fleetnet.macvlan.tests.support.example import Example
from ansible_collections.fleetnet.macvlan.tests.support.host import Host


def test_a_single_address_reaches_the_router_of_its_provider(host: Host) -> None:
    host.wire.add_address("198.51.100.1/32")
    host.wire.add_address("fe80::1/64")
    before = host.snapshot()
    example = Example(host, "provider_address")
    assert example.create().changed == 2
    assert example.play(check=True).changed == 0
    assert host.addresses("eth0", netns="shop")[0] == "203.0.113.7/32"
    assert host.links("shop")["eth0"]["address"] == "02:00:00:aa:bb:07"
    (default,) = host.routes("shop")
    assert (default["dst"], default["gateway"], default["flags"]) == ("default", "198.51.100.1", ["onlink"])
    assert host.gateway("shop", family=6) == "fe80::1"
    assert host.ping("shop", "fe80::1%eth0")
    assert example.remove().changed == 2
    assert host.snapshot().without_state() == before.without_state()
