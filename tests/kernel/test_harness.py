# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The harness itself: what is made in a throw-away host stays in it, and nothing is left of it."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
import types
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel import write
from ansible_collections.fleetnet.macvlan.tests.support.faults import StepFailure
from ansible_collections.fleetnet.macvlan.tests.support.features import has_feature, requires
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import (
    TALLY,
    MakeHost,
    Tally,
    fail_if_lost,
    pytest_terminal_summary,
)
from ansible_collections.fleetnet.macvlan.tests.support.host import Host, Task
from ansible_collections.fleetnet.macvlan.tests.support.machine import is_in, running_processes
from ansible_collections.fleetnet.macvlan.tests.support.module_call import MODULES
from ansible_collections.fleetnet.macvlan.tests.support.no_programs import NoPrograms
from ansible_collections.fleetnet.macvlan.tests.support.worker import WORKERS, Crew


def real_links() -> set[str]:
    done = subprocess.run(["ip", "-json", "link"], check=True, capture_output=True, text=True)
    return {link["ifname"] for link in json.loads(done.stdout)}


def real_mounts() -> str:
    return Path("/proc/self/mounts").read_text(encoding="utf-8")


def test_links_files_and_namespaces_of_a_host_are_not_seen_outside(host: Host) -> None:
    host.run(["ip", "link", "add", "harness0", "type", "veth", "peer", "name", "harness1"])
    host.run(["ip", "netns", "add", "harness"])
    host.run(["mkdir", "/var/lib/harness"])

    assert "harness0" in host.links()
    assert host.namespaces() == ["harness"]
    assert host.path("/var/lib/harness").is_dir()
    assert "harness0" not in real_links()
    assert not Path("/run/netns/harness").exists()
    assert not Path("/var/lib/harness").exists()


def test_a_host_sees_nothing_of_the_real_machine_or_of_another_host(host: Host, make_host: MakeHost) -> None:
    other = make_host("eth7")
    other.run(["ip", "netns", "add", "harness"])

    assert set(host.links()) == {"lo", "eth0"}
    assert host.run(["ls", "/sys/class/net"]).stdout.split() == ["eth0", "lo"]
    assert host.namespaces() == []
    assert set(other.links()) == {"lo", "eth7"}


# An orphan, as a module that was killed leaves them behind. It has so much memory that its end takes a moment.
STRAY = """
import os, time
if os.fork():
    os._exit(0)
memory = b"x" * (1 << 28)
print(os.getpid(), flush=True)
silence = os.open(os.devnull, os.O_RDWR)
for stream in (1, 2):
    os.dup2(silence, stream)
time.sleep(1000)
"""


def test_nothing_is_left_of_a_closed_host() -> None:
    links, mounts, folder = real_links(), real_mounts(), sorted(os.listdir("/run/netns"))
    host = Host()
    host.add_parent()
    host.run(["ip", "netns", "add", "harness"])
    sleeper = host.start(["sleep", "1000"], netns="harness")
    stray, wire = int(host.run([sys.executable, "-c", STRAY]).stdout), host.wire
    # As long as the file is open, no other host gets the number of this namespace.
    with open(f"/proc/{host.pid}/ns/mnt", "rb") as held:
        home = os.fstat(held.fileno())
        assert is_in(stray, home)

        host.close()

        assert sleeper.returncode is not None
        assert not host.alive
        assert not wire.alive
        assert [pid for pid in running_processes() if is_in(pid, home)] == []
    assert (real_links(), real_mounts(), sorted(os.listdir("/run/netns"))) == (links, mounts, folder)


def test_a_program_that_fails_is_an_assertion_error_with_its_words(host: Host) -> None:
    with pytest.raises(AssertionError, match='Device "nothing0" does not exist'):
        host.ip("link", "show", "dev", "nothing0")
    assert host.run(["false"], check=False).returncode == 1


