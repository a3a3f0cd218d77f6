# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command macvlan-host: everything back from the record alone, and what is not there told."""

from __future__ import annotations

import json
import os
import platform
import re
import socket
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host import command as command_module
from ansible_collections.fleetnet.macvlan.tests.support.faults import Tries
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.module_call import Said
from ansible_collections.fleetnet.macvlan.tests.support.tasks import converge, endpoint, network, subnets

pytestmark = pytest.mark.engine

ENGINE, COMMAND = str(HOME / "engine"), str(HOME / "bin/macvlan-host")
PLACE = {"path": ENGINE, "command": COMMAND}
COMPLETE, DIFFERENT, FAILED, AWAITING = 0, 1, 2, 3
SECONDS_TO_WAIT = 60


@pytest.fixture
def command(host: Host) -> t.Callable[..., Said]:
    """Run the command on the host, installed as users have it."""
    host.call("macvlan_command", **PLACE)

    def run(*arguments: str, **kwargs: t.Any) -> Said:
        done = host.run([COMMAND, *arguments], check=False, **kwargs)
        return Said(done.returncode, done.stdout.splitlines(), done.stderr)

    return run


Command = t.Callable[..., Said]

NETWORK = {"name": "net", "parent": "eth0", "subnets": subnets("10.0.0.0/24", "fd00::/64")}


def fill(host: Host, **params: t.Any) -> None:
    """A host with two networks, several endpoints in one namespace, and one in the host's own."""
    network(host, subnets=subnets("10.0.0.0/24", "fd00::/64"), mtu=1400)
    network(host, "inner", parent="eth0", allow_shared_parent=True, mode="private", ipam="none")
    endpoint(host, "a", ipv4="10.0.0.99", mac="02:00:00:00:00:77", **params)
    endpoint(host, "b", routes=[{"to": "10.9.0.0/16", "via": "10.0.0.9"}], sysctls={"net.ipv4.conf.IFNAME.rp_filter": 2})
    endpoint(host, "b", "inner", netns="b", ifname="eth1")
    converge(host, "macvlan_endpoint", name="c", network="net", sysctls={"net.ipv4.conf.IFNAME.arp_ignore": 1})


def test_everything_comes_back_as_it_was_and_once(host: Host, command: Command) -> None:
    fill(host)
    before = host.snapshot()
    host.lose_all()
    restored = command("restore", "--verbose")
    assert (restored.code, restored.lines[-1]) == (COMPLETE, f"6 of 6 objects are there ({len(restored.lines) - 1} steps done)")
    assert "create namespace a" in restored.lines
    assert host.snapshot() == before
    assert host.ping("a", "10.0.0.2")
    assert host.sysctl("net/ipv4/conf/eth0/rp_filter", netns="b") == "2"
    assert command("restore") == Said(COMPLETE, ["6 of 6 objects are there"], "")
    assert host.snapshot() == before


@pytest.mark.needs("8021q", "dummy")
def test_parents_that_were_made_come_back_from_the_bottom_up(host: Host, command: Command) -> None:
    converge(host, "vlan_subinterface", name="eth0.7", mtu=1450, egress_qos_map={"1": 3})
    network(host, "stacked", parent="eth0.7.8", subnets=subnets("10.7.0.0/24"))
    network(host, "alone", parent=None, subnets=subnets("10.8.0.0/24"))
    endpoint(host, "s", "stacked")
    endpoint(host, "d", "alone")
    before = host.snapshot()
    host.lose_all()
    assert command("restore").code == COMPLETE
    assert host.snapshot() == before


@pytest.mark.needs("8021q")
def test_a_link_that_was_made_by_hand_is_not_made_again(host: Host, command: Command) -> None:
    host.ip("link", "add", "link", "eth0", "name", "eth0.40", "type", "vlan", "id", "40")
    host.bring_up("eth0.40")
    network(host, parent="eth0.40", subnets=subnets("10.40.0.0/24"))
    endpoint(host, "a")
    host.lose_all()
    host.ip("link", "delete", "eth0.40")
    said = command("restore")
    assert said.code == AWAITING
    assert any("eth0.40 is gone from this host; it was not created here" in line for line in said.lines)
    assert "eth0.40" not in host.links() and host.namespaces() == []


