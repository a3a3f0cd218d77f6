# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The snippets of "VLAN trunks for a fleet", run as they are written, and what it says of them."""

from __future__ import annotations

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.documents import read_snippets
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.snippets import Section
from ansible_collections.fleetnet.macvlan.tests.support.tasks import endpoint, network

GUIDE = "docs/docsite/rst/guide_trunks.rst"
INVENTORY = ("group_vars/edge.yml", "host_vars/edge1.yml")


def write_variables(host: Host, *texts: str) -> None:
    """Put the variables where the guide says that they belong, beside the inventory."""
    for name, text in zip(INVENTORY, texts, strict=True):
        file = host.path(HOME / name)
        file.parent.mkdir()
        file.write_text(text, encoding="utf-8")


@pytest.mark.needs("8021q")
@pytest.mark.shows(GUIDE, "Inventory and play")
def test_every_host_has_the_vlans_of_its_inventory(host: Host, section: Section) -> None:
    network(host, "old", parent="eth0.70")
    write_variables(host, section.text(0), section.text(1))
    assert section.play(host, 2).changed == 1
    assert set(host.links()) == {"lo", "eth0", "eth0.50", "eth0.60"}
    assert set(host.links("shop")) == {"lo", "eth0", "eth1"}
    assert host.addresses("eth0", netns="shop")[:2] == ["192.168.50.32/24", "2001:db8:50::1:0/64"]
    assert host.addresses("eth1", netns="shop")[0] == "10.60.1.32/22"
    assert host.gateway("shop") == "192.168.50.1"
    assert host.links("shop")["eth1"]["mtu"] == 1400
    host.wire.add_address("192.168.50.1/24", vlan=50)
    assert host.ping("shop", "192.168.50.1")
    assert section.play(host, 2).changed == 0


@pytest.mark.needs("8021q", "8021ad")
@pytest.mark.shows(GUIDE, "VLANs in VLANs (QinQ)")
def test_the_name_of_a_parent_has_both_tags(host: Host, section: Section) -> None:
    assert section.play(host).changed == 1
    data = {name: link["linkinfo"]["info_data"] for name, link in host.links().items() if "." in name}
    assert {name: (item["protocol"], item["id"]) for name, item in data.items()} == {
        "eth0.200": ("802.1ad", 200),
        "eth0.200.10": ("802.1Q", 10),
        "eth0.200.20": ("802.1Q", 20),
    }
    assert {host.links()[name]["mtu"] for name in data} == {1500}
    assert section.play(host).changed == 0


@pytest.mark.shows(GUIDE, "Slices of a segment")
def test_a_host_has_the_slices_at_its_place(host: Host, section: Section) -> None:
    assert section.play(host, 0, "-e", "place=1").changed == 1
    (found,) = host.call("macvlan_info")["networks"]
    assert [item["ip_range"] for item in found["subnets"]] == ["192.168.70.16/28", "2001:db8:70::1:0/112"]
    made = endpoint(host, "web", network="office")
    assert (made["ipv4"], made["ipv6"]) == ("192.168.70.16/24", "2001:db8:70::1:0/64")
    assert section.play(host, 0, "-e", "place=1").changed == 0


@pytest.mark.shows(GUIDE, "Looking before rolling out")
def test_check_mode_shows_what_is_then_done(make_host: MakeHost, section: Section) -> None:
    # Links of these names do as parents, also on a kernel without VLANs.
    host = make_host("eth0", "eth0.50", "eth0.60")
    *variables, play = (snippet.text for snippet in read_snippets(GUIDE) if snippet.section == "Inventory and play")
    write_variables(host, *variables)
    host.path(HOME / "vlans.yml").write_text(play, encoding="utf-8")
    before = host.snapshot()
    foreseen = section.run(host).stdout
    assert host.snapshot() == before
    for address in ("192.168.50.32/24", "2001:db8:50::1:0/64", "10.60.1.32/22"):
        assert f': "{address}"' in foreseen
    assert section.run(host, 1).stdout.count("changed=1") == 1, "the second play finds nothing to do"
    assert host.addresses("eth0", netns="shop")[:2] == ["192.168.50.32/24", "2001:db8:50::1:0/64"]
    assert host.addresses("eth1", netns="shop")[0] == "10.60.1.32/22"


@pytest.mark.shows(GUIDE, "Protection against lockout")
def test_a_change_is_kept_over_a_new_connection(host: Host, section: Section) -> None:
    network(host)
    endpoint(host, "a")
    done = section.play(host)
    assert host.call("macvlan_info")["networks"] == []
    assert done.tasks[-1].action.endswith("macvlan_confirm") and done.tasks[-1].changed
