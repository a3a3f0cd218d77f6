# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host reaches the endpoints of its networks, and they reach the host; its routes follow them wherever they go."""

from __future__ import annotations

import os
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.module_call import Hook
from ansible_collections.fleetnet.macvlan.tests.support.tasks import converge, endpoint, gone, network, refuse, subnets

pytestmark = pytest.mark.engine

DUAL = subnets("10.0.0.0/24", "fd00::/64")
ACCESS = {"subnets": DUAL, "host_access": True}
LINK = "mv-net"


def routed(host: Host, ifname: str = LINK) -> list[str]:
    """The destinations of the routes over the interface of the host, without those of its own address and of the kernel."""
    listed = [*host.ip("route", "show", "dev", ifname), *host.ip("-6", "route", "show", "dev", ifname)]
    return sorted(item["dst"] for item in listed if item.get("protocol") != "kernel")


def reach_each_other(host: Host, netns: str, *addresses: str, own: t.Sequence[str] = ("10.0.0.2", "fd00::2")) -> bool:
    """Whether the host reaches an endpoint at all of its addresses, and the endpoint reaches the host."""
    return all(host.ping(None, address) for address in addresses) and all(host.ping(netns, address) for address in own)


def state_of(host: Host) -> tuple[str, ...]:
    """Links, addresses, routes of all tables, rules and settings of the host's own namespace, as texts."""
    asked = (
        ["ip", "-d", "link"],
        ["ip", "address"],
        ["ip", "route", "show", "table", "all"],
        ["ip", "-6", "route", "show", "table", "all"],
        ["ip", "rule"],
        ["ip", "-6", "rule"],
        ["sh", "-c", "find /proc/sys/net -type f ! -name 'stable_secret' ! -name flush | sort | xargs grep -H '' 2>/dev/null || true"],
    )
    return tuple(host.run(list(command)).stdout for command in asked)


def test_host_and_endpoints_reach_each_other_in_both_families(host: Host) -> None:
    made = network(host, **ACCESS)
    assert made["host_access"] == {"ifname": LINK, "addresses": ["10.0.0.2/32", "fd00::2/128"], "routes": "endpoints", "metric": None}
    assert made["endpoints"] == []
    endpoint(host, "a")
    endpoint(host, "b")
    assert routed(host) == ["10.0.0.3", "10.0.0.4", "fd00::3", "fd00::4"]
    assert reach_each_other(host, "a", "10.0.0.3", "fd00::3")
    assert reach_each_other(host, "b", "10.0.0.4", "fd00::4")
    assert (host.sysctl(f"net/ipv4/conf/{LINK}/arp_ignore"), host.sysctl(f"net/ipv4/conf/{LINK}/rp_filter")) == ("1", "2")
    assert host.call("macvlan_info")["drift"] == []


def test_it_works_where_the_host_has_an_address_of_the_same_subnet(host: Host) -> None:
    host.ip("address", "add", "10.0.0.200/24", "dev", "eth0")
    host.ip("address", "add", "fd00::c8/64", "dev", "eth0", "nodad")
    network(host, **ACCESS)
    endpoint(host, "a")
    assert reach_each_other(host, "a", "10.0.0.3", "fd00::3")


WITHOUT_A_WAY_OUT = [
    pytest.param({"internal": True}, id="internal"),
    pytest.param({"parent": None}, id="no parent", marks=pytest.mark.needs("dummy")),
    pytest.param({"subnets": [{**item, "gateway": "none"} for item in DUAL]}, id="no gateway"),
]


@pytest.mark.parametrize("options", WITHOUT_A_WAY_OUT)
def test_it_works_where_nothing_leads_out(host: Host, options: dict[str, t.Any]) -> None:
    made = network(host, **{**ACCESS, **options})["host_access"]["addresses"]
    own = [address.partition("/")[0] for address in made]
    there = endpoint(host, "a")
    assert reach_each_other(host, "a", *(there[family].partition("/")[0] for family in ("ipv4", "ipv6")), own=own)


def test_removal_leaves_the_host_as_it_was(host: Host) -> None:
    network(host, subnets=DUAL)
    endpoint(host, "a")
    before = state_of(host)
    network(host, **ACCESS)
    endpoint(host, "b")
    assert routed(host)
    gone(host, "macvlan_endpoint", name="b", network="net")
    assert network(host, subnets=DUAL)["host_access"] is None
    assert state_of(host) == before
    network(host, **ACCESS)
    gone(host, "macvlan_endpoint", name="a", network="net")
    gone(host, "macvlan_network", name="net")
    assert LINK not in host.links()


