# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every row of the tables in "From docker network create to a playbook": what it says is what happens."""

from __future__ import annotations

import re
import subprocess
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.playbook import COLLECTION
from ansible_collections.fleetnet.macvlan.tests.support.snippets import Section
from ansible_collections.fleetnet.macvlan.tests.support.tasks import (
    NOTHING_LISTED,
    converge,
    endpoint,
    gone,
    network,
    refuse,
    subnets,
)

GUIDE = "docs/docsite/rst/guide_docker.rst"
NETWORK, ENDPOINT = "macvlan_network", "macvlan_endpoint"
HEADING = "Docker"

Case = t.Callable[[Host], None]
CASES: list[t.Any] = []


def row(first_cell: str, *needs: str) -> t.Callable[[Case], Case]:
    """This is the case of the row that begins with that cell."""

    def register(case: Case) -> Case:
        CASES.append(pytest.param(case, id=first_cell, marks=[pytest.mark.needs(*needs)] if needs else []))
        return case

    return register


def documented_rows() -> list[tuple[str, str]]:
    """The first and the second cell of every row, without the heads of the tables."""
    text = (COLLECTION / GUIDE).read_text(encoding="utf-8")
    return [cells for cells in re.findall(r"^   \* - (.*)\n     - (.*)$", text, re.MULTILINE) if cells[0] != HEADING]


# --- docker network create ------------------------------------------------------------------------------------------


@row("``-d macvlan``")
def macvlan(host: Host) -> None:
    network(host)
    endpoint(host, "a")
    assert host.links("a")["eth0"]["linkinfo"]["info_kind"] == "macvlan"


@row("``-d ipvlan``", "ipvlan")
def ipvlan(host: Host) -> None:
    network(host, driver="ipvlan")
    assert {endpoint(host, name)["mac"] for name in ("a", "b")} == {host.links()["eth0"]["address"]}
    assert host.links("a")["eth0"]["linkinfo"]["info_data"]["mode"] == "l2"


@row("``-o ipvlan_mode=l3``", "ipvlan")
def ipvlan_mode(host: Host) -> None:
    network(host, driver="ipvlan", mode="l3")
    endpoint(host, "a")
    assert host.links("a")["eth0"]["linkinfo"]["info_data"]["mode"] == "l3"
    assert [item["dev"] for item in host.routes("a") if item["dst"] == "default"] == ["eth0"] and host.gateway("a") is None


@row("``NAME``")
def name_of_a_network(host: Host) -> None:
    first = network(host, "pub_net", mtu=1400)
    assert first["name"] == "pub_net"
    endpoint(host, "a", "pub_net")
    index = host.links("a")["eth0"]["ifindex"]
    assert network(host, "pub_net", mtu=1300)["id"] == first["id"]
    link = host.links("a")["eth0"]
    assert (link["mtu"], link["ifindex"]) == (1300, index)


@row("``-o parent=eth0``")
def parent(host: Host) -> None:
    assert network(host)["parent_created"] is False
    endpoint(host, "a")
    assert host.links("a")["eth0"]["link_index"] == host.links()["eth0"]["ifindex"]
    refuse(host, NETWORK, "network net", "allow_shared_parent", name="other", parent="eth0")
    network(host, "other", allow_shared_parent=True)


@row("``-o parent=eth0.50``", "8021q")
def parent_that_is_made(host: Host) -> None:
    params = {"parent": "eth0.50", "allow_shared_parent": True}
    assert network(host, **params)["parent_created"] is True
    assert host.links()["eth0.50"]["linkinfo"]["info_data"]["id"] == 50
    network(host, "other", **params)
    gone(host, NETWORK, name="net")
    assert "eth0.50" in host.links()
    gone(host, NETWORK, name="other")
    assert set(host.links()) == {"lo", "eth0"}


@row("``-o parent=eth0.10.100``", "8021q")
def parent_in_a_vlan(host: Host) -> None:
    network(host, parent="eth0.10.100")
    network(host, "other", parent="eth0.10")
    gone(host, NETWORK, name="net")
    assert set(host.links()) == {"lo", "eth0", "eth0.10"}
    gone(host, NETWORK, name="other")
    assert set(host.links()) == {"lo", "eth0"}


@row("``-o parent=foo``")
def parent_of_any_name(host: Host) -> None:
    host.add_parent("foo")
    before = host.snapshot()
    network(host, parent="foo")
    gone(host, NETWORK, name="net")
    assert host.snapshot().without_state() == before.without_state()