def test_nothing_is_restored_where_nothing_is_recorded(host: Host, command: Command) -> None:
    assert command("restore") == Said(COMPLETE, ["nothing is recorded"], "")
    assert not host.has_state()


# --- what others bring ----------------------------------------------------------------------------------------------


def test_a_parent_that_is_late_is_waited_for(host: Host, command: Command) -> None:
    host.add_parent("eth1")
    network(host, subnets=subnets("10.0.0.0/24"))
    network(host, "late", parent="eth1", subnets=subnets("10.1.0.0/24"))
    endpoint(host, "a")
    endpoint(host, "b", "late")
    before = host.snapshot().networks["b"]
    host.lose_all()
    host.ip("link", "delete", "eth1")
    waiting = host.start([COMMAND, "restore", "--wait"], stdout=subprocess.PIPE)
    assert next_line(waiting).startswith("waiting: network late: its parent eth1 is gone")
    assert host.ping("a", "10.0.0.2")

    host.add_parent("eth1")
    said, dummy = waiting.communicate(timeout=SECONDS_TO_WAIT)
    assert waiting.returncode == COMPLETE
    assert said.splitlines()[-1].startswith("4 of 4 objects are there (")
    assert host.snapshot().networks["b"] == before


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def test_a_parent_that_goes_and_comes_while_another_is_waited_for_is_seen(host: Host, command: Command) -> None:
    for number in (1, 2):
        host.add_parent(f"eth{number}")
        network(host, f"n{number}", parent=f"eth{number}", subnets=subnets(f"10.{number}.0.0/24"))
        endpoint(host, f"e{number}", f"n{number}")
    before = host.snapshot().networks["e1"]
    host.ip("link", "delete", "eth2")
    waiting = host.start([COMMAND, "restore", "--wait"], stdout=subprocess.PIPE)
    assert next_line(waiting).startswith("waiting: network n2")
    host.ip("link", "delete", "eth1")
    host.add_parent("eth1")
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while host.snapshot().networks["e1"] != before:
        assert waiting.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    host.add_parent("eth2")
    assert waiting.wait(SECONDS_TO_WAIT) == COMPLETE


def test_a_link_that_is_not_awaited_wakes_no_waiter(host: Host, command: Command) -> None:
    host.add_parent("eth1")
    network(host, parent="eth1")
    host.ip("link", "delete", "eth1")
    began = time.monotonic()
    waiting = host.start([COMMAND, "restore", "--timeout", "2"], stdout=subprocess.PIPE)
    assert next_line(waiting).startswith("waiting: network net")
    host.add_parent("eth2")
    said, dummy = waiting.communicate(timeout=SECONDS_TO_WAIT)
    assert time.monotonic() - began >= 2
    assert waiting.returncode == AWAITING
    assert said.splitlines() == ["0 of 1 objects are there; missing: network net (needs eth1)"]


def test_a_namespace_that_another_program_creates_is_waited_for(host: Host, command: Command) -> None:
    host.run(["ip", "netns", "add", "theirs"])
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a", netns="theirs")
    before = host.snapshot()
    host.delete_netns("theirs")
    waiting = host.start([COMMAND, "restore", "--wait"], stdout=subprocess.PIPE)
    assert "namespace theirs is gone; it was not created here" in next_line(waiting)
    host.run(["ip", "netns", "add", "theirs"])
    assert waiting.wait(SECONDS_TO_WAIT) == COMPLETE
    assert host.snapshot() == before


