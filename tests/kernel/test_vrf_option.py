# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoints that the collection itself puts into a VRF of the host: addresses and routes, changes, drift, restoration."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.tasks import converge, gone, network, refuse, subnets

pytestmark = pytest.mark.needs("vrf")

ENDPOINT = "macvlan_endpoint"
DUAL = subnets("10.0.0.0/24", "fd00::/64")
ROUTES = [{"to": "10.9.0.0/16", "via": "10.0.0.9"}]
TABLES = {"red": 1000, "blue": 20}


@pytest.fixture
def divided(host: Host) -> Host:
    """A host with two VRFs, one of which has a table with a number of more than eight bits."""
    for name in TABLES:
        add_vrf(host, name)
    network(host, subnets=DUAL)
    return host


def add_vrf(host: Host, name: str) -> None:
    host.ip("link", "add", name, "type", "vrf", "table", str(TABLES[name]))
    host.ip("link", "set", name, "up")


def of_vrf(host: Host, name: str, **params: t.Any) -> t.Any:
    """An endpoint of the host with routes."""
    return converge(host, ENDPOINT, **{"name": name, "network": "net", "default_route": True, "routes": ROUTES, **params})


def routes(host: Host, table: str) -> set[str]:
    """The destinations of a table over endpoints, without what the kernel adds to each link by itself."""
    said = (host.run(["ip", family, "route", "show", "table", table], check=False).stdout for family in ("-4", "-6"))
    lines = [line.split() for text in said for line in text.splitlines()]
    return {line[0] for line in lines if {"mv-a", "mv-a1"} & {*line}} - {"local", "broadcast", "multicast", "anycast", "fe80::/64", "ff00::/8"}


ALL = {"default", "10.9.0.0/16", "10.0.0.0/24", "fd00::/64"}


def test_addresses_and_routes_are_in_the_vrf_and_nothing_is_left_of_them(divided: Host) -> None:
    before = divided.snapshot().without_state()
    done = of_vrf(divided, "a", vrf="red")["endpoint"]
    assert (done["vrf"], done["ipv4"], done["ipv6"]) == ("red", "10.0.0.2/24", "fd00::2/64")
    assert divided.links()["mv-a"]["master"] == "red"
    assert (routes(divided, "1000"), routes(divided, "main")) == (ALL, set())
    assert divided.addresses("mv-a")[:2] == ["10.0.0.2/24", "fd00::2/64"]
    assert divided.call("macvlan_info")["drift"] == []
    assert divided.call("macvlan_info")["config"]["endpoints"][0]["vrf"] == "red"
    gone(divided, ENDPOINT, name="a", network="net")
    assert divided.snapshot().without_state() == before


@pytest.mark.parametrize("before", [None, "red", "blue"])
@pytest.mark.parametrize("after", [None, "red", "blue"])
def test_another_vrf_is_a_change_in_place(divided: Host, before: str | None, after: str | None) -> None:
    params: dict[str, t.Any] = {"default_route": None}
    of_vrf(divided, "a", vrf=before, **params)
    link = divided.links()["mv-a"]
    assert of_vrf(divided, "a", vrf=after, **params)["endpoint"]["vrf"] == after
    changed = divided.links()["mv-a"]
    assert (changed["ifindex"], changed.get("master")) == (link["ifindex"], after)
    assert divided.addresses("mv-a")[:2] == ["10.0.0.2/24", "fd00::2/64"]
    for vrf, table in {**{name: str(number) for name, number in TABLES.items()}, None: "main"}.items():
        assert routes(divided, table) == (ALL - {"default"} if vrf == after else set()), table
    assert divided.call("macvlan_info")["drift"] == []


@pytest.mark.parametrize("options", [{"routes": []}, {"default_route": False}, {"ipv4": "10.0.0.77"}, {"ipv6": "fd00::77"}, {"ifname": "mv-a1"}, {"mtu": 1400}])
def test_the_rest_of_it_changes_there_as_elsewhere(divided: Host, options: dict[str, t.Any]) -> None:
    of_vrf(divided, "a", vrf="red")
    of_vrf(divided, "a", vrf="red", **options)
    assert divided.call("macvlan_info")["drift"] == []
    of_vrf(divided, "a", vrf="red")
    assert routes(divided, "1000") == ALL


@pytest.mark.parametrize(
    ("change", "rows"),
    [
        (("link", "set", "mv-a", "nomaster"), {"vrf"}),
        (("link", "set", "mv-a", "master", "blue"), {"vrf"}),
        (("route", "delete", "10.9.0.0/16", "vrf", "red"), {"routes"}),
        (("route", "delete", "default", "vrf", "red"), {"default_route"}),
    ],
)
@pytest.mark.parametrize("way", ["task", "restore"])
def test_drift_is_told_and_repaired(divided: Host, change: tuple[str, ...], rows: set[str], way: str) -> None:
    of_vrf(divided, "a", vrf="red")
    divided.ip(*change)
    assert rows <= {item["field"] for item in divided.call("macvlan_info")["drift"]}
    if way == "task":
        of_vrf(divided, "a", vrf="red")
    else:
        assert divided.run_command("restore").code == 0
    assert divided.call("macvlan_info")["drift"] == []
    assert (routes(divided, "1000"), routes(divided, "20"), routes(divided, "main")) == (ALL, set(), set())