@row("``-o parent`` left out", "dummy")
def no_parent(host: Host) -> None:
    made = converge(host, NETWORK, name="net", subnets=subnets("10.0.0.0/24"))["network"]
    assert (made["internal"], made["parent"][:3]) == (True, "dm-")
    assert host.links()[made["parent"]]["linkinfo"]["info_kind"] == "dummy"
    for name in ("a", "b"):
        endpoint(host, name)
    assert host.ping("a", "10.0.0.2") and host.gateway("a") is None


@row("``-o macvlan_mode``")
def mode(host: Host) -> None:
    assert network(host)["mode"] == "bridge"
    endpoint(host, "a")
    seen = []
    for wanted in ("bridge", "private", "vepa"):
        network(host, mode=wanted)
        seen.append(host.links("a")["eth0"]["linkinfo"]["info_data"]["mode"])
    assert seen == ["bridge", "private", "vepa"]
    gone(host, NETWORK, name="net", force=True)
    network(host, mode="passthru")
    endpoint(host, "a")
    assert host.links("a")["eth0"]["linkinfo"]["info_data"]["mode"] == "passthru"
    assert host.links("a")["eth0"]["address"] == host.links()["eth0"]["address"]


@row("``--subnet``")
def subnet(host: Host) -> None:
    network(host, subnets=subnets("10.1.20.0/24", "10.1.10.0/24", "fd11::/64"))
    endpoint(host, "a", ipv4="10.1.10.9")
    assert host.addresses("eth0", netns="a")[:2] == ["10.1.10.9/24", "fd11::2/64"]


@row("``--subnet`` left out")
def no_subnet(host: Host) -> None:
    host.ip("address", "add", "10.200.0.9/24", "dev", "eth0")
    params = {"address_pools": [{"base": "10.200.0.0/16", "size": 24}]}
    (chosen,) = network(host, **params)["subnets"]
    assert chosen["subnet"] == "10.200.1.0/24", "the first one that the host has no route to"
    assert network(host)["subnets"] == [chosen]


@row("``--gateway``")
def gateway(host: Host) -> None:
    host.wire.add_address("192.168.32.254/24")
    network(host, subnets=[{"subnet": "192.168.32.0/24", "gateway": "192.168.32.254"}])
    endpoint(host, "a")
    assert host.gateway("a") == "192.168.32.254" and host.ping("a", "192.168.32.254")
    network(host, subnets=[{"subnet": "192.168.32.0/24", "gateway": "none"}])
    assert host.gateway("a") is None


@row("``--gateway`` left out")
def no_gateway(host: Host) -> None:
    made = network(host, subnets=subnets("10.1.100.128/25", "fd11::/64"))["subnets"]
    assert [(found["gateway"], found["gateway_inferred"]) for found in made] == [("10.1.100.129", True), ("fd11::1", True)]
    refuse(host, ENDPOINT, "10.1.100.129", "gateway", name="a", network="net", netns="a", ipv4="10.1.100.129")
    endpoint(host, "a")
    assert (host.gateway("a"), host.gateway("a", family=6)) == ("10.1.100.129", "fd11::1")


@row("``--ip-range``")
def ip_range(host: Host) -> None:
    params = {"subnet": "192.168.32.0/24", "gateway": "192.168.32.254"}
    network(host, subnets=[{**params, "ip_range": "192.168.32.128/25"}])
    assert [endpoint(host, name)["ipv4"] for name in "ab"] == ["192.168.32.128/24", "192.168.32.129/24"]
    network(host, subnets=[{**params, "ip_range": "192.168.32.10-192.168.32.12"}])
    assert endpoint(host, "c")["ipv4"] == "192.168.32.10/24"


@row("``--aux-address``")
def aux_address(host: Host) -> None:
    taken = {"reserved": "172.16.86.2"}
    network(host, subnets=[{"subnet": "172.16.86.0/24", "aux_addresses": taken}])
    assert endpoint(host, "a")["ipv4"] == "172.16.86.3/24"
    refuse(host, ENDPOINT, "reserved", name="b", network="net", netns="b", ipv4="172.16.86.2")


@row("``--ipv6``")
def ipv6(host: Host) -> None:
    first, second = network(host, subnets=subnets("10.0.0.0/24"), ipv6=True)["subnets"]
    assert first["subnet"] == "10.0.0.0/24" and re.fullmatch(r"fd[0-9a-f:]+/64", second["subnet"])
    assert endpoint(host, "a")["ipv6"] in host.addresses("eth0", netns="a")
    host.add_parent("eth1")
    assert network(host, "other", parent="eth1", subnets=subnets("fd11::/64"))["ipv6"] is True


