# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Neighbours on a real wire are asked before an endpoint gets an address, at the paces of the product."""

from __future__ import annotations

import json
import os
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel import probe
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.probe import Pace
from ansible_collections.fleetnet.macvlan.tests.support import module_call
from ansible_collections.fleetnet.macvlan.tests.support.faults import SharedText, around
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.machine import Wire, wait_until
from ansible_collections.fleetnet.macvlan.tests.support.neighbours import Neighbour
from ansible_collections.fleetnet.macvlan.tests.support.tasks import Result, converge, network, refuse, subnets

pytestmark = pytest.mark.engine

BOTH = subnets("192.168.60.0/24", "2001:db8:60::/64")
WEB = {"name": "web", "network": "net", "netns": "web"}
TAKEN4, TAKEN6 = "192.168.60.2", "2001:db8:60::2"


@pytest.fixture(autouse=True)
def real_paces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_call, "paces_of_runs", module_call.REAL_PACES)


def take(wire: Wire, *addresses: str) -> str:
    """Have a machine on the wire that has addresses; its MAC address."""
    for address in addresses:
        wire.add_address(address)
    return t.cast(str, wire.links()[wire.BRIDGE]["address"])


# --- conflicts ------------------------------------------------------------------------------------------------------


def test_an_address_that_a_neighbour_has_is_not_chosen(host: Host) -> None:
    mac = take(host.wire, f"{TAKEN4}/24", f"{TAKEN6}/64")
    network(host, subnets=BOTH)
    done = converge(host, "macvlan_endpoint", **WEB)
    assert (done["endpoint"]["ipv4"], done["endpoint"]["ipv6"]) == ("192.168.60.3/24", "2001:db8:60::3/64")
    assert done["probed"]["conflicts"] == [{"address": TAKEN4, "mac": mac}, {"address": TAKEN6, "mac": mac}]
    assert (done["probed"]["addresses"], done["probed"]["not_probed"]) == (4, [])


@pytest.mark.parametrize(("option", "address"), [("ipv4", TAKEN4), ("ipv6", TAKEN6)])
def test_an_address_that_a_neighbour_has_is_refused_where_it_is_requested(host: Host, option: str, address: str) -> None:
    mac = take(host.wire, f"{TAKEN4}/24", f"{TAKEN6}/64")
    network(host, subnets=BOTH)
    told = refuse(host, "macvlan_endpoint", f"endpoint net/web: {address} is in use on eth0", mac, **WEB, **{option: address})
    assert "give this endpoint another address" in told
    done = host.call("macvlan_endpoint", **WEB, **{option: address}, probe="none")
    assert done["endpoint"][option].startswith(f"{address}/") and "probed" not in done


def test_an_address_of_a_link_of_another_program_on_the_same_parent_is_seen(host: Host) -> None:
    host.run(["ip", "netns", "add", "docker"])
    host.ip("link", "add", "link", "eth0", "name", "c0", "netns", "docker", "type", "macvlan", "mode", "bridge")
    for argument in (["link", "set", "c0", "up"], ["address", "add", f"{TAKEN4}/24", "dev", "c0"]):
        host.ip(*argument, netns="docker")
    host.ip("address", "add", f"{TAKEN6}/64", "dev", "c0", "nodad", netns="docker")
    network(host, subnets=BOTH)
    done = converge(host, "macvlan_endpoint", **WEB)["endpoint"]
    assert (done["ipv4"], done["ipv6"]) == ("192.168.60.3/24", "2001:db8:60::3/64")


def test_another_host_with_the_same_record_is_seen_though_its_mac_address_is_the_same(host: Host, make_host: MakeHost) -> None:
    other = make_host(wire=host.wire)
    for machine in (host, other):
        network(machine, subnets=BOTH)
    first = converge(other, "macvlan_endpoint", **WEB)["endpoint"]
    second = converge(host, "macvlan_endpoint", **WEB)["endpoint"]
    assert (first["ipv4"], second["ipv4"]) == ("192.168.60.2/24", "192.168.60.3/24")
    assert (first["ipv6"], second["ipv6"]) == ("2001:db8:60::2/64", "2001:db8:60::3/64")
    told = refuse(host, "macvlan_endpoint", "192.168.60.2 is in use on eth0", first["mac"], name="db", network="net", netns="db", ipv4="192.168.60.2")
    assert "endpoint net/db" in told