def test_a_namespace_is_waited_for_although_a_file_has_its_name_already(host: Host, command: Command) -> None:
    """Whoever makes a namespace makes a file first, on which it is mounted."""
    host.run(["ip", "netns", "add", "theirs"])
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a", netns="theirs")
    host.delete_netns("theirs")
    host.run(["touch", "/run/netns/theirs"])
    waiting = host.start([COMMAND, "restore", "--wait"], stdout=subprocess.PIPE)
    assert "/run/netns/theirs is not a network namespace" in next_line(waiting)
    host.run(["ip", "netns", "add", "others"])
    host.run(["mount", "--bind", "/run/netns/others", "/run/netns/theirs"])
    assert waiting.wait(SECONDS_TO_WAIT) == COMPLETE
    assert "eth0" in host.links("others")


def test_a_wait_outlives_the_engine_that_it_began_with(host: Host, command: Command) -> None:
    """Whoever installs another release takes the files away that a waiting process has not imported yet."""
    host.add_parent("eth1")
    network(host, parent="eth1", subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a", sysctls={"net.ipv4.conf.IFNAME.rp_filter": 2})
    before = host.snapshot().networks["a"]
    host.lose_all()
    host.ip("link", "delete", "eth1")
    waiting = host.start([COMMAND, "restore", "--wait"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert next_line(waiting).startswith("waiting: network net: ")
    host.run(["rm", "-r", ENGINE])
    host.add_parent("eth1")
    said, complaint = waiting.communicate(timeout=SECONDS_TO_WAIT)
    assert (waiting.returncode, complaint, said.splitlines()[-1][:22]) == (COMPLETE, "", "2 of 2 objects are the")
    assert host.snapshot().networks["a"] == before


def test_what_the_kernel_refuses_stops_nothing_else(host: Host, command: Command) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a", mac="02:00:00:00:00:77")
    endpoint(host, "b")
    endpoint(host, "c")
    host.lose_all()
    host.run(["ip", "netns", "add", "other"])
    taken = ["link", "eth0", "address", "02:00:00:00:00:77", "netns", "other", "type", "macvlan", "mode", "bridge"]
    host.ip("link", "add", "foreign0", *taken)
    host.ip("link", "set", "foreign0", "up", netns="other")
    said = command("restore")
    assert said.code == FAILED
    assert re.fullmatch(r"3 of 4 objects are there \(\d+ steps done\); missing: endpoint net/a", said.lines[-1])
    assert [line for line in said.lines if line.startswith("missing: ") and "eth0 in namespace a" in line]
    assert host.ping("c", "10.0.0.3")
    # Nothing half-made is left of it.
    assert host.namespaces() == ["b", "c", "other"]


def test_what_is_refused_does_not_keep_a_wait_busy(host: Host) -> None:
    """Each try makes links and takes them back, which must not count as something that others have brought."""
    host.add_parent("eth1")
    network(host, subnets=subnets("10.0.0.0/24"))
    network(host, "far", parent="eth1", subnets=subnets("10.1.0.0/24"))
    endpoint(host, "a", sysctls={"net.ipv4.conf.IFNAME.rp_filter": 2})
    host.lose_all()
    host.ip("link", "delete", "eth1")
    host.run(["sqlite3", str(host.state_dir / "state.db"), "UPDATE endpoints SET body = replace(body, 'rp_filter', 'nothing')"])
    tries = Tries()
    said = host.spawn_command("restore", "--timeout", "20", hook=tries).said()
    assert said.code == FAILED
    # All at once and then one by one, again after 1, 2, 4 and 8 seconds; without pauses it would be some forty times.
    assert 2 * 2 <= tries.number <= 2 * 8
    assert any("missing: network far" in line for line in said.lines)
    assert host.namespaces() == []


# --- what is told ---------------------------------------------------------------------------------------------------


def test_status_and_check_tell_what_differs(host: Host, command: Command) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    assert command("check") == Said(COMPLETE, [], "")
    assert command("status").lines == [
        "/var/lib/macvlan_host: 0 vlan_subinterfaces, 1 network, 1 endpoint",
        "the kernel matches the record",
    ]
    host.ip("link", "set", "eth0", "mtu", "1300", netns="a")
    assert command("check") == Said(DIFFERENT, ["endpoint net/a: mtu is 1300, recorded 1500"], "")
    assert command("status").lines[1:] == ["endpoint net/a: mtu is 1300, recorded 1500"]
    told = json.loads("\n".join(command("status", "--json").lines))
    shown = host.call("macvlan_info")
    assert {key: told[key] for key in ("networks", "endpoints", "vlan_subinterfaces", "drift")} == {
        key: shown[key] for key in ("networks", "endpoints", "vlan_subinterfaces", "drift")
    }
    assert command("restore").code == COMPLETE
    assert command("check").code == COMPLETE


def test_systemd_gets_one_status_line(host: Host, command: Command) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    address = host.path(HOME / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(address))
        sock.settimeout(SECONDS_TO_WAIT)
        command("restore", env={**os.environ, "NOTIFY_SOCKET": str(HOME / "notify")})
        assert sock.recv(1000) == b"STATUS=1 of 1 objects are there"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["restore", "--timeout", "-1"], "--timeout"),
        (["restore", "--timeout", "nan"], "--timeout"),
        (["restore", "--timeout", "1", "--wait"], "not allowed with"),
        (["resture"], "resture"),
        ([], "COMMAND"),
    ],
)
def test_a_wrong_call_is_refused_and_says_how(command: Command, arguments: list[str], words: str) -> None:
    said = command(*arguments)
    assert said.code == FAILED
    assert words in said.complaint and "usage: macvlan-host" in said.complaint