def test_programs_run_in_the_namespace_that_is_named(host: Host) -> None:
    host.run(["ip", "netns", "add", "harness"])

    assert set(host.links("harness")) == {"lo"}
    assert host.routes("harness") == []
    assert host.gateway("harness") is None
    assert not host.ping("harness", "172.16.86.1", timeout=1)


def test_hosts_on_one_wire_reach_each_other_and_the_router(make_host: MakeHost) -> None:
    first = make_host()
    second = make_host("eth0", "eth1", wire=first.wire)
    first.run(["ip", "address", "add", "172.16.86.2/24", "dev", "eth0"])
    second.run(["ip", "address", "add", "172.16.86.3/24", "dev", "eth1"])
    second.run(["ip", "address", "add", "fd00::3/64", "dev", "eth1", "nodad"])
    first.run(["ip", "address", "add", "fd00::2/64", "dev", "eth0", "nodad"])
    first.wire.add_address("172.16.86.1/24")
    first.wire.add_address("fd00::1/64")

    for address in ("172.16.86.1", "172.16.86.3", "fd00::1", "fd00::3"):
        assert first.ping(None, address), address
    assert not first.ping(None, "172.16.86.4", timeout=1)


@pytest.mark.needs("8021q")
def test_the_router_has_a_leg_in_every_vlan(host: Host) -> None:
    host.run(["ip", "link", "add", "link", "eth0", "name", "eth0.50", "type", "vlan", "id", "50"])
    host.run(["ip", "link", "set", "eth0.50", "up"])
    host.run(["ip", "address", "add", "192.168.50.2/24", "dev", "eth0.50"])
    host.wire.add_address("192.168.50.1/24", vlan=50)

    assert host.ping(None, "192.168.50.1")


def test_two_snapshots_are_equal_until_something_changes(host: Host) -> None:
    host.run(["ip", "netns", "add", "harness"])
    before = host.snapshot()
    assert host.snapshot() == before
    assert set(before.networks) == {"", "harness"}
    assert set(before.networks[""].links) == {"lo", "eth0"}

    route = ["blackhole", "2001:db8::/64"]
    host.run(["ip", "link", "set", "lo", "up"], netns="harness")
    before = host.snapshot()
    host.run(["ip", "-6", "route", "add", *route], netns="harness")
    assert host.snapshot() != before
    host.run(["ip", "-6", "route", "del", *route], netns="harness")
    assert host.snapshot() == before

    host.path("/var/lib/macvlan_host").mkdir()
    assert host.snapshot() != before
    assert host.snapshot().without_state() == before.without_state()


def test_a_foreign_link_that_was_recreated_shows_in_the_snapshot(host: Host) -> None:
    address = ["ip", "link", "add", "foo", "address", "02:00:00:00:00:01", "type", "bridge"]
    host.run(address)
    before = host.snapshot()
    host.run(["ip", "link", "del", "foo"])
    host.run(address)
    assert host.snapshot() != before


def test_a_record_that_changed_shows_in_the_snapshot(host: Host) -> None:
    host.path(host.state_dir).mkdir()
    execute(host, "CREATE TABLE t (x)")
    before = host.snapshot()
    execute(host, "INSERT INTO t VALUES (1)")
    after = host.snapshot()
    assert (before.tables, after.tables) == ({"t": []}, {"t": [(1,)]})
    assert before.files == after.files


def execute(host: Host, statement: str) -> None:
    program = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()"
    host.run([sys.executable, "-c", program, str(host.state_dir / "state.db"), statement])


def test_a_feature_that_is_there_is_no_reason_to_skip() -> None:
    requires("macvlan", "veth", "bridge")