def test_a_configuration_asks_for_all_its_addresses_together(host: Host) -> None:
    mac = take(host.wire, *(f"192.168.60.{number}/24" for number in (2, 4, 6)))
    ends = [{"name": f"e{number}", "network": "net", "netns": f"e{number}"} for number in range(4)]
    params = {"networks": [{"name": "net", "parent": "eth0", "subnets": subnets("192.168.60.0/24")}], "endpoints": ends}
    done = converge(host, "macvlan_config", **params)
    chosen = [item["ipv4"] for item in done["endpoints"]]
    # The last one was chosen after two conflicts, so that two hosts do not go on choosing the same.
    assert chosen[1:] == [f"192.168.60.{number}/24" for number in (3, 7, 5)] and chosen[0] not in chosen[1:]
    assert [(item["address"], item["mac"]) for item in done["probed"]["conflicts"]] == [
        (f"192.168.60.{number}", mac) for number in (2, 4, 6)
    ]
    fixed = [{**end, "ipv4": f"192.168.60.{number}"} for end, number in zip(ends, (2, 4, 9, 10), strict=True)]
    told = refuse(host, "macvlan_config", "endpoint net/e0: 192.168.60.2", "endpoint net/e1: 192.168.60.4", **{**params, "endpoints": fixed})
    assert "net/e2" not in told


def test_a_host_without_a_record_asks_for_each_address_once(host: Host) -> None:
    """Before there is a record it asks, so that a refusal leaves none; when it creates it has the answers, and listens still."""
    mac = take(host.wire, f"{TAKEN4}/24")
    told = SharedText()

    def hook() -> None:
        asked: list[str] = []

        def note(dummy: object, questions: dict[str, list[str]], *_others: object) -> None:
            asked.extend(address for addresses in questions.values() for address in addresses)
            told.write(" ".join(asked))

        around(probe.Prober, "ask", note)

    params = {"networks": [{"name": "net", "parent": "eth0", "subnets": BOTH}], "endpoints": [WEB]}
    assert not host.has_state()
    done = host.call("macvlan_config", hook=hook, **params)
    assert sorted(told.read().split()) == [TAKEN4, "192.168.60.3", TAKEN6]
    assert (done["probed"]["addresses"], done["probed"]["conflicts"]) == (3, [{"address": TAKEN4, "mac": mac}])
    assert (done["endpoints"][0]["ipv4"], done["endpoints"][0]["ipv6"]) == ("192.168.60.3/24", f"{TAKEN6}/64")


def test_a_network_that_moves_asks_on_its_new_parent(host: Host) -> None:
    network(host, subnets=subnets("192.168.60.0/24"))
    held = converge(host, "macvlan_endpoint", **WEB)["endpoint"]
    with Wire() as elsewhere:
        port = elsewhere.plug(host, "eth1")
        assert port
        host.bring_up("eth1")
        params = {"name": "net", "parent": "eth1", "subnets": subnets("192.168.60.0/24"), "replace": True}
        elsewhere.add_address("192.168.60.2/24")
        refuse(host, "macvlan_network", "endpoint net/web: 192.168.60.2 is in use on eth1", **params)
        elsewhere.ip("address", "delete", "192.168.60.2/24", "dev", elsewhere.BRIDGE)
        done = converge(host, "macvlan_network", **params)
        assert done["probed"]["addresses"] == 1
        assert host.call("macvlan_endpoint", **WEB)["endpoint"]["ipv4"] == held["ipv4"]


# --- what is no conflict --------------------------------------------------------------------------------------------


def test_addresses_of_endpoints_of_this_host_are_no_conflicts(host: Host) -> None:
    network(host, subnets=BOTH)
    ends = [{"name": name, "network": "net", "netns": name} for name in ("a", "b")]
    listed = {"networks": [{"name": "net", "parent": "eth0", "subnets": BOTH}], "replace": True}
    converge(host, "macvlan_config", endpoints=[{**end, "ipv4": f"192.168.60.{n}"} for n, end in enumerate(ends, 20)], **listed)
    swapped = [{**end, "ipv4": f"192.168.60.{n}"} for n, end in zip((21, 20), ends, strict=True)]
    assert "probed" not in converge(host, "macvlan_config", endpoints=swapped, **listed)
    assert "probed" not in converge(host, "macvlan_endpoint", **ends[0], ipv4="192.168.60.21", mtu=1400)


