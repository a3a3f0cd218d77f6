# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What others put on an endpoint's link while it lives stays, whatever is run, and nothing reports it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.run_time_state import seen
from ansible_collections.fleetnet.macvlan.tests.support.tasks import endpoint, network, subnets

pytestmark = pytest.mark.engine

V4 = "192.168.60.2/24"
NETWORKS: dict[str, dict[str, t.Any]] = {
    "ipam none": {"name": "net", "parent": "eth0", "ipam": "none"},
    "a subnet": {"name": "net", "parent": "eth0", "subnets": subnets("192.168.60.0/24")},
    "subnets of both families": {
        "name": "net",
        "parent": "eth0",
        "subnets": subnets("192.168.60.0/24", "2001:db8:60::/64"),
    },
}
ENDPOINT: dict[str, t.Any] = {
    "name": "a",
    "network": "net",
    "netns": "a",
    # As for a link that takes router advertisements.
    "sysctls": {
        "net.ipv6.conf.IFNAME.disable_ipv6": "0",
        "net.ipv6.conf.IFNAME.accept_ra": "2",
        "net.ipv6.conf.IFNAME.autoconf": "1",
    },
}

DHCP = (
    "address add 192.168.60.50/24 dev eth0 valid_lft 6000 preferred_lft 6000",
    "route add default via 192.168.60.1 dev eth0 proto dhcp metric 100",
    "route add 10.99.0.0/16 via 192.168.60.9 dev eth0 proto dhcp",
)
SOURCES = {
    "a DHCP client": DHCP,
    "a DHCP client of another subnet": (
        "address add 10.66.0.50/24 dev eth0 valid_lft 6000 preferred_lft 6000",
        "route add default via 10.66.0.1 dev eth0 proto dhcp metric 100",
    ),
    "VRRP": ("address add 192.168.60.51/32 dev eth0",),
    "a router advertisement": (
        "address add 2001:db8:56::4/64 dev eth0 nodad valid_lft 6000 preferred_lft 3000",
        "-6 route add default via fe80::1 dev eth0 proto ra metric 512 expires 6000",
    ),
    "a prefix of its own": ("address add 2001:db8:60::9/64 dev eth0 nodad",),
    "a peer": ("address add 10.66.0.1 peer 10.66.0.9/32 dev eth0",),
    "all of them": (
        *DHCP,
        "address add 192.168.60.51/32 dev eth0",
        "address add 2001:db8:56::4/64 dev eth0 nodad valid_lft 6000 preferred_lft 3000",
    ),
}


def run_everything(host: Host, params: dict[str, t.Any]) -> t.Iterator[str]:
    """Whatever may be run on a host by and by, each as soon as the one before was looked at."""
    yield "nothing"
    assert host.call("macvlan_endpoint", **ENDPOINT)["steps"] == []
    yield "its task"
    assert host.call("macvlan_config", networks=[params], endpoints=[ENDPOINT])["steps"] == []
    yield "the configuration"
    # As the line ``check || restore`` of a timer has it, and the unit that tries again.
    for arguments in (("restore",), ("restore", "--wait")):
        assert host.run_command(*arguments).code == 0
        yield " ".join(arguments)
    assert host.call("macvlan_network", **{**params, "mode": "private"})["changed"]
    yield "its network"
    assert host.call("macvlan_endpoint", **ENDPOINT, mtu=1400)["changed"]
    yield "another mtu"
    host.ip("link", "set", "eth0", "mtu", "1300", netns="a")
    assert host.run_command("restore").code == 0
    yield "a restoration of something else"


def put(host: Host, commands: t.Iterable[str]) -> None:
    for command in commands:
        host.ip(*command.split(" "), netns="a")


def has_nothing_to_report(host: Host) -> bool:
    return host.run_command("check").code == 0 and host.call("macvlan_info")["drift"] == []


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
@pytest.mark.parametrize("params", NETWORKS.values(), ids=NETWORKS)
def test_foreign_settings_stay_and_are_not_reported(
    host: Host, params: dict[str, t.Any], source: tuple[str, ...]
) -> None:
    host.call("macvlan_network", **params)
    host.call("macvlan_endpoint", **ENDPOINT)
    host.wait_until_up("eth0", "a")
    put(host, source)
    before = seen(host)
    for what in run_everything(host, params):
        assert (what, seen(host)) == (what, before)
        assert has_nothing_to_report(host), what


def test_the_default_route_of_a_dhcp_client_stays_where_the_network_has_no_addresses(host: Host) -> None:
    """With the metric that default routes of networks with a gateway have."""
    host.call("macvlan_network", **NETWORKS["ipam none"])
    host.call("macvlan_endpoint", name="a", network="net", netns="a")
    put(host, (DHCP[0], "route add default via 192.168.60.1"))
    before = seen(host)
    assert host.call("macvlan_endpoint", name="a", network="net", netns="a")["steps"] == []
    assert host.run_command("restore").code == 0
    assert seen(host) == before
    assert has_nothing_to_report(host)


def test_a_foreign_address_stays_when_it_is_the_first_of_its_subnet(host: Host) -> None:
    network(host, subnets=subnets("192.168.60.0/24"))
    endpoint(host, "a")
    put(
        host,
        (
            f"address delete {V4} dev eth0",
            "address add 192.168.60.50/24 dev eth0",
            f"address add {V4} dev eth0",
            "route add default via 192.168.60.1 dev eth0 proto static",
        ),
    )
    before = seen(host)
    assert has_nothing_to_report(host)
    endpoint(host, "a")
    assert seen(host) == before


def test_another_address_removes_only_that_of_the_task(host: Host) -> None:
    """The first of a subnet would take the others along."""
    network(host, subnets=subnets("192.168.60.0/24", "2001:db8:60::/64"))
    endpoint(host, "a", ipv4="192.168.60.2", ipv6="2001:db8:60::2")
    host.wait_until_up("eth0", "a")
    put(
        host,
        (
            "address add 192.168.60.51/32 dev eth0",
            "address add 192.168.60.50/24 dev eth0 valid_lft 6000 preferred_lft 6000",
            "address add 2001:db8:60::9/64 dev eth0 nodad valid_lft 6000 preferred_lft 3000",
            "route add 10.99.0.0/16 via 192.168.60.9 dev eth0 proto dhcp",
        ),
    )
    endpoint(host, "a", ipv4="192.168.60.3", ipv6="2001:db8:60::3")
    addresses, routes = seen(host)
    assert {(entry["local"], entry["prefixlen"], entry["lasts"]) for entry in addresses} == {
        ("192.168.60.3", 24, True),
        ("192.168.60.51", 32, True),
        ("192.168.60.50", 24, False),
        ("2001:db8:60::3", 64, True),
        ("2001:db8:60::9", 64, False),
    }
    assert ("10.99.0.0/16", "dhcp") in {(route["dst"], route["protocol"]) for route in routes}
    assert has_nothing_to_report(host)


def test_a_lost_record_takes_over_the_address_of_the_endpoint_and_no_foreign_ones(host: Host) -> None:
    network(host, subnets=subnets("192.168.60.0/24"))
    endpoint(host, "a", ipv4="192.168.60.20")
    put(host, ("address add 192.168.60.5/24 dev eth0", "address add 192.168.60.4/32 dev eth0"))
    before = seen(host)
    host.run(["sh", "-c", f"rm {host.state_dir}/state.db*"])
    host.run_command("recover")
    network(host, subnets=subnets("192.168.60.0/24"))
    assert endpoint(host, "a")["ipv4"] == "192.168.60.20/24"
    assert seen(host) == before
