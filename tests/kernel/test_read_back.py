# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read can be written, and looked through: config, filters, and the list of the command."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.tasks import NOTHING_LISTED, endpoint, network, refuse, subnets

pytestmark = pytest.mark.engine

LISTS = ("vlan_subinterfaces", "networks", "endpoints")
# As its tasks have put it: names, defaults and addresses in any spelling.
RICH: dict[str, t.Any] = {
    "vlan_subinterfaces": [],
    "networks": [
        {
            "name": "lan",
            "parent": "eth0",
            "subnets": [
                {"subnet": "192.168.50.0/24", "ip_range": "192.168.50.64/26", "aux_addresses": {"nas": "192.168.50.70"}},
                {"subnet": "2001:db8:50::/64", "gateway": "2001:db8:50::fe"},
            ],
            "mtu": 1400,
            "labels": {"owner": "web"},
        },
        {"name": "iot", "parent": "eth0", "subnets": [{"subnet": "192.168.60.0/24", "gateway": "none"}], "mode": "private", "allow_shared_parent": True},
        {"name": "chosen", "parent": "eth1"},
        {"name": "again", "parent": "eth1", "allow_shared_parent": True, "allow_overlap": True, "subnets": [{"subnet": "192.168.50.0/24"}], "exclusive": True},
        {"name": "dhcp", "parent": "eth2", "ipam": "none"},
    ],
    "endpoints": [
        {"name": "web", "network": "lan", "netns": "web", "ipv4": "192.168.50.9/24", "labels": {"a": "b"}},
        {
            "name": "db",
            "network": "lan",
            "netns": "db",
            "ifname": "lan0",
            "mac": "02-00-00-00-00-DB",
            "mtu": 1300,
            "default_route": False,
            "routes": [{"to": "10.0.0.0/8", "via": "192.168.50.1", "metric": 7}],
            "sysctls": {"net.ipv4.conf.IFNAME.rp_filter": 2},
            "announce": False,
        },
        {"name": "host", "network": "lan"},
        {"name": "vip", "network": "lan", "netns": "vip", "ipv6": "none", "addresses": ["192.168.50.11", "192.168.50.10/24"]},
        {"name": "cam", "network": "iot", "netns": "cam"},
        {"name": "one", "network": "chosen", "netns": "one"},
        {"name": "two", "network": "again", "netns": "two", "exclusive": False},
        {"name": "kiosk", "network": "dhcp", "netns": "kiosk"},
    ],
}


