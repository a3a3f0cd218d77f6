# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The snippets of "Day 2", run as they are written, on hosts as the first day has left them."""

from __future__ import annotations

import typing as t

import pytest
import yaml

from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.snippets import Section, install_command, write_inventory
from ansible_collections.fleetnet.macvlan.tests.support.tasks import NOTHING_LISTED, converge

GUIDE = "docs/docsite/rst/guide_day2.rst"
ROUTER = "192.168.50.1"

Item = dict[str, t.Any]


@pytest.fixture
def in_use(make_host: MakeHost) -> Host:
    """A host after the first day, with a free link beside the parent."""
    host = make_host("eth0", "eth1")
    host.wire.add_address(f"{ROUTER}/24")
    first_day = Section(GUIDE, "The first day")
    assert first_day.play(host).changed == 1
    assert first_day.play(host).changed == 0
    return host


def recorded(host: Host) -> dict[str, Item]:
    return {item["name"]: item for item in host.call("macvlan_info")["endpoints"]}


def links(host: Host) -> dict[str, int]:
    """The index of each endpoint's link: another one is another link."""
    return {item["name"]: host.links(item["netns"])[item["ifname"]]["ifindex"] for item in recorded(host).values()}


def kept(endpoint: Item, *others: str) -> Item:
    return {name: endpoint[name] for name in ("ipv4", "mac", "gateway4", *others)}


def check_sound(host: Host) -> None:
    """What is recorded is there, and reaches the router."""
    assert host.call("macvlan_info")["drift"] == []
    for endpoint in recorded(host).values():
        assert host.addresses(endpoint["ifname"], netns=endpoint["netns"])[0] == endpoint["ipv4"]
        assert host.ping(endpoint["netns"], endpoint["gateway4"])


@pytest.mark.shows(GUIDE, "The first day")
def test_the_first_day(in_use: Host, section: Section) -> None:
    assert section.play(in_use).changed == 0
    check_sound(in_use)
    assert {name: item["ipv4"] for name, item in recorded(in_use).items()} == {"web1": "192.168.50.32/24", "web2": "192.168.50.33/24"}


@pytest.mark.shows(GUIDE, "Changes that interrupt traffic")
def test_what_interrupts_traffic_is_refused_first_and_shown_before_it_is_done(in_use: Host, section: Section) -> None:
    play = Section(GUIDE, "The first day").text().replace("parent: eth0", "parent: eth1")
    in_use.path(HOME / "web.yml").write_text(play, encoding="utf-8")
    before, old = in_use.snapshot(), recorded(in_use)
    refused = in_use.playbook(HOME / "web.yml", inventory=str(write_inventory(in_use)))
    assert refused.failed == 1
    assert "parent" in refused.stdout and "web1, web2" in refused.stdout and "replace: true" in refused.stdout
    assert in_use.snapshot() == before
    done = section.run(in_use).stdout
    assert done.count("changed=1") == 2
    assert '"endpoint web/web1"' in done and '"interrupts": [' in done
    assert {name: kept(item) for name, item in recorded(in_use).items()} == {name: kept(item) for name, item in old.items()}
    assert {item["parent"] for item in recorded(in_use).values()} == {"eth1"}
    check_sound(in_use)


@pytest.mark.shows(GUIDE, "Rename a NIC")
def test_a_network_follows_its_renamed_parent(in_use: Host, section: Section) -> None:
    before, old = links(in_use), recorded(in_use)
    in_use.ip("link", "set", "eth0", "down")
    in_use.ip("link", "set", "eth0", "name", "lan0")
    in_use.bring_up("lan0")
    section.play(in_use)
    assert section.play(in_use).changed == 0
    assert links(in_use) == before
    assert recorded(in_use) == {name: {**item, "parent": "lan0"} for name, item in old.items()}
    check_sound(in_use)


@pytest.mark.shows(GUIDE, "Replace a NIC, or move a network to another link")
@pytest.mark.parametrize("is_there", [True, False], ids=["beside-the-old", "instead-of-the-old"])
def test_a_network_moves_with_all_that_its_endpoints_have(in_use: Host, section: Section, is_there: bool) -> None:
    old = recorded(in_use)
    if not is_there:
        in_use.ip("link", "delete", "eth0")
    assert section.play(in_use).changed == 1
    assert recorded(in_use) == {name: {**item, "parent": "eth1"} for name, item in old.items()}
    check_sound(in_use)
    assert section.play(in_use).changed == 0


@pytest.mark.needs("8021q")
@pytest.mark.shows(GUIDE, "Move a network to another VLAN")
def test_a_network_moves_to_a_vlan(in_use: Host, section: Section) -> None:
    old = recorded(in_use)
    in_use.wire.ip("address", "delete", f"{ROUTER}/24", "dev", in_use.wire.leg())
    in_use.wire.add_address(f"{ROUTER}/24", vlan=51)
    assert section.play(in_use).changed == 1
    assert recorded(in_use) == {name: {**item, "parent": "eth0.51"} for name, item in old.items()}
    check_sound(in_use)
    assert section.play(in_use).changed == 0


@pytest.mark.shows(GUIDE, "Rename a network or an endpoint")
def test_new_names_change_nothing_else(in_use: Host, section: Section) -> None:
    before, old = links(in_use), recorded(in_use)
    done = section.play(in_use)
    assert done.changed == 1
    new = recorded(in_use)
    assert {item["network"] for item in new.values()} == {"shop"}
    for former, name in (("web1", "web1"), ("web2", "till")):
        assert kept(new[name], "netns", "ifname") == kept(old[former], "netns", "ifname")
        assert links(in_use)[name] == before[former]
    assert [item["name"] for item in in_use.call("macvlan_info")["networks"]] == ["shop"]
    check_sound(in_use)
    assert section.play(in_use).changed == 0