def settings_of(host: Host, ifname: str, netns: str | None = None) -> str:
    """All settings of an interface."""
    inside = ["ip", "netns", "exec", netns] if netns else []
    script = f"cd /proc/sys/net && grep -r '' ipv4/conf/{ifname} ipv6/conf/{ifname} ipv4/neigh/{ifname} ipv6/neigh/{ifname} 2>/dev/null | sort"
    return host.run([*inside, "sh", "-c", script]).stdout


def test_a_link_that_loses_ipv6_has_the_settings_of_a_new_one(host: Host) -> None:
    only4 = {"subnets": DUAL[:1], "host_access": True}
    network(host, **only4)
    fresh = settings_of(host, LINK)
    network(host, **ACCESS)
    assert settings_of(host, LINK) != fresh
    network(host, **only4)
    assert settings_of(host, LINK) == fresh
    network(host, **ACCESS)
    endpoint(host, "new", ipv6="none")
    endpoint(host, "old")
    endpoint(host, "old", ipv6="none")
    assert settings_of(host, "eth0", "old") == settings_of(host, "eth0", "new") != ""
    endpoint(host, "old")
    assert host.call("macvlan_info")["drift"] == []


def test_routes_follow_endpoints_in_single_tasks(host: Host) -> None:
    network(host, **ACCESS)
    endpoint(host, "a", ipv4="10.0.0.10")
    assert routed(host) == ["10.0.0.10", "fd00::3"]
    endpoint(host, "a", ipv4="10.0.0.20", ipv6="fd00::20")
    assert routed(host) == ["10.0.0.20", "fd00::20"]
    endpoint(host, "h", netns=None)
    assert routed(host) == ["10.0.0.20", "fd00::20"]
    endpoint(host, "a", netns="other", replace=True)
    assert routed(host) == ["10.0.0.20", "fd00::20"] and host.ping(None, "10.0.0.20")
    endpoint(host, "b", netns="other", renamed_from="a")
    assert routed(host) == ["10.0.0.20", "fd00::20"]
    gone(host, "macvlan_endpoint", name="b", network="net")
    assert routed(host) == []


def test_routes_follow_endpoints_in_a_configuration(host: Host) -> None:
    one, other = ({"name": name, "parent": "eth0", **ACCESS} for name in ("net", "renamed"))
    listed = [{"name": name, "network": "net", "netns": name} for name in "abc"]
    converge(host, "macvlan_config", networks=[one], endpoints=listed)
    assert routed(host) == ["10.0.0.3", "10.0.0.4", "10.0.0.5", "fd00::3", "fd00::4", "fd00::5"]
    changed = [{**listed[0], "ipv4": "10.0.0.4"}, {**listed[1], "ipv4": "10.0.0.9"}]
    converge(host, "macvlan_config", networks=[one], endpoints=changed, purge=True)
    assert routed(host) == ["10.0.0.4", "10.0.0.9", "fd00::3", "fd00::4"]
    assert host.ping(None, "10.0.0.4") and host.ping("a", "10.0.0.2")
    converge(host, "macvlan_network", **{**other, "renamed_from": "net"})
    assert routed(host, "mv-renamed") == ["10.0.0.4", "10.0.0.9", "fd00::3", "fd00::4"] and LINK not in host.links()
    config = host.call("macvlan_info")["config"]
    assert config["networks"][0]["host_access"] is True
    assert converge(host, "macvlan_config", **config, purge=True)["changed"] is False
    converge(host, "macvlan_config", networks=[], endpoints=[], purge=True)
    assert "mv-renamed" not in host.links()


def test_a_network_takes_its_access_along_to_another_parent(host: Host) -> None:
    host.add_parent("eth1")
    network(host, **ACCESS)
    endpoint(host, "a")
    network(host, **ACCESS, parent="eth1", replace=True)
    assert reach_each_other(host, "a", "10.0.0.3", "fd00::3")
    network(host, subnets=subnets("10.7.0.0/24"), host_access=True, parent="eth1", replace=True)
    assert routed(host) == ["10.7.0.3"] and reach_each_other(host, "a", "10.7.0.3", own=["10.7.0.2"])


def test_a_hundred_endpoints_are_reached_also_after_a_restoration(host: Host) -> None:
    listed = [{"name": f"e{number}", "network": "net", "netns": f"e{number}"} for number in range(100)]
    host.call("macvlan_config", networks=[{"name": "net", "parent": "eth0", **ACCESS}], endpoints=listed)
    made = {item["netns"]: [item["ipv4"].partition("/")[0], item["ipv6"].partition("/")[0]] for item in host.call("macvlan_info")["endpoints"]}
    assert len(routed(host)) == 200

    def all_reached() -> bool:
        return all(reach_each_other(host, netns, *addresses) for netns, addresses in made.items())

    assert all_reached()
    host.lose_all()
    assert host.restore().code == 0
    assert len(routed(host)) == 200 and all_reached()
    assert host.call("macvlan_info")["drift"] == []