def test_a_database_that_cannot_be_used_is_named(host: Host, command: Command) -> None:
    network(host)
    host.run(["sh", "-c", f"echo rubbish >{host.state_dir}/state.db"])
    for name in ("restore", "status", "check"):
        said = command(name)
        assert said.code == FAILED
        assert said.complaint.startswith(f"macvlan-host {name}: the state database /var/lib/macvlan_host/state.db is damaged")


# --- a record that was lost -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("harm", ["rm {}", "truncate --size 5000 {}", "echo rubbish >{}"])
def test_the_record_is_recovered_from_its_backup(host: Host, command: Command, harm: str) -> None:
    fill(host)
    before = host.snapshot()
    host.run(["sh", "-c", harm.format(f"{host.state_dir}/state.db")])
    complaint = host.call("macvlan_endpoint", name="a", network="net", netns="a", fails=True)["msg"]
    assert "macvlan-host recover" in complaint
    said = command("recover")
    assert (said.code, said.lines[-1]) == (COMPLETE, "6 objects are recorded")
    assert "is now the backup" in said.lines[-2]
    host.run(["rm", "-f", f"{host.state_dir}/state.db.damaged1"])
    assert host.snapshot() == before
    assert command("recover") == Said(COMPLETE, ["6 objects are recorded"], "")


def test_without_a_backup_the_tasks_take_over_what_carries_their_tag(host: Host, command: Command) -> None:
    """The links stay as they are, and so do the addresses, in whichever order the tasks run."""
    network(host, subnets=subnets("10.0.0.0/24", "fd00::/64"))
    for name in ("a", "b", "c"):
        endpoint(host, name)
    converge(host, "macvlan_endpoint", name="h", network="net")
    before = host.snapshot()
    host.run(["sh", "-c", f"rm {host.state_dir}/state.db*"])
    said = command("recover")
    assert said.code == DIFFERENT
    assert "namespace b is recorded again" in said.lines
    unknown = {f"not recorded: {place}, which carries the collection's tag; run the task that created it again, or delete it" for place in (
        "mv-h in the host's own namespace", "eth0 in namespace a", "eth0 in namespace b", "eth0 in namespace c"
    )}
    assert unknown < set(said.lines)
    network(host, subnets=subnets("10.0.0.0/24", "fd00::/64"))
    assert endpoint(host, "c")["ipv4"] == "10.0.0.4/24"
    tasks = [{"name": name, "network": "net", "netns": name} for name in ("a", "b", "c")]
    done = host.call("macvlan_config", networks=[NETWORK], endpoints=[*tasks, {"name": "h", "network": "net"}])
    assert not any("create" in step for step in done["steps"])
    assert host.snapshot() == before
    assert command("check") == Said(COMPLETE, [], "")


