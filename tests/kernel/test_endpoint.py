# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoints on real links: addresses, namespaces, routes, changes in place, removal."""

from __future__ import annotations

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.features import RENAMES_LIVE
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.tasks import (
    converge,
    endpoint,
    gone,
    network,
    refuse,
    subnets,
)


@pytest.fixture
def net(host: Host) -> Host:
    """A host with a dual-stack network on eth0."""
    network(host, subnets=subnets("192.168.216.0/24", "2001:db8:abc8::/64"))
    return host


def test_an_endpoint_says_everything_about_itself(net: Host) -> None:
    made = endpoint(
        net,
        "web",
        ipv4="192.168.216.11",
        routes=[{"to": "10.0.0.0/8", "via": "192.168.216.9", "metric": 50}],
        sysctls={"net.ipv4.conf.IFNAME.rp_filter": 0},
        labels={"tier": "web"},
    )
    assert len(made.pop("id")) == 32
    assert made == {
        "name": "web",
        "network": "net",
        "netns": "web",
        "ifname": "eth0",
        "mac": "02:42:c0:a8:d8:0b",
        "mtu": 1500,
        "ipv4": "192.168.216.11/24",
        "ipv6": "2001:db8:abc8::2/64",
        "addresses": [],
        "gateway4": "192.168.216.1",
        "gateway6": "2001:db8:abc8::1",
        "parent": "eth0",
        "mode": "bridge",
        "routes": [{"to": "10.0.0.0/8", "via": "192.168.216.9", "metric": 50, "onlink": False}],
        "labels": {"tier": "web"},
        "default_route": True,
        "announce": True,
        "dns": None,
        "exclusive": False,
        "probe": "fast",
        "vrf": None,
        "sysctls": {"net.ipv4.conf.IFNAME.rp_filter": "0"},
    }
    link = net.links("web")["eth0"]
    assert link["address"] == "02:42:c0:a8:d8:0b"
    assert link["linkinfo"]["info_data"]["mode"] == "bridge"
    assert {"192.168.216.11/24", "2001:db8:abc8::2/64"} <= set(net.addresses("eth0", "web"))
    assert (net.gateway("web"), net.gateway("web", family=6)) == ("192.168.216.1", "2001:db8:abc8::1")
    assert net.sysctl("net/ipv4/conf/eth0/rp_filter", netns="web") == "0"
    assert [item["metric"] for item in net.routes("web") if item["dst"] == "10.0.0.0/8"] == [50]


def test_endpoints_reach_each_other_and_their_gateway_and_not_their_host(net: Host) -> None:
    net.ip("address", "add", "192.168.216.250/24", "dev", "eth0")
    net.wire.add_address("192.168.216.1/24")
    net.wire.add_address("2001:db8:abc8::1/64")
    endpoint(net, "a")
    endpoint(net, "b")
    assert net.ping("a", "192.168.216.3") and net.ping("a", "2001:db8:abc8::3")
    assert net.ping("a", "192.168.216.1") and net.ping("b", "2001:db8:abc8::1")
    assert not net.ping("a", "192.168.216.250", timeout=1)


def test_addresses_are_the_lowest_free_ones_and_stay(net: Host) -> None:
    assert [endpoint(net, name)["ipv4"] for name in "abc"] == [f"192.168.216.{last}/24" for last in (2, 3, 4)]
    gone(net, "macvlan_endpoint", name="b", network="net")
    assert endpoint(net, "c")["ipv4"] == "192.168.216.4/24"
    assert endpoint(net, "d")["ipv4"] == "192.168.216.3/24"


