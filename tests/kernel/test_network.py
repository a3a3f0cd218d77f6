# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks on real links: parents, subnets, changes in place, removal."""

from __future__ import annotations

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.machine import Wire
from ansible_collections.fleetnet.macvlan.tests.support.tasks import (
    NOTHING_LISTED,
    converge,
    endpoint,
    gone,
    network,
    refuse,
    subnets,
)

TAG = "fleetnet.macvlan:"


def test_a_network_says_everything_about_itself(host: Host) -> None:
    made = network(
        host,
        "pub_net",
        subnets=[
            {
                "subnet": "172.16.86.0/24",
                "ip_range": "172.16.86.128/25",
                "aux_addresses": {"exclude_host": "172.16.86.250"},
            }
        ],
        labels={"team": "net"},
        mtu=1400,
    )
    identifier = made.pop("id")
    assert len(identifier) == 32
    assert made == {
        "name": "pub_net",
        "driver": "macvlan",
        "mode": "bridge",
        "parent": "eth0",
        "parent_created": False,
        "internal": False,
        "ipv6": False,
        "mtu": 1400,
        "bcqueuelen": None,
        "bclim": None,
        "ipam": "default",
        "labels": {"team": "net"},
        "exclusive": False,
        "host_access": None,
        "probe": "fast",
        "segment": None,
        "slices": [],
        "subnets": [
            {
                "subnet": "172.16.86.0/24",
                "gateway": "172.16.86.1",
                "gateway_inferred": True,
                "gateway_onlink": False,
                "ip_range": "172.16.86.128/25",
                "ip_ranges": ["172.16.86.128/25"],
                "exclude": [],
                "aux_addresses": {"exclude_host": "172.16.86.250"},
                # Network and broadcast address, gateway, aux address; the last two lie in the range.
                "in_use": 4,
                "available": 126,
            }
        ],
        "endpoints": [],
    }


def test_the_database_is_for_root_alone(host: Host) -> None:
    network(host)
    files = host.snapshot().files
    assert files["."] == "drwx------"
    assert files["state.db"] == files["lock"] == "-rw-------"


def test_what_is_not_there_is_gone_already(host: Host) -> None:
    before = host.snapshot()
    assert not gone(host, "macvlan_network", name="nothing")["changed"]
    assert host.snapshot() == before
    assert not host.has_state()


def test_options_are_refused_all_at_once(host: Host) -> None:
    message = refuse(
        host,
        "macvlan_network",
        "subnets[0].subnet: '10.0.0.0' is not a subnet",
        "subnets[1].gateway: 10.9.9.9 is not inside 10.1.0.0/24",
        "mtu must be from 68",
        name="net",
        parent="eth0",
        mtu=10,
        subnets=[{"subnet": "10.0.0.0"}, {"subnet": "10.1.0.0/24", "gateway": "10.9.9.9"}],
    )
    assert message.count(";") >= 2
    assert not host.has_state()


def test_host_bits_are_cleared_with_a_warning(host: Host) -> None:
    done = converge(host, "macvlan_network", name="net", parent="eth0", subnets=subnets("172.16.50.0/22"))
    assert done["network"]["subnets"][0]["subnet"] == "172.16.48.0/22"
    assert any("172.16.50.0/22" in text and "172.16.48.0/22" in text for text in done["warnings"])


# --- parents --------------------------------------------------------------------------------------------------------


def test_a_missing_parent_that_names_no_vlan_is_refused(host: Host) -> None:
    refuse(host, "macvlan_network", "no link eth7", "eth0.50", name="net", parent="eth7", subnets=subnets("10.0.0.0/24"))
    assert not host.has_state()


def test_a_vlan_on_a_missing_base_is_refused(host: Host) -> None:
    refuse(host, "macvlan_network", "no link eth7", name="net", parent="eth7.50", subnets=subnets("10.0.0.0/24"))


