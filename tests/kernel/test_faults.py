# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks that fail or die half-way: what they leave, and what the next one makes of it."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel import namespace_changes, write
from ansible_collections.fleetnet.macvlan.tests.support.faults import Death, around
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.snapshot import rows_of_objects
from ansible_collections.fleetnet.macvlan.tests.support.tasks import (
    KEYS,
    converge,
    endpoint,
    gone,
    network,
    promised,
    refuse,
    subnets,
)

pytestmark = pytest.mark.engine

Scenario = tuple[str, dict[str, t.Any]]

DUAL = subnets("10.0.0.0/24", "fd00::/64")
ROUTES = [{"to": "10.9.0.0/16", "via": "10.0.0.9"}]

CREATE_ENDPOINT: Scenario = (
    "macvlan_endpoint",
    {"name": "b", "network": "net", "netns": "b", "routes": ROUTES, "sysctls": {"net.ipv4.ip_forward": 1}},
)
NETWORK = {"name": "net", "parent": "eth0", "subnets": DUAL}
ENDPOINT = {"name": "a", "network": "net", "netns": "a", "ipv4": "10.0.0.2", "ipv6": "fd00::2"}


@pytest.fixture
def busy(host: Host) -> Host:
    """A host with a network and an endpoint."""
    network(host, subnets=DUAL)
    endpoint(host, "a")
    return host


CREATE_IN_HOST: Scenario = ("macvlan_endpoint", {"name": "new", "network": "net"})
REMOVE_FROM_HOST: Scenario = ("macvlan_endpoint", {"name": "host", "network": "net", "state": "absent"})
REPLACE: Scenario = (
    "macvlan_config",
    {"networks": [NETWORK], "endpoints": [{"name": "b", "network": "net", "netns": "b"}], "purge": True},
)


@pytest.mark.parametrize(
    ("scenario", "moment", "netns", "ifname"),
    [
        pytest.param(CREATE_IN_HOST, 9, None, "mv-new", id="create an endpoint"),
        pytest.param(REMOVE_FROM_HOST, 1, None, "mv-host", id="remove an endpoint"),
        # What it was to delete is made again when that is undone, unless it is still there.
        pytest.param(REPLACE, 1, "a", "eth0", id="replace an endpoint"),
    ],
)
def test_a_link_that_another_program_renamed_after_a_death_is_still_known(
    busy: Host, scenario: Scenario, moment: int, netns: str | None, ifname: str
) -> None:
    module, params = scenario
    wanted = set(busy.links())
    if scenario is REMOVE_FROM_HOST:
        converge(busy, "macvlan_endpoint", name="host", network="net")
    assert busy.spawn(module, hook=Death(moment), **params).wait() == -signal.SIGKILL
    busy.ip("link", "set", ifname, "name", "moved", netns=netns)
    foreseen = busy.call("macvlan_endpoint", check=True, **ENDPOINT)
    done = busy.call("macvlan_endpoint", **ENDPOINT)
    assert promised(foreseen, KEYS["macvlan_endpoint"]) == promised(done, KEYS["macvlan_endpoint"])
    assert (set(busy.links()), set(busy.links("a"))) == (wanted, {"lo", "eth0"})
    assert busy.call("macvlan_info")["drift"] == []


def test_recovery_does_not_undo_what_was_never_done_to_another_endpoint_of_the_same_name(busy: Host) -> None:
    """One endpoint takes the place of another: until that has happened, the first one is left alone."""
    busy.ip("route", "add", "10.77.0.0/16", "via", "10.0.0.9", netns="a")
    index = busy.links("a")["eth0"]["ifindex"]
    successor = {"networks": [NETWORK], "endpoints": [{"name": "b", "network": "net", "netns": "a"}], "purge": True}
    assert busy.spawn("macvlan_config", hook=Death(1), **successor).wait() == -signal.SIGKILL
    before = busy.snapshot().without_state()
    foreseen = busy.call("macvlan_endpoint", check=True, **ENDPOINT)
    done = busy.call("macvlan_endpoint", **ENDPOINT)
    assert promised(foreseen, KEYS["macvlan_endpoint"]) == promised(done, KEYS["macvlan_endpoint"])
    assert (done["changed"], busy.links("a")["eth0"]["ifindex"]) == (False, index)
    assert busy.snapshot().without_state() == before