@pytest.mark.parametrize("feature", ["8021q", "8021ad", "bonding", "dummy", "ipvlan", "vrf"])
def test_a_feature_that_is_not_there_skips_the_test_or_fails_it_where_nothing_may_be_skipped(
    feature: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting, outcome in (("", pytest.skip.Exception), ("1", pytest.fail.Exception)):
        monkeypatch.setenv("MACVLAN_NOTHING_SKIPPED", setting)
        if has_feature(feature):
            requires(feature)
        else:
            with pytest.raises(outcome, match=f"kernel has no {feature}"):
                requires(feature)


@pytest.mark.parametrize(("setting", "outcome"), [("", "skipped"), ("1", "failed")])
def test_any_skip_is_a_failure_where_nothing_may_be_skipped(
    setting: str, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MACVLAN_NOTHING_SKIPPED", setting)
    skipped = pytest.TestReport("test", ("file", 1, "test"), {}, "skipped", ("file", 1, "for a reason"), "call")
    assert fail_if_lost(skipped).outcome == outcome
    expected = pytest.TestReport("test", ("file", 1, "test"), {}, "skipped", "expected to fail", "call")
    expected.wasxfail = "expected to fail"
    assert fail_if_lost(expected).outcome == "skipped"


def test_what_tests_have_counted_is_added_up_for_the_summary() -> None:
    lines: list[str] = []
    told = [(TALLY, ["points", 7]), ("another", "property")]
    reports = [
        pytest.TestReport("test", ("file", 1, "test"), {}, "passed", None, when, user_properties=told)
        for when in ("setup", "call", "call", "teardown")
    ]
    stats = {"passed": reports, "warnings": [object()]}
    pytest_terminal_summary(types.SimpleNamespace(stats=stats, write_line=lines.append))
    assert lines == ["14 points, in 2 tests"]


def test_a_count_that_shrinks_is_a_failure(tally: Tally, request: pytest.FixtureRequest) -> None:
    tally("counts in the harness", 2, 2)
    with pytest.raises(AssertionError, match="only 1 counts in the harness"):
        tally("counts in the harness", 1, 2)
    request.node.user_properties.clear()


# --- the process that stays -----------------------------------------------------------------------------------------


def leave_a_file_open() -> int:
    os.open(os.devnull, os.O_RDONLY)
    return os.getpid()


def ignore_a_signal() -> int:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return os.getpid()


def leave_a_thread_running() -> int:
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    return os.getpid()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    raise RuntimeError("as asked")


def names_of_links() -> list[str]:
    return sorted(name for dummy, name in socket.if_nameindex())


@pytest.mark.parametrize("change", [leave_a_file_open, ignore_a_signal, leave_a_thread_running])
def test_what_a_function_leaves_behind_is_never_met_by_the_next_one(
    host: Host, change: t.Callable[[], int]
) -> None:
    unchanged = WORKERS.call(host.pid, os.getpid)
    assert unchanged not in (os.getpid(), host.pid)
    assert WORKERS.call(host.pid, os.getpid) == unchanged

    assert WORKERS.call(host.pid, change) == unchanged

    assert WORKERS.call(host.pid, os.getpid) != unchanged


def test_a_function_that_fails_dies_or_hangs_is_told_and_the_next_one_works(host: Host) -> None:
    with pytest.raises(AssertionError, match="RuntimeError: as asked"):
        WORKERS.call(host.pid, fail)
    with pytest.raises(AssertionError, match="die"):
        WORKERS.call(host.pid, die)
    with pytest.raises(AssertionError, match="still ran after"):
        WORKERS.call(host.pid, functools.partial(time.sleep, 1000), timeout=0.1)
    assert WORKERS.call(host.pid, names_of_links) == ["eth0", "lo"]


@pytest.fixture
def crew() -> t.Iterator[Crew]:
    crew = Crew()
    yield crew
    crew.close()


def wait_for_all(descriptors: tuple[int, int], number: int) -> int:
    """Come back when so many processes are here, which each leave a byte; descriptors of the process that has made them."""
    arrived, there = (f"/proc/{os.getppid()}/fd/{descriptor}" for descriptor in descriptors)
    with open(there, "wb", buffering=0) as telling:
        telling.write(b".")
    with open(arrived, "rb", buffering=0) as waiting:
        while fcntl.ioctl(waiting, termios.FIONREAD, b"\0" * 4)[0] < number:
            time.sleep(0.01)
    return os.getpid()


def test_what_a_crew_does_takes_place_at_the_same_time(host: Host, crew: Crew) -> None:
    """Each of them waits until all are there."""
    descriptors = os.pipe()
    first = crew.call(host.pid, [functools.partial(wait_for_all, descriptors, 3)] * 3, timeout=100)
    assert len({*first, os.getpid()}) == 4
    with pytest.raises(AssertionError, match="RuntimeError: as asked"):
        crew.call(host.pid, [names_of_links, fail, die], timeout=100)
    assert crew.call(host.pid, [names_of_links] * 4, timeout=100) == [["eth0", "lo"]] * 4
    for descriptor in descriptors:
        os.close(descriptor)


def start_programs(within: t.ContextManager[None]) -> None:
    subprocess.run(["true"], check=True)
    with within, contextlib.suppress(Exception):
        subprocess.run(["true"], check=True)


def test_a_program_that_is_started_where_none_may_be_is_told(host: Host) -> None:
    """Also when whoever has started it does not mind; and where one may be, it starts."""
    for dummy in range(2):
        with pytest.raises(AssertionError, match=r"subprocess\.Popen .*'true'"):
            WORKERS.call(host.pid, functools.partial(start_programs, NoPrograms()))
        WORKERS.call(host.pid, functools.partial(start_programs, contextlib.nullcontext()))


def replaced_function(fault: StepFailure) -> tuple[bool, bool]:
    """Whether a step is done by another function within a fault, and after it."""
    original = write.KernelWriter.do
    with fault:
        within = write.KernelWriter.do is not original
        fault._strike("here")
    return within, write.KernelWriter.do is not original


def test_a_fault_befalls_what_takes_place_within_it_and_nothing_after_that(host: Host) -> None:
    fault = StepFailure(0)
    assert WORKERS.call(host.pid, functools.partial(replaced_function, fault)) == (True, False)
    assert fault.place == "here"


def test_each_function_is_where_its_machine_is(host: Host, make_host: MakeHost) -> None:
    host.run(["ip", "netns", "add", "harness"])
    other = make_host("eth7")

    assert WORKERS.call(host.pid, names_of_links) == ["eth0", "lo"]
    assert WORKERS.call(other.pid, names_of_links) == ["eth7", "lo"]
    assert WORKERS.call(host.pid, names_of_links, netns="harness") == ["lo"]
    with pytest.raises(AssertionError, match="/run/netns/nothing"):
        WORKERS.call(host.pid, names_of_links, netns="nothing")
    assert WORKERS.call(host.pid, names_of_links) == ["eth0", "lo"]


def test_a_closed_host_takes_no_worker_with_it(make_host: MakeHost) -> None:
    host = make_host()
    worker = WORKERS.call(host.pid, os.getpid)

    host.close()

    assert WORKERS.call(make_host().pid, os.getpid) == worker


# --- modules --------------------------------------------------------------------------------------------------------


@pytest.fixture
def speak(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that needs no engine: it lists links, or fails, or dies."""
    module = types.ModuleType("speak")
    module.main = speak_main  # type: ignore[attr-defined]  # it is the one that the harness looks for
    monkeypatch.setitem(sys.modules, MODULES + "speak", module)


def speak_main() -> None:
    options = {"how": {"type": "str"}, "count": {"type": "int"}, "silent": {"type": "bool"}}
    module = AnsibleModule(options, supports_check_mode=True)
    if module.params["how"] == "fail":
        module.fail_json(msg="as asked")
    if module.params["how"] == "raise":
        raise RuntimeError("not as asked")
    if module.params["how"] == "hang":
        time.sleep(1000)
    names = [name for dummy, name in socket.if_nameindex()]
    if not module.params["silent"]:
        module.warn("just so")
    module.exit_json(changed=False, links=names, check=module.check_mode, count=module.params["count"])


@pytest.mark.usefixtures("speak")
def test_a_module_runs_inside_the_host_with_real_options_and_the_real_exit(host: Host) -> None:
    result = host.call("speak", check=True, count="7")
    assert sorted(result["links"]) == ["eth0", "lo"]
    assert (result["count"], result["check"], result["rc"], result["failed"]) == (7, True, 0, False)
    assert result["warnings"] == ["just so"]
    again = host.call("speak", silent=True)
    assert (again["check"], again.get("warnings")) == (False, None)


@pytest.mark.usefixtures("speak")
def test_a_module_that_fails_must_be_expected_to(host: Host) -> None:
    assert host.call("speak", how="fail", fails=True)["msg"] == "as asked"
    assert "unsupported parameters" in host.call("speak", fails=True, what="x")["msg"].lower()
    with pytest.raises(AssertionError, match="as asked"):
        host.call("speak", how="fail")
    with pytest.raises(AssertionError, match="should have failed"):
        host.call("speak", fails=True)
    with pytest.raises(AssertionError, match=r"no result:\n(.|\n)*RuntimeError: not as asked"):
        host.call("speak", how="raise", fails=True)


@pytest.mark.usefixtures("speak")
def test_a_hook_runs_in_the_module_s_process_alone(host: Host) -> None:
    def rename() -> None:
        socket.if_nameindex = lambda: [(1, "hooked")]

    assert host.call("speak", hook=rename)["links"] == ["hooked"]
    assert sorted(host.call("speak")["links"]) == ["eth0", "lo"]


@pytest.mark.usefixtures("speak")
def test_modules_run_at_the_same_time_and_keep_their_order(host: Host) -> None:
    tasks = [Task("speak", {"count": number, "how": "fail" if number == 3 else None}) for number in range(20)]
    results = host.call_together(tasks)
    assert [result.get("count") for result in results] == [None if n == 3 else n for n in range(20)]
    assert [result["failed"] for result in results] == [n == 3 for n in range(20)]


@pytest.mark.usefixtures("speak")
def test_a_module_can_be_killed_and_does_not_outlive_its_host(make_host: MakeHost) -> None:
    host = make_host()
    killed, left = host.spawn("speak", how="hang"), host.spawn("speak", how="hang")
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    # What still runs on one host does not hold up the end of another.
    make_host().close()
    host.close()
    assert left.wait() == -signal.SIGKILL


# --- playbooks ------------------------------------------------------------------------------------------------------

PLAYBOOK = """
- hosts: all
  gather_facts: false
  become: true
  tasks:
    - name: Change something
      ansible.builtin.command: ip link add foo type bridge
      when: not ansible_check_mode
    - name: Change nothing
      ansible.builtin.stat:
        path: "{{ file }}"
      register: found
    - name: Fail
      ansible.builtin.fail:
        msg: "{{ found.stat.exists }}"
      ignore_errors: true
"""


def test_a_playbook_runs_inside_the_host_and_reports_every_task(host: Host, tmp_path: Path) -> None:
    playbook = tmp_path / "play.yml"
    playbook.write_text(PLAYBOOK, encoding="utf-8")
    done = host.playbook(playbook, extra_vars={"file": "/var/lib/home"})

    assert (done.rc, done.changed, done.failed) == (0, 1, 0), done.stdout + done.stderr
    assert [(task.task, task.status) for task in done.tasks] == [
        ("Change something", "ok"),
        ("Change nothing", "ok"),
        ("Fail", "ignored"),
    ]
    assert done.tasks[0].changed
    assert done.tasks[2].result["msg"] is True
    assert "foo" in host.links()

    checked = host.playbook(playbook, check=True, extra_vars={"file": "/var/lib/home"})
    assert (checked.changed, checked.tasks[0].status) == (0, "skipped")
