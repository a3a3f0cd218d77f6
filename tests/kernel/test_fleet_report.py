# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report about hosts shows what their kernels have: read back from the page, and from its JSON twin."""

from __future__ import annotations

import re
import shlex
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.as_json import plain_report
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.page import html_page
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.unit.fleet_answers import Page, report

pytestmark = pytest.mark.engine

SEGMENT = {
    "name": "lan50",
    "subnets": [{"subnet": "192.168.50.0/24", "slice_length": 26, "gateway": "192.168.50.1"}, {"subnet": "2001:db8:50::/64", "slice_length": 112}],
}
NAMES = ("edge1", "edge2", "edge3")


def subnets(place: int) -> list[dict[str, t.Any]]:
    return [
        {"subnet": "192.168.50.0/24", "gateway": "192.168.50.1", "ip_range": f"192.168.50.{64 * place}/26"},
        {"subnet": "2001:db8:50::/64", "ip_range": f"2001:db8:50::{place}:0/112"},
    ]


@pytest.fixture
def fleet(make_host: MakeHost) -> dict[str, Host]:
    """Three hosts on one wire, each with two networks, three endpoints and an interface of its own."""
    first = make_host("eth0", "eth1")
    hosts = {"edge1": first, **{name: make_host("eth0", "eth1", wire=first.wire) for name in NAMES[1:]}}
    for place, host in enumerate(hosts.values()):
        host.call(
            "macvlan_config",
            networks=[
                {"name": "lan", "parent": "eth0", "subnets": subnets(place), "host_access": True},
                {"name": "plain", "parent": "eth1", "ipam": "none"},
            ],
            endpoints=[
                {"name": "web", "network": "lan", "netns": "web"},
                {"name": "db", "network": "lan", "netns": "db", "ifname": "lan0"},
                {"name": "tap", "network": "plain", "netns": "db", "ifname": "lan1"},
            ],
        )
    return hosts


def read(hosts: dict[str, Host]) -> dict[str, t.Any]:
    return {name: host.call("macvlan_info") for name, host in hosts.items()}


def in_kernel(host: Host) -> set[tuple[str, str, str, frozenset[str]]]:
    """Namespace, interface, MAC address and addresses of the macvlan links of a host."""
    links = set()
    for netns in (None, *host.namespaces()):
        for name, link in host.links(netns).items():
            if link.get("linkinfo", {}).get("info_kind") == "macvlan":
                addresses = {f"{item['local']}/{item['prefixlen']}" for item in link["addr_info"] if item["scope"] == "global"}
                links.add((netns or "", name, link["address"], frozenset(addresses)))
    return links


def in_page(text: str) -> dict[str, set[tuple[str, str, str, frozenset[str]]]]:
    """Host → the same as the trees of a page show it."""
    shown = {}
    for part in re.findall(r'<details class="host".*?</details>', text, re.DOTALL):
        host = Page(part).of("summary/b")[0]
        links = set()
        for item in re.findall(r'<li class="e">.*?</li>', part):
            page = Page(item)
            ifname, dummy, netns = page.of("/i")[0].partition(" in ")
            addresses = frozenset(page.of("/code"))
            links.add((netns, ifname, page.of("/em")[0], addresses))
        shown[host] = links
    return shown


def test_every_link_address_and_name_is_that_of_the_kernel(fleet: dict[str, Host]) -> None:
    fleet["edge2"].run(["ip", "address", "add", "192.168.50.200/32", "dev", "eth0"], "web")
    answers = read(fleet)
    made = report(answers, [SEGMENT], {name: place for place, name in enumerate(NAMES)})
    text, twin = html_page(made), plain_report(made)
    shown = in_page(text)
    assert set(shown) == set(fleet)
    for name, host in fleet.items():
        kernel = in_kernel(host)
        inside = {link for link in kernel if link[0]}
        assert len(inside) == 3
        assert shown[name] == inside
        # The interface of the host itself stands at its network.
        (access,) = kernel - inside
        assert {access[1], *access[3]} in [set(re.split(", | ", item)) for item in Page(text).of("div/code")]
    listed = {item["address"]: item for wire in twin["wires"] for shown_map in wire["subnets"] for item in shown_map["addresses"]}
    in_kernels = {address.partition("/")[0] for host in fleet.values() for link in in_kernel(host) for address in link[3]}
    assert {address for address, item in listed.items() if item["state"] != "gateway"} == in_kernels
    assert listed["192.168.50.200"]["state"] == "foreign"
    assert listed["192.168.50.200"]["holders"] == [{"host": "edge2", "what": "lan/web, added by another program"}]
    assert [band["owners"] for band in twin["wires"][0]["subnets"][0]["bands"]] == [["edge1"], ["edge2"], ["edge3"], []]
    assert (twin["duplicates"], twin["counts"]["drift"]) == ([], 0)
    signs = re.findall(r'<use href="#(\w+)"[^>]*><title>([\d.]+) ', text)
    assert {address for state, address in signs if state == "leased"} == {address for address in in_kernels if ":" not in address} - {"192.168.50.200"}


def test_two_hosts_with_one_address_are_named_and_the_command_repairs_drift(fleet: dict[str, Host]) -> None:
    mine = {"name": "twin", "network": "lan", "netns": "twin", "ipv4": "192.168.50.99", "ipv6": "none", "probe": "none"}
    for name in ("edge1", "edge3"):
        fleet[name].call("macvlan_endpoint", **mine)
    fleet["edge2"].run(["ip", "link", "set", "lan0", "mtu", "1400"], "db")
    fleet["edge2"].run(["ip", "address", "flush", "dev", "eth0", "scope", "global"], "web")
    made = report(read(fleet))
    holders = (("edge1", "lan/twin"), ("edge3", "lan/twin"))
    assert [(item.kind, item.value, item.holders) for item in made.duplicates] == [
        ("address", "192.168.50.99", holders),
        ("mac", "02:42:c0:a8:32:63", holders),
    ]
    drifted = made.hosts[1]
    assert {item.object for item in drifted.drift} == {"endpoint lan/db", "endpoint lan/web"}
    assert [host.repair for host in (made.hosts[0], made.hosts[2])] == ["", ""]
    program, *arguments = shlex.split(shlex.split(drifted.repair)[-1])
    assert program == "macvlan-host"
    assert fleet["edge2"].run_command(*arguments).code == 0
    assert fleet["edge2"].call("macvlan_info")["drift"] == []


def test_files_of_a_page_can_be_opened_without_anything_beside_them(fleet: dict[str, Host], tmp_path: Path) -> None:
    file = tmp_path / "fleet.html"
    file.write_text(html_page(report(read(fleet))), encoding="utf-8")
    page = Page(file.read_text(encoding="utf-8"))
    assert {key for tag, key, value in page.attributes if key in ("src", "href") and not value.startswith("#")} == set()
