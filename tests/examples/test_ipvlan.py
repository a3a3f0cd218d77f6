# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoints with the MAC address of their parent."""

from __future__ import annotations

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.example import Example
from ansible_collections.fleetnet.macvlan.tests.support.host import Host


@pytest.mark.needs("ipvlan")
def test_endpoints_have_the_mac_address_of_their_parent_and_reach_each_other(host: Host) -> None:
    before = host.snapshot()
    example = Example(host, "ipvlan")
    assert example.create().changed == 2
    assert example.play(check=True).changed == 0
    for netns in ("app1", "app2"):
        link = host.links(netns)["eth0"]
        assert (link["linkinfo"]["info_kind"], link["address"]) == ("ipvlan", host.links()["eth0"]["address"])
    assert host.ping("app1", "172.16.95.17") and host.ping("app2", "2001:db8:95::10")
    assert host.gateway("app1") == "172.16.95.1"
    assert example.remove().changed == 2
    assert host.snapshot().without_state() == before.without_state()
