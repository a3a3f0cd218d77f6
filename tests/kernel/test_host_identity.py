# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of a machine: what of theirs differs from the beginning, and what is kept off the wire until they are told apart."""

from __future__ import annotations

import json

import pytest

from ansible_collections.fleetnet.macvlan.tests.support import module_call
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.hardware import Hardware
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.tasks import converge, network, subnets

pytestmark = pytest.mark.engine

ORIGINAL, COPY = Hardware(eth0="52:54:00:00:00:01"), Hardware(eth0="52:54:00:00:00:02")
KIOSK = {"name": "kiosk", "network": "dhcp", "netns": "kiosk"}


@pytest.fixture(autouse=True)
def real_paces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_call, "paces_of_runs", module_call.REAL_PACES)


def test_hosts_with_one_machine_id_have_mac_addresses_and_prefixes_of_their_own(make_host: MakeHost) -> None:
    macs, prefixes = set(), set()
    for host in (make_host(), make_host()):
        host.add_parent("eth1")
        network(host, "dhcp", ipam="none")
        macs.add(converge(host, "macvlan_endpoint", **KIOSK)["endpoint"]["mac"])
        made = network(host, "u", parent="eth1", ipv6=True)
        prefixes.update(item["subnet"] for item in made["subnets"] if ":" in item["subnet"])
    assert (len(macs), len(prefixes)) == (2, 2)


def test_info_returns_the_uuid_of_the_record_which_a_copy_shares_until_it_has_its_own(host: Host) -> None:
    def uuid() -> str | None:
        told: str | None = host.call("macvlan_info", network="none", within=COPY)["host"]["uuid"]
        return told

    assert uuid() is None
    assert host.call("macvlan_network", name="dhcp", parent="eth0", ipam="none", check=True)["changed"] and uuid() is None
    host.call("macvlan_network", name="dhcp", parent="eth0", ipam="none", within=ORIGINAL)
    first = uuid()
    assert first and f"UUID of this host: {first}" in host.run_command("identity", within=ORIGINAL).lines
    host.run_command("identity", "--new", within=COPY)
    assert uuid() not in (None, first)


def booted_copy(host: Host) -> None:
    """Two networks of a machine, whose copy has booted and restored nothing yet; the original has an address of one of them."""
    host.add_parent("eth1")
    host.call("macvlan_network", name="lan", parent="eth0", subnets=subnets("192.168.60.0/24"), within=ORIGINAL)
    host.call("macvlan_network", name="dhcp", parent="eth1", ipam="none", within=ORIGINAL)
    for name in ("web", "db"):
        host.call("macvlan_endpoint", name=name, network="lan", netns=name, within=ORIGINAL)
    host.call("macvlan_endpoint", **KIOSK, within=ORIGINAL)
    host.lose_all()
    host.wire.add_address("192.168.60.2/24")


def test_a_copy_says_so_and_restores_only_what_the_original_does_not_have(host: Host) -> None:
    booted_copy(host)
    told = host.call("macvlan_info", within=COPY)["warnings"]
    assert any("written on another machine" in text and "52:54:00:00:00:01" in text for text in told)
    assert any("macvlan-host identity" in text for text in host.call("macvlan_network", name="dhcp", parent="eth1", ipam="none", within=COPY)["warnings"])
    said = host.run_command("restore", within=COPY)
    assert said.code == 1
    text = "\n".join(said.lines)
    for words in ("written on another machine", "endpoint lan/web: 192.168.60.2 is in use on eth0", "4 of 5 objects are there"):
        assert words in text
    assert set(host.namespaces()) == {"db", "kiosk"}
    # The same machine with the address still taken: its task is refused too.
    message = host.call("macvlan_endpoint", name="web", network="lan", netns="web", fails=True, within=COPY)["msg"]
    assert "192.168.60.2 is in use on eth0" in message
    assert host.call("macvlan_endpoint", name="web", network="lan", netns="web", ipv4="192.168.60.9", within=COPY)["changed"]
    said = host.run_command("restore", within=COPY)
    assert said.code == 0, "\n".join(said.lines)


def test_a_copy_with_an_identity_of_its_own_still_asks_before_it_restores(host: Host) -> None:
    booted_copy(host)
    shown = host.run_command("identity", within=COPY)
    assert shown.code == 1 and "--new" in shown.lines[-1]
    before = host.call("macvlan_info", endpoint="kiosk")["endpoints"][0]["mac"]
    said = host.run_command("identity", "--new", within=COPY)
    assert said.code == 0 and any("endpoint lan/web (192.168.60.2/24)" in line for line in said.lines)
    assert host.run_command("identity", within=COPY).code == 0
    said = host.run_command("restore", within=COPY)
    assert said.code == 1 and not any("another machine" in line for line in said.lines)
    assert set(host.namespaces()) == {"db", "kiosk"}
    links = json.loads(host.run(["ip", "-n", "kiosk", "-j", "link", "show", "eth0"]).stdout)
    assert links[0]["address"] != before


def test_the_same_machine_with_another_card_keeps_everything(host: Host) -> None:
    booted_copy(host)
    host.wire.run(["ip", "address", "flush", "dev", host.wire.BRIDGE])
    said = host.run_command("restore", within=COPY)
    assert said.code == 0 and any("another machine" in line for line in said.lines)
    before = host.snapshot().networks
    assert host.run_command("identity", "--keep", within=COPY).code == 0
    host.lose_all()
    said = host.run_command("restore", within=COPY)
    assert said.code == 0 and not any("another machine" in line for line in said.lines)
    assert host.snapshot().networks == before
