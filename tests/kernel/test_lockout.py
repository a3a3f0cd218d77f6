# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nobody is locked out: what would cut the connection is refused, or reverted unless it is confirmed."""

from __future__ import annotations

import os
import re
import signal
import time
import types
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import KernelError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel import announce, link_creation, write
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.revert_timer import RevertTimer
from ansible_collections.fleetnet.macvlan.tests.support.faults import Clock
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.machine import wait_until
from ansible_collections.fleetnet.macvlan.tests.support.module_call import Hook
from ansible_collections.fleetnet.macvlan.tests.support.snapshot import Snapshot, rows_of_objects
from ansible_collections.fleetnet.macvlan.tests.support.tasks import NOTHING_LISTED, converge, endpoint, network, refuse, subnets

pytestmark = pytest.mark.engine

NETWORK = {"name": "net", "parent": "eth0", "subnets": subnets("10.0.0.0/24")}
ENDPOINTS = [{"name": "h", "network": "net"}, {"name": "a", "network": "net", "netns": "a"}]
# Longer than any test runs; the clock is put forward instead.
HOUR = 3600
NOTHING = {**NOTHING_LISTED, "confirm_timeout": HOUR}
SECONDS_TO_WAIT = 60


def by_ssh(remote: str = "10.0.0.9", port: int = 50000, local: str = "10.0.0.2") -> Hook:
    """A hook: the module was asked for by an SSH connection."""
    return lambda: os.environ.update(SSH_CONNECTION=f"{remote} {port} {local} 22")


def both(one: Hook, other: Hook) -> Hook:
    return lambda: (one(), other())


@pytest.fixture
def reached(host: Host) -> Host:
    """A host that is reached by its own interface in a network."""
    network(host, subnets=subnets("10.0.0.0/24"))
    assert converge(host, "macvlan_endpoint", name="h", network="net")["endpoint"]["ipv4"] == "10.0.0.2/24"
    endpoint(host, "a")
    return host


WORDS = ("the host may not be reachable", "mv-h", "10.0.0.9", "10.0.0.2", "force: true")
CUTS = [
    pytest.param("macvlan_endpoint", {"name": "h", "network": "net", "state": "absent"}, id="remove the interface"),
    pytest.param("macvlan_endpoint", {"name": "h", "network": "net", "ipv4": "10.0.0.77"}, id="change its address"),
    pytest.param("macvlan_network", {"name": "net", "parent": "eth0", "mtu": 1400, "subnets": subnets("10.0.0.0/24")}, id="change it by its network"),
    pytest.param("macvlan_config", {"networks": [NETWORK], "endpoints": ENDPOINTS[1:], "purge": True}, id="purge it"),
]


@pytest.mark.parametrize(("module", "params"), CUTS)
def test_what_the_connection_comes_in_by_is_not_changed(reached: Host, module: str, params: dict[str, t.Any]) -> None:
    refuse(reached, module, *WORDS, hook=by_ssh(), **params)
    done = reached.call(module, hook=by_ssh(), force=True, **params)
    assert done["changed"]
    assert any("the host may not be reachable" in text for text in done["warnings"])


@pytest.mark.parametrize(("module", "params"), CUTS)
def test_the_address_that_is_reached_stays_where_answers_leave_by_the_parent(
    host: Host, module: str, params: dict[str, t.Any]
) -> None:
    """The parent has an address of the subnet, and its route is the first."""
    host.ip("address", "add", "10.0.0.250/24", "dev", "eth0")
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "h", netns=None)
    endpoint(host, "a")
    assert {route["dev"] for route in host.ip("route", "get", "10.0.0.9")} == {"eth0"}
    refuse(host, module, "the host may not be reachable", "10.0.0.2", "mv-h", hook=by_ssh(), **params)
    assert host.call(module, hook=by_ssh(), force=True, **params)["changed"]


