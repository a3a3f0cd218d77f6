# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks that fail or die half-way: what they leave, and what the next one makes of it."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import time
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host import kernel_write, namespaces, netlink, state
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import KernelError
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import Host, Task
from ansible_collections.fleetnet.macvlan.tests.support.module_call import ModuleCall
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

Scenario = tuple[str, dict[str, t.Any]]

DUAL = subnets("10.0.0.0/24", "fd00::/64")
ROUTES = [{"to": "10.9.0.0/16", "via": "10.0.0.9"}]

CREATE_ENDPOINT: Scenario = (
    "macvlan_endpoint",
    {"name": "b", "network": "net", "netns": "b", "routes": ROUTES, "sysctls": {"net.ipv4.ip_forward": 1}},
)
CHANGE_ENDPOINT: Scenario = (
    "macvlan_endpoint",
    {"name": "a", "network": "net", "netns": "a", "ipv4": "10.0.0.77", "ifname": "net1", "mtu": 1400, "routes": ROUTES},
)
REMOVE_ENDPOINT: Scenario = ("macvlan_endpoint", {"name": "a", "network": "net", "state": "absent"})
CHANGE_NETWORK: Scenario = (
    "macvlan_network",
    {
        "name": "net",
        "parent": "eth0",
        "mode": "private",
        "mtu": 1400,
        "subnets": [{"subnet": "10.0.0.0/24", "gateway": "10.0.0.254"}, {"subnet": "fd00::/64"}],
    },
)
REMOVE_NETWORK: Scenario = ("macvlan_network", {"name": "net", "state": "absent", "force": True})
CREATE_VLAN_NETWORK: Scenario = (
    "macvlan_network",
    {"name": "v", "parent": "eth0.50", "allow_shared_parent": True, "subnets": subnets("10.5.0.0/24")},
)

CREATE_DUMMY_NETWORK: Scenario = ("macvlan_network", {"name": "v", "subnets": subnets("10.5.0.0/24")})
# Something to change, something to make, something to take away: all that can be half-way done.
CHANGE_HOST: Scenario = (
    "macvlan_config",
    {
        "networks": [
            {"name": "net", "parent": "eth0", "subnets": DUAL, "labels": {"owner": "us"}},
            {"name": "other", "parent": "eth0", "allow_shared_parent": True, "subnets": subnets("10.5.0.0/24")},
        ],
        "endpoints": [
            {"name": "b", "network": "net", "netns": "b"},
            {"name": "b", "network": "other", "netns": "b", "ifname": "eth1", "default_route": False},
        ],
        "purge": True,
    },
)

SCENARIOS = [
    pytest.param(CREATE_ENDPOINT, id="create an endpoint"),
    pytest.param(CHANGE_ENDPOINT, id="change an endpoint"),
    pytest.param(REMOVE_ENDPOINT, id="remove an endpoint"),
    pytest.param(CHANGE_NETWORK, id="change a network"),
    pytest.param(REMOVE_NETWORK, id="remove a network with its endpoints"),
    pytest.param(CHANGE_HOST, id="change a whole host"),
    pytest.param(CREATE_VLAN_NETWORK, id="create a network on a VLAN", marks=pytest.mark.needs("8021q")),
]


@pytest.fixture
def busy(host: Host) -> Host:
    """A host with a network and an endpoint."""
    network(host, subnets=DUAL)
    endpoint(host, "a")
    return host


def failing_at(position: int) -> t.Callable[[], None]:
    """A hook: the step at this position fails after it was done, as when the kernel refuses its last part."""

    def hook() -> None:
        do = kernel_write.KernelWriter._do
        seen = [0]

        def failing(self: kernel_write.KernelWriter, step: t.Any, settle: bool = False) -> None:
            do(self, step, settle)
            if settle:
                return
            if seen[0] == position:
                self._flush()
                raise KernelError(f"cannot {step.describe()}: injected")
            seen[0] += 1

        kernel_write.KernelWriter._do = failing  # type: ignore[method-assign]

    return hook