def rich(host: Host, more: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
    """A host with the objects of RICH, and others."""
    for name in ("eth1", "eth2"):
        host.add_parent(name)
    return host.call("macvlan_config", **{option: [*RICH[option], *(more or {}).get(option, ())] for option in LISTS})


def objects(result: dict[str, t.Any]) -> dict[str, t.Any]:
    """What a result says of objects, without what only macvlan_info says."""
    return {
        option: [{key: value for key, value in item.items() if key != "foreign_addresses"} for item in result[option]]
        for option in LISTS
    }


def check_read_back(host: Host) -> None:
    before = host.snapshot()
    for pin in (False, True):
        found = host.call("macvlan_info", pin=pin)["config"]
        for purge in (False, True):
            again = host.call("macvlan_config", **found, purge=purge)
            assert (again["changed"], again["steps"]) == (False, [])
    assert host.snapshot() == before


def check_rebuilt(host: Host) -> None:
    read = host.call("macvlan_info", pin=True)
    host.call("macvlan_config", **NOTHING_LISTED)
    assert host.call("macvlan_info")["config"] == {option: [] for option in LISTS}
    host.call("macvlan_config", **read["config"])
    after = host.call("macvlan_info", pin=True)
    assert objects(after) == objects(read)
    assert (after["config"], after["drift"]) == (read["config"], [])


def test_what_is_read_changes_nothing_and_builds_an_empty_host(host: Host) -> None:
    rich(host)
    check_read_back(host)
    check_rebuilt(host)
    check_read_back(host)


@pytest.mark.needs("8021q", "dummy")
def test_parents_that_were_made_are_read_back_too(host: Host) -> None:
    more = {
        "vlan_subinterfaces": [
            {"name": "eth2.9", "mtu": 1400, "egress_qos_map": {1: 3}, "reorder_hdr": False},
            {"parent": "eth2", "vlan_id": 10, "name": "office", "mac": "02:00:00:00:00:10"},
        ],
        "networks": [
            {"name": "vlan", "parent": "eth2.9", "subnets": [{"subnet": "10.9.0.0/24"}]},
            {"name": "made", "parent": "eth2.20", "subnets": [{"subnet": "10.20.0.0/24"}], "internal": True},
            {"name": "inner", "subnets": [{"subnet": "10.30.0.0/24"}]},
            {"name": "bare", "ipv6": True},
        ],
        "endpoints": [
            {"name": name, "network": name, "netns": f"of-{name}"} for name in ("vlan", "made", "inner", "bare")
        ],
    }
    rich(host, more)
    check_read_back(host)
    check_rebuilt(host)


def test_addresses_of_results_can_be_given_back(host: Host) -> None:
    network(host, subnets=subnets("192.168.50.0/24", "2001:db8:50::/64"))
    shown = endpoint(host, "a")
    again = host.call("macvlan_endpoint", name="a", network="net", netns="a", ipv4=shown["ipv4"], ipv6=shown["ipv6"])
    assert not again["changed"]
    refuse(host, "macvlan_endpoint", "192.168.50.2/16", "192.168.50.2/24", name="a", network="net", netns="a", ipv4="192.168.50.2/16")


def names(result: dict[str, t.Any]) -> list[str]:
    return [f"{item['network']}/{item['name']}" for item in result["endpoints"]]


def test_endpoints_are_found_by_address_mac_address_and_namespace(host: Host) -> None:
    rich(host)
    for filters, wanted in (
        ({"address": "192.168.50.9"}, ["lan/web"]),
        ({"address": "192.168.50.9/24", "mac": "02:42:C0:A8:32:09"}, ["lan/web"]),
        ({"address": "192.168.50.2"}, ["again/two"]),
        ({"mac": "02:00:00:00:00:db"}, ["lan/db"]),
        ({"netns": "cam"}, ["iot/cam"]),
        ({"netns": "/run/netns/cam"}, ["iot/cam"]),
        ({"netns": "cam", "network": "lan"}, []),
    ):
        found = host.call("macvlan_info", **filters)
        assert names(found) == wanted
        assert {item["name"] for item in found["networks"]} == {name.partition("/")[0] for name in wanted}
        assert [f"{item['network']}/{item['name']}" for item in found["config"]["endpoints"]] == wanted
        rows = json.loads("".join(host.run_command("list", "--json", *(f"--{key}={text}" for key, text in filters.items())).lines))
        assert [f"{row['network']}/{row['endpoint']}" for row in rows] == wanted
    host.ip("addr", "add", "192.168.50.77/32", "dev", "eth0", netns="web")
    assert names(host.call("macvlan_info", address="192.168.50.77")) == ["lan/web"]
    assert "mac: 'x'" in host.call("macvlan_info", fails=True, mac="x")["msg"]
    said = host.run_command("list", "--mac", "x")
    assert said.code == 2 and "mac: 'x'" in said.complaint


def test_the_command_lists_endpoints_and_whether_they_are_right(host: Host) -> None:
    said = host.run_command("list")
    assert (said.code, said.lines) == (0, ["nothing is recorded"])
    network(host, "lan", subnets=subnets("192.168.50.0/24", "2001:db8:50::/64"))
    network(host, "empty", subnets=subnets("192.168.60.0/24"), allow_shared_parent=True)
    for name in ("web", "db", "gone"):
        endpoint(host, name, "lan")
    host.ip("link", "set", "eth0", "mtu", "1400", netns="db")
    host.run(["ip", "netns", "delete", "gone"])
    said = host.run_command("list")
    assert said.code == 0
    assert said.lines == [
        "ENDPOINT  NETNS  INTERFACE  ADDRESSES                           MAC                PARENT  STATE",
        "empty     -      -          -                                   -                  eth0    ok",
        "lan/db    db     eth0       192.168.50.3/24, 2001:db8:50::3/64  02:42:c0:a8:32:03  eth0    drift",
        "lan/gone  gone   eth0       192.168.50.4/24, 2001:db8:50::4/64  02:42:c0:a8:32:04  eth0    missing",
        "lan/web   web    eth0       192.168.50.2/24, 2001:db8:50::2/64  02:42:c0:a8:32:02  eth0    ok",
        said.lines[-1],
    ]
    assert "macvlan-host check" in said.lines[-1]
    assert host.run_command("list", "--address", "192.168.50.77").lines == ["no endpoint matches"]
    (row,) = json.loads("".join(host.run_command("list", "--endpoint", "web", "--json").lines))
    assert row == {
        "network": "lan",
        "endpoint": "web",
        "netns": "web",
        "ifname": "eth0",
        "addresses": ["192.168.50.2/24", "2001:db8:50::2/64"],
        "foreign_addresses": [],
        "mac": "02:42:c0:a8:32:02",
        "parent": "eth0",
        "state": "ok",
    }


def test_the_command_shows_one_object(host: Host) -> None:
    said = host.run_command("show", "lan/web")
    assert (said.code, said.complaint.strip()) == (2, "macvlan-host show: no network is recorded on this host")
    network(host, "lan", subnets=subnets("192.168.50.0/24"))
    said = host.run_command("show", "lan/web")
    assert said.complaint.strip() == "macvlan-host show: there is no endpoint web in network lan; it has no endpoint"
    endpoint(host, "web", "lan", labels={"a": "b"})
    said = host.run_command("show", "lan/web")
    assert said.code == 0
    assert "ipv4               192.168.50.2/24" in said.lines and "labels             a b" in said.lines
    assert said.lines[-1] == "the kernel matches the record"
    host.ip("link", "set", "eth0", "mtu", "1400", netns="web")
    assert host.run_command("show", "lan/web").lines[-1] == "endpoint lan/web: mtu is 1400, recorded 1500"
    said = host.run_command("show", "lan")
    assert any(line.startswith("subnets ") and "subnet 192.168.50.0/24, gateway 192.168.50.1" in line for line in said.lines)
    assert any(line.startswith("lan/web   web    eth0") for line in said.lines)
    shown = json.loads("".join(host.run_command("show", "lan", "--json").lines))
    assert (shown["network"]["name"], [item["name"] for item in shown["endpoints"]], len(shown["drift"])) == ("lan", ["web"], 1)
    shown = json.loads("".join(host.run_command("show", "lan/web", "--json").lines))
    assert (shown["endpoint"]["ipv4"], len(shown["drift"])) == ("192.168.50.2/24", 1)
    for name, words in (
        ("lan/wep", "there is no endpoint wep in network lan; its endpoints are web"),
        ("lam", "there is no network lam on this host; its networks are lan"),
        ("lam/web", "there is no network lam on this host; its networks are lan"),
    ):
        said = host.run_command("show", name)
        assert (said.code, said.lines, said.complaint.strip()) == (2, [], f"macvlan-host show: {words}")