@row("``--ipv4=false``")
def only_ipv6(host: Host) -> None:
    network(host, subnets=subnets("fd11::/64"))
    assert endpoint(host, "a")["ipv4"] is None
    assert not [address for address in host.addresses("eth0", netns="a") if "." in address]


@row("``--internal``")
def internal(host: Host) -> None:
    made = network(host, internal=True, subnets=subnets("10.0.0.0/24"))
    assert (made["internal"], made["subnets"][0]["gateway"]) == (True, None)
    endpoint(host, "a")
    assert host.gateway("a") is None


@row("``--label``")
def label(host: Host) -> None:
    assert network(host, labels={"owner": "web team"})["labels"] == {"owner": "web team"}
    assert host.call("macvlan_info")["networks"][0]["labels"] == {"owner": "web team"}


@row("``--ipam-driver``")
def ipam_driver(host: Host) -> None:
    assert network(host, ipam="none")["subnets"] == []
    endpoint(host, "a")
    assert all(address.startswith("fe80:") for address in host.addresses("eth0", netns="a"))
    refuse(host, NETWORK, "dhcp", name="net", parent="eth0", ipam="dhcp")


@row("a macvlan of one's own with routes, for a host that is to reach its containers")
def host_access(host: Host) -> None:
    first = {"subnets": subnets("10.0.0.0/24")}
    network(host, **first)
    endpoint(host, "a")
    assert not host.ping(None, "10.0.0.2", timeout=1)
    network(host, **first, host_access=True)
    endpoint(host, "b")
    assert host.ping(None, "10.0.0.2") and host.ping(None, "10.0.0.4") and host.ping("b", "10.0.0.3")


@row("``--scope``")
def scope(host: Host) -> None:
    made = network(host)
    with Host(host.wire) as other:
        other.add_parent()
        assert other.call("macvlan_info")["networks"] == []
        assert network(other) == made


# --- the other commands ---------------------------------------------------------------------------------------------


@row("``docker network ls``")
def network_ls(host: Host) -> None:
    host.add_parent("eth1")
    network(host, "one")
    network(host, "two", parent="eth1")
    assert [found["name"] for found in host.call("macvlan_info")["networks"]] == ["one", "two"]