def dying_at(position: int) -> t.Callable[[], None]:
    """A hook: the process is killed before the step of this position, or, past the last one, after all of them."""

    def hook() -> None:
        do, apply = kernel_write.KernelWriter._do, kernel_write.KernelWriter.apply
        seen = [0]

        def die(self: kernel_write.KernelWriter) -> None:
            self._flush()
            os.kill(os.getpid(), signal.SIGKILL)

        def dying(self: kernel_write.KernelWriter, step: t.Any, settle: bool = False) -> None:
            if seen[0] == position:
                die(self)
            do(self, step, settle)
            seen[0] += 1

        def dying_at_the_end(self: kernel_write.KernelWriter, steps: t.Any) -> None:
            apply(self, steps)
            die(self)

        kernel_write.KernelWriter._do = dying  # type: ignore[method-assign]
        kernel_write.KernelWriter.apply = dying_at_the_end  # type: ignore[method-assign]

    return hook


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_task_that_fails_at_any_step_leaves_everything_as_it_was(busy: Host, scenario: Scenario) -> None:
    module, params = scenario
    steps = busy.call(module, check=True, **params)["steps"]
    assert len(steps) > 1
    before = busy.snapshot()
    for position in range(len(steps)):
        message = busy.call(module, fails=True, hook=failing_at(position), **params)["msg"]
        assert "injected" in message
        assert busy.snapshot() == before, f"after step {position}: {steps[position]}"
    converge(busy, module, **params)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_task_that_dies_at_any_step_is_repeated_to_the_same_result(busy: Host, scenario: Scenario) -> None:
    module, params = scenario
    healthy = busy.snapshot()
    steps = busy.call(module, check=True, **params)["steps"]
    undisturbed = busy.call(module, **params)
    wanted = busy.snapshot()
    put_back(busy, params)
    assert busy.snapshot() == healthy
    for position in range(len(steps) + 1):
        where = f"after death before step {position} of {steps}"
        call = busy.spawn(module, hook=dying_at(position), **params)
        assert call.wait() == -signal.SIGKILL, where
        foreseen = busy.call(module, check=True, **params)
        done = busy.call(module, **params)
        assert any("interrupted" in text for text in done["warnings"]), where
        assert promised(foreseen, KEYS[module]) == promised(done, KEYS[module]), where
        assert promised(done, KEYS[module], ()) == promised(undisturbed, KEYS[module], ()), where
        assert busy.snapshot() == wanted, where
        put_back(busy, params)


def dying_before_message(position: int) -> t.Callable[[], None]:
    """A hook: the process is killed when it is about to send this many messages, or batches of them, for a change."""

    def hook() -> None:
        send, apply = netlink.RouteSocket._send, kernel_write.KernelWriter.apply
        sent: list[int] = []

        def dying(self: netlink.RouteSocket, requests: t.Any) -> int:
            if len(sent) == position + 1:
                os.kill(os.getpid(), signal.SIGKILL)
            sent.extend([0] * bool(sent))
            return send(self, requests)

        def apply_and_count(self: kernel_write.KernelWriter, steps: t.Any) -> None:
            sent.append(0)
            apply(self, steps)

        # One message each, so that death comes between any two.
        netlink.BATCH = 1
        netlink.RouteSocket._send = dying  # type: ignore[method-assign]
        kernel_write.KernelWriter.apply = apply_and_count  # type: ignore[method-assign]

    return hook


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(CREATE_ENDPOINT, id="create an endpoint"),
        pytest.param(CREATE_VLAN_NETWORK, id="create a network on a VLAN", marks=pytest.mark.needs("8021q")),
        pytest.param(CREATE_DUMMY_NETWORK, id="create a network without a parent", marks=pytest.mark.needs("dummy")),
    ],
)
def test_a_task_that_dies_between_two_messages_leaves_nothing_of_which_nobody_knows(
    busy: Host, scenario: Scenario
) -> None:
    module, params = scenario
    before = busy.snapshot().without_state()
    for position in itertools.count():
        died = busy.spawn(module, hook=dying_before_message(position), **params).wait() == -signal.SIGKILL
        if not died:
            break
        busy.call("macvlan_network", **{**NETWORK, "labels": {"round": str(position)}})
        assert busy.snapshot().without_state() == before, f"after death before message {position}"
    assert position > 1
    assert busy.call("macvlan_info")["drift"] == []


def test_recovery_does_not_undo_what_was_never_done_to_another_endpoint_of_the_same_name(busy: Host) -> None:
    """One endpoint takes the place of another: until that has happened, the first one is left alone."""
    busy.ip("route", "add", "10.77.0.0/16", "via", "10.0.0.9", netns="a")
    index = busy.links("a")["eth0"]["ifindex"]
    successor = {"networks": [NETWORK], "endpoints": [{"name": "b", "network": "net", "netns": "a"}], "purge": True}
    assert busy.spawn("macvlan_config", hook=dying_at(0), **successor).wait() == -signal.SIGKILL
    before = busy.snapshot().without_state()
    foreseen = busy.call("macvlan_endpoint", check=True, **ENDPOINT)
    done = busy.call("macvlan_endpoint", **ENDPOINT)
    assert promised(foreseen, KEYS["macvlan_endpoint"]) == promised(done, KEYS["macvlan_endpoint"])
    assert (done["changed"], busy.links("a")["eth0"]["ifindex"]) == (False, index)
    assert busy.snapshot().without_state() == before


