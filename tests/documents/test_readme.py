# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The snippets of the README, run as they are written, and what it says of them."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.playbook import COLLECTION
from ansible_collections.fleetnet.macvlan.tests.support.snippets import PROGRAMS, Section, install_command
from ansible_collections.fleetnet.macvlan.tests.support.tasks import endpoint, gone, network, refuse, subnets

README = "README.md"
# Of a host that has lost its links, and has no change to confirm.
EXIT_CODES = {"check": 1, "confirm": 2}
PUB_NET = {"subnets": [{"subnet": "172.16.86.0/24", "ip_range": "172.16.86.128/25"}, *subnets("2001:db8:86::/64")]}


def keep_programs(host: Host) -> None:
    """Let what is installed under /usr/local vanish with the host."""
    upper, work = HOME / "upper", HOME / "work"
    host.run(["mkdir", str(upper), str(work)])
    options = f"lowerdir=/usr/local,upperdir={upper},workdir={work}"
    host.run(["mount", "-t", "overlay", "-o", options, "overlay", "/usr/local"])


@pytest.mark.needs("8021q")
@pytest.mark.shows(README, "fleetnet.macvlan")
def test_two_endpoints_on_vlan_50(host: Host, section: Section) -> None:
    before = host.snapshot()
    # Nothing is there yet that the endpoints could be on.
    assert section.play(host, 0, "--check").changed == 3
    assert host.snapshot().without_state() == before.without_state()
    assert section.play(host).changed == 3
    assert host.addresses("eth0", netns="web")[0] == "192.168.50.32/24"
    assert host.ping("web", "192.168.50.33")
    assert section.play(host).changed == 0
    for name in ("web", "db"):
        gone(host, "macvlan_endpoint", name=name, network="macvlan50")
    assert "eth0.50" in host.links()
    gone(host, "macvlan_network", name="macvlan50")
    assert host.snapshot().without_state() == before.without_state()


@pytest.mark.shows(README, "Try it")
def test_the_collection_is_built_and_installed(host: Host, section: Section) -> None:
    checkout, installed = HOME / "checkout", HOME / "installed"
    shutil.copytree(COLLECTION, host.path(checkout), ignore=shutil.ignore_patterns(".*", "build", "__pycache__"))
    section.run(host, cwd=checkout, ANSIBLE_COLLECTIONS_PATH=str(installed))
    assert host.path(installed / "ansible_collections/fleetnet/macvlan/MANIFEST.json").exists()


@pytest.mark.shows(README, "macvlan_network")
def test_a_dual_stack_network_with_a_range(host: Host, section: Section) -> None:
    made = section.play(host).results("network")["pub_net"]
    first, second = made["subnets"]
    assert (first["gateway"], first["gateway_inferred"], second["gateway"]) == ("172.16.86.1", True, "2001:db8:86::1")
    assert first["aux_addresses"] == {"printer": "172.16.86.250"}
    assert endpoint(host, "a", "pub_net")["ipv4"] == "172.16.86.32/24"
    for taken, what in (("172.16.86.1", "gateway"), ("172.16.86.250", "printer")):
        refuse(host, "macvlan_endpoint", what, name="b", network="pub_net", netns="b", ipv4=taken)


@pytest.mark.needs("8021q")
@pytest.mark.shows(README, "vlan_subinterface")
def test_a_vlan_outlives_its_networks(make_host: MakeHost, section: Section) -> None:
    host = make_host("bond0")
    section.play(host)
    network(host, parent="bond0.60")
    gone(host, "macvlan_network", name="net")
    assert host.links()["bond0.60"]["mtu"] == 1496


@pytest.mark.shows(README, "macvlan_endpoint")
def test_a_container_is_plugged_in(host: Host, section: Section) -> None:
    host.wire.add_address("172.16.86.1/24")
    network(host, "pub_net", **PUB_NET)
    host.ip("netns", "add", "container")
    section.play(host, extra_vars={"container_pid": host.process_in("container").pid})
    assert host.ping("container", "172.16.86.1")
    assert [route["dev"] for route in host.routes("container") if route.get("gateway") == "172.16.86.9"] == ["eth0"]


@pytest.mark.shows(README, "macvlan_info")
def test_drift_fails_an_assertion(host: Host, section: Section) -> None:
    network(host)
    endpoint(host, "a")
    assert section.play(host).changed == 0
    assert section.play(host, 1).changed == 0
    host.ip("link", "set", "dev", "eth0", "mtu", "1400", netns="a")
    assert section.play(host, fails=True).tasks[-1].action.endswith("assert")


@pytest.mark.needs("8021q")
@pytest.mark.shows(README, "macvlan_config")
def test_a_whole_host_in_one_task(host: Host, section: Section) -> None:
    network(host, "other", parent="eth0.70")
    assert section.play(host).changed == 1
    assert set(host.links()) == {"lo", "eth0", "eth0.50", "eth0.60"}
    assert set(host.links("web1")) == {"lo", "eth0", "eth1"}


@pytest.mark.shows(README, "Ad hoc", 0)
def test_modules_are_called_ad_hoc(host: Host, section: Section) -> None:
    keep_programs(host)
    network(host, "pub_net", mtu=1400)
    before = host.snapshot()
    answers = re.findall(r"^edge1 \| (\w+) => (\{.*?^\})", section.run(host).stdout, re.MULTILINE | re.DOTALL)
    assert [word for word, dummy in answers] == [*["CHANGED"] * 3, "SUCCESS", *["CHANGED"] * 3]
    made, foreseen, attached, seen, command, purged, confirmed = (json.loads(text) for dummy, text in answers)
    assert (made["network"]["mtu"], made["network"]["subnets"][0]["subnet"]) == (None, "172.16.86.0/24")
    assert foreseen["endpoint"] == attached["endpoint"] and attached["endpoint"]["ipv4"] == "172.16.86.2/24"
    assert ([found["name"] for found in seen["endpoints"]], seen["drift"]) == (["web"], [])
    assert all(host.path(file).exists() for file in command["files"]) and len(command["files"]) > 1
    assert (purged["networks"], purged["confirm_within"]) == ([], 60)
    assert confirmed["confirmed"]
    assert host.snapshot().without_state() == before.without_state()


@pytest.mark.needs("8021q")
@pytest.mark.shows(README, "Ad hoc", 1)
def test_a_sub_interface_is_made_ad_hoc(host: Host, section: Section) -> None:
    section.run(host, 1)
    assert host.links()["eth0.60"]["mtu"] == 1496


@pytest.mark.shows(README, "One option for all tasks")
def test_an_option_of_the_group_reaches_every_module(host: Host, section: Section) -> None:
    done = section.play(host)
    assert host.path("/var/lib/macvlan_lab/state.db").exists() and not host.has_state()
    assert done.results("network")["lab"]["ipam"] == "none"
    assert [network["name"] for network in done.tasks[-1].result["networks"]] == ["lab"]


@pytest.mark.shows(README, "macvlan_command")
def test_the_command_is_used_on_the_host(host: Host, section: Section) -> None:
    network(host, "pub_net", subnets=subnets("172.16.86.0/24"))
    endpoint(host, "web", "pub_net")
    install_command(host)
    host.lose_all()
    for line in section.text().splitlines():
        command = line.split("#")[0]
        done = host.run(["bash", "-c", f"PATH={PROGRAMS}:$PATH; {command}"], check=False)
        assert done.returncode == EXIT_CODES.get(command.split()[1], 0), f"{line}\n{done.stdout}{done.stderr}"
    assert host.namespaces() == ["web"]