def test_a_wire_that_returns_frames_is_no_conflict(host: Host) -> None:
    with Neighbour(host.wire, host.wire.BRIDGE, "reflect"):
        network(host, subnets=BOTH)
        done = converge(host, "macvlan_endpoint", **WEB)
    assert done["probed"]["conflicts"] == [] and done["endpoint"]["ipv4"] == "192.168.60.2/24"


def test_a_router_with_proxy_arp_is_no_conflict(host: Host) -> None:
    take(host.wire, "192.168.60.1/24", "10.9.0.1/16")
    host.wire.forward()
    host.wire.sysctl(f"net/ipv4/conf/{host.wire.BRIDGE}/proxy_arp", 1)
    host.wire.ip("route", "add", "192.168.60.128/25", "via", "192.168.60.1")
    network(host, subnets=subnets("192.168.60.0/24"))
    assert converge(host, "macvlan_endpoint", **WEB)["probed"]["conflicts"] == []


def test_a_machine_that_answers_for_everything_is_named(host: Host) -> None:
    with Neighbour(host.wire, host.wire.BRIDGE, "everything") as mac:
        listed = {"networks": [{"name": "net", "parent": "eth0", "subnets": subnets("192.168.60.0/24")}]}
        ends = [{"name": f"e{number}", "network": "net", "netns": f"e{number}"} for number in range(8)]
        refuse(host, "macvlan_config", mac, "8 of 8 addresses", "proxy ARP", "probe: none", **listed, endpoints=ends)
        network(host, subnets=subnets("192.168.60.0/24"))
        told = host.call("macvlan_endpoint", **WEB, fails=True)["msg"]
    assert "no free address was found in 5 attempts" in told and mac in told
    assert host.namespaces() == []


def test_a_wire_that_lets_only_frames_of_the_parent_pass_is_told(host: Host) -> None:
    mac = t.cast(str, host.links()["eth0"]["address"])
    with Neighbour(host.wire, host.wire.BRIDGE, f"only {mac} 192.168.60.1 192.168.60.2"):
        network(host, subnets=subnets("192.168.60.0/24"))
        done = host.call("macvlan_endpoint", **WEB)
    assert done["endpoint"]["ipv4"] == "192.168.60.3/24"
    assert any("no link with another MAC address on it" in text for text in done["warnings"])


# --- others at the same time ----------------------------------------------------------------------------------------


def race(hosts: t.Sequence[Host], **params: t.Any) -> list[Result]:
    """The results of the same task on several hosts at the same time."""
    runs = [host.spawn("macvlan_endpoint", **WEB, **params) for host in hosts]
    return [run.result(fails=run.wait() != 0) for run in runs]


@pytest.mark.parametrize("option", ["ipv4", "ipv6"])
def test_of_hosts_that_request_one_address_at_the_same_time_one_gets_it(make_host: MakeHost, option: str) -> None:
    hosts = [make_host()]
    hosts += [make_host(wire=hosts[0].wire) for dummy in range(2)]
    for host in hosts:
        network(host, subnets=BOTH)
    address = {"ipv4": TAKEN4, "ipv6": TAKEN6}[option]
    holders = []
    for dummy in range(5):
        done = race(hosts, **{option: address})
        holders.append([item["failed"] for item in done].count(False))
        assert all("is in use on eth0" in item["msg"] for item in done if item["failed"])
        for host in hosts:
            host.call("macvlan_endpoint", **WEB, state="absent")
    # Two that are held up by other load until both announce it give way to each other; never two have it.
    assert max(holders) == 1 and sum(holders) >= 3, holders