@pytest.mark.needs("8021q", "dummy")
def test_parents_that_were_made_are_taken_over_too(host: Host, command: Command) -> None:
    converge(host, "vlan_subinterface", name="eth0.7", mtu=1450)
    network(host, "stacked", parent="eth0.7.8", subnets=subnets("10.7.0.0/24"))
    network(host, "plain", parent="eth0.9", subnets=subnets("10.9.0.0/24"))
    network(host, "alone", parent=None, subnets=subnets("10.8.0.0/24"))
    before = host.snapshot().without_state()
    host.run(["sh", "-c", f"rm {host.state_dir}/state.db*"])
    assert {f"vlan_subinterface {name} is recorded again" for name in ("eth0.7", "eth0.7.8", "eth0.9")} < set(command("recover").lines)
    network(host, "stacked", parent="eth0.7.8", subnets=subnets("10.7.0.0/24"))
    network(host, "plain", parent="eth0.9", subnets=subnets("10.9.0.0/24"))
    network(host, "alone", parent=None, subnets=subnets("10.8.0.0/24"))
    assert host.snapshot().without_state() == before
    assert command("check") == Said(COMPLETE, [], "")


@pytest.mark.needs("8021q")
def test_a_network_takes_over_the_link_that_it_made_before(host: Host) -> None:
    network(host, "plain", parent="eth0.9", subnets=subnets("10.9.0.0/24"))
    before = host.snapshot()
    other = host.call("macvlan_network", name="other", parent="eth0", ipam="none", state_dir="/var/lib/other", fails=True)
    assert "no state database" in other["msg"]
    host.run(["sh", "-c", f"rm {host.state_dir}/state.db*"])
    host.call("macvlan_command", **PLACE)
    host.run([COMMAND, "recover"], check=False)
    host.run(["sqlite3", f"{host.state_dir}/state.db", "DELETE FROM links"])
    network(host, "plain", parent="eth0.9", subnets=subnets("10.9.0.0/24"))
    assert host.snapshot() == before


def test_only_root_may(host: Host, command: Command) -> None:
    host.run(["chmod", "755", str(HOME), "/var/lib"])
    said = host.run(["setpriv", "--reuid=65534", "--clear-groups", COMMAND, "status"], check=False)
    assert (said.returncode, said.stderr) == (FAILED, "macvlan-host status: must run as root, to read and to change the network of this host\n")


def test_what_no_boot_would_bring_back_is_warned_of(host: Host) -> None:
    host.run(["rm", "/etc/systemd/system/multi-user.target.wants/macvlan-host.service"])
    made = converge(host, "macvlan_network", name="net", parent="eth0")
    (warning,) = made["warnings"]
    # Of several hosts each has its own; check mode says the same (converge).
    assert f"the next boot of {platform.node()} would not restore this" in warning
    assert "macvlan-host.service is not enabled" in warning and "the role fleetnet.macvlan.macvlan_host" in warning
    changed = converge(host, "macvlan_network", name="net", parent="eth0", labels={"a": "b"})
    assert changed["changed"] and not changed.get("warnings")


# --- the installation -----------------------------------------------------------------------------------------------


def test_the_command_is_installed_once_and_removed_without_a_trace(host: Host) -> None:
    before = files(host)
    made = install(host)
    assert made["changed"] and made["steps"][-1] == f"write {COMMAND}"
    folder = Path(command_module.__file__).parent
    engine = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.py")}
    assert made["files"] == sorted([COMMAND, *(f"{ENGINE}/{name}" for name in {*engine, "__init__.py"})])
    del engine["__init__.py"]  # which has a text of its own there
    for name, text in engine.items():
        assert host.path(f"{ENGINE}/{name}").read_text() == text
    assert host.run([COMMAND, "status"]).returncode == COMPLETE
    assert install(host, state="absent")["steps"]
    assert files(host) == [*before, f"{HOME}/bin"]


def files(host: Host) -> list[str]:
    return host.run(["find", str(HOME), "-not", "-path", "*/ansible*"]).stdout.splitlines()


