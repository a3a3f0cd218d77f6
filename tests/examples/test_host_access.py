# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that reaches its own endpoints, and they the host."""

from __future__ import annotations

from ansible_collections.fleetnet.macvlan.tests.support.example import Example
from ansible_collections.fleetnet.macvlan.tests.support.host import Host


def test_a_host_and_its_endpoints_reach_each_other(host: Host) -> None:
    host.ip("address", "add", "172.16.94.250/24", "dev", "eth0")
    before = host.snapshot()
    example = Example(host, "host_access")
    assert example.create().changed == 2
    assert example.play(check=True).changed == 0
    assert host.addresses("mv-monitored")[:2] == ["172.16.94.2/32", "2001:db8:94::2/128"]
    for netns, last in (("app1", 3), ("app2", 4)):
        assert host.ping(None, f"172.16.94.{last}") and host.ping(None, f"2001:db8:94::{last}")
        assert host.ping(netns, "172.16.94.2") and host.ping(netns, "2001:db8:94::2")
    assert example.remove().changed == 2
    assert host.snapshot().without_state() == before.without_state()