def test_hosts_that_choose_at_the_same_time_choose_different_addresses(make_host: MakeHost) -> None:
    hosts = [make_host()]
    hosts += [make_host(wire=hosts[0].wire) for dummy in range(7)]
    for host in hosts:
        network(host, subnets=BOTH)
    done = race(hosts)
    for option in ("ipv4", "ipv6"):
        assert len({item["endpoint"][option] for item in done}) == len(hosts)


def test_hostile_answers_do_no_harm(host: Host) -> None:
    network(host, subnets=BOTH)
    with Neighbour(host.wire, host.wire.BRIDGE, "flood"):
        done = host.call("macvlan_endpoint", **WEB)
    assert done["endpoint"]["ipv4"] and done["endpoint"]["ipv6"] and done["probed"]["not_probed"] == []


# --- what cannot be asked -------------------------------------------------------------------------------------------


def test_what_was_not_probed_is_told(host: Host) -> None:
    network(host, subnets=subnets("192.168.60.0/24"))
    host.ip("link", "set", "eth0", "down")
    for check in (True, False):
        done = host.call("macvlan_endpoint", **WEB, check=check)
        (told,) = done["probed"]["not_probed"]
        assert told == "endpoint net/web: 192.168.60.2 was not probed, because eth0 is down"
        assert told in done["warnings"]


def test_a_passthru_network_asks_by_its_parent(host: Host) -> None:
    mac = take(host.wire, f"{TAKEN4}/24")
    network(host, mode="passthru", subnets=subnets("192.168.60.0/24"))
    done = converge(host, "macvlan_endpoint", **WEB)
    assert done["endpoint"]["ipv4"] == "192.168.60.3/24" and done["probed"]["conflicts"] == [{"address": TAKEN4, "mac": mac}]


@pytest.mark.parametrize("params", [{"ipam": "none"}, {"parent": None, "subnets": subnets("192.168.60.0/24")}], ids=["no addresses", "no parent"])
@pytest.mark.needs("dummy")
def test_nothing_is_asked_where_there_is_nobody(host: Host, params: Result) -> None:
    assert network(host, **params)["probe"] == "none"
    assert "probed" not in converge(host, "macvlan_endpoint", **WEB)


@pytest.mark.needs("8021q")
def test_a_parent_that_the_plan_creates_is_asked_on_before_its_first_endpoint(host: Host) -> None:
    host.wire.add_address(f"{TAKEN4}/24", vlan=50)
    params: Result = {
        "networks": [{"name": "net", "parent": "eth0.50", "subnets": subnets("192.168.60.0/24")}],
        "endpoints": [WEB],
    }
    foreseen = host.call("macvlan_config", check=True, **params)
    assert foreseen["probed"]["not_probed"] == ["endpoint net/web: 192.168.60.2 was not probed, because eth0.50 does not exist yet"]
    done = host.call("macvlan_config", **params)
    assert done["endpoints"][0]["ipv4"] == "192.168.60.3/24"
    assert [item["address"] for item in done["probed"]["conflicts"]] == [TAKEN4]
    host.call("macvlan_config", networks=[], endpoints=[], purge=True)
    before = host.snapshot()
    fixed = {**params, "endpoints": [{**WEB, "ipv4": TAKEN4}]}
    assert "192.168.60.2 is in use on eth0.50" in host.call("macvlan_config", fails=True, **fixed)["msg"]
    assert host.snapshot() == before


@pytest.mark.needs("8021q")
def test_a_provisional_change_is_tried_again_with_another_address(host: Host) -> None:
    host.wire.add_address(f"{TAKEN4}/24", vlan=50)
    networks = [{"name": "net", "parent": "eth0.50", "subnets": subnets("192.168.60.0/24")}]
    done = host.call("macvlan_config", networks=networks, endpoints=[WEB], confirm_timeout=3600)
    assert (done["endpoints"][0]["ipv4"], done["confirm_within"]) == ("192.168.60.3/24", 3600)

    def by_ssh() -> None:
        os.environ.update(SSH_CONNECTION="192.168.9.1 50001 192.168.9.2 22")

    host.call("macvlan_confirm", hook=by_ssh)
    assert host.call("macvlan_info")["drift"] == [] and host.addresses("eth0", "web")[0] == "192.168.60.3/24"


# --- by hand --------------------------------------------------------------------------------------------------------


