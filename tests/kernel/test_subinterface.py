# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""VLAN sub-interfaces on real links: made, changed in place, declared, foreign, removed."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.tasks import converge, endpoint, gone, network, refuse, subnets

pytestmark = pytest.mark.needs("8021q")


def vlan(host: Host, **params: t.Any) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", converge(host, "vlan_subinterface", **params)["vlan_subinterface"])


def test_a_subinterface_says_everything_about_itself(host: Host) -> None:
    base = host.links()["eth0"]
    assert vlan(host, parent="eth0", vlan_id=50) == {
        "name": "eth0.50",
        "parent": "eth0",
        "vlan_id": 50,
        "protocol": "802.1q",
        "mtu": 1500,
        "mac": base["address"],
        "up": True,
        "reorder_hdr": True,
        "gvrp": False,
        "mvrp": False,
        "loose_binding": False,
        "ingress_qos_map": {},
        "egress_qos_map": {},
        "owned": True,
        "used_by": [],
    }
    assert vlan(host, name="eth0.50")["owned"]


def test_every_option_reaches_the_kernel_and_goes_back_in_place(host: Host) -> None:
    vlan(
        host,
        name="trunk-50",
        parent="eth0",
        vlan_id=50,
        mtu=1400,
        mac="02:00:00:00:00:50",
        reorder_hdr=False,
        gvrp=True,
        mvrp=True,
        loose_binding=True,
        ingress_qos_map={"1": 5, "2": 6},
        egress_qos_map={0: 3, 7: 1},
    )
    link = host.links()["trunk-50"]
    data = link["linkinfo"]["info_data"]
    assert (link["mtu"], link["address"]) == (1400, "02:00:00:00:00:50")
    assert set(data["flags"]) == {"GVRP", "MVRP", "LOOSE_BINDING"}
    assert data["ingress_qos"] == [{"from": 1, "to": 5}, {"from": 2, "to": 6}]
    assert data["egress_qos"] == [{"from": 0, "to": 3}, {"from": 7, "to": 1}]
    index = link["ifindex"]
    plain = vlan(host, name="trunk-50", parent="eth0", vlan_id=50, ingress_qos_map={"2": 7})
    link = host.links()["trunk-50"]
    assert link["ifindex"] == index
    assert (link["mtu"], link["address"]) == (1500, host.links()["eth0"]["address"])
    assert link["linkinfo"]["info_data"]["flags"] == ["REORDER_HDR"]
    assert plain["ingress_qos_map"] == {"2": 7} and plain["egress_qos_map"] == {}


def test_a_subinterface_can_be_down(host: Host) -> None:
    assert not vlan(host, parent="eth0", vlan_id=50, up=False)["up"]
    assert "UP" not in host.links()["eth0.50"]["flags"]
    assert vlan(host, parent="eth0", vlan_id=50)["up"]
    assert "UP" in host.links()["eth0.50"]["flags"]