def test_a_plan_is_made_again_when_another_run_had_the_lock(busy: Host) -> None:
    """What moved into a namespace in the meantime is not deleted with it."""
    holder = hold_the_lock(busy)
    call = busy.spawn("macvlan_endpoint", name="a", network="net", state="absent")
    busy.run(["ip", "link", "add", "theirs", "type", "veth", "peer", "name", "moved"])
    wait_until_waiting(busy, call)
    busy.run(["ip", "link", "set", "moved", "netns", "a"])
    holder.kill()
    holder.wait()
    done = call.result()
    assert any("moved" in text and "kept" in text for text in done["warnings"])
    assert "theirs" in busy.links() and busy.namespaces() == ["a"]


def test_a_link_that_comes_at_the_last_moment_saves_its_namespace(busy: Host) -> None:
    def hook() -> None:
        apply = kernel_write.KernelWriter.apply

        def too_late(self: kernel_write.KernelWriter, steps: t.Any) -> None:
            subprocess.run(["ip", "-n", "a", "link", "add", "theirs", "type", "veth", "peer", "name", "moved"], check=True)
            apply(self, steps)

        kernel_write.KernelWriter.apply = too_late  # type: ignore[method-assign]

    message = busy.call("macvlan_endpoint", name="a", network="net", state="absent", hook=hook, fails=True)["msg"]
    assert "cannot delete namespace a: it holds" in message and "theirs" in message
    assert set(busy.links("a")) == {"lo", "eth0", "theirs", "moved"}
    assert busy.call("macvlan_info")["drift"] == []


NETWORK = {"name": "net", "parent": "eth0", "subnets": DUAL}
ENDPOINT = {"name": "a", "network": "net", "netns": "a", "ipv4": "10.0.0.2", "ipv6": "fd00::2"}


def put_back(host: Host, params: dict[str, t.Any]) -> None:
    """Make the host that of the fixture again after what a scenario did to it."""
    if "purge" in params:
        host.call("macvlan_config", networks=[NETWORK], endpoints=[ENDPOINT], purge=True)
    elif params["name"] == "b":
        host.call("macvlan_endpoint", name="b", network="net", state="absent")
    elif params["name"] == "v":
        host.call("macvlan_network", name="v", state="absent")
    else:
        host.call("macvlan_network", **NETWORK)
        host.call("macvlan_endpoint", **ENDPOINT)


def test_a_record_that_cannot_be_written_takes_the_links_back(busy: Host) -> None:
    def hook() -> None:
        def full(connection: object, changes: object) -> None:
            raise state.sqlite3.OperationalError("database or disk is full")

        state._apply = full

    before = busy.snapshot()
    module, params = CREATE_ENDPOINT
    message = busy.call(module, fails=True, hook=hook, **params)["msg"]
    assert "disk is full" in message and "state database" in message
    assert busy.snapshot() == before


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
    call = busy.spawn(module, hook=dying_at(3), **params)
    assert call.wait() == -signal.SIGKILL
    for name in ("a", "b"):
        busy.delete_netns(name)
    script = "UPDATE journal SET boot_id = 'an earlier one'"
    busy.run(["sqlite3", str(busy.state_dir / "state.db"), script])
    done = busy.call(module, **params)
    assert done["changed"] and done["endpoint"]["ipv4"] == "10.0.0.3/24"
    assert busy.call("macvlan_endpoint", name="a", network="net", netns="a")["endpoint"]["ipv4"] == "10.0.0.2/24"
    assert busy.ping("b", "10.0.0.2")