def test_the_next_subnet_is_used_when_one_is_exhausted(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/30", "10.0.1.0/30"))
    assert [endpoint(host, name)["ipv4"] for name in "ab"] == ["10.0.0.2/30", "10.0.1.2/30"]
    refuse(host, "macvlan_endpoint", "no IPv4 address is left", "10.0.0.0/30", name="c", network="net", netns="c")


def test_an_ip_range_limits_what_is_given_and_not_what_is_asked_for(host: Host) -> None:
    network(host, subnets=[{"subnet": "192.168.32.0/24", "ip_range": "192.168.32.128/25", "gateway": "192.168.32.254"}])
    assert endpoint(host, "a")["ipv4"] == "192.168.32.128/24"
    assert endpoint(host, "b", ipv4="192.168.32.7")["ipv4"] == "192.168.32.7/24"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"ipv4": "192.168.216.1"}, ("gateway",)),
        ({"ipv4": "192.168.216.2"}, ("held by endpoint net/a",)),
        ({"ipv4": "192.168.216.0"}, ("network or broadcast",)),
        ({"ipv4": "192.168.216.255"}, ("network or broadcast",)),
        ({"ipv6": "2001:db8:abc8::"}, ("anycast",)),
        ({"ipv4": "10.0.0.1"}, ("no subnet", "192.168.216.0/24")),
        ({"ipv4": "192.168.216.9/25"}, ("192.168.216.9/25", "192.168.216.9/24")),
        ({"ipv6": "2001:db8:abc8::9/128"}, ("2001:db8:abc8::9/128", "2001:db8:abc8::9/64")),
        ({"ipv4": "2001:db8:abc8::9"}, ("not an IPv4 address",)),
        ({"subnet": "10.9.0.0/24"}, ("10.9.0.0/24", "192.168.216.0/24")),
        ({"mac": "03:42:c0:a8:d8:0b"}, ("multicast",)),
        ({"mac": "02:42:c0:a8:d8"}, ("not a MAC address",)),
        ({"mac": "02:42:c0:a8:d8:02"}, ("endpoint net/a",)),
        ({"mtu": 9000}, ("1500", "eth0")),
        ({"mtu": 1000}, ("1280",)),
        ({"routes": [{"to": "10.0.0.0/8", "via": "172.16.0.1"}]}, ("not on the link",)),
        ({"routes": [{"to": "default", "via": "192.168.216.9"}]}, ("default_route: false",)),
        ({"sysctls": {"kernel.panic": 1}}, ("net.",)),
        ({"sysctls": {"net.ipv4.conf.IFNAME.nothing": 1}}, ("no net.ipv4.conf.IFNAME.nothing",)),
        ({"ifname": "far-too-long-a-name"}, ("ifname",)),
        ({"netns": "../evil"}, ("namespace name",)),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_and_leaves_nothing(net: Host, asked: dict[str, object], words: tuple[str, ...]) -> None:
    endpoint(net, "a")
    params = {"name": "b", "network": "net", "netns": "b", **asked}
    refuse(net, "macvlan_endpoint", *words, **params)


def test_check_mode_takes_it_that_an_earlier_task_makes_the_network(host: Host) -> None:
    before = host.snapshot()
    params = {"name": "b", "network": "nowhere", "netns": "b", "ipv4": "10.0.0.9"}
    foreseen = host.call("macvlan_endpoint", check=True, diff=True, **params)
    assert foreseen["changed"] and foreseen["steps"] == ["create endpoint nowhere/b, once network nowhere exists"]
    assert any("no network nowhere" in warning for warning in foreseen["warnings"])
    assert foreseen["diff"] == {"before": {}, "after": foreseen["endpoint"]}
    assert "no network nowhere" in host.call("macvlan_endpoint", fails=True, **params)["msg"]
    absent = {"name": "b", "network": "nowhere", "state": "absent"}
    assert [host.call("macvlan_endpoint", check=check, **absent)["changed"] for check in (True, False)] == [False, False]
    assert host.snapshot() == before
    network(host, "nowhere", subnets=subnets("10.0.0.0/24"))
    assert endpoint(host, "b", "nowhere", ipv4="10.0.0.9").keys() == foreseen["endpoint"].keys()