OF_THE_LINK = {"net.ipv4.conf.IFNAME.rp_filter": "2", "net.ipv6.conf.IFNAME.hop_limit": "33"}
ONE_MORE = {**OF_THE_LINK, "net.ipv4.conf.IFNAME.arp_ignore": "1"}


@pytest.mark.parametrize("ifname", ["eth0", "v.50", "wan0"])
@pytest.mark.parametrize("sysctls", [OF_THE_LINK, ONE_MORE], ids=["the same settings", "one more"])
def test_check_mode_knows_the_settings_of_a_link_that_a_death_left_between_two_names(
    busy: Host, ifname: str, sysctls: dict[str, str]
) -> None:
    before = {**ENDPOINT, "sysctls": OF_THE_LINK}
    renamed = {**ENDPOINT, "sysctls": sysctls, "ifname": "v.50"}
    busy.call("macvlan_endpoint", **before)
    for position in itertools.count():
        if busy.spawn("macvlan_endpoint", hook=Death(position), **renamed).wait() != -signal.SIGKILL:
            break
        foreseen = busy.call("macvlan_endpoint", check=True, **{**renamed, "ifname": ifname})
        done = busy.call("macvlan_endpoint", **{**renamed, "ifname": ifname})
        assert promised(foreseen, KEYS["macvlan_endpoint"]) == promised(done, KEYS["macvlan_endpoint"])
        assert busy.call("macvlan_info")["drift"] == []
        busy.call("macvlan_endpoint", **before)
    # A kernel that renames links which are up takes fewer steps.
    assert position > 6


def test_check_mode_foresees_that_the_empty_name_of_an_interrupted_creation_is_cleared_up(busy: Host) -> None:
    def die() -> None:
        around(write, "tag_loopback", lambda *dummy: os.kill(os.getpid(), signal.SIGKILL))

    module, params = CREATE_ENDPOINT
    assert busy.spawn(module, hook=die, **params).wait() == -signal.SIGKILL
    assert busy.path("/run/netns/b").stat().st_size == 0
    foreseen = busy.call(module, check=True, **params)
    done = busy.call(module, **params)
    assert promised(foreseen, KEYS[module]) == promised(done, KEYS[module])
    assert busy.ping("b", "10.0.0.2")


def test_a_link_that_comes_at_the_last_moment_saves_its_namespace(busy: Host) -> None:
    def too_late(*dummy: t.Any) -> None:
        subprocess.run(["ip", "-n", "a", "link", "add", "theirs", "type", "veth", "peer", "name", "moved"], check=True)

    def hook() -> None:
        around(write.KernelWriter, "apply", too_late)

    message = busy.call("macvlan_endpoint", name="a", network="net", state="absent", hook=hook, fails=True)["msg"]
    assert "cannot delete namespace a: it holds" in message and "theirs" in message
    assert set(busy.links("a")) == {"lo", "eth0", "theirs", "moved"}
    assert busy.call("macvlan_info")["drift"] == []


NETWORK = {"name": "net", "parent": "eth0", "subnets": DUAL}
ENDPOINT = {"name": "a", "network": "net", "netns": "a", "ipv4": "10.0.0.2", "ipv6": "fd00::2"}


def test_a_full_disk_is_said_before_anything_is_touched(host: Host) -> None:
    host.run(["sh", "-c", "mkdir -m 700 /var/lib/small && mount -t tmpfs -o size=256k,mode=700 tmpfs /var/lib/small"])
    params = {"name": "net", "parent": "eth0", "subnets": DUAL, "state_dir": "/var/lib/small"}
    host.call("macvlan_network", **params)
    host.run(["sh", "-c", "cat /dev/zero >/var/lib/small/ballast 2>/dev/null; true"])
    before = host.snapshot()
    task = {"name": "a", "network": "net", "netns": "a", "state_dir": "/var/lib/small"}
    assert "/var/lib/small" in host.call("macvlan_endpoint", fails=True, **task)["msg"]
    assert host.snapshot() == before
    host.run(["rm", "/var/lib/small/ballast"])
    assert host.call("macvlan_endpoint", **task)["changed"]