@pytest.mark.parametrize(("module", "params"), CUTS)
@pytest.mark.parametrize("connection", [{"local": "192.0.2.1"}, {"remote": "nobody"}])
def test_a_connection_to_somewhere_else_guards_nothing(
    reached: Host, module: str, params: dict[str, t.Any], connection: dict[str, str]
) -> None:
    done = reached.call(module, hook=by_ssh(**connection), **params)
    assert done["changed"] and "warnings" not in done


def test_what_does_not_touch_the_connection_is_done(reached: Host) -> None:
    done = reached.call("macvlan_endpoint", name="a", network="net", state="absent", hook=by_ssh())
    assert done["changed"] and "warnings" not in done
    for task in ({"name": "b", "network": "net", "netns": "b"}, {"name": "h", "network": "net", "labels": {"a": "b"}}):
        assert reached.call("macvlan_endpoint", hook=by_ssh(), **task)["changed"]


def test_a_network_that_the_connection_comes_in_by_is_not_moved(reached: Host) -> None:
    reached.add_parent("eth1")
    moved = {**NETWORK, "parent": "eth1", "replace": True}
    refuse(reached, "macvlan_network", *WORDS, hook=by_ssh(), **moved)
    assert reached.call("macvlan_network", hook=by_ssh(), force=True, **moved)["changed"]


def test_a_route_that_would_catch_the_answers_is_refused(reached: Host) -> None:
    task = {"name": "h2", "network": "inner", "routes": [{"to": "10.0.0.8/29"}]}
    network(reached, "inner", allow_shared_parent=True, mode="private", subnets=subnets("10.1.0.0/24"))
    refuse(reached, "macvlan_endpoint", "10.0.0.8/29", *WORDS, hook=by_ssh(), **task)
    task["routes"] = [{"to": "10.0.0.16/29"}]
    assert reached.call("macvlan_endpoint", hook=by_ssh(), **task)["changed"]


def test_a_parent_that_the_connection_comes_in_by_is_not_taken_over(host: Host) -> None:
    host.ip("address", "add", "10.0.0.2/24", "dev", "eth0")
    params = {"name": "all", "parent": "eth0", "mode": "passthru", "ipam": "none"}
    assert host.call("macvlan_network", hook=by_ssh(), **params)["changed"]
    task = {"name": "a", "network": "all", "netns": "a"}
    refuse(host, "macvlan_endpoint", "the host may not be reachable", "eth0", "10.0.0.9", hook=by_ssh(), **task)