def test_the_mac_of_the_parent_is_refused(net: Host) -> None:
    mac = net.links()["eth0"]["address"]
    refuse(net, "macvlan_endpoint", mac, "parent eth0", name="a", network="net", netns="a", mac=mac)


def test_an_ipv6_only_endpoint_has_a_mac_of_its_own(host: Host) -> None:
    network(host, subnets=subnets("fd00::/64"))
    first, second = endpoint(host, "a"), endpoint(host, "b")
    assert first["ipv4"] is None and first["ipv6"] == "fd00::2/64"
    assert first["mac"] != second["mac"] and first["mac"].startswith("02:42:")
    assert host.ping("a", "fd00::3")


def test_an_ipv4_only_endpoint_has_no_ipv6_at_all(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    assert host.addresses("eth0", "a") == ["10.0.0.2/24"]
    assert host.sysctl("net/ipv6/conf/eth0/disable_ipv6", netns="a") == "1"


def test_autoconfiguration_is_off_and_announcing_is_on(net: Host) -> None:
    endpoint(net, "a")
    endpoint(net, "b", announce=False)
    for key, expected in (("accept_ra", "0"), ("autoconf", "0")):
        assert net.sysctl(f"net/ipv6/conf/eth0/{key}", netns="a") == expected
    for name, expected in (("a", "1"), ("b", "0")):
        assert net.sysctl("net/ipv4/conf/eth0/arp_notify", netns=name) == expected
        assert net.sysctl("net/ipv6/conf/eth0/ndisc_notify", netns=name) == expected


def test_addresses_are_usable_the_moment_the_task_ends(net: Host) -> None:
    endpoint(net, "a")
    (link,) = net.ip("address", "show", "dev", "eth0", netns="a")
    ours = [entry for entry in link["addr_info"] if entry["local"] == "2001:db8:abc8::2"]
    assert ours[0].get("nodad") and not ours[0].get("tentative")


# --- namespaces -----------------------------------------------------------------------------------------------------


def test_a_missing_namespace_is_made_and_goes_with_its_last_endpoint(net: Host) -> None:
    network(net, "two", allow_shared_parent=True, subnets=subnets("10.2.0.0/24"))
    before = net.snapshot().without_state()
    endpoint(net, "a", netns="blue")
    endpoint(net, "b", "two", netns="blue", ifname="eth1", default_route=False)
    assert net.links("blue")["lo"]["ifalias"].startswith("fleetnet.macvlan:")
    assert "UP" in net.links("blue")["lo"]["flags"]
    gone(net, "macvlan_endpoint", name="a", network="net")
    assert set(net.links("blue")) >= {"lo", "eth1"} and "eth0" not in net.links("blue")
    gone(net, "macvlan_endpoint", name="b", network="two")
    assert net.snapshot().without_state() == before


def test_a_namespace_that_was_there_stays_as_it_was(net: Host) -> None:
    net.ip("netns", "add", "theirs")
    before = net.snapshot().without_state()
    endpoint(net, "a", netns="theirs", sysctls={"net.ipv4.ip_forward": 1, "net.ipv4.conf.all.arp_filter": 1})
    assert net.sysctl("net/ipv4/ip_forward", netns="theirs") == "1"
    endpoint(net, "a", netns="theirs", sysctls={"net.ipv4.ip_forward": 1, "net.ipv4.conf.IFNAME.arp_ignore": 2})
    assert net.sysctl("net/ipv4/conf/all/arp_filter", netns="theirs") == "0"
    assert net.sysctl("net/ipv4/conf/eth0/arp_ignore", netns="theirs") == "2"
    endpoint(net, "a", netns="theirs", sysctls={"net.ipv4.ip_forward": 1})
    assert net.sysctl("net/ipv4/conf/eth0/arp_ignore", netns="theirs") == "0"
    gone(net, "macvlan_endpoint", name="a", network="net")
    assert net.sysctl("net/ipv4/ip_forward", netns="theirs") == "0"
    assert net.snapshot().without_state() == before


@pytest.mark.parametrize("tenant", ["link", "process"])
def test_an_owned_namespace_that_other_programs_use_is_kept(net: Host, tenant: str) -> None:
    endpoint(net, "a", netns="blue")
    if tenant == "link":
        net.ip("link", "add", "theirs", "type", "bridge", netns="blue")
    else:
        net.process_in("blue")
    done = gone(net, "macvlan_endpoint", name="a", network="net")
    assert any("blue" in text and "kept" in text for text in done["warnings"])
    links = net.links("blue")
    assert "eth0" not in links and "ifalias" not in links["lo"]


def test_a_namespace_is_found_by_path_and_by_process(net: Host) -> None:
    net.ip("netns", "add", "c1")
    process = net.process_in("c1")
    made = endpoint(net, "a", pid=process.pid)
    assert made["netns"] == f"/proc/{process.pid}/ns/net"
    assert "192.168.216.2/24" in net.addresses("eth0", "c1")
    same = endpoint(net, "a", netns_path="/run/netns/c1")
    assert same["ipv4"] == made["ipv4"]
    gone(net, "macvlan_endpoint", name="a", network="net")
    assert "eth0" not in net.links("c1")


@pytest.mark.parametrize(
    ("where", "word"),
    [
        ({"netns_path": "/run/netns/nothing"}, "no namespace /run/netns/nothing"),
        ({"netns_path": "/etc/passwd"}, "/etc/passwd is not a network namespace"),
        ({"netns_path": "relative"}, "absolute"),
        ({"pid": 4194304}, "no process 4194304"),
        ({"netns_path": "/proc/self/ns/net"}, "host's own namespace"),
        ({"netns": "a", "pid": 1}, "mutually exclusive"),
    ],
    ids=str,
)
def test_a_place_that_is_none_is_refused(net: Host, where: dict[str, object], word: str) -> None:
    refuse(net, "macvlan_endpoint", word, name="a", network="net", **where)


def test_the_host_reaches_its_endpoints_through_an_endpoint_of_its_own(net: Host) -> None:
    endpoint(net, "a")
    made = converge(net, "macvlan_endpoint", name="host", network="net")["endpoint"]
    assert (made["netns"], made["ifname"], made["default_route"]) == (None, "mv-host", False)
    assert net.gateway() is None
    assert net.ping(None, "192.168.216.2") and net.ping("a", made["ipv4"].partition("/")[0])
    refuse(net, "macvlan_endpoint", "ifname:", name="a-very-long-name", network="net")


def test_the_name_of_the_hosts_own_link_does_not_collide(net: Host) -> None:
    parent = net.links()["eth0"]["ifindex"]
    endpoint(net, "a")
    assert net.links()["eth0"]["ifindex"] == parent


def test_a_foreign_link_of_the_same_name_is_refused_and_left_alone(net: Host) -> None:
    net.ip("netns", "add", "theirs")
    net.ip("link", "add", "eth0", "type", "bridge", netns="theirs")
    refuse(net, "macvlan_endpoint", "eth0", "collection did not create", name="a", network="net", netns="theirs")


# --- neighbours in one namespace ------------------------------------------------------------------------------------


def test_only_one_endpoint_has_the_default_route_of_a_family(net: Host) -> None:
    network(net, "two", allow_shared_parent=True, subnets=subnets("10.2.0.0/24"))
    endpoint(net, "a", netns="blue")
    second = {"name": "b", "network": "two", "netns": "blue", "ifname": "eth1"}
    refuse(net, "macvlan_endpoint", "endpoint net/a", "default_route: false", **second)
    refuse(net, "macvlan_endpoint", "endpoint net/a", "eth0", **{**second, "ifname": "eth0"})
    converge(net, "macvlan_endpoint", default_route=False, **second)
    assert net.gateway("blue") == "192.168.216.1"


def test_a_foreign_default_route_is_not_doubled(net: Host) -> None:
    net.ip("netns", "add", "theirs")
    net.ip("link", "add", "br0", "type", "bridge", netns="theirs")
    net.ip("address", "add", "10.9.0.2/24", "dev", "br0", netns="theirs")
    # Without a link-local address, which would come at some later time.
    net.ip("link", "set", "br0", "addrgenmode", "none", netns="theirs")
    net.ip("link", "set", "br0", "up", netns="theirs")
    net.ip("route", "add", "default", "via", "10.9.0.1", netns="theirs")
    params = {"name": "a", "network": "net", "netns": "theirs"}
    refuse(net, "macvlan_endpoint", "br0", "default_route: false", **params)
    converge(net, "macvlan_endpoint", default_route=False, **params)


def test_overlapping_subnets_in_one_namespace_are_refused(make_host: MakeHost) -> None:
    host = make_host("eth0", "eth1")
    network(host, subnets=subnets("10.0.0.0/16"))
    network(host, "two", parent="eth1", subnets=subnets("10.0.0.0/24"), allow_overlap=True)
    endpoint(host, "a", netns="blue")
    refuse(
        host,
        "macvlan_endpoint",
        "endpoint net/a",
        "overlapping",
        name="b",
        network="two",
        netns="blue",
        ifname="eth1",
        default_route=False,
    )


# --- changes --------------------------------------------------------------------------------------------------------


def test_an_endpoint_changes_in_place(net: Host) -> None:
    endpoint(net, "a", routes=[{"to": "10.0.0.0/8", "via": "192.168.216.9"}], sysctls={"net.ipv4.ip_forward": 1})
    index = net.links("a")["eth0"]["ifindex"]
    made = endpoint(
        net,
        "a",
        ipv4="192.168.216.77",
        ipv6="2001:db8:abc8::77",
        ifname="net1",
        mtu=1400,
        mac="02:00:00:00:00:77",
        routes=[{"to": "10.0.0.0/8", "via": "192.168.216.8"}, {"to": "2001:db8:1::/48", "via": "2001:db8:abc8::9"}],
        labels={"a": "b"},
    )
    assert made["mac"] == "02:00:00:00:00:77"
    links = net.links("a")
    assert set(links) == {"lo", "net1"}
    assert (links["net1"]["ifindex"], links["net1"]["mtu"], links["net1"]["address"]) == (index, 1400, made["mac"])
    assert {"192.168.216.77/24", "2001:db8:abc8::77/64"} <= set(net.addresses("net1", "a"))
    assert "192.168.216.2/24" not in net.addresses("net1", "a")
    assert {(item["dst"], item.get("gateway")) for item in net.routes("a")} == {
        ("default", "192.168.216.1"),
        ("10.0.0.0/8", "192.168.216.8"),
        ("192.168.216.0/24", None),
    }
    assert net.gateway("a", family=6) == "2001:db8:abc8::1"
    assert endpoint(net, "a")["ipv4"] == "192.168.216.77/24"


def test_a_default_route_can_be_removed_and_given_back(net: Host) -> None:
    endpoint(net, "a")
    assert endpoint(net, "a", default_route=False)["gateway4"] is None
    assert (net.gateway("a"), net.gateway("a", family=6)) == (None, None)
    assert endpoint(net, "a")["gateway6"] == "2001:db8:abc8::1"
    assert (net.gateway("a"), net.gateway("a", family=6)) == ("192.168.216.1", "2001:db8:abc8::1")


def test_an_endpoint_does_not_move_to_another_namespace(net: Host) -> None:
    endpoint(net, "a")
    refuse(net, "macvlan_endpoint", "netns", "namespace a", name="a", network="net", netns="b")
    refuse(net, "macvlan_endpoint", "netns", "namespace a", name="a", network="net")


def test_an_endpoint_follows_a_container_that_was_started_anew(net: Host) -> None:
    net.ip("netns", "add", "c1")
    process = net.process_in("c1")
    made = endpoint(net, "a", pid=process.pid)
    with net.losing("c1"):
        net.ip("netns", "delete", "c1")
        process.kill()
        process.wait()
    net.ip("netns", "add", "c2")
    again = net.process_in("c2")
    moved = endpoint(net, "a", pid=again.pid)
    assert (moved["ipv4"], moved["mac"]) == (made["ipv4"], made["mac"])
    assert moved["ipv4"] in net.addresses("eth0", "c2")


def test_a_passthru_endpoint_has_its_parents_mac(host: Host) -> None:
    mac = host.links()["eth0"]["address"]
    network(host, mode="passthru", subnets=subnets("10.0.0.0/24"))
    refuse(host, "macvlan_endpoint", "passthru", name="a", network="net", netns="a", mac="02:00:00:00:00:01")
    assert endpoint(host, "a")["mac"] == mac
    assert host.links()["eth0"]["address"] == host.links("a")["eth0"]["address"] == mac
    refuse(host, "macvlan_endpoint", "passthru", "one endpoint, a", name="b", network="net", netns="b")


def test_a_link_that_lost_our_tag_is_not_removed(net: Host) -> None:
    endpoint(net, "a")
    net.wait_until_up("eth0", "a")
    net.ip("link", "set", "eth0", "alias", "mine now", netns="a")
    done = gone(net, "macvlan_endpoint", name="a", network="net")
    assert any("kept" in text for text in done["warnings"])
    assert net.links("a")["eth0"]["ifalias"] == "mine now"


@pytest.mark.needs("8021q")
def test_an_endpoint_brings_its_owned_vlan_back(host: Host) -> None:
    network(host, parent="eth0.50", subnets=subnets("10.0.0.0/24"))
    made = endpoint(host, "a")
    host.ip("link", "delete", "eth0.50")
    assert endpoint(host, "a") == made
    assert "eth0.50" in host.links()


def test_a_rename_keeps_foreign_addresses_where_the_kernel_renames_links_that_are_up(host: Host) -> None:
    """Before 6.2 the link goes down for it, and a warning names what the kernel takes from it then."""
    network(host, subnets=subnets("192.168.60.0/24", "2001:db8:60::/64"))
    endpoint(host, "a")
    host.wait_until_up("eth0", "a")
    for added in (
        "address add 192.168.60.50/24 dev eth0 valid_lft 6000 preferred_lft 6000",
        "address add 10.66.0.1/24 dev eth0",
        "address add 2001:db8:60::9/64 dev eth0 nodad",
        "route add 10.99.0.0/16 via 192.168.60.9 dev eth0 proto dhcp",
    ):
        host.ip(*added.split(" "), netns="a")
    done = converge(host, "macvlan_endpoint", name="a", network="net", netns="a", ifname="net0")
    kept = {item for item in host.addresses("net0", "a") if not item.startswith("fe80:")}
    routes = {route["dst"] for route in host.routes("a")}
    assert kept >= {"10.66.0.1/24", "192.168.60.2/24", "192.168.60.50/24", "2001:db8:60::2/64"}
    assert routes >= {"default", "10.66.0.0/24", "192.168.60.0/24"}
    lost = {"2001:db8:60::9/64"} - kept, {"10.99.0.0/16"} - routes
    assert host.call("macvlan_info")["drift"] == []
    if RENAMES_LIVE:
        assert lost == (set(), set())
        assert done.get("warnings") is None
        assert done["steps"] == ["change ifname of endpoint net/a", "rename eth0 in namespace a to net0"]
    else:
        assert lost == ({"2001:db8:60::9/64"}, {"10.99.0.0/16"})
        (warning,) = done["warnings"]
        assert "2001:db8:60::9/64, the route to 10.99.0.0/16 via 192.168.60.9;" in warning