def test_an_interrupted_run_of_an_earlier_boot_left_nothing_in_the_kernel(busy: Host) -> None:
    module, params = CREATE_ENDPOINT
    call = busy.spawn(module, hook=Death(7), **params)
    assert call.wait() == -signal.SIGKILL
    for name in ("a", "b"):
        busy.delete_netns(name)
    script = "UPDATE journal SET boot_id = 'an earlier one'"
    busy.run(["sqlite3", str(busy.state_dir / "state.db"), script])
    done = busy.call(module, **params)
    assert done["changed"] and done["endpoint"]["ipv4"] == "10.0.0.3/24"
    assert busy.call("macvlan_endpoint", name="a", network="net", netns="a")["endpoint"]["ipv4"] == "10.0.0.2/24"
    assert busy.ping("b", "10.0.0.2")


def test_info_reads_what_is_recorded_and_narrows_it(make_host: MakeHost) -> None:
    host = make_host("eth0", "eth1")
    assert host.call("macvlan_info")["networks"] == []
    assert not host.has_state()
    network(host, subnets=subnets("10.0.0.0/24"))
    network(host, "two", parent="eth1", subnets=subnets("10.1.0.0/24"))
    first = endpoint(host, "a")
    endpoint(host, "b", "two")
    before = host.snapshot()
    everything = host.call("macvlan_info")
    assert host.snapshot() == before
    assert [item["name"] for item in everything["networks"]] == ["net", "two"]
    assert everything["networks"][0]["endpoints"] == ["a"]
    assert [item["name"] for item in everything["endpoints"]] == ["a", "b"]
    narrowed = host.call("macvlan_info", network="net")
    assert [item["name"] for item in narrowed["networks"]] == ["net"]
    assert narrowed["endpoints"] == [{**first, "foreign_addresses": []}]
    assert host.call("macvlan_info", endpoint="b")["networks"][0]["name"] == "two"
    assert host.call("macvlan_info", network="nothing") == {
        "networks": [],
        "endpoints": [],
        "vlan_subinterfaces": [],
        "config": {"vlan_subinterfaces": [], "networks": [], "endpoints": []},
        "drift": [],
        "host": everything["host"],
        "changed": False,
        "invocation": host.call("macvlan_info", network="nothing")["invocation"],
        "rc": 0,
        "failed": False,
    }


def test_a_newer_database_is_refused(busy: Host) -> None:
    busy.run(["sqlite3", str(busy.state_dir / "state.db"), "PRAGMA user_version = 99"])
    refuse(busy, "macvlan_network", "newer", name="net", parent="eth0", subnets=DUAL)


def test_removing_everything_leaves_an_empty_database(busy: Host) -> None:
    gone(busy, "macvlan_network", name="net", force=True)
    assert rows_of_objects(busy.snapshot().tables) == {}


# --- what is not ours, whatever happened ------------------------------------------------------------------------------


def occupied(host: Host, name: str) -> None:
    """Somebody makes a namespace of this name, with an eth0 of its own in it."""
    host.ip("netns", "add", name)
    host.ip("link", "add", "eth0", "type", "bridge", netns=name)
    host.ip("address", "add", "10.0.0.3/24", "dev", "eth0", netns=name)
    # Without a link-local address, which would come at some later time.
    host.ip("link", "set", "eth0", "addrgenmode", "none", netns=name)
    host.ip("link", "set", "eth0", "up", netns=name)
    host.ip("route", "add", "default", "via", "10.0.0.1", netns=name)


def overtaken_by(somebody: t.Callable[[], object]) -> t.Callable[[], None]:
    """A hook: somebody does something after the kernel was looked at, and before anything is done to it."""

    def hook() -> None:
        around(write.KernelWriter, "apply", lambda *dummy: somebody())

    return hook


