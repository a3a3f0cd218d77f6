# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The snippets of "Troubleshooting" and "How it works", run where there is the trouble that they are about."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import typing as t
import unittest.mock
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel import available_kinds
from ansible_collections.fleetnet.macvlan.tests.support import module_call
from ansible_collections.fleetnet.macvlan.tests.support.daemons import (
    NAMESERVER,
    ROUTER,
    Daemons,
    install_udhcpc,
    serve_dhcp,
)
from ansible_collections.fleetnet.macvlan.tests.support.documents import COLLECTION
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.machine import wait_until
from ansible_collections.fleetnet.macvlan.tests.support.neighbours import Neighbour
from ansible_collections.fleetnet.macvlan.tests.support.snippets import PROGRAMS, Section, install_command
from ansible_collections.fleetnet.macvlan.tests.support.tasks import NOTHING_LISTED, endpoint, gone, network, refuse, subnets

GUIDE = "docs/docsite/rst/guide_troubleshooting.rst"
HOW_IT_WORKS = "docs/docsite/rst/guide_how_it_works.rst"
PUB_NET = {"subnets": [{"subnet": "172.16.86.0/24", "ip_range": "172.16.86.128/25"}]}


Refusal = t.Callable[[Host], str]
REFUSALS: list[t.Any] = []


def refusal(title: str, *needs: str) -> t.Callable[[Refusal], Refusal]:
    """This gets the message that the section is called by, and does what helps, if a task can."""

    def register(case: Refusal) -> Refusal:
        REFUSALS.append(pytest.param(title, case, marks=[pytest.mark.needs(*needs)] if needs else []))
        return case

    return register


@pytest.fixture
def troubled(host: Host) -> Host:
    """A host with the network and the endpoint of the examples."""
    network(host, "pub_net", **PUB_NET)
    endpoint(host, "web", "pub_net")
    return host


@pytest.mark.shows(GUIDE, "Two machines have one address, or nobody knows which endpoint has it")
def test_an_endpoint_is_found_by_its_address(troubled: Host, section: Section) -> None:
    install_command(troubled)
    assert section.run(troubled, 0).stdout.count('"mac": "02:42:ac:10:56:80"') == 2
    assert "edge1  pub_net/web  web    172.16.86.128/24  02:42:ac:10:56:80  ok" in section.run(troubled, 1).stdout
    assert section.run(troubled, 2).stdout == section.text(3)
    assert "the kernel matches the record" in section.run(troubled, 4).stdout
    assert section.run(troubled, 5).stdout == section.text(6)


# --- packets that do not arrive -------------------------------------------------------------------------------------


@pytest.mark.shows(GUIDE, "The host cannot reach its own endpoints")
def test_a_host_reaches_its_endpoints_by_an_interface_of_its_own(troubled: Host, section: Section) -> None:
    troubled.ip("address", "add", "172.16.86.250/24", "dev", "eth0")
    assert not troubled.ping(None, "172.16.86.128", timeout=1)
    assert not troubled.ping("web", "172.16.86.250", timeout=1)
    section.play(troubled)
    assert troubled.ping(None, "172.16.86.128") and troubled.ping("web", "172.16.86.129")
    assert section.run(troubled, 1).stdout.split() == section.text(2).split()


@pytest.mark.shows(GUIDE, "Endpoints reach each other, and nothing beyond the parent")
def test_a_port_that_knows_one_address_lets_no_answer_through(host: Host, section: Section) -> None:
    host.wire.add_address("172.16.86.1/24")
    own = host.links()["eth0"]["address"]
    host.wire.run(["bridge", "link", "set", "dev", "port0", "learning", "off", "flood", "off"])
    host.wire.run(["bridge", "fdb", "replace", own, "dev", "port0", "master", "static"])
    network(host, "pub_net", **PUB_NET)
    for name in ("web", "db"):
        endpoint(host, name, "pub_net")
    assert host.ping("web", "172.16.86.129")
    assert not host.ping("web", "172.16.86.1", timeout=2)
    assert re.search(r"172\.16\.86\.1 dev eth0 .*(FAILED|INCOMPLETE)", section.run(host).stdout)
    host.call("macvlan_network", name="pub_net", state="absent", force=True)
    network(host, "pub_net", mode="passthru", **PUB_NET)
    endpoint(host, "web", "pub_net")
    assert host.ping("web", "172.16.86.1")