@pytest.mark.shows(GUIDE, "Renumber without interruption")
def test_endpoints_are_renumbered_in_place(in_use: Host, section: Section) -> None:
    in_use.wire.add_address("10.50.0.1/24")
    before, old = links(in_use), recorded(in_use)
    assert section.play(in_use, 0).changed == 1
    assert {name: kept(item) for name, item in recorded(in_use).items()} == {name: kept(item) for name, item in old.items()}
    assert section.play(in_use, 1).changed == 1
    assert {item["gateway4"] for item in recorded(in_use).values()} == {"10.50.0.1"}
    assert section.play(in_use, 2).changed == 1
    assert {name: item["ipv4"] for name, item in recorded(in_use).items()} == {"web1": "10.50.0.32/24", "web2": "10.50.0.33/24"}
    assert links(in_use) == before
    check_sound(in_use)


def test_the_last_step_alone_renumbers_with_replace(in_use: Host) -> None:
    in_use.wire.add_address("10.50.0.1/24")
    text = Section(GUIDE, "Renumber without interruption").text(2)
    in_use.call("macvlan_network", **rendered(text), replace=True)
    assert {name: item["ipv4"] for name, item in recorded(in_use).items()} == {"web1": "10.50.0.32/24", "web2": "10.50.0.33/24"}
    check_sound(in_use)


def rendered(text: str) -> Item:
    """The options of the network in a task, as the first host has them."""
    (task,) = yaml.safe_load(text.replace("{{ 32 * place }}", "32"))
    return t.cast(Item, task["fleetnet.macvlan.macvlan_network"])


@pytest.mark.shows(GUIDE, "Grow a subnet")
def test_a_subnet_grows_around_its_addresses(in_use: Host, section: Section) -> None:
    in_use.wire.add_address("192.168.49.1/22")
    old = recorded(in_use)
    assert section.play(in_use).changed == 1
    new = recorded(in_use)
    assert {name: item["ipv4"] for name, item in new.items()} == {"web1": "192.168.50.32/22", "web2": "192.168.50.33/22"}
    assert {name: item["mac"] for name, item in new.items()} == {name: item["mac"] for name, item in old.items()}
    check_sound(in_use)
    assert in_use.ping("web1", "192.168.49.1")
    assert section.play(in_use).changed == 0


@pytest.mark.shows(GUIDE, "Swap two endpoints", 0)
def test_endpoints_swap_addresses_in_place(in_use: Host, section: Section) -> None:
    before = links(in_use)
    assert section.play(in_use).changed == 1
    assert {name: item["ipv4"] for name, item in recorded(in_use).items()} == {"web1": "192.168.50.33/24", "web2": "192.168.50.32/24"}
    assert links(in_use) == before
    check_sound(in_use)
    assert section.play(in_use).changed == 0


@pytest.mark.shows(GUIDE, "Swap two endpoints", 1)
def test_endpoints_swap_namespaces(in_use: Host) -> None:
    section, old = Section(GUIDE, "Swap two endpoints", 1), recorded(in_use)
    assert section.play(in_use, 1).changed == 1
    new = recorded(in_use)
    assert {name: item["netns"] for name, item in new.items()} == {"web1": "web2", "web2": "web1"}
    assert {name: kept(item) for name, item in new.items()} == {name: kept(item) for name, item in old.items()}
    check_sound(in_use)
    assert section.play(in_use, 1).changed == 0


@pytest.mark.shows(GUIDE, "Move everything to another host")
def test_everything_moves_to_another_host(in_use: Host, make_host: MakeHost, section: Section) -> None:
    old = recorded(in_use)
    section.play(in_use, 0)
    assert in_use.call("macvlan_info")["networks"] == []
    other = make_host("eth0", wire=in_use.wire)
    moved = in_use.path(HOME / "moved.yml").read_text(encoding="utf-8")
    other.path(HOME / "moved.yml").write_text(moved, encoding="utf-8")
    assert section.play(other, 1).changed == 1
    assert {name: kept(item, "netns") for name, item in recorded(other).items()} == {
        name: kept(item, "netns") for name, item in old.items()
    }
    check_sound(other)


@pytest.mark.shows(GUIDE, "Find an address")
def test_an_address_is_found(in_use: Host, section: Section) -> None:
    install_command(in_use)
    done = section.play(in_use, 0)
    assert '"web1": "web1"' in done.stdout and "web2" not in done.stdout
    *everything, only = section.run(in_use, 1).stdout.splitlines()
    assert "192.168.50.33" in "".join(everything)
    assert "192.168.50.32" in only


@pytest.mark.shows(GUIDE, "Take a host into the inventory")
def test_what_a_host_has_becomes_its_variables(in_use: Host, section: Section) -> None:
    write_inventory(in_use)
    in_use.path(HOME / "host_vars").mkdir()
    in_use.path(HOME / "host_vars/edge1").mkdir()
    section.play(in_use, 0)
    files = sorted(in_use.path(HOME / "host_vars/edge1").iterdir())
    assert [file.name for file in files] == [f"macvlan_{name}.yml" for name in ("endpoints", "networks", "vlan_subinterfaces")]
    assert section.play(in_use, 1).changed == 0
    variables = {name: value for file in files for name, value in yaml.safe_load(file.read_text(encoding="utf-8")).items()}
    state = {name.removeprefix("macvlan_host_"): value for name, value in variables.items()}
    old = recorded(in_use)
    converge(in_use, "macvlan_config", **NOTHING_LISTED)
    converge(in_use, "macvlan_config", **state)
    assert {name: kept(item, "netns") for name, item in recorded(in_use).items()} == {
        name: kept(item, "netns") for name, item in old.items()
    }