@pytest.mark.needs("8021ad")
def test_vlans_stack(host: Host) -> None:
    vlan(host, parent="eth0", vlan_id=100, protocol="802.1ad")
    vlan(host, name="eth0.100.20")
    links = host.links()
    assert links["eth0.100"]["linkinfo"]["info_data"]["protocol"] == "802.1ad"
    assert links["eth0.100.20"]["link"] == "eth0.100"
    network(host, parent="eth0.100.20", subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    endpoint(host, "b")
    assert host.ping("a", "10.0.0.3")
    refuse(host, "vlan_subinterface", "vlan_subinterface eth0.100.20", name="eth0.100", state="absent")


def test_what_cannot_change_in_place_is_refused(host: Host) -> None:
    vlan(host, name="v", parent="eth0", vlan_id=50)
    refuse(host, "vlan_subinterface", "vlan_id is 50", name="v", parent="eth0", vlan_id=51)
    refuse(host, "vlan_subinterface", "protocol is 802.1q", name="v", parent="eth0", vlan_id=50, protocol="802.1ad")


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"parent": "eth7", "vlan_id": 5}, "no link eth7"),
        ({"parent": "lo", "vlan_id": 5}, "loopback"),
        ({"parent": "eth0", "vlan_id": 4095}, "4094"),
        ({"parent": "eth0", "vlan_id": 0}, "from 1"),
        ({"name": "eth0"}, "names no VLAN"),
        ({"name": "eth0.010"}, "eth0.10"),
        ({"parent": "eth0", "vlan_id": 5, "mtu": 9000}, "1500 of eth0"),
        ({"parent": "eth0", "vlan_id": 5, "mac": "ff:ff:ff:ff:ff:ff"}, "multicast"),
        ({"parent": "eth0", "vlan_id": 5, "ingress_qos_map": {"9": 1}}, "from 0 to 7"),
        ({"parent": "eth0", "vlan_id": 5, "egress_qos_map": {"x": 1}}, "whole number"),
        ({"parent": "a-rather-long-0", "vlan_id": 4000}, "there is no link a-rather-long-0 on this host"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(host: Host, params: dict[str, object], word: str) -> None:
    refuse(host, "vlan_subinterface", word, **params)
    assert not host.has_state()


def test_a_base_that_is_down_is_refused_unless_the_binding_is_loose(host: Host) -> None:
    host.ip("link", "set", "eth0", "down")
    refuse(host, "vlan_subinterface", "eth0 is down", parent="eth0", vlan_id=5)
    vlan(host, parent="eth0", vlan_id=5, up=False)
    vlan(host, parent="eth0", vlan_id=6, loose_binding=True)
    assert "UP" in host.links()["eth0.6"]["flags"]


def test_a_foreign_subinterface_is_used_and_never_changed(host: Host) -> None:
    host.ip("link", "add", "link", "eth0", "name", "foo", "type", "vlan", "id", "40")
    host.bring_up("foo")
    before = host.snapshot()
    made = vlan(host, name="foo", parent="eth0", vlan_id=40)
    assert not made["owned"]
    assert host.snapshot().without_state() == before.without_state()
    refuse(host, "vlan_subinterface", "mtu is 1500, not 1400", name="foo", parent="eth0", vlan_id=40, mtu=1400)
    refuse(host, "vlan_subinterface", "vlan_id is 40, not 41", name="foo", parent="eth0", vlan_id=41)
    refuse(host, "vlan_subinterface", "force: true", name="foo", parent="eth0", vlan_id=40, state="absent")
    gone(host, "vlan_subinterface", name="foo", parent="eth0", vlan_id=40, state_dir="/var/lib/macvlan_host", force=True)
    assert "foo" not in host.links()


def test_a_vlan_under_another_name_is_refused(host: Host) -> None:
    host.ip("link", "add", "link", "eth0", "name", "foo", "type", "vlan", "id", "40")
    refuse(host, "vlan_subinterface", "already there as foo", parent="eth0", vlan_id=40)


def test_a_link_that_is_not_a_vlan_is_not_removed_even_by_force(host: Host) -> None:
    host.ip("link", "add", "br0.5", "type", "bridge")
    refuse(host, "vlan_subinterface", "not a VLAN link", name="br0.5", state="absent", force=True)


def test_what_has_any_name_is_removed_by_that_alone(host: Host) -> None:
    for name in ("eth0", "foo"):
        vlan(host, name="trunk", parent="eth0", vlan_id=50)
        if name == "eth0":
            refuse(host, "vlan_subinterface", "not a VLAN link", name=name, state="absent", force=True)
        else:
            assert not host.call("vlan_subinterface", name=name, state="absent")["changed"]
        gone(host, "vlan_subinterface", name="trunk")
        assert "trunk" not in host.links()
        assert not host.call("vlan_subinterface", name="trunk", state="absent")["changed"]


@pytest.mark.parametrize("declared_first", [True, False])
def test_a_declared_subinterface_outlives_its_network(host: Host, declared_first: bool) -> None:
    steps = [
        lambda: vlan(host, name="eth0.50"),
        lambda: network(host, parent="eth0.50", subnets=subnets("10.0.0.0/24")),
    ]
    for step in steps if declared_first else reversed(steps):
        step()
    assert vlan(host, name="eth0.50")["used_by"] == ["net"]
    refuse(host, "vlan_subinterface", "network net", "force: true", name="eth0.50", state="absent")
    gone(host, "macvlan_network", name="net")
    assert "eth0.50" in host.links()
    gone(host, "vlan_subinterface", name="eth0.50")
    assert "eth0.50" not in host.links()


def test_force_removes_a_used_subinterface_and_the_network_task_says_so(host: Host) -> None:
    network(host, parent="eth0.50", subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    done = gone(host, "vlan_subinterface", name="eth0.50", force=True)
    assert any("network net" in text for text in done["warnings"])
    drift = host.call("macvlan_info")["drift"]
    assert ("network net", "parent") in {(item["object"], item["field"]) for item in drift}
    network(host, parent="eth0.50", subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    assert host.call("macvlan_info")["drift"] == []


def test_another_link_under_its_name_is_never_taken_for_it(host: Host) -> None:
    vlan(host, name="eth0.50")
    host.ip("link", "delete", "eth0.50")
    host.ip("link", "add", "link", "eth0", "name", "eth0.50", "type", "vlan", "id", "51")
    refuse(host, "vlan_subinterface", "not the one that was created", name="eth0.50")
    refuse(host, "vlan_subinterface", "not created here", name="eth0.50", state="absent")