@pytest.mark.needs("8021q")
@pytest.mark.shows(GUIDE, "Nothing comes back on a VLAN")
def test_frames_of_a_vlan_are_counted(host: Host, section: Section) -> None:
    network(host, "pub_net", parent="eth0.50", **PUB_NET)
    endpoint(host, "web", "pub_net")
    before = received(section.run(host).stdout)
    assert not host.ping("web", "172.16.86.1", timeout=2)
    assert received(section.run(host).stdout) == before
    host.wire.add_address("172.16.86.1/24", vlan=50)
    # The neighbour that did not answer is asked again when the kernel has forgotten that.
    wait_until(lambda: host.ping("web", "172.16.86.1"), "no answer from 172.16.86.1")
    assert received(section.run(host).stdout) > before


def received(said: str) -> int:
    """How many frames a link has got, by the statistics of ip(8)."""
    return int(re.search(r"RX: .*\n *\d+ +(\d+)", said)[1])


@pytest.mark.shows(GUIDE, "Endpoints of two networks do not reach each other")
def test_a_router_joins_two_networks(make_host: MakeHost, section: Section) -> None:
    host = make_host("eth0", "eth1")
    network(host, "pub_net", **PUB_NET)
    network(host, "other", parent="eth1", subnets=subnets("10.0.0.0/24"))
    endpoint(host, "web", "pub_net")
    endpoint(host, "db", "other")
    assert section.run(host).stdout.strip() == "default via 172.16.86.1 dev eth0 proto static"
    assert not host.ping("web", "10.0.0.2", timeout=1)
    for address in ("172.16.86.1/24", "10.0.0.1/24"):
        host.wire.add_address(address)
    host.wire.forward()
    assert host.ping("web", "10.0.0.2")


@pytest.mark.shows(GUIDE, "Broadcast and multicast frames are lost")
def test_a_longer_queue_is_shown(troubled: Host, section: Section) -> None:
    said = section.run(troubled).stdout
    assert "dropped" in said and "usedbcqueuelen 1000 " in said
    section.play(troubled, 1)
    assert "usedbcqueuelen 5000 " in section.run(troubled).stdout


@pytest.mark.shows(GUIDE, "The parent is in promiscuous mode")
def test_a_parent_of_endpoints_is_promiscuous_where_it_has_no_filter(troubled: Host, section: Section) -> None:
    said = section.run(troubled).stdout
    assert "promiscuity 1" in said
    troubled.call("macvlan_endpoint", name="web", network="pub_net", state="absent")
    assert "promiscuity 0" in section.run(troubled).stdout


# --- tasks that are refused -----------------------------------------------------------------------------------------


@refusal("carries the ipvlan link …, which receives all its frames", "ipvlan")
def ipvlan_beside_macvlan(host: Host) -> str:
    host.ip("link", "add", "link", "eth0", "name", "ipvl0", "type", "ipvlan", "mode", "l2")
    message = refuse(host, "macvlan_network", name="net", parent="eth0")
    host.add_parent("eth1")
    network(host, parent="eth1")
    return message


@refusal("is a port of …, which receives all its frames")
def port_of_a_bridge(host: Host) -> str:
    host.ip("link", "add", "br0", "type", "bridge")
    host.ip("link", "set", "dev", "br0", "up")
    host.ip("link", "set", "dev", "eth0", "master", "br0")
    message = refuse(host, "macvlan_network", "br0", name="net", parent="eth0")
    network(host, parent="br0")
    return message


@refusal("is already the parent of network …")
def second_network_on_a_parent(host: Host) -> str:
    network(host, "pub_net", **PUB_NET)
    message = refuse(host, "macvlan_network", "allow_shared_parent", name="net", parent="eth0")
    network(host, allow_shared_parent=True)
    return message


@refusal("in place: …, which interrupts the traffic of endpoints …")
def another_parent(host: Host) -> str:
    network(host, "pub_net", **PUB_NET)
    endpoint(host, "web", "pub_net")
    host.add_parent("eth1")
    message = refuse(host, "macvlan_network", "replace: true", name="pub_net", parent="eth1", **PUB_NET)
    network(host, "pub_net", parent="eth1", replace=True, **PUB_NET)
    return message


@refusal("is an address of … of this host")
def address_of_the_host(host: Host) -> str:
    host.ip("address", "add", "172.16.86.250/24", "dev", "eth0")
    network(host, "pub_net", **PUB_NET)
    task = {"name": "web", "network": "pub_net", "netns": "web"}
    message = refuse(host, "macvlan_endpoint", **task, ipv4="172.16.86.250")
    host.call("macvlan_endpoint", **task)
    return message