def test_the_loopback_carries_no_network(host: Host) -> None:
    refuse(host, "macvlan_network", "loopback", name="net", parent="lo", subnets=subnets("10.0.0.0/24"))


def test_a_bridge_port_is_refused_with_the_name_of_its_bridge(host: Host) -> None:
    host.ip("link", "add", "br7", "type", "bridge")
    host.ip("link", "set", "eth0", "master", "br7")
    refuse(host, "macvlan_network", "bridge br7", name="net", parent="eth0", subnets=subnets("10.0.0.0/24"))


@pytest.mark.needs("bonding")
def test_a_bond_carries_a_network_and_its_ports_do_not(make_host: MakeHost) -> None:
    host = make_host("eth0", "eth1")
    host.ip("link", "add", "bond0", "type", "bond", "mode", "active-backup")
    host.ip("link", "set", "eth1", "down")
    host.ip("link", "set", "eth1", "master", "bond0")
    host.bring_up("bond0")
    refuse(host, "macvlan_network", "bond bond0", name="net", parent="eth1", subnets=subnets("10.0.0.0/24"))
    network(host, parent="bond0", subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    endpoint(host, "b")
    assert host.ping("a", "10.0.0.3")


@pytest.mark.needs("ipvlan")
def test_a_link_with_ipvlan_on_it_is_refused(host: Host) -> None:
    host.ip("link", "add", "link", "eth0", "name", "ipvl0", "type", "ipvlan", "mode", "l2")
    refuse(host, "macvlan_network", "ipvlan link ipvl0", name="net", parent="eth0", subnets=subnets("10.0.0.0/24"))


def test_a_macvlan_is_no_parent(host: Host) -> None:
    host.ip("link", "add", "link", "eth0", "name", "mv0", "type", "macvlan")
    refuse(host, "macvlan_network", "use eth0", name="net", parent="mv0", subnets=subnets("10.0.0.0/24"))


def test_a_parent_that_is_down_is_accepted_with_a_warning_and_stays_down(host: Host) -> None:
    host.ip("link", "set", "eth0", "down")
    done = converge(host, "macvlan_network", name="net", parent="eth0", subnets=subnets("10.0.0.0/24"))
    assert any("eth0 is down" in text for text in done["warnings"])
    endpoint(host, "a")
    assert "UP" not in host.links()["eth0"]["flags"]
    assert host.gateway("a") == "10.0.0.1"


def test_a_link_with_a_misleading_name_is_used_as_it_is_with_a_warning(host: Host) -> None:
    host.ip("link", "set", "eth0", "down")
    host.ip("link", "set", "eth0", "name", "eth9.50")
    host.bring_up("eth9.50")
    done = converge(host, "macvlan_network", name="net", parent="eth9.50", subnets=subnets("10.0.0.0/24"))
    assert any("not VLAN 50 of eth9" in text for text in done["warnings"])
    assert not done["network"]["parent_created"]
    gone(host, "macvlan_network", name="net")
    assert "eth9.50" in host.links()


def test_a_foreign_parent_that_vanished_is_not_invented(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    host.ip("link", "delete", "eth0")
    refuse(host, "macvlan_network", "eth0 is gone", name="net", parent="eth0", subnets=subnets("10.0.0.0/24"))


def test_a_second_network_on_a_parent_needs_permission(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    second = {"name": "two", "parent": "eth0", "subnets": subnets("10.1.0.0/24")}
    refuse(host, "macvlan_network", "network net", "allow_shared_parent: true", **second)
    converge(host, "macvlan_network", allow_shared_parent=True, **second)
    network(host, subnets=subnets("10.0.0.0/24"))


@pytest.mark.parametrize(("first", "second"), [("passthru", "bridge"), ("bridge", "passthru")])
def test_passthru_shares_its_parent_in_neither_order(host: Host, first: str, second: str) -> None:
    network(host, mode=first, subnets=subnets("10.0.0.0/24"))
    refuse(
        host,
        "macvlan_network",
        "passthru",
        "network net",
        name="two",
        parent="eth0",
        mode=second,
        allow_shared_parent=True,
        subnets=subnets("10.1.0.0/24"),
    )


@pytest.mark.needs("dummy")
def test_without_a_parent_the_network_is_internal_on_a_dummy_of_its_own(host: Host) -> None:
    before = host.snapshot().without_state()
    made = network(host, parent=None, subnets=[{"subnet": "10.0.0.0/24"}, {"subnet": "fd00:1::/64", "gateway": "fd00:1::9"}])
    assert made["parent"] == f"dm-{made['id'][:12]}"
    assert (made["internal"], made["parent_created"]) == (True, True)
    assert [subnet["gateway"] for subnet in made["subnets"]] == [None, "fd00:1::9"]
    assert host.links()[made["parent"]]["ifalias"] == TAG + made["id"]
    first, second = endpoint(host, "a"), endpoint(host, "b")
    assert (first["ipv4"], first["gateway4"], first["gateway6"]) == ("10.0.0.1/24", None, None)
    assert host.ping("a", second["ipv4"].partition("/")[0])
    assert host.gateway("a") is None and host.gateway("a", family=6) is None
    gone(host, "macvlan_network", name="net", force=True)
    assert host.snapshot().without_state() == before


@pytest.mark.needs("dummy")
def test_a_dummy_that_vanished_is_made_again(host: Host) -> None:
    made = network(host, parent=None, subnets=subnets("10.0.0.0/24"))
    host.ip("link", "delete", made["parent"])
    assert network(host, parent=None, subnets=subnets("10.0.0.0/24")) == made
    assert made["parent"] in host.links()


# --- parents that are VLANs -----------------------------------------------------------------------------------------


@pytest.mark.needs("8021q")
def test_a_missing_vlan_parent_is_made_tagged_and_goes_with_the_network(host: Host) -> None:
    before = host.snapshot().without_state()
    made = network(host, parent="eth0.50", subnets=subnets("192.168.50.0/24"))
    assert made["parent_created"]
    link = host.links()["eth0.50"]
    assert link["linkinfo"]["info_data"]["id"] == 50
    assert link["link"] == "eth0" and "UP" in link["flags"]
    assert link["ifalias"].startswith(TAG)
    endpoint(host, "a")
    endpoint(host, "b")
    assert host.ping("a", "192.168.50.3")
    gone(host, "macvlan_network", name="net", force=True)
    assert host.snapshot().without_state() == before


@pytest.mark.needs("8021q")
def test_the_last_network_removes_a_shared_vlan(host: Host) -> None:
    network(host, parent="eth0.50", subnets=subnets("10.0.0.0/24"))
    network(host, "two", parent="eth0.50", allow_shared_parent=True, subnets=subnets("10.1.0.0/24"))
    gone(host, "macvlan_network", name="net")
    assert "eth0.50" in host.links()
    gone(host, "macvlan_network", name="two")
    assert "eth0.50" not in host.links()


@pytest.mark.needs("8021q")
@pytest.mark.parametrize("name", ["eth0.40", "foo"])
def test_a_vlan_that_was_there_before_stays(host: Host, name: str) -> None:
    host.ip("link", "add", "link", "eth0", "name", name, "type", "vlan", "id", "40")
    host.bring_up(name)
    before = host.snapshot().without_state()
    made = network(host, parent=name, subnets=subnets("192.168.40.0/24"))
    assert not made["parent_created"]
    endpoint(host, "a")
    gone(host, "macvlan_network", name="net", force=True)
    assert host.snapshot().without_state() == before


@pytest.mark.needs("8021q")
def test_a_vlan_that_is_there_under_another_name_is_refused(host: Host) -> None:
    host.ip("link", "add", "link", "eth0", "name", "foo", "type", "vlan", "id", "50")
    refuse(host, "macvlan_network", "eth0.50", "foo", name="net", parent="eth0.50", subnets=subnets("10.0.0.0/24"))


def test_a_vlan_name_with_a_leading_zero_is_refused_with_the_right_one(host: Host) -> None:
    refuse(host, "macvlan_network", "eth0.10?", name="net", parent="eth0.010", subnets=subnets("10.0.0.0/24"))


@pytest.mark.needs("8021q")
def test_a_vlan_on_a_base_that_is_down_is_refused(host: Host) -> None:
    host.ip("link", "set", "eth0", "down")
    refuse(host, "macvlan_network", "eth0 is down", name="net", parent="eth0.50", subnets=subnets("10.0.0.0/24"))


def test_a_kernel_without_vlans_is_named(host: Host) -> None:
    """Runs everywhere: where the kernel has VLANs, there is nothing to refuse."""
    params = {"name": "net", "parent": "eth0.50", "subnets": subnets("10.0.0.0/24")}
    probe = host.run(["ip", "link", "add", "link", "eth0", "name", "eth0.9", "type", "vlan", "id", "9"], check=False)
    if probe.returncode:
        refuse(host, "macvlan_network", "lacks the module 8021q", **params)
        assert not host.has_state()
    else:
        network(host, parent="eth0.50", subnets=subnets("10.0.0.0/24"))


@pytest.mark.needs("8021q")
def test_an_owned_vlan_that_vanished_is_made_again_with_the_network(host: Host) -> None:
    made = network(host, parent="eth0.50", subnets=subnets("10.0.0.0/24"))
    host.ip("link", "delete", "eth0.50")
    assert network(host, parent="eth0.50", subnets=subnets("10.0.0.0/24")) == made
    assert "UP" in host.links()["eth0.50"]["flags"]


@pytest.mark.needs("8021q")
def test_an_owned_vlan_with_a_foreign_link_on_it_is_kept_and_becomes_foreign(host: Host) -> None:
    network(host, parent="eth0.50", subnets=subnets("10.0.0.0/24"))
    host.ip("link", "add", "link", "eth0.50", "name", "theirs", "type", "macvlan")
    done = gone(host, "macvlan_network", name="net")
    assert any("theirs" in text and "kept" in text for text in done["warnings"])
    links = host.links()
    assert "theirs" in links and "ifalias" not in links["eth0.50"]


@pytest.mark.needs("8021q")
def test_another_link_under_the_name_of_ours_is_not_removed(host: Host) -> None:
    network(host, parent="eth0.50", subnets=subnets("10.0.0.0/24"))
    host.ip("link", "delete", "eth0.50")
    host.ip("link", "add", "link", "eth0", "name", "eth0.50", "type", "vlan", "id", "51")
    done = gone(host, "macvlan_network", name="net")
    assert any("eth0.50" in text and "kept" in text for text in done["warnings"])
    assert host.links()["eth0.50"]["linkinfo"]["info_data"]["id"] == 51


# --- subnets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subnet", "gateway"),
    [
        ("10.1.100.0/24", "10.1.100.1"),
        ("10.1.100.128/25", "10.1.100.129"),
        ("10.0.0.0/30", "10.0.0.1"),
        ("10.0.0.0/31", None),
        ("10.0.0.7/32", None),
        ("2001:db8::/64", "2001:db8::1"),
        ("2001:db8::/127", None),
    ],
)
def test_the_first_usable_address_is_the_gateway(host: Host, subnet: str, gateway: str | None) -> None:
    (found,) = network(host, subnets=subnets(subnet))["subnets"]
    assert (found["gateway"], found["gateway_inferred"]) == (gateway, gateway is not None)


def test_no_gateway_and_no_default_route_on_request(host: Host) -> None:
    network(host, subnets=[{"subnet": "10.0.0.0/24", "gateway": "none"}])
    made = endpoint(host, "a")
    assert (made["ipv4"], made["gateway4"]) == ("10.0.0.1/24", None)
    assert host.gateway("a") is None


def test_an_internal_network_reserves_its_gateway_and_routes_nowhere(host: Host) -> None:
    network(host, internal=True, subnets=[{"subnet": "10.0.0.0/24", "gateway": "10.0.0.1"}])
    assert endpoint(host, "a")["ipv4"] == "10.0.0.2/24"
    assert host.gateway("a") is None


def test_a_free_subnet_is_chosen_clear_of_networks_and_of_the_host(make_host: MakeHost) -> None:
    host = make_host("eth0", "eth1", "eth2")
    host.ip("address", "add", "172.17.3.1/24", "dev", "eth0")
    host.ip("route", "add", "172.18.0.0/24", "dev", "eth0")
    network(host, "given", parent="eth1", subnets=subnets("172.19.0.0/24"))
    assert network(host)["subnets"][0]["subnet"] == "172.20.0.0/16"
    small = network(host, "small", parent="eth2", address_pools=[{"base": "172.20.0.0/15", "size": 24}], ipv6=True)
    assert [item["subnet"] for item in small["subnets"]][0] == "172.21.0.0/24"
    assert small["ipv6"] and small["subnets"][1]["subnet"].startswith("fd")
    refuse(
        host,
        "macvlan_network",
        "172.20.0.0/16",
        "address_pools",
        name="none_left",
        parent="eth2",
        allow_shared_parent=True,
        address_pools=[{"base": "172.20.0.0/16", "size": 16}],
    )


def test_ipv6_false_contradicts_an_ipv6_subnet(host: Host) -> None:
    refuse(host, "macvlan_network", "ipv6: false", name="net", parent="eth0", ipv6=False, subnets=subnets("fd00::/64"))


def test_networks_do_not_overlap_without_allow_overlap(make_host: MakeHost) -> None:
    host = make_host("eth0", "eth1")
    network(host, subnets=subnets("10.0.0.0/16"))
    second = {"name": "two", "parent": "eth1", "subnets": subnets("10.0.5.0/24")}
    refuse(host, "macvlan_network", "10.0.0.0/16", "network net", "allow_overlap: true", **second)
    converge(host, "macvlan_network", allow_overlap=True, **second)
    network(host, subnets=subnets("10.0.0.0/16"))


def test_separate_broadcast_domains_have_separate_leases(host: Host) -> None:
    with Wire() as elsewhere:
        elsewhere.plug(host, "eth1")
        host.bring_up("eth1")
        network(host, subnets=subnets("10.0.0.0/24"))
        network(host, "two", parent="eth1", subnets=subnets("10.0.0.0/24"), allow_overlap=True)
        assert endpoint(host, "a")["ipv4"] == endpoint(host, "b", "two")["ipv4"] == "10.0.0.2/24"


def test_networks_that_share_a_subnet_share_gateway_and_leases(make_host: MakeHost) -> None:
    host = make_host("eth0", "eth1", "eth2")
    network(host, subnets=[{"subnet": "10.0.0.0/24", "ip_range": "10.0.0.64/26"}])
    refuse(
        host,
        "macvlan_network",
        "ip_range",
        name="three",
        parent="eth2",
        subnets=[{"subnet": "10.0.0.0/24", "ip_range": "10.0.0.100-10.0.0.200"}],
    )
    two = network(host, "two", parent="eth1", subnets=[{"subnet": "10.0.0.0/24", "ip_range": "10.0.0.128-10.0.0.140"}])
    assert two["subnets"][0]["gateway"] == "10.0.0.1"
    assert endpoint(host, "a")["ipv4"] == "10.0.0.64/24"
    assert endpoint(host, "b", "two")["ipv4"] == "10.0.0.128/24"
    refuse(
        host,
        "macvlan_endpoint",
        "10.0.0.64 is held by endpoint net/a",
        name="c",
        network="two",
        netns="c",
        ipv4="10.0.0.64",
    )


def test_ipam_none_gives_links_without_addresses(host: Host) -> None:
    made = network(host, ipam="none")
    assert (made["ipam"], made["subnets"]) == ("none", [])
    bare = endpoint(host, "a")
    assert (bare["ipv4"], bare["ipv6"]) == (None, None)
    assert bare["mac"].startswith("02:42:") and bare["mac"] == host.links("a")["eth0"]["address"]
    assert host.addresses("eth0", "a") == []
    refuse(host, "macvlan_network", "ipam", name="x", parent="eth0", ipam="none", subnets=subnets("10.0.0.0/24"))


# --- changes --------------------------------------------------------------------------------------------------------


def test_a_network_changes_in_place_with_its_endpoints(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    endpoint(host, "b", mtu=1300)
    index = host.links("a")["eth0"]["ifindex"]
    done = converge(
        host,
        "macvlan_network",
        name="net",
        parent="eth0",
        mode="private",
        mtu=1400,
        labels={"tier": "web"},
        subnets=[
            {
                "subnet": "10.0.0.0/24",
                "gateway": "10.0.0.254",
                "aux_addresses": {"printer": "10.0.0.9"},
                "ip_range": "10.0.0.0/28",
            },
            {"subnet": "10.7.0.0/24"},
        ],
    )
    assert any("mode" in text for text in done["steps"])
    for name, mtu in (("a", 1400), ("b", 1300)):
        link = host.links(name)["eth0"]
        assert (link["mtu"], link["linkinfo"]["info_data"]["mode"]) == (mtu, "private")
        assert host.gateway(name) == "10.0.0.254"
    assert host.links("a")["eth0"]["ifindex"] == index
    assert not host.call("macvlan_endpoint", name="a", network="net", netns="a")["changed"]


def test_a_network_that_changes_leaves_the_routes_of_an_endpoint_of_the_host_alone(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    routes = [{"to": "10.9.0.0/16", "via": "10.0.0.9"}]
    converge(host, "macvlan_endpoint", name="host", network="net", routes=routes)
    before = host.routes()
    done = converge(host, "macvlan_network", name="net", parent="eth0", mode="private", subnets=subnets("10.0.0.0/24"))
    assert done["steps"] == ["change mode of network net", "change mode of mv-host from bridge to private"]
    assert host.routes() == before


def test_what_a_network_cannot_change_is_refused_with_the_endpoints_in_the_way(make_host: MakeHost) -> None:
    host = make_host("eth0", "eth1")
    params = {"name": "net", "parent": "eth0", "subnets": subnets("10.0.0.0/24", "10.1.0.0/24")}
    converge(host, "macvlan_network", **params)
    endpoint(host, "web1")
    endpoint(host, "web2", subnet="10.1.0.0/24")
    refuse(host, "macvlan_network", "parent", "web1, web2", **{**params, "parent": "eth1"})
    refuse(host, "macvlan_network", "mode", "web1, web2", **{**params, "mode": "passthru"})
    message = refuse(host, "macvlan_network", "10.1.0.0/24", "web2", **{**params, "subnets": subnets("10.0.0.0/24")})
    assert "web1" not in message
    gone(host, "macvlan_endpoint", name="web2", network="net")
    converge(host, "macvlan_network", **{**params, "subnets": subnets("10.0.0.0/24")})


def test_a_reservation_that_an_endpoint_holds_is_refused(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "web1", ipv4="10.0.0.77")
    for item in ({"gateway": "10.0.0.77"}, {"aux_addresses": {"x": "10.0.0.77"}}):
        refuse(
            host,
            "macvlan_network",
            "10.0.0.77",
            "endpoint net/web1",
            name="net",
            parent="eth0",
            subnets=[{"subnet": "10.0.0.0/24", **item}],
        )


def test_a_network_with_endpoints_is_removed_by_force_only(host: Host) -> None:
    before = host.snapshot().without_state()
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    endpoint(host, "b", netns="shared")
    refuse(host, "macvlan_network", "a, b", "force: true", name="net", state="absent")
    gone(host, "macvlan_network", name="net", force=True)
    assert host.snapshot().without_state() == before


def test_an_unsafe_state_folder_is_refused(host: Host) -> None:
    host.run(["sh", "-c", "mkdir /var/lib/real && ln -s real /var/lib/link && mkdir -m 0777 /var/lib/open"])
    for folder, word in (("link", "symbolic link"), ("open", "writable for others")):
        refuse(host, "macvlan_network", word, name="net", parent="eth0", ipam="none", state_dir=f"/var/lib/{folder}")


def test_a_lost_database_is_not_guessed(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    host.run(["rm", "-r", "/var/lib/macvlan_host"])
    refuse(
        host,
        "macvlan_network",
        "no state database",
        "eth0",
        "namespace a",
        "backup",
        name="other",
        parent="eth0",
        subnets=subnets("10.1.0.0/24"),
    )
    assert not host.has_state()


@pytest.mark.parametrize("content", ["", "this is no database, not even remotely" * 40])
def test_an_empty_or_damaged_database_is_refused_while_links_are_there(host: Host, content: str) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    host.path(host.state_dir / "state.db").write_text(content, encoding="ascii")
    refuse(host, "macvlan_network", "state", "backup", name="other", parent="eth0", ipam="none")


@pytest.mark.parametrize(
    "parent",
    [
        pytest.param("eth0.50", marks=pytest.mark.needs("8021q")),
        pytest.param(None, marks=pytest.mark.needs("dummy")),
    ],
)
def test_a_parent_of_ours_with_foreign_users_in_another_namespace_stays(host: Host, parent: str | None) -> None:
    link = network(host, parent=parent, subnets=subnets("10.0.0.0/24"))["parent"]
    endpoint(host, "a")
    host.ip("netns", "add", "theirs")
    host.ip("link", "add", "link", link, "name", "their0", "netns", "theirs", "type", "macvlan")
    host.ip("link", "set", "their0", "up", netns="theirs")
    host.wait_until_up("their0", "theirs")
    theirs = host.links("theirs")["their0"]
    (warning,) = converge(host, "macvlan_network", name="net", state="absent", force=True)["warnings"]
    user = f"a link with MAC address {theirs['address']} in another namespace"
    assert warning.startswith(f"{link} was created here, but {user} uses it now")
    assert "ifalias" not in host.links()[link]
    assert host.links("theirs")["their0"]["ifindex"] == theirs["ifindex"]


@pytest.mark.needs("8021q")
def test_of_many_parents_the_one_with_foreign_users_in_another_namespace_stays(host: Host) -> None:
    names = [f"eth0.{vlan}" for vlan in range(50, 70)]
    networks = [{"name": name, "parent": name, "ipam": "none"} for name in names]
    host.call("macvlan_config", networks=networks)
    host.ip("netns", "add", "theirs")
    host.ip("link", "add", "link", "eth0.60", "name", "their0", "netns", "theirs", "type", "macvlan")
    host.ip("link", "set", "their0", "up", netns="theirs")
    host.wait_until_up("their0", "theirs")
    assert len(converge(host, "macvlan_config", **NOTHING_LISTED)["warnings"]) == 1
    assert {name for name in host.links() if "." in name} == {"eth0.60"}


@pytest.mark.needs("8021q")
def test_a_subinterface_with_foreign_users_in_another_namespace_is_removed_by_force_only(host: Host) -> None:
    converge(host, "vlan_subinterface", name="eth0.50")
    host.ip("netns", "add", "theirs")
    host.ip("link", "add", "link", "eth0.50", "name", "their0", "netns", "theirs", "type", "macvlan")
    host.ip("link", "set", "their0", "up", netns="theirs")
    host.wait_until_up("their0", "theirs")
    mac = host.links("theirs")["their0"]["address"]
    refuse(host, "vlan_subinterface", mac, "in another namespace", "force", name="eth0.50", state="absent")
    assert host.call("vlan_subinterface", name="eth0.50", state="absent", force=True)["changed"]