def test_twenty_tasks_at_once_get_twenty_addresses(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    tasks = [
        Task("macvlan_endpoint", {"name": f"e{number}", "network": "net", "netns": f"e{number}"}) for number in range(20)
    ]
    results = host.call_together(tasks)
    assert [result.get("msg") for result in results if result["failed"]] == []
    addresses = {result["endpoint"]["ipv4"] for result in results}
    assert addresses == {f"10.0.0.{last}/24" for last in range(2, 22)}
    assert len({result["endpoint"]["mac"] for result in results}) == 20
    assert host.call("macvlan_info")["drift"] == []


def hold_the_lock(host: Host) -> subprocess.Popen[str]:
    """Be a writer that does not end: returned when it has the lock."""
    lock = str(host.state_dir / "lock")
    # --close: the lock is the holder's alone, and ends with it.
    holder = host.start(["flock", "--close", lock, "sleep", "300"])
    deadline = time.monotonic() + 120
    while host.run(["flock", "--nonblock", lock, "true"], check=False).returncode == 0:
        assert time.monotonic() < deadline, "the lock was not taken"
    return holder


def wait_until_waiting(host: Host, call: ModuleCall) -> None:
    """Until a run waits for the lock."""
    lock = os.stat(host.path(host.state_dir / "lock")).st_ino
    deadline = time.monotonic() + 120
    while not any(is_open(call.pid, lock)):
        assert time.monotonic() < deadline, "the run does not wait for the lock"
        time.sleep(0.05)


def is_open(pid: int, inode: int) -> t.Iterator[bool]:
    """For each open file of a process whether it is this one."""
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            yield os.stat(f"/proc/{pid}/fd/{name}").st_ino == inode


def test_a_reader_waits_for_no_writer(busy: Host) -> None:
    """While one holds the lock, info answers; a second writer says in time who holds it."""
    holder = hold_the_lock(busy)
    assert busy.call("macvlan_info")["drift"] == []
    assert not busy.call("macvlan_network", name="net", parent="eth0", subnets=DUAL)["changed"]

    def impatient() -> None:
        state.LOCK_TIMEOUT = 0.5

    message = busy.call("macvlan_network", name="x", parent="eth0", ipam="none", allow_shared_parent=True, hook=impatient, fails=True)["msg"]
    assert "another run holds /var/lib/macvlan_host" in message
    holder.kill()
    holder.wait()


def test_a_run_that_is_at_work_is_told_from_one_that_died(busy: Host) -> None:
    module, params = CREATE_ENDPOINT
    assert busy.spawn(module, hook=dying_at(3), **params).wait() == -signal.SIGKILL
    (warning,) = busy.call("macvlan_info")["warnings"]
    assert "interrupted" in warning and "endpoint net/b" in warning
    holder = hold_the_lock(busy)
    deadline = time.monotonic() + 120
    while "at work" not in (warning := busy.call("macvlan_info")["warnings"][0]):
        assert time.monotonic() < deadline, warning
    holder.kill()
    holder.wait()


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
    assert narrowed["endpoints"] == [first]
    assert host.call("macvlan_info", endpoint="b")["networks"][0]["name"] == "two"
    assert host.call("macvlan_info", network="nothing") == {
        "networks": [],
        "endpoints": [],
        "vlan_subinterfaces": [],
        "drift": [],
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
    assert all(rows == [] for table, rows in busy.snapshot().tables.items())


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


def test_a_namespace_that_somebody_else_makes_meanwhile_is_not_taken_back(busy: Host) -> None:
    def hook() -> None:
        apply = kernel_write.KernelWriter.apply

        def too_late(self: kernel_write.KernelWriter, steps: t.Any) -> None:
            namespaces.Walker().create("b", lambda: None)
            apply(self, steps)

        kernel_write.KernelWriter.apply = too_late  # type: ignore[method-assign]

    module, params = CREATE_ENDPOINT
    assert "File exists" in busy.call(module, fails=True, hook=hook, **params)["msg"]
    assert "b" in busy.namespaces()


@pytest.mark.parametrize("empty", [True, False], ids=["empty", "with a link of the same name"])
def test_recovery_leaves_alone_what_took_the_names_of_an_interrupted_run(busy: Host, empty: bool) -> None:
    module, params = CREATE_ENDPOINT
    assert busy.spawn(module, hook=dying_at(1), **params).wait() == -signal.SIGKILL
    if empty:
        busy.ip("netns", "add", "b")
    else:
        occupied(busy, "b")
    before = busy.snapshot().without_state()
    assert busy.call("macvlan_network", **{**NETWORK, "labels": {"a": "b"}})["changed"]
    assert busy.snapshot().without_state() == before


def test_settings_of_a_namespace_that_was_made_anew_are_not_put_back(busy: Host) -> None:
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
    refuse(host, "macvlan_endpoint", "mv-h", "not ours", name="h", network="net")
    assert "ifalias" not in host.links()["mv-h"]


def test_a_link_of_ours_is_known_by_its_tag_under_any_name(busy: Host) -> None:
    busy.ip("link", "set", "eth0", "down", netns="a")
    busy.ip("link", "set", "eth0", "name", "wan0", netns="a")
    drift = busy.call("macvlan_info")["drift"]
    assert ("ifname", "eth0", "wan0") in {(item["field"], item["recorded"], item["actual"]) for item in drift}
    endpoint(busy, "a")
    assert set(busy.links("a")) == {"lo", "eth0"}
    busy.ip("link", "set", "eth0", "down", netns="a")
    busy.ip("link", "set", "eth0", "name", "wan0", netns="a")
    gone(busy, "macvlan_endpoint", name="a", network="net")
    assert busy.namespaces() == []


def test_a_name_that_leads_to_no_namespace_any_more_is_refused(busy: Host) -> None:
    busy.run(["ln", "-s", "/proc/4194304/ns/net", "/run/netns/dangling"])
    refuse(busy, "macvlan_endpoint", "symbolic link", name="c", network="net", netns="dangling")