def test_a_namespace_that_another_program_creates_meanwhile_is_not_removed_again(busy: Host) -> None:
    hook = overtaken_by(lambda: namespace_changes.Creator().create("b", lambda: None))
    module, params = CREATE_ENDPOINT
    assert "File exists" in busy.call(module, fails=True, hook=hook, **params)["msg"]
    assert "b" in busy.namespaces()


def places_of(host: Host) -> set[tuple[str, str | None]]:
    """The addresses of the endpoint, and where its routes lead."""
    addresses = {(item, None) for item in host.addresses("eth0", "a")}
    return addresses | {(route["dst"], route.get("gateway")) for route in host.routes("a")}


@pytest.mark.parametrize(
    ("done", "place"),
    [
        (["route", "add", "10.9.0.0/16", "via", "10.0.0.9", "proto", "static"], ("10.9.0.0/16", "10.0.0.9")),
        (["address", "add", "10.0.0.77/24", "dev", "eth0"], ("10.0.0.77/24", None)),
    ],
    ids=["route", "address"],
)
def test_an_object_that_another_program_adds_meanwhile_is_not_removed_again(
    busy: Host, done: list[str], place: tuple[str, str | None]
) -> None:
    before = places_of(busy)
    hook = overtaken_by(lambda: subprocess.run(["ip", "-netns", "a", *done], check=True))
    params = {"name": "a", "network": "net", "netns": "a", "ipv4": "10.0.0.77", "routes": ROUTES}
    assert "exist" in busy.call("macvlan_endpoint", fails=True, hook=hook, **params)["msg"]
    assert places_of(busy) == before | {place}


@pytest.mark.parametrize("empty", [True, False], ids=["empty", "with a link of the same name"])
def test_recovery_leaves_alone_what_took_the_names_of_an_interrupted_run(busy: Host, empty: bool) -> None:
    module, params = CREATE_ENDPOINT
    assert busy.spawn(module, hook=Death(3), **params).wait() == -signal.SIGKILL
    if empty:
        busy.ip("netns", "add", "b")
    else:
        occupied(busy, "b")
    before = busy.snapshot().without_state()
    assert busy.call("macvlan_network", **{**NETWORK, "labels": {"a": "b"}})["changed"]
    assert busy.snapshot().without_state() == before


def test_settings_of_a_namespace_that_was_recreated_are_not_restored(busy: Host) -> None:
    busy.ip("netns", "add", "theirs")
    endpoint(busy, "c", netns="theirs", sysctls={"net.ipv4.ip_forward": 1})
    busy.delete_netns("theirs")
    busy.ip("netns", "add", "theirs")
    busy.sysctl("net/ipv4/ip_forward", 1, netns="theirs")
    gone(busy, "macvlan_endpoint", name="c", network="net")
    assert busy.sysctl("net/ipv4/ip_forward", netns="theirs") == "1"


def test_a_link_of_the_same_name_and_mac_on_another_parent_is_not_ours(make_host: MakeHost) -> None:
    host = make_host("eth0", "eth1")
    network(host, subnets=DUAL)
    made = converge(host, "macvlan_endpoint", name="h", network="net")["endpoint"]
    host.ip("link", "delete", "mv-h")
    host.ip("link", "add", "mv-h", "link", "eth1", "address", made["mac"], "type", "macvlan", "mode", "bridge")
    refuse(host, "macvlan_endpoint", "mv-h", "collection did not create", name="h", network="net")
    assert "ifalias" not in host.links()["mv-h"]


def test_a_link_of_ours_goes_under_any_name(busy: Host) -> None:
    busy.ip("link", "set", "eth0", "down", netns="a")
    busy.ip("link", "set", "eth0", "name", "wan0", netns="a")
    gone(busy, "macvlan_endpoint", name="a", network="net")
    assert busy.namespaces() == []


def test_a_name_that_leads_to_no_namespace_any_more_is_refused(busy: Host) -> None:
    busy.run(["ln", "-s", "/proc/4194304/ns/net", "/run/netns/dangling"])
    refuse(busy, "macvlan_endpoint", "symbolic link", name="c", network="net", netns="dangling")
