# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A kernel without IPv6: what needs it is refused in check mode too, and all else works.

Its name keeps it out of other runs: a kernel that was started with ipv6.disable=1 runs it, and fails it otherwise.
"""

from __future__ import annotations

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.machine import HAS_IPV6
from ansible_collections.fleetnet.macvlan.tests.support.tasks import converge, gone, network, refuse, subnets

V4 = "192.168.60.2/24"


@pytest.fixture(autouse=True)
def _kernel_without_ipv6() -> None:
    assert not HAS_IPV6, "this kernel has IPv6"


def test_an_endpoint_of_ipv4_is_made_changed_brought_back_and_removed(host: Host) -> None:
    network(host, subnets=subnets("192.168.60.0/24"))
    asked = {"name": "a", "network": "net", "netns": "a", "routes": [{"to": "10.99.0.0/16", "via": "192.168.60.9"}]}
    # Steps are what is done, and nothing of IPv6 can be.
    done = converge(host, "macvlan_endpoint", **asked)
    assert not [step for step in done["steps"] if "ipv6" in step]
    made = done["endpoint"]
    assert (made["ipv4"], made["ipv6"]) == (V4, None)
    assert host.addresses("eth0", "a") == [V4]
    for mtu in (1000, 1400):
        changed = converge(host, "macvlan_endpoint", **{**asked, "ifname": "net0", "ipv4": "192.168.60.9", "mtu": mtu, "routes": []})
        assert not [step for step in changed["steps"] if "ipv6" in step]
    host.lose_all()
    assert host.run_command("restore").code == 0
    assert host.addresses("net0", "a") == ["192.168.60.9/24"]
    assert host.call("macvlan_info")["drift"] == []
    assert host.run_command("check").code == 0
    gone(host, "macvlan_endpoint", name="a", network="net")
    assert host.namespaces() == []


def test_an_endpoint_with_ipv6_is_refused_in_check_mode_too(host: Host) -> None:
    asked = {"name": "net", "parent": "eth0", "subnets": subnets("192.168.60.0/24", "2001:db8:60::/64")}
    (warning,) = converge(host, "macvlan_network", **asked)["warnings"]
    assert warning.startswith("network net: it has the subnet 2001:db8:60::/64, and this kernel has no IPv6")
    assert host.call("macvlan_network", **asked)["warnings"] == [warning]
    words = ("endpoint net/a: it has the address 2001:db8:60::2/64, and this kernel has no IPv6", "ipv6.disable=1")
    refuse(host, "macvlan_endpoint", *words, name="a", network="net", netns="a")
    assert host.namespaces() == []


def test_a_configuration_with_ipv6_is_refused_as_a_whole(host: Host) -> None:
    networks = [{"name": "net", "parent": "eth0", "ipv6": True, "subnets": subnets("192.168.60.0/24")}]
    endpoints = [{"name": "a", "network": "net", "netns": "a"}]
    refuse(host, "macvlan_config", "endpoint net/a", "no IPv6", networks=networks, endpoints=endpoints)
    only_ipv4 = [{**networks[0], "ipv6": False}]
    done = converge(host, "macvlan_config", networks=only_ipv4, endpoints=endpoints)
    assert done["endpoints"][0]["ipv4"] == V4