@refusal("is in use on …: the link with the MAC address … has it, or wants it")
def address_of_a_neighbour(host: Host) -> str:
    host.wire.add_address("172.16.86.250/24")
    network(host, "pub_net", **PUB_NET)
    task = {"name": "web", "network": "pub_net", "netns": "web"}
    with unittest.mock.patch.object(module_call, "paces_of_runs", module_call.REAL_PACES):
        message = refuse(host, "macvlan_endpoint", **task, ipv4="172.16.86.250")
    host.call("macvlan_endpoint", **task, ipv4="172.16.86.250", probe="none")
    return message


@refusal("answers on … for … addresses that were asked for: is it a router with proxy ARP?")
def router_that_answers_for_everything(host: Host) -> str:
    network(host, "pub_net", **PUB_NET)
    ends = [{"name": f"e{number}", "network": "pub_net", "netns": f"e{number}"} for number in range(8)]
    with Neighbour(host.wire, host.wire.BRIDGE, "everything"):
        message = refuse(host, "macvlan_config", endpoints=ends)
    network(host, "pub_net", probe="none", **PUB_NET)
    host.call("macvlan_config", endpoints=ends)
    return message


@refusal("is there already, and the collection has not written it")
def name_servers_of_somebody_else(host: Host) -> str:
    network(host, "pub_net", **PUB_NET)
    file = host.path("/etc/netns/web/resolv.conf")
    file.parent.mkdir()
    file.write_text("nameserver 9.9.9.9\n")
    task = {"name": "web", "network": "pub_net", "netns": "web", "dns": {"servers": ["172.16.86.53"]}}
    message = refuse(host, "macvlan_endpoint", **task)
    file.unlink()
    host.call("macvlan_endpoint", **task)
    return message


@refusal("is another link now; its parent is called … now")
def parent_whose_name_another_link_has(host: Host) -> str:
    network(host, "pub_net", **PUB_NET)
    host.ip("link", "set", "eth0", "down")
    host.ip("link", "set", "eth0", "name", "ens1")
    host.bring_up("ens1")
    host.add_parent("eth0")
    message = refuse(host, "macvlan_network", "write parent: ens1", name="pub_net", parent="eth0", **PUB_NET)
    network(host, "pub_net", parent="ens1", **PUB_NET)
    return message


@refusal("is an address of the parent …, and the kernel lets no endpoint reach its parent")
def parent_as_gateway(host: Host) -> str:
    host.ip("address", "add", "172.16.86.1/24", "dev", "eth0")
    message = refuse(host, "macvlan_network", "gateway: none", name="pub_net", parent="eth0", subnets=PUB_NET["subnets"])
    network(host, "pub_net", subnets=[{**PUB_NET["subnets"][0], "gateway": "none"}])
    return message


@refusal("the host may not be reachable afterwards")
def way_by_which_a_host_is_reached(host: Host) -> str:
    params = {"name": "host", "network": "pub_net"}
    network(host, "pub_net", **PUB_NET)
    host.call("macvlan_endpoint", **params, default_route=True)
    message = refuse(host, "macvlan_endpoint", "default route", **params, state="absent")
    gone(host, "macvlan_endpoint", **params, force=True)
    return message


@refusal("awaits confirmation")
def change_for_the_time_being(host: Host) -> str:
    network(host, "pub_net", **PUB_NET)
    endpoint(host, "web", "pub_net")
    host.call("macvlan_config", **NOTHING_LISTED, confirm_timeout=600)
    message = host.call("macvlan_network", name="net", parent="eth0", fails=True)["msg"]
    assert host.spawn_command("confirm").said().code == 0
    network(host)
    return t.cast(str, message)


@refusal("there is no state database in …, but this host has links that were created by this collection")
def another_folder(host: Host) -> str:
    network(host, "pub_net", **PUB_NET)
    endpoint(host, "web", "pub_net")
    message = refuse(host, "macvlan_network", name="net", parent="eth0", state_dir="/var/lib/other")
    network(host, allow_shared_parent=True)
    return message


@refusal("was written by a newer release of the collection")
def record_of_the_future(host: Host) -> str:
    network(host, "pub_net", **PUB_NET)
    host.run(["sqlite3", str(host.state_dir / "state.db"), "PRAGMA user_version = 3"])
    return t.cast(str, host.call("macvlan_network", name="net", parent="eth0", fails=True)["msg"])


@refusal("lacks the module 8021q")
def kernel_without_vlans(host: Host) -> str:
    def take_away() -> None:
        available_kinds.missing_kinds = frozenset

    return t.cast(str, host.call("macvlan_network", name="net", parent="eth0.50", fails=True, hook=take_away)["msg"])