def test_each_vrf_has_subnets_and_default_routes_of_its_own(divided: Host) -> None:
    divided.add_parent("eth1")
    network(divided, "again", parent="eth1", subnets=DUAL, allow_overlap=True)
    of_vrf(divided, "a", vrf="red")
    of_vrf(divided, "b", network="again", vrf="blue")
    refuse(divided, ENDPOINT, "overlapping subnets", name="c", network="again", vrf="red")


@pytest.mark.parametrize(
    ("route", "words"),
    [
        (("10.9.0.0/16", "dev", "eth1"), "a route over eth1 to 10.9.0.0/16 in the VRF red"),
        (("10.9.0.0/16", "dev", "eth0"), "a route over eth0 to 10.9.0.0/16 in the VRF red"),
        (("blackhole", "10.9.0.0/16"), "a blackhole route to 10.9.0.0/16 in the VRF red"),
        (("default", "dev", "eth1"), "eth1 has the IPv4 default route in the VRF red"),
    ],
)
@pytest.mark.parametrize("name", TABLES)
def test_a_route_that_another_program_has_there_is_refused_by_name(divided: Host, name: str, route: tuple[str, ...], words: str) -> None:
    divided.add_parent("eth1")
    divided.ip("link", "set", "eth1", "master", name)
    divided.ip("route", "add", *route, "table", str(TABLES[name]))
    divided.ip("route", "add", "unreachable", "default", "metric", "4278198272", "vrf", name)
    refuse(divided, ENDPOINT, words.replace("red", name), name="a", network="net", vrf=name, default_route=True, routes=ROUTES)
    divided.ip("route", "delete", *route, "table", str(TABLES[name]))
    of_vrf(divided, "a", vrf=name)


def test_alternative_names_mean_the_vrf_itself(divided: Host) -> None:
    divided.ip("link", "property", "add", "dev", "red", "altname", "a-long-name-of-the-vrf-red")
    assert of_vrf(divided, "a", vrf="a-long-name-of-the-vrf-red")["endpoint"]["vrf"] == "red"
    assert (divided.links()["mv-a"]["master"], routes(divided, "1000")) == ("red", ALL)


def rename(host: Host) -> None:
    host.ip("link", "set", "red", "down")
    host.ip("link", "set", "red", "name", "crimson")
    host.ip("link", "set", "crimson", "up")


def test_the_record_follows_a_vrf_by_its_alternative_name(divided: Host) -> None:
    of_vrf(divided, "a", vrf="red")
    rename(divided)
    divided.ip("link", "property", "add", "dev", "crimson", "altname", "red")
    info = divided.call("macvlan_info")
    assert info["drift"] == [] and any("its VRF red is called crimson now" in line for line in info["warnings"])
    of_vrf(divided, "a", vrf="red")
    assert divided.call("macvlan_info")["endpoints"][0]["vrf"] == "crimson"
    divided.lose_all()
    said = divided.run_command("restore")
    assert (said.code, routes(divided, "1000")) == (0, ALL)


def test_a_vrf_that_was_renamed_is_told_as_it_is(divided: Host) -> None:
    of_vrf(divided, "a", vrf="red")
    rename(divided)
    assert {"object": "endpoint net/a", "field": "vrf", "recorded": "red", "actual": "crimson"} in divided.call("macvlan_info")["drift"]
    refuse(divided, ENDPOINT, "use vrf: crimson", name="a", network="net", vrf="red", default_route=True, routes=ROUTES)
    said = divided.run_command("restore")
    assert said.code != 0 and any("is in the VRF crimson" in line for line in said.lines)
    of_vrf(divided, "a", vrf="crimson")
    assert divided.call("macvlan_info")["drift"] == [] and routes(divided, "1000") == ALL


def test_a_vrf_that_is_not_there_is_awaited(divided: Host) -> None:
    of_vrf(divided, "a", vrf="red")
    divided.ip("link", "delete", "red")
    assert ("vrf", None) in {(item["field"], item["actual"]) for item in divided.call("macvlan_info")["drift"]}
    refuse(divided, ENDPOINT, "there is no link red", "type vrf table", name="a", network="net", vrf="red", default_route=True, routes=ROUTES)
    said = divided.run_command("restore")
    assert said.code != 0 and any("there is no link red" in line for line in said.lines)
    add_vrf(divided, "red")
    assert divided.run_command("restore").code == 0
    assert routes(divided, "1000") == ALL


def test_what_cannot_be_is_refused(divided: Host) -> None:
    refuse(divided, ENDPOINT, "eth0 is not a VRF", name="a", network="net", vrf="eth0")
    refuse(divided, ENDPOINT, "there is no link green", name="a", network="net", vrf="green")
    refuse(divided, ENDPOINT, "only endpoints in the host's own namespace", name="a", network="net", vrf="red", netns="a")


def test_everything_comes_back_after_a_reboot(divided: Host) -> None:
    of_vrf(divided, "a", vrf="red")
    divided.lose_all()
    assert divided.run_command("restore").code == 0
    assert (divided.links()["mv-a"]["master"], routes(divided, "1000")) == ("red", ALL)