@row("``docker network inspect NAME``")
def network_inspect(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    host.ip("link", "set", "dev", "eth0", "mtu", "1400", netns="a")
    seen = host.call("macvlan_info", network="net")
    (found,) = seen["networks"]
    assert (found["endpoints"], found["subnets"][0]["in_use"]) == (["a"], 4)
    assert [(item["field"], item["actual"]) for item in seen["drift"]] == [("mtu", 1400)]


@row("``docker network rm NAME``")
def network_rm(host: Host) -> None:
    network(host)
    endpoint(host, "a")
    refuse(host, NETWORK, "endpoints a", "force: true", name="net", state="absent")
    gone(host, NETWORK, name="net", force=True)
    assert host.namespaces() == []


@row("``docker network rm ID``")
def network_rm_by_id(host: Host) -> None:
    identifier = network(host)["id"]
    assert converge(host, NETWORK, name=identifier, state="absent")["changed"] is False
    assert [found["id"] for found in host.call("macvlan_info")["networks"]] == [identifier]


@row("``docker network rm $(docker network ls -q)``")
def network_rm_all(host: Host) -> None:
    host.ip("netns", "add", "foreign")
    before = host.snapshot()
    network(host)
    endpoint(host, "a")
    assert converge(host, "macvlan_config", **NOTHING_LISTED)["changed"] is True
    assert host.snapshot().without_state() == before.without_state()


@row("``docker rm -f $(docker ps -qa)``")
def rm_all(host: Host) -> None:
    network(host)
    for name in ("a", "b"):
        endpoint(host, name)
    done = converge(host, "macvlan_config", **{**NOTHING_LISTED, "networks": [{"name": "net", "parent": "eth0"}]})
    assert (len(done["networks"]), done["endpoints"], host.namespaces()) == (1, [], [])


@row("``docker network prune``")
def network_prune(host: Host) -> None:
    network(host)
    endpoint(host, "a")
    gone(host, ENDPOINT, name="a", network="net")
    host.add_parent("eth1")
    converge(host, "macvlan_config", networks=[{"name": "other", "parent": "eth1"}])
    host.lose_all()
    assert host.restore().code == 0
    assert [found["name"] for found in host.call("macvlan_info")["networks"]] == ["net", "other"]


@row("``docker network connect NAME CONTAINER``")
def network_connect(host: Host) -> None:
    network(host)
    for name in ("a", "b"):
        host.ip("netns", "add", name)
    endpoint(host, "a", pid=host.process_in("a").pid)
    connected = endpoint(host, "b", netns_path="/run/netns/b")
    assert host.ping("a", connected["ipv4"].split("/")[0])
    host.delete_netns("b")
    host.ip("netns", "add", "b")
    assert endpoint(host, "b", netns_path="/run/netns/b") == connected


@row("``docker network disconnect NAME CONTAINER``")
def network_disconnect(host: Host) -> None:
    network(host)
    host.ip("netns", "add", "a")
    process = host.process_in("a")
    endpoint(host, "a", pid=process.pid)
    gone(host, ENDPOINT, name="a", network="net")
    assert host.namespaces() == ["a"] and set(host.links("a")) == {"lo"} and process.poll() is None


# --- docker run, docker network connect -----------------------------------------------------------------------------


@row("``--network``, ``--net``")
def run_network(host: Host) -> None:
    # Check mode takes it that an earlier task of the play makes the network, so only the real run refuses.
    assert "there is no network net" in host.call(ENDPOINT, fails=True, name="a", network="net", netns="a")["msg"]
    network(host)
    assert endpoint(host, "a")["network"] == "net"


@row("``--name``")
def run_name(host: Host) -> None:
    host.add_parent("eth1")
    network(host, "one")
    network(host, "two", parent="eth1")
    first = endpoint(host, "a", "one")
    second = endpoint(host, "a", "two", netns="a", ifname="eth1", default_route=False)
    assert first["name"] == second["name"] and first["id"] != second["id"]


@row("``--ip``")
def run_ip(host: Host) -> None:
    network(host, subnets=[{"subnet": "10.0.0.0/24", "ip_range": "10.0.0.128/25"}])
    assert endpoint(host, "a", ipv4="10.0.0.9")["ipv4"] == "10.0.0.9/24"
    assert host.addresses("eth0", netns="a")[0] == "10.0.0.9/24"


@row("``--ip6``")
def run_ip6(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24", "fd11::/64"))
    endpoint(host, "a", ipv6="fd11::20")
    endpoint(host, "b", ipv4="10.0.0.50", ipv6="fd11::50")
    assert host.addresses("eth0", netns="a")[:2] == ["10.0.0.2/24", "fd11::20/64"]
    assert host.addresses("eth0", netns="b")[:2] == ["10.0.0.50/24", "fd11::50/64"]
    assert endpoint(host, "c", ipv4="none")["ipv4"] is None


@row("``ip address add`` in a container, for a second address")
def run_second_address(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a", addresses=["10.0.0.3"])
    assert endpoint(host, "b")["ipv4"] == "10.0.0.4/24"
    host.lose_all()
    assert host.restore().code == 0
    assert host.addresses("eth0", netns="a") == ["10.0.0.2/24", "10.0.0.3/24"]


@row("``--mac-address``")
def run_mac_address(host: Host) -> None:
    network(host, subnets=subnets("192.168.216.0/24"))
    endpoint(host, "a", ipv4="192.168.216.11")
    endpoint(host, "b", mac="02:42:00:00:00:01")
    assert host.links("a")["eth0"]["address"] == "02:42:c0:a8:d8:0b"
    assert host.links("b")["eth0"]["address"] == "02:42:00:00:00:01"


@row("``--sysctl``")
def run_sysctl(host: Host) -> None:
    network(host)
    endpoint(host, "a", sysctls={"net.ipv4.ip_forward": 1, "net.ipv4.conf.IFNAME.rp_filter": 2})
    assert host.sysctl("net/ipv4/ip_forward", netns="a") == "1"
    assert host.sysctl("net/ipv4/conf/eth0/rp_filter", netns="a") == "2"


@row("``--dns``, ``--dns-search``")
def run_dns(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a", dns={"servers": ["10.0.0.53"], "search": ["example.com"]})
    seen = host.run(["ip", "netns", "exec", "a", "cat", "/etc/resolv.conf"]).stdout
    assert seen.endswith("search example.com\nnameserver 10.0.0.53\n")


@row("``--gw-priority``")
def run_gw_priority(host: Host) -> None:
    host.add_parent("eth1")
    network(host, "one", subnets=subnets("10.0.1.0/24"))
    network(host, "two", parent="eth1", subnets=subnets("10.0.2.0/24"))
    endpoint(host, "a", "one")
    second = {"name": "a", "network": "two", "netns": "a", "ifname": "eth1"}
    refuse(host, ENDPOINT, "endpoint one/a", "default_route: false", **second)
    converge(host, ENDPOINT, **second, default_route=False)
    assert host.gateway("a") == "10.0.1.1"


@row("``--network-alias``, ``--alias``")
def run_alias(host: Host) -> None:
    network(host)
    first = endpoint(host, "a")["ipv4"]
    host.lose_all()
    assert endpoint(host, "a")["ipv4"] == first


@row("``--link-local-ip``")
def run_link_local_ip(host: Host) -> None:
    network(host, subnets=subnets("fd11::/64"))
    endpoint(host, "a", mac="02:42:c0:a8:88:03")
    host.wait_until_up("eth0", netns="a")
    assert "fe80::42:c0ff:fea8:8803/64" in host.addresses("eth0", netns="a")


@row("``-p``, ``--publish``")
def run_publish(host: Host) -> None:
    host.wire.add_address("10.0.0.1/24")
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    host.start(["python3", "-m", "http.server", "8000"], netns="a", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    host.wire.run(["bash", "-c", "until : </dev/tcp/10.0.0.2/8000; do sleep 0.1; done"], timeout=60)


@row("``-itd IMAGE COMMAND``")
def run_command(host: Host) -> None:
    network(host)
    endpoint(host, "a")
    assert host.run(["ip", "netns", "pids", "a"]).stdout == ""
    assert "eth0" in host.run(["ip", "netns", "exec", "a", "ip", "-brief", "link"]).stdout


@row("``--rm``, ``docker rm -f``")
def run_rm(host: Host) -> None:
    host.add_parent("eth1")
    for name, link in (("one", "eth0"), ("two", "eth1")):
        network(host, name, parent=link)
    endpoint(host, "a", "one")
    endpoint(host, "a", "two", netns="a", ifname="eth1", default_route=False)
    gone(host, ENDPOINT, name="a", network="one")
    assert host.namespaces() == ["a"]
    gone(host, ENDPOINT, name="a", network="two")
    assert host.namespaces() == []


# --- the engine -----------------------------------------------------------------------------------------------------


@row("``default-address-pools``")
def default_address_pools(host: Host) -> None:
    (chosen,) = network(host)["subnets"]
    assert chosen["subnet"] == "172.17.0.0/16"
    host.add_parent("eth1")
    pools = [{"base": "10.200.0.0/16", "size": 24}]
    assert network(host, "other", parent="eth1", address_pools=pools)["subnets"][0]["subnet"] == "10.200.0.0/24"


@row("a start of the engine")
def start_of_the_engine(host: Host) -> None:
    network(host)
    endpoint(host, "a")
    before = host.snapshot()
    host.lose_all()
    assert host.restore().code == 0
    assert host.snapshot().without_state() == before.without_state()


# --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_what_a_row_says_is_what_happens(host: Host, case: Case) -> None:
    case(host)


def test_every_row_has_a_case_and_every_case_a_row() -> None:
    assert sorted(first for first, dummy in documented_rows()) == sorted(case.id for case in CASES)


def test_what_is_not_none_is_an_option_or_names_what_does_it() -> None:
    for first, second in documented_rows():
        assert second == "none" or re.match(r":ans(?:opt|plugin):`", second), first


@pytest.mark.shows(GUIDE, "An example")
def test_the_example_is_docker_s(host: Host, section: Section) -> None:
    commands = section.text().replace("\\\n", " ").splitlines()
    create, *runs = (dict(re.findall(r'--?([\w-]+)[= ]"?([\w./=]+)', command)) for command in commands)
    done = section.play(host, 1)
    made = done.results("network")[commands[0].split()[-1]]
    (subnet,) = made["subnets"]
    assert (create["d"], create["o"]) == ("macvlan", f"parent={made['parent']}")
    assert (create["subnet"], create["gateway"]) == (subnet["subnet"], subnet["gateway"])
    assert [create["aux-address"]] == ["=".join(item) for item in subnet["aux_addresses"].items()]
    endpoints = done.results("endpoint")
    assert len(endpoints) == len(runs)
    for run in runs:
        found = endpoints[run["name"]]
        assert (found["network"], found["ipv4"]) == (run["net"], run.get("ip", "172.16.86.2") + "/24")
    assert host.ping("db", "172.16.86.10")