def test_the_command_shows_who_has_which_address(host: Host, make_host: MakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_call, "paces_of_runs", module_call.PATIENT_PACES)
    router = take(host.wire, "192.168.60.1/24", "192.168.60.9/24", "2001:db8:60::9/64")
    network(host, subnets=BOTH)
    mac = converge(host, "macvlan_endpoint", **WEB)["endpoint"]["mac"]
    said = host.run_command("probe", "net")
    assert (said.code, said.lines) == (
        1,
        [
            "ADDRESS         MAC                HOLDER",
            f"192.168.60.1    {router}  gateway of 192.168.60.0/24",
            f"192.168.60.2    {mac}  endpoint net/web",
            f"192.168.60.9    {router}  another machine",
            f"2001:db8:60::2  {mac}  endpoint net/web",
            "asked for 255 addresses, of which 4 are in use",
        ],
    )
    said = host.run_command("probe", "net", "192.168.60.0/29", "--json")
    router_and_web = [{"address": "192.168.60.1", "mac": router}, {"address": "192.168.60.2", "mac": mac}]
    holders = [["gateway of 192.168.60.0/24"], ["endpoint net/web"]]
    assert (said.code, json.loads("".join(said.lines))) == (0, {"asked": 7, "answers": router_and_web, "holders": holders})
    said = host.run_command("probe", "net", "2001:db8:60::8-2001:db8:60::9")
    assert (said.code, said.lines[1].split()[0], said.lines[-1]) == (1, "2001:db8:60::9", "asked for 2 addresses, of which 1 is in use")
    assert host.run_command("probe", "net", "192.168.60.1").code == host.run_command("probe", "net", "192.168.60.32/28").code == 0
    twin = make_host(wire=host.wire)
    network(twin, subnets=BOTH)
    endpoint = converge(twin, "macvlan_endpoint", **WEB, ipv4="192.168.60.2", ipv6="2001:db8:60::2", probe="none")["endpoint"]
    assert endpoint["mac"] == mac
    for address in ("192.168.60.2", "2001:db8:60::2"):
        said = host.run_command("probe", "net", address)
        assert (said.code, said.lines[1].endswith("endpoint net/web, and another machine")) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lan"], "there is no network lan on this host; its networks are net"),
        (["net", "10.0.0.1"], "10.0.0.1 is in no subnet of network net, which has 192.168.60.0/24, 2001:db8:60::/64"),
        (["net", "192.168.60.0/23"], "is in no subnet of network net"),
        (["net", "192.168.60.0"], "192.168.60.0 has no address that an endpoint can have"),
        (["net", "2001:db8:60::/64"], "at most 65536 can be asked for; give a smaller range"),
        (["net", "everything"], "give an address, a block such as 192.168.50.0/26, or a range FIRST-LAST"),
        (["net", "192.168.60.9-192.168.60.1"], "ends before it begins"),
    ],
)
def test_the_command_refuses_what_cannot_be_asked_for(host: Host, arguments: list[str], words: str) -> None:
    network(host, subnets=BOTH)
    said = host.run_command("probe", *arguments)
    assert said.code == 2 and words in said.complaint and said.lines == []


# --- no trace -------------------------------------------------------------------------------------------------------


def test_neither_a_refusal_nor_a_death_leaves_a_link(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    take(host.wire, f"{TAKEN4}/24")
    network(host, subnets=subnets("192.168.60.0/24"))
    before = host.ip("-d", "link", "show", "eth0")
    refuse(host, "macvlan_endpoint", "is in use", **WEB, ipv4=TAKEN4)
    assert host.ip("-d", "link", "show", "eth0") == before
    monkeypatch.setattr(module_call, "paces_of_runs", {"careful": Pace(1, 300.0)})
    run = host.spawn("macvlan_endpoint", **WEB, probe="careful")
    wait_until(lambda: host.ip("-d", "link", "show", "eth0") != before, "nobody asks on eth0")
    run.kill()
    wait_until(lambda: host.ip("-d", "link", "show", "eth0") == before, "the link that asks is still on eth0")
    assert host.namespaces() == [] and host.call("macvlan_endpoint", **WEB)["changed"]