def test_drift_is_told_of_the_network_and_its_task_repairs_it(host: Host) -> None:
    network(host, **ACCESS)
    endpoint(host, "a")
    host.ip("route", "delete", "10.0.0.3/32", "dev", LINK)
    host.ip("address", "delete", "fd00::2/128", "dev", LINK)
    host.sysctl(f"net/ipv4/conf/{LINK}/arp_ignore", 0)
    found = {(item["object"], item["field"], item["actual"]) for item in host.call("macvlan_info")["drift"]}
    assert found >= {
        ("network net", "host_access.routes", None),
        ("network net", "host_access.ipv6", None),
        ("network net", "host_access.sysctls", f"net.ipv4.conf.{LINK}.arp_ignore=0"),
    }
    said = host.run_command("check")
    assert said.code != 0 and "network net: host_access.routes is missing, recorded 10.0.0.3/32" in "\n".join(said.lines)
    network(host, **ACCESS)
    assert host.call("macvlan_info")["drift"] == [] and routed(host) == ["10.0.0.3", "fd00::3"]
    host.ip("link", "delete", LINK)
    assert [item["field"] for item in host.call("macvlan_info")["drift"]] == ["host_access.link"]
    endpoint(host, "b")
    network(host, **ACCESS)
    assert reach_each_other(host, "b", "10.0.0.4", "fd00::4")


def test_the_record_can_be_lost(host: Host) -> None:
    network(host, **ACCESS, parent="eth0")
    there = endpoint(host, "a")
    before = host.snapshot().without_state()
    for file in host.path(host.state_dir).iterdir():
        if file.name.startswith("state.db"):
            file.unlink()
    host.run_command("recover")
    host.call("macvlan_network", name="net", parent="eth0", **ACCESS)
    assert host.call("macvlan_endpoint", name="a", network="net", netns="a")["endpoint"]["ipv4"] == there["ipv4"]
    assert host.snapshot().without_state() == before


def test_ranges_need_one_route_for_all_endpoints_in_them(host: Host) -> None:
    ranges = [{"subnet": "10.0.0.0/24", "ip_range": "10.0.0.62-10.0.0.127"}, {"subnet": "fd00::/64", "ip_range": "fd00::100/120"}]
    made = network(host, subnets=ranges, host_access={"routes": "ranges", "metric": 7, "ifname": "shim"})
    assert made["host_access"] == {"ifname": "shim", "addresses": ["10.0.0.62/32", "fd00::100/128"], "routes": "ranges", "metric": 7}
    whole = ["10.0.0.62/31", "10.0.0.64/26", "fd00::100/120"]
    assert routed(host, "shim") == whole
    endpoint(host, "a")
    assert routed(host, "shim") == whole
    endpoint(host, "outside", ipv4="10.0.0.200", ipv6="fd00::9")
    assert routed(host, "shim") == sorted([*whole, "10.0.0.200", "fd00::9"])
    for netns, addresses in (("a", ("10.0.0.63", "fd00::101")), ("outside", ("10.0.0.200", "fd00::9"))):
        assert reach_each_other(host, netns, *addresses, own=("10.0.0.62", "fd00::100"))
    network(host, subnets=ranges, host_access=True)
    assert routed(host) == ["10.0.0.200", "10.0.0.63", "fd00::101", "fd00::9"]


def test_the_host_can_be_the_gateway(host: Host) -> None:
    host.ip("address", "add", "192.0.2.1/32", "dev", "lo")
    gateways = [{"subnet": "10.0.0.0/24", "gateway": "10.0.0.1"}]
    done = converge(host, "macvlan_network", name="net", parent="eth0", subnets=gateways, host_access={"address": "10.0.0.1"})
    assert done["network"]["host_access"]["addresses"] == ["10.0.0.1/32"]
    assert any("net.ipv4.ip_forward is 0" in warning for warning in done["warnings"])
    endpoint(host, "a")
    assert host.ping("a", "192.0.2.1") and host.ping(None, "10.0.0.2")
    host.sysctl("net/ipv4/ip_forward", 1)
    assert converge(host, "macvlan_network", name="net", parent="eth0", subnets=gateways, host_access={"address": "10.0.0.1"}).get("warnings", []) == []
    (config,) = host.call("macvlan_info")["config"]["networks"]
    assert config["host_access"] == {"address": "10.0.0.1"}
    moved = network(host, subnets=gateways, host_access=True)
    assert moved["host_access"]["addresses"] == ["10.0.0.3/32"]


