# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An endpoint with several addresses, and one without IPv6."""

from __future__ import annotations

from ansible_collections.fleetnet.macvlan.tests.support.example import Example
from ansible_collections.fleetnet.macvlan.tests.support.host import Host


def test_every_site_of_the_proxy_answers(host: Host) -> None:
    host.wire.add_address("172.16.95.1/24")
    host.wire.add_address("2001:db8:95::1/64")
    before = host.snapshot()
    example = Example(host, "more_addresses")
    example.create()
    for address in ("172.16.95.2", "172.16.95.80", "172.16.95.81", "172.16.95.3", "2001:db8:95::2", "2001:db8:95::80"):
        assert host.wire.ping(None, address)
    assert host.addresses("eth0", netns="printers") == ["172.16.95.3/24"]
    assert host.sysctl("net/ipv6/conf/eth0/disable_ipv6", netns="printers") == "1"
    seen = host.run(["ip", "netns", "exec", "printers", "cat", "/etc/resolv.conf"]).stdout
    assert seen.endswith("search print.example.com\nnameserver 172.16.95.53\n")
    assert example.remove().changed == 2
    assert host.snapshot().without_state() == before.without_state()