@pytest.mark.parametrize(("title", "case"), REFUSALS)
def test_a_refusal_is_found_under_its_message(host: Host, title: str, case: Refusal) -> None:
    assert re.search(".*".join(map(re.escape, title.split("…"))), case(host))


def test_every_refusal_has_a_case() -> None:
    text = (COLLECTION / GUIDE).read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\*(.*)\*\n\^+$", text, re.MULTILINE)) == sorted(case.values[0] for case in REFUSALS)


@pytest.mark.needs("ipvlan")
@pytest.mark.shows(GUIDE, "*carries the ipvlan link …, which receives all its frames*")
def test_an_ipvlan_link_is_shown(host: Host, section: Section) -> None:
    host.ip("link", "add", "link", "eth0", "name", "ipvl0", "type", "ipvlan", "mode", "l2")
    assert "ipvl0@eth0" in section.run(host).stdout


# --- something is not as it was asked for ---------------------------------------------------------------------------


@pytest.mark.shows(GUIDE, "Another program has changed a link")
def test_a_difference_is_named_and_mended(troubled: Host, section: Section) -> None:
    install_command(troubled)
    assert section.run(troubled).stdout == ""
    troubled.ip("link", "set", "dev", "eth0", "mtu", "1400", netns="web")
    assert section.run(troubled, check=False).stdout == section.text(1)
    assert troubled.call("macvlan_endpoint", name="web", network="pub_net", netns="web")["changed"]
    assert section.run(troubled).stdout == ""


@pytest.mark.shows(HOW_IT_WORKS, "What is ours")
def test_a_link_of_ours_is_known_by_its_alias(host: Host, section: Section) -> None:
    network(host, "pub_net", **PUB_NET)
    made = host.call("macvlan_endpoint", name="host", network="pub_net")["endpoint"]
    first, alias = re.sub(r"[0-9a-f]{32}", made["id"], section.text(1)).splitlines()
    said = section.run(host).stdout.splitlines()
    assert without_index(said[0]).startswith(without_index(first))
    assert said[-1] == alias


def without_index(line: str) -> str:
    """The kernel numbers links as they come."""
    return line.partition(":")[2]


# The client is to write to no file of the machine that the tests run on.
OTHER_ETC = """
cp -a /etc /var/lib/etc
rm -f /var/lib/etc/resolv.conf
mount --bind /var/lib/etc /etc
echo nameserver 192.0.2.1 >/etc/resolv.conf
"""


@pytest.fixture
def kiosk(host: Host, tmp_path: Path) -> Iterator[Host]:
    """A host with an endpoint that has its address from a DHCP server, and no process in its namespace afterwards."""
    host.run(["sh", "-ec", OTHER_ETC])
    install_udhcpc(host, PROGRAMS / "udhcpc")
    network(host, "net", ipam="none")
    endpoint(host, "kiosk")
    with contextlib.closing(Daemons(tmp_path)) as daemons:
        serve_dhcp(host.wire, daemons)
        yield host
        for pid in host.run(["ip", "netns", "pids", "kiosk"]).stdout.split():
            os.kill(int(pid), signal.SIGKILL)


@pytest.mark.shows(GUIDE, "A DHCP client in a namespace has changed the name servers of the host")
def test_a_client_in_a_namespace_gets_a_file_of_its_own(kiosk: Host, section: Section, tmp_path: Path) -> None:
    of_host, of_client = (kiosk.path(folder) / "resolv.conf" for folder in ("/etc", "/etc/netns/kiosk"))
    before = of_host.read_text()
    kiosk.run(["ip", "netns", "exec", "kiosk", str(PROGRAMS / "udhcpc"), "-i", "eth0", "-q"])
    assert NAMESERVER in of_host.read_text()
    of_host.write_text(before)
    kiosk.ip("address", "flush", "dev", "eth0", netns="kiosk")

    # It stays in the background, and would keep the end of a pipe.
    with (tmp_path / "client.log").open("w") as log:
        env = {**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}:/usr/sbin:/sbin"}
        shell = kiosk.start(["bash", "-euo", "pipefail", "-c", section.text()], env=env, stdout=log, stderr=log)
    assert shell.wait(timeout=120) == 0, (tmp_path / "client.log").read_text()
    assert NAMESERVER in of_client.read_text()
    assert of_host.read_text() == before
    assert kiosk.ping("kiosk", ROUTER)
    assert kiosk.spawn_command("check").said().code == 0