def test_a_second_network_with_the_same_addresses_is_refused_by_the_name_of_the_first(host: Host) -> None:
    host.add_parent("eth1")
    network(host, "one", **ACCESS)
    second = {"name": "two", "parent": "eth1", "allow_overlap": True, "subnets": subnets("10.0.0.0/16")}
    refuse(host, "macvlan_network", "network two", "host has access to network one already", **second, host_access=True)
    network(host, "two", **{key: value for key, value in second.items() if key != "name"})
    refuse(host, "macvlan_network", "network two", "host has access to network one already", **second, host_access=True)
    both = [{"name": "one", "parent": "eth0", "subnets": DUAL}, {**second, "host_access": True}]
    converge(host, "macvlan_config", networks=list(reversed(both)))
    assert "mv-two" in host.links() and "mv-one" not in host.links()


REFUSED: list[t.Any] = [
    pytest.param({"subnets": DUAL, "mode": "passthru"}, "passthru", id="passthru"),
    pytest.param({"subnets": DUAL, "mode": "private"}, "mode private", id="private"),
    pytest.param({"ipam": "none"}, "ipam: none", id="no addresses"),
    pytest.param({"subnets": DUAL, "host_access": {"address": "10.0.1.1"}}, "10.0.1.1 is in none of 10.0.0.0/24", id="elsewhere"),
    pytest.param({"subnets": DUAL, "host_access": {"address": "10.0.0.3"}}, "address: 10.0.0.3 is held by endpoint net/a", id="held"),
    pytest.param({"subnets": DUAL, "host_access": {"address": "10.0.0.200"}}, "address: 10.0.0.200 is an address of eth0", id="the host's"),
    pytest.param({"subnets": DUAL, "host_access": {"ifname": "eth0"}}, "ifname eth0 is taken", id="a foreign link"),
    pytest.param({"subnets": DUAL, "host_access": {"routes": "ranges"}}, "has a route to 10.0.0.0/24 over eth0", id="a better route"),
]


@pytest.mark.parametrize(("options", "words"), REFUSED)
def test_what_cannot_work_is_refused(host: Host, options: dict[str, t.Any], words: str) -> None:
    host.ip("address", "add", "10.0.0.200/24", "dev", "eth0")
    network(host, subnets=DUAL)
    endpoint(host, "a", ipv4="10.0.0.3")
    refuse(host, "macvlan_network", words, **{"name": "net", "parent": "eth0", "host_access": True, **options})


def by_ssh(remote: str, local: str) -> Hook:
    return lambda: os.environ.update(SSH_CONNECTION=f"{remote} 50000 {local} 22")


def test_the_guard_looks_at_its_routes(host: Host) -> None:
    host.ip("address", "add", "10.0.0.200/24", "dev", "eth0")
    host.ip("route", "add", "10.9.0.0/16", "via", "10.0.0.101")
    ranges = {"name": "net", "parent": "eth0", "host_access": {"routes": "ranges"}}
    whole = [{"subnet": "10.0.0.0/24", "ip_range": "10.0.0.64/26"}]
    words = ("the host may not be reachable", LINK, "10.0.0.101", "force: true", "confirm_timeout")
    refuse(host, "macvlan_network", *words, **ranges, subnets=whole)
    host.ip("route", "delete", "10.9.0.0/16")
    message = host.call("macvlan_network", fails=True, hook=by_ssh("10.0.0.100", "10.0.0.200"), **ranges, subnets=whole)["msg"]
    assert all(word in message for word in ("the host may not be reachable", "10.0.0.100", "force: true")), message
    assert LINK not in host.links()
    done = host.call("macvlan_network", force=True, hook=by_ssh("10.0.0.100", "10.0.0.200"), **ranges, subnets=whole)
    assert any("may not be reachable" in warning for warning in done["warnings"])


def test_a_connection_from_an_endpoint_keeps_the_access(host: Host) -> None:
    network(host, **ACCESS)
    endpoint(host, "a")
    task = {"name": "net", "parent": "eth0", "subnets": DUAL}
    message = host.call("macvlan_network", fails=True, hook=by_ssh("10.0.0.3", "10.0.0.2"), **task)["msg"]
    assert LINK in message and "force: true" in message
    message = host.call("macvlan_endpoint", fails=True, hook=by_ssh("10.0.0.3", "10.0.0.2"), name="a", network="net", netns="a", ipv4="10.0.0.9")["msg"]
    assert "delete route to 10.0.0.3/32" in message


def test_a_route_of_another_program_is_in_the_way(host: Host) -> None:
    network(host, **ACCESS)
    host.ip("route", "add", "10.0.0.9/32", "dev", "eth0")
    words = ("host access of network net", "there is a route over eth0 to 10.0.0.9/32 already")
    refuse(host, "macvlan_endpoint", *words, name="a", network="net", netns="a", ipv4="10.0.0.9")
