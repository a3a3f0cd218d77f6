# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many runs at the same time on one host: one writer after the other, readers at any time."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import time
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store import lock
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store.files import LOCK_TIMEOUT
from ansible_collections.fleetnet.macvlan.tests.support.faults import Death, Stall
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import Tally
from ansible_collections.fleetnet.macvlan.tests.support.host import RESTORE, Host, Task
from ansible_collections.fleetnet.macvlan.tests.support.machine import wait_until
from ansible_collections.fleetnet.macvlan.tests.support.module_call import Ended, ModuleCall
from ansible_collections.fleetnet.macvlan.tests.support.snapshot import TAG, Tables
from ansible_collections.fleetnet.macvlan.tests.support.tasks import endpoint, network, subnets
from ansible_collections.fleetnet.macvlan.tests.support.worker import Crew

pytestmark = pytest.mark.engine

Params = dict[str, t.Any]

AT_ONCE = 50
ROUNDS = 5
# The longest that a run may wait for the others, and the time to start all of them.
SECONDS = LOCK_TIMEOUT + 60
COMPLETE = 0
DUAL = subnets("10.0.0.0/24", "fd00::/64")
NETWORK = {"name": "net", "parent": "eth0", "subnets": DUAL}
OTHER = {"name": "other", "parent": "eth0", "allow_shared_parent": True, "subnets": subnets("10.1.0.0/24")}
B = {"name": "b", "network": "net", "netns": "b", "sysctls": {"net.ipv4.ip_forward": 1}}

# What a run may be told that came at the wrong moment: what it needs is not there, or what is to go is in use. Two
# subnets in one namespace, or one place for two endpoints, would be a fault of the tasks and not of the moment.
REASONABLE = re.compile(
    r"endpoint other/\w+: there is no network other on this host"
    r"|network other has the endpoints [\w, ]+; remove them first, or use force: true to remove them too"
    r"|another run has held the lock on /var/lib/macvlan_host for more than 60 s \(process \d+, working on .*\); run the task again .*"
)


# --- at once --------------------------------------------------------------------------------------------------------


def comings(dice: random.Random, number: int) -> Task:
    """Endpoints that come, each its own."""
    return Task("macvlan_endpoint", {"name": f"e{number}", "network": "net", "netns": f"e{number}"})


def comings_and_goings(dice: random.Random, number: int) -> Task:
    """Endpoints that come, go and come back, several in a namespace, and readers."""
    if number % 5 == 0:
        return Task("macvlan_info", {})
    name, there = f"e{dice.randrange(8)}", dice.random() < 0.6
    key = {"name": name, "network": dice.choice(["net", "other"])}
    if not there:
        return Task("macvlan_endpoint", {**key, "state": "absent"})
    place = {"netns": name, "ifname": key["network"], "default_route": False}
    return Task("macvlan_endpoint", {**key, **place, "mtu": dice.choice([1400, 1500])})


def everything(dice: random.Random, number: int) -> Task:
    """All of that, networks that come and go under it, whole hosts, and restorations."""
    drawn = dice.random()
    if drawn < 0.5:
        return comings_and_goings(dice, number)
    if drawn < 0.65:
        return Task("macvlan_network", {**dice.choice([NETWORK, OTHER]), "labels": {"round": str(dice.randrange(3))}})
    if drawn < 0.75:
        return Task("macvlan_network", {"name": "other", "state": "absent", "force": dice.random() < 0.5})
    return whole_hosts(dice, number)


def whole_hosts(dice: random.Random, number: int) -> Task:
    """Whole hosts that are made, cleared, restored and read."""
    if number % 5 == 0:
        return dice.choice([Task(RESTORE, {}), Task("macvlan_info", {})])
    listed = [{"name": f"c{one}", "network": "net", "netns": f"c{one}"} for one in range(dice.randrange(6))]
    networks = [NETWORK, OTHER][: dice.choice([1, 2])]
    return Task("macvlan_config", {"networks": networks, "endpoints": listed, "purge": dice.random() < 0.7})


@pytest.fixture(scope="module")
def crew() -> t.Iterator[Crew]:
    """Processes that wait to run something at the same time."""
    crew = Crew()
    yield crew
    crew.close()


def complaint(task: Task, outcome: Ended) -> str | None:
    """What a run said when it failed; a message, not a traceback."""
    if task.module_name == RESTORE:
        said = outcome.said()
        return None if said.code == COMPLETE else f"{said.code}: {said.complaint}"
    result = outcome.result(fails=outcome.code != 0)
    assert "exception" not in result, result
    return t.cast("str", result["msg"]) if result["failed"] else None


def tagged(host: Host) -> collections.Counter[str]:
    """The tags on links and namespaces of the kernel, each as often as it is there."""
    links = (link for network in host.snapshot().networks.values() for link in network.links.values())
    return collections.Counter(alias for link in links if (alias := link.get("ifalias", "")).startswith(TAG))