def install(host: Host, **params: t.Any) -> dict[str, t.Any]:
    """In check mode, for real, and again."""
    task = {**PLACE, **params}
    before = files(host)
    foreseen = host.call("macvlan_command", check=True, diff=True, **task)
    assert files(host) == before
    done = host.call("macvlan_command", diff=True, **task)
    keys = ("changed", "steps", "files", "diff")
    assert {key: foreseen[key] for key in keys} == {key: done[key] for key in keys}
    again = host.call("macvlan_command", diff=True, **task)
    assert (again["changed"], again["steps"], again["diff"]) == (False, [], [])
    return done


def test_what_differs_of_the_command_is_repaired_and_old_files_go(host: Host) -> None:
    install(host)
    for wrong in ("plan/plan.py", "command.py", "errors.py"):
        host.path(f"{ENGINE}/{wrong}").write_text("wrong")
    # Release 1.0.0 had all files in one folder, and one of another release may have folders of its own.
    for old in ("plan.py", "old/__init__.py", "old/older.py"):
        host.path(f"{ENGINE}/{old}").parent.mkdir(exist_ok=True)
        host.path(f"{ENGINE}/{old}").write_text("of another release")
    host.path(f"{ENGINE}/old/__pycache__").mkdir()
    host.path(COMMAND).chmod(0o777)
    assert install(host)["steps"] == [
        f"write {ENGINE}/plan/plan.py",
        f"write {ENGINE}/errors.py",
        f"write {ENGINE}/command.py",
        f"write {COMMAND}",
        *(f"remove {ENGINE}/{old}" for old in ("old/__init__.py", "old/older.py", "plan.py")),
    ]
    assert not host.path(f"{ENGINE}/old").exists()
    changed = install(host, state_dir="/var/lib/other", interpreter=sys.executable)
    assert changed["steps"] == [f"write {COMMAND}"]
    assert "/var/lib/other: 0" in host.run([COMMAND, "status"]).stdout


def test_files_that_start_the_command_come_after_it_and_go_before_it(host: Host) -> None:
    unit = str(HOME / "units/a.service")
    listed = [{"path": unit, "content": "[Unit]\n"}]
    assert install(host, files=listed)["steps"][-2:] == [f"write {COMMAND}", f"write {unit}"]
    assert host.path(unit).read_text() == "[Unit]\n"
    assert install(host, files=[{"path": unit, "content": "[Service]\n"}])["steps"] == [f"write {unit}"]
    assert install(host, files=listed, state="absent")["steps"][:2] == [f"remove {unit}", f"remove {COMMAND}"]
    assert not host.path(unit).exists()


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ({"files": [{"path": "here", "content": ""}]}, "files: here is not an absolute path"),
        ({"path": "relative"}, "path: relative is not an absolute path"),
        ({"path": "/usr/local/lib/with-dash"}, "a name that Python can import"),
        ({"path": "/usr/lib"}, "holds files that the collection did not install"),
        ({"command": "/usr/bin/env"}, "/usr/bin/env exists, and the collection did not install it"),
        ({"interpreter": "python3"}, "interpreter: python3 must be an absolute path"),
    ],
)
def test_an_unsuitable_installation_target_is_refused(host: Host, task: dict[str, t.Any], words: str) -> None:
    for check in (True, False):
        assert words in host.call("macvlan_command", check=check, fails=True, **{**PLACE, **task})["msg"]
    assert files(host) == [str(HOME)]


def test_foreign_files_are_not_removed_either(host: Host) -> None:
    refused = host.call("macvlan_command", fails=True, state="absent", **{**PLACE, "path": "/usr/lib"})["msg"]
    assert "holds files that the collection did not install" in refused


def test_a_task_after_the_restoration_changes_nothing(host: Host, command: Command) -> None:
    fill(host)
    host.lose_all()
    assert command("restore").code == COMPLETE
    again = host.call("macvlan_endpoint", name="a", network="net", netns="a", ipv4="10.0.0.99", mac="02:00:00:00:00:77")
    assert (again["changed"], again["steps"]) == (False, [])