def test_a_default_route_is_guarded_without_a_connection(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24", "fd00::/64"))
    converge(host, "macvlan_endpoint", name="h", network="net", default_route=True)
    refuse(host, "macvlan_endpoint", "default route", "mv-h", name="h", network="net", state="absent")
    assert host.call("macvlan_endpoint", name="h", network="net", state="absent", force=True)["changed"]


# --- confirm, or have it reverted --------------------------------------------------------------------------------


def run_out(host: Host, clock: Clock, wanted: Snapshot) -> None:
    """Let the time for a confirmation pass, and see the change reverted."""
    clock.put_forward(HOUR)
    # Whoever looks into a namespace is a process in it, and keeps it from being taken away at that moment.
    wait_until(lambda: not host.tables()["journal"], "an unconfirmed change is not reverted")
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while (found := host.snapshot()) != wanted and time.monotonic() < deadline:
        time.sleep(0.2)
    assert found == wanted


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_an_unconfirmed_change_is_reverted(reached: Host, clock: Clock) -> None:
    before = reached.snapshot()
    done = reached.call("macvlan_config", hook=both(by_ssh(), clock), **NOTHING)
    assert (done["changed"], done["confirm_within"], done["endpoints"]) == (True, HOUR, [])
    assert any("the host may not be reachable" in text for text in done["warnings"])
    assert "mv-h" not in reached.links() and reached.namespaces() == []
    run_out(reached, clock, before)
    assert reached.ping("a", "10.0.0.2")
    assert reached.call("macvlan_info")["drift"] == []


def test_the_time_for_a_confirmation_is_that_of_the_clock(reached: Host) -> None:
    before = reached.snapshot()
    began = time.monotonic()
    reached.call("macvlan_config", **NOTHING_LISTED, confirm_timeout=3)
    while reached.snapshot() != before:
        assert time.monotonic() < began + SECONDS_TO_WAIT
        time.sleep(0.2)
    assert time.monotonic() >= began + 3


def test_until_then_nothing_else_is_changed_and_the_record_is_the_one_from_before(reached: Host, clock: Clock) -> None:
    before = reached.snapshot()
    reached.call("macvlan_config", hook=clock, **NOTHING)
    for check in (True, False):
        message = reached.call("macvlan_network", check=check, fails=True, **NETWORK)["msg"]
        assert "awaits confirmation" in message and "macvlan_confirm" in message
    found = reached.call("macvlan_info")
    assert [item["name"] for item in found["endpoints"]] == ["a", "h"]
    assert any("awaits confirmation" in text for text in found["warnings"])
    said = reached.spawn_command("check", hook=clock).said()
    # The time that is left, and no difference: the record shows the state before the change.
    assert said.code == 3
    words = "a change to the configuration of this host awaits confirmation, for "
    assert re.fullmatch(words + r"\d+ s more; confirm it \(.*\), or .*", "\n".join(said.lines))
    run_out(reached, clock, before)
    assert reached.spawn_command("check", hook=clock).said().code == 0


@pytest.mark.parametrize("way", ["module", "command"])
def test_a_change_that_a_new_connection_confirms_stays(reached: Host, way: str) -> None:
    reached.call("macvlan_command", path=str(HOME / "engine"), command=str(HOME / "command"))
    reached.call("macvlan_config", hook=by_ssh(), **NOTHING)
    foreseen = reached.call("macvlan_confirm", check=True, hook=by_ssh(port=50001))
    message = reached.call("macvlan_confirm", fails=True, hook=by_ssh())["msg"]
    assert "cannot be confirmed over the connection that made it" in message and "reset_connection" in message
    if way == "module":
        assert reached.call("macvlan_confirm", hook=by_ssh(port=50001))["confirmed"] == foreseen["confirmed"]
    else:
        said = reached.run([str(HOME / "command"), "confirm"], env={**os.environ, "SSH_CONNECTION": ""})
        assert said.stdout == "the change to the configuration of this host is confirmed\n"
    after = reached.snapshot()
    assert rows_of_objects(after.tables) == {}
    assert "nothing to confirm" in reached.call("macvlan_confirm", fails=True)["msg"]
    assert not reached.call("macvlan_config", **NOTHING_LISTED)["changed"]


def test_what_is_confirmed_too_late_is_refused(reached: Host, clock: Clock) -> None:
    before = reached.snapshot()
    reached.call("macvlan_config", hook=clock, **NOTHING)
    run_out(reached, clock, before)
    assert "nothing to confirm" in reached.call("macvlan_confirm", fails=True)["msg"]


def test_what_changes_nothing_in_the_kernel_needs_no_confirmation(reached: Host) -> None:
    task = {"networks": [{**NETWORK, "labels": {"a": "b"}}], "endpoints": ENDPOINTS, "confirm_timeout": 60}
    assert "confirm_within" not in reached.call("macvlan_config", **task)
    assert "confirm_within" not in reached.call("macvlan_config", **task)
    assert reached.call("macvlan_info")["networks"][0]["labels"] == {"a": "b"}


def test_a_created_object_is_reverted_too(reached: Host, clock: Clock) -> None:
    before = reached.snapshot()
    new = [*ENDPOINTS, {"name": "b", "network": "net", "netns": "b"}]
    changed = {"networks": [{**NETWORK, "mode": "private", "mtu": 1400}], "endpoints": new}
    reached.call("macvlan_config", hook=clock, **changed, confirm_timeout=HOUR)
    assert reached.namespaces() == ["a", "b"]
    run_out(reached, clock, before)


def test_a_network_that_has_moved_comes_back_with_its_endpoints(reached: Host, clock: Clock) -> None:
    reached.add_parent("eth1")
    before = reached.snapshot()
    moved = {"networks": [{**NETWORK, "parent": "eth1"}], "endpoints": ENDPOINTS, "replace": True}
    reached.call("macvlan_config", hook=clock, **moved, confirm_timeout=HOUR)
    assert reached.links("a")["eth0"]["link_index"] == reached.links()["eth1"]["ifindex"]
    run_out(reached, clock, before)
    assert reached.call("macvlan_info")["drift"] == []


def test_the_revert_timer_outlives_a_module_that_dies(reached: Host, clock: Clock) -> None:
    """In the middle, when nothing could be confirmed any more."""

    def hook() -> None:
        do = write.KernelWriter.do

        def die(self: write.KernelWriter, step: t.Any, replay: t.Any = None) -> None:
            do(self, step, replay)
            if replay is None and "delete macvlan link" in step.describe():
                self.flush()
                os.kill(os.getpid(), signal.SIGKILL)

        write.KernelWriter.do = die  # type: ignore[method-assign]

    before = reached.snapshot()
    assert reached.spawn("macvlan_config", hook=both(hook, clock), **NOTHING).wait() == -signal.SIGKILL
    assert reached.snapshot() != before
    assert "nothing to confirm" in reached.call("macvlan_confirm", fails=True)["msg"]
    run_out(reached, clock, before)


def test_a_boot_before_the_confirmation_brings_back_what_was_before(reached: Host) -> None:
    reached.call("macvlan_command", path=str(HOME / "engine"), command=str(HOME / "command"))
    before = reached.snapshot()

    def hook() -> None:
        RevertTimer.begin = lambda *dummy: None  # type: ignore[method-assign]

    reached.call("macvlan_config", hook=hook, **NOTHING)
    reached.run(["sqlite3", str(reached.state_dir / "state.db"), "UPDATE journal SET boot_id = 'an earlier one'"])
    reached.run([str(HOME / "command"), "restore"])
    assert reached.snapshot() == before


@pytest.mark.needs("8021q")
def test_a_subinterface_that_the_host_is_reached_by_comes_back_with_its_addresses_and_routes(
    host: Host, clock: Clock
) -> None:
    converge(host, "vlan_subinterface", name="eth0.50")
    network(host, parent="eth0.60", subnets=subnets("10.6.0.0/24"))
    host.ip("address", "add", "10.0.0.2/24", "dev", "eth0.50")
    host.ip("address", "add", "2001:db8::2/64", "dev", "eth0.50", "nodad")
    host.ip("route", "add", "192.0.2.0/24", "via", "10.0.0.1", "dev", "eth0.50", "proto", "static")
    host.wait_until_up("eth0.50")
    before = host.snapshot()
    ssh = by_ssh("192.0.2.7")
    refuse(host, "vlan_subinterface", "delete VLAN link eth0.50", "192.0.2.7", "10.0.0.2", hook=ssh, name="eth0.50", state="absent")
    refuse(host, "macvlan_config", "delete VLAN link eth0.50", "192.0.2.7", "10.0.0.2", hook=ssh, **NOTHING_LISTED)
    host.call("macvlan_config", hook=both(ssh, clock), **NOTHING)
    assert "eth0.50" not in host.links()
    run_out(host, clock, before)


# --- the host's own addresses come back to it -----------------------------------------------------------------------


OWN = ("10.0.0.2", "fd00::2")


@pytest.fixture
def contested(host: Host) -> Host:
    """A host with addresses that an endpoint had before it, whose link somebody has deleted, and a neighbour."""
    host.wire.add_address("10.0.0.9/24")
    host.wire.add_address("fd00::9/64")
    network(host, subnets=[*subnets("10.0.0.0/24", "fd00::/64")])
    made = converge(host, "macvlan_endpoint", name="a", network="net", netns="a", routes=[])["endpoint"]
    assert (made["ipv4"], made["ipv6"]) == ("10.0.0.2/24", "fd00::2/64")
    host.ip("link", "delete", made["ifname"], netns="a")
    host.ip("address", "add", "10.0.0.2/24", "dev", "eth0")
    host.ip("address", "add", "fd00::2/64", "dev", "eth0", "nodad")
    for address in OWN:
        assert host.wire.ping(None, address)
    return host


def known_as(host: Host, address: str) -> str | None:
    """The MAC address that the neighbour has for an address."""
    found = host.wire.ip("neighbour", "show", address)
    return found[0].get("lladdr") if found else None


def wait_until_known_as(host: Host, mac: str) -> None:
    for address in OWN:
        wait_until(
            lambda address=address: known_as(host, address) == mac,  # type: ignore[misc] # bound for the loop
            f"{address} is {known_as(host, address)} for the neighbour, not {mac}",
        )


TAKES_OVER = {"name": "a", "network": "net", "netns": "a"}


def test_a_step_that_would_duplicate_the_address_of_the_connection_is_refused(contested: Host) -> None:
    for hook in (by_ssh(), by_ssh("fd00::9", local="fd00::2")):
        words = ("the host may not be reachable", "neighbours would take", "for this host", "force: true")
        refuse(contested, "macvlan_endpoint", *words, hook=hook, **TAKES_OVER)
    assert contested.call("macvlan_endpoint", hook=by_ssh(), force=True, **TAKES_OVER)["changed"]


def test_a_moved_address_is_announced_when_the_change_is_not_confirmed(contested: Host, clock: Clock) -> None:
    before = contested.snapshot()
    own = contested.links()["eth0"]["address"]
    config = {**NOTHING_LISTED, "purge": False, "endpoints": [TAKES_OVER], "confirm_timeout": HOUR}
    done = contested.call("macvlan_config", hook=both(by_ssh(), clock), **config)
    assert any("neighbours would take" in text for text in done["warnings"])
    wait_until_known_as(contested, "02:42:0a:00:00:02")
    run_out(contested, clock, before)
    wait_until_known_as(contested, own)


def test_an_address_that_was_taken_over_is_announced_when_its_holder_goes(contested: Host) -> None:
    own = contested.links()["eth0"]["address"]
    contested.call("macvlan_endpoint", **TAKES_OVER)
    wait_until_known_as(contested, "02:42:0a:00:00:02")
    contested.call("macvlan_endpoint", name="a", network="net", state="absent")
    wait_until_known_as(contested, own)


@pytest.mark.parametrize("dies", [False, True])
def test_a_moved_address_is_announced_when_a_run_is_undone(contested: Host, dies: bool) -> None:
    def hook() -> None:
        def fail(*dummy: t.Any) -> None:
            if dies:
                os.kill(os.getpid(), signal.SIGKILL)
            raise KernelError("no more of this")

        link_creation.set_final_modes = fail  # type: ignore[assignment]

    own = contested.links()["eth0"]["address"]
    call = contested.spawn("macvlan_endpoint", hook=hook, **TAKES_OVER)
    assert call.wait() != 0
    if dies:
        wait_until_known_as(contested, "02:42:0a:00:00:02")
        # Whoever takes the lock next turns it back.
        contested.call("macvlan_endpoint", name="b", network="net", netns="b")
    wait_until_known_as(contested, own)


def test_an_announcement_that_cannot_be_sent_fails_nothing(contested: Host) -> None:
    def hook() -> None:
        def refused(*dummy: t.Any) -> t.Any:
            raise PermissionError(1, "Operation not permitted")

        announce.socket = types.SimpleNamespace(socket=refused, AF_PACKET=17, SOCK_RAW=3, SOCK_CLOEXEC=0)  # type: ignore[assignment]

    contested.call("macvlan_endpoint", **TAKES_OVER)
    assert contested.call("macvlan_endpoint", name="a", network="net", state="absent", hook=hook)["changed"]