def recorded(tables: Tables) -> collections.Counter[str]:
    """The tags that are recorded."""
    bodies = (json.loads(row[-1]) for name in ("links", "namespaces", "endpoints") for row in tables[name])
    return collections.Counter(f"{TAG}{body['id']}" for body in bodies)


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("draw", [comings, comings_and_goings, everything, whole_hosts])
def test_fifty_runs_at_once_leave_what_is_recorded_and_nothing_else(
    host: Host, draw: t.Callable[[random.Random, int], Task], number: int, crew: Crew, tally: Tally
) -> None:
    host.call("macvlan_config", networks=[NETWORK, OTHER])
    dice = random.Random(f"{draw.__name__} {number}")
    tasks = [draw(dice, each) for each in range(AT_ONCE)]
    outcomes = host.run_at_once(tasks, crew, SECONDS)
    complaints = [text for text in map(complaint, tasks, outcomes) if text is not None]
    assert [text for text in complaints if not REASONABLE.fullmatch(text)] == []
    if draw is comings:
        assert complaints == []

    assert host.restore().code == COMPLETE
    info = host.call("macvlan_info")
    assert (info["drift"], info.get("warnings")) == ([], None)
    tables = host.tables()
    assert tables["journal"] == []
    assert tagged(host) == recorded(tables)
    ends = info["endpoints"]
    leases = {(address, holder) for dummy, address, holder in tables["leases"] if holder.startswith("endpoint ")}
    assert leases == {
        (address.partition("/")[0], f"endpoint {item['network']}/{item['name']}")
        for item in ends
        for address in (item["ipv4"], item["ipv6"])
        if address is not None
    }
    assert len({address for address, dummy in leases}) == len(leases)
    assert len({item["mac"] for item in ends}) == len(ends)
    if draw is comings:
        assert {item["ipv4"] for item in ends} == {f"10.0.0.{last}/24" for last in range(2, AT_ONCE + 2)}
    tally("runs at once", len(outcomes), AT_ONCE)
    tally("runs at once refused with a reason", len(complaints), 0)


@pytest.fixture
def busy(host: Host) -> Host:
    """A host with a network and an endpoint."""
    network(host, subnets=DUAL)
    endpoint(host, "a")
    return host


# --- one holds the lock ----------------------------------------------------------------------------------------------


def hold_the_lock(host: Host) -> subprocess.Popen[str]:
    """Be a writer that does not end: returned when it has the lock."""
    lock = str(host.state_dir / "lock")
    # --close: the lock is the holder's alone, and ends with it.
    holder = host.start(["flock", "--close", lock, "sleep", "300"])
    wait_until(lambda: host.run(["flock", "--nonblock", lock, "true"], check=False).returncode != 0, "the lock is free")
    return holder


def wait_until_waiting(host: Host, call: ModuleCall) -> None:
    """Until a run waits for the lock."""
    lock = os.stat(host.path(host.state_dir / "lock")).st_ino
    wait_until(lambda: any(is_open(call.pid, lock)), "the run does not wait for the lock")


def is_open(pid: int, inode: int) -> t.Iterator[bool]:
    """For each open file of a process whether it is this one."""
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            yield os.stat(f"/proc/{pid}/fd/{name}").st_ino == inode


@pytest.mark.parametrize(
    "position",
    [
        pytest.param(0, id="before its intention"),
        pytest.param(4, id="between two steps"),
        pytest.param(-2, id="within its last transaction"),
    ],
)
def test_a_reader_waits_for_no_writer(busy: Host, position: int, tally: Tally) -> None:
    """While a writer stands still, info answers as fast as ever, and so does a task that has nothing to do."""
    moments = 2 * len(busy.call("macvlan_endpoint", check=True, **B)["steps"]) + 5
    undisturbed = seconds_to_read(busy)
    stall = Stall(position % moments)
    writer = busy.spawn("macvlan_endpoint", hook=stall, **B)
    wait_until(lambda: stall.place != "", "the writer has not come so far")
    disturbed = seconds_to_read(busy)
    writer.kill()
    tally("readers beside a writer", len(disturbed), 10)
    # Whoever waited would do so for LOCK_TIMEOUT; what is allowed here is that other programs are busy as well.
    assert max(disturbed) < 5 * max(undisturbed) + 5 < LOCK_TIMEOUT


def seconds_to_read(host: Host) -> list[float]:
    """How long each of some readings takes, by info and by a task that has nothing to do."""
    taken = []
    for dummy in range(5):
        for module, params in (("macvlan_info", {}), ("macvlan_network", NETWORK)):
            began = time.monotonic()
            assert not host.call(module, **params)["changed"]
            taken.append(time.monotonic() - began)
    return taken


def test_a_writer_that_waits_in_vain_is_told_which_process_holds_the_lock(busy: Host) -> None:
    def impatient() -> None:
        lock.LOCK_TIMEOUT = 0.5

    stall = Stall(4)
    writer = busy.spawn("macvlan_endpoint", hook=stall, **B)
    wait_until(lambda: stall.place != "", "the writer has not come so far")
    refused = busy.call("macvlan_network", hook=impatient, fails=True, **OTHER)["msg"]
    assert refused == (
        f"another run has held the lock on /var/lib/macvlan_host for more than 0 s (process {writer.pid}, working on endpoint net/b); "
        f"run the task again when it has ended"
    )
    writer.kill()


def test_a_run_that_is_working_is_distinguished_from_one_that_died(busy: Host) -> None:
    assert busy.spawn("macvlan_endpoint", hook=Death(7), **B).wait() == -signal.SIGKILL
    (warning,) = busy.call("macvlan_info")["warnings"]
    assert "interrupted" in warning and "endpoint net/b" in warning
    holder = hold_the_lock(busy)
    wait_until(lambda: "is working on" in busy.call("macvlan_info")["warnings"][0], "the run is not told")
    holder.kill()
    holder.wait()


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
