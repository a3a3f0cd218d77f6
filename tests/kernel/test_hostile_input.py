# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What options, the state directory and containers can hold against a host: an answer or a refusal, and no harm."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel import write
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel.route_socket import RouteSocket
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.wire import ask, constants, parse
from ansible_collections.fleetnet.macvlan.tests.support import hostile
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.machine import OUTSIDE
from ansible_collections.fleetnet.macvlan.tests.support.module_call import ends_within
from ansible_collections.fleetnet.macvlan.tests.support.no_programs import NoPrograms
from ansible_collections.fleetnet.macvlan.tests.support.tasks import NOTHING_LISTED, endpoint, gone, network, refuse, subnets

pytestmark = pytest.mark.engine

TAG = "fleetnet.macvlan:"
SAMPLE = 60
# Nothing but these can be written to in a sealed host: its own /run/netns, /etc/netns, /var/lib and units, and the kernel.
OPEN = ("/run/netns", "/var/lib", "/etc/netns", f"/etc/{OUTSIDE}/systemd/system", "/proc", "/sys")


def seal(host: Host) -> Host:
    """Take the rest of the file system from a host: what is written there fails, and is told."""
    mounts = [line.split()[4] for line in host.run(["cat", "/proc/self/mountinfo"]).stdout.splitlines()]
    for place in sorted(set(mounts)):
        if not place.startswith(OPEN):
            host.run(["mount", "-o", "remount,bind,ro", place.encode().decode("unicode_escape")])
    assert host.run(["touch", "/etc/hostile"], check=False).returncode
    return host


@pytest.fixture
def sealed(host: Host) -> Host:
    return seal(host)


def answered(host: Host, module_name: str, **params: t.Any) -> dict[str, t.Any]:
    """Run a task that may fail, but in words, and starting nothing."""
    outcome = host.outcome(module_name, within=NoPrograms(), **params)
    result = outcome.result(fails=outcome.code != 0)
    hostile.assert_answer(result, params)
    return result


# --- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module_name", hostile.MODULES)
def test_whatever_an_option_says_the_task_is_answered_and_nothing_else_is_touched(host: Host, module_name: str) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "web", netns="blue")
    seal(host)
    dummy, task = hostile.MODULES[module_name]
    # The processes of a throw-away host are those of the machine, whose namespace is not to be entered.
    safe = [place for place in hostile.places(module_name) if place[-1] != "pid"]
    cases = [(place, value) for place in safe for value in hostile.VALUES]
    for place, value in random.Random(module_name).sample(cases, SAMPLE):
        answered(host, module_name, **hostile.spoilt(task, place, value))
    names = host.run(["find", "/run/netns", "-mindepth", "1", "-not", "-type", "f"]).stdout
    assert not names


def test_a_host_is_set_up_changed_restored_and_cleared_without_another_program(sealed: Host) -> None:
    seen = sealed.snapshot()
    place = {"path": str(HOME / "engine"), "command": str(HOME / "bin/macvlan-host")}
    for module_name, params in (
        ("macvlan_command", place),
        ("macvlan_network", {"name": "net", "parent": "eth0", "subnets": subnets("10.0.0.0/24", "fd00::/64")}),
        ("macvlan_endpoint", {"name": "a", "network": "net", "netns": "a", "sysctls": {"net.ipv4.ip_forward": 1}}),
        ("macvlan_endpoint", {"name": "a", "network": "net", "netns": "a", "ifname": "net1", "mtu": 1400, "dns": {"servers": ["10.0.0.53"]}}),
        ("macvlan_info", {}),
        ("macvlan_config", NOTHING_LISTED),
        ("macvlan_command", {**place, "state": "absent"}),
    ):
        assert not answered(sealed, module_name, **params)["failed"]
    assert sealed.snapshot().networks == seen.networks


# --- the state directory --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (["chown", "1:1"], "(owner 1, mode 0700)"),
        (["chmod", "0770"], "(owner 0, mode 0770)"),
        (["chmod", "0702"], "(owner 0, mode 0702)"),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["", "/state.db"])
def test_files_that_other_users_could_have_written_are_refused_by_name(host: Host, name: str, spoil: list[str], words: str) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    mode = "0600" if name else "0700"
    host.run([*spoil, f"{host.state_dir}{name}"])
    for module_name, params in (("macvlan_info", {}), ("macvlan_network", {"name": "net", "state": "absent"})):
        message = answered(host, module_name, **params)["msg"]
        assert f"{host.state_dir}{name} belongs to another user or is writable for others" in message
        assert words.replace("mode 0700", f"mode {mode}") in message or "chmod" in spoil[0]


@pytest.mark.parametrize("make", ["ln -s /var/lib/home {0}", "touch {0}", "mkfifo {0}"])
def test_a_state_directory_that_is_none_is_refused_by_name(host: Host, make: str) -> None:
    host.run(["sh", "-c", make.format(host.state_dir)])
    for module_name, params in (("macvlan_info", {}), ("macvlan_network", {"name": "net", "parent": "eth0"})):
        assert f"state_dir {host.state_dir} is a " in answered(host, module_name, **params)["msg"]
    assert os.listdir(host.path(HOME)) == []


def test_files_and_folders_are_for_root_alone_under_every_umask(host: Host) -> None:
    def careless() -> None:
        os.umask(0)
        apply = write.KernelWriter.apply

        def look_and_apply(self: write.KernelWriter, *arguments: t.Any) -> None:
            folder = "/var/lib/deep/er/state"
            modes = {name: os.stat(f"{folder}/{name}").st_mode & 0o777 for name in os.listdir(folder)}
            os.write(2, json.dumps(modes).encode())
            apply(self, *arguments)

        write.KernelWriter.apply = look_and_apply  # type: ignore[method-assign]

    params = {"state_dir": "/var/lib/deep/er/state"}
    host.call("macvlan_network", hook=careless, name="net", parent="eth0", ipam="none", **params)
    call = host.spawn("macvlan_endpoint", hook=careless, name="a", network="net", netns="a", **params)
    call.result()
    seen = json.loads(call.ended().complaint)
    assert seen == dict.fromkeys(("lock", "state.db", "state.db-shm", "state.db-wal", "state.db.backup"), 0o600)
    folders = ("/var/lib/deep", "/var/lib/deep/er", "/var/lib/deep/er/state")
    assert [host.path(folder).stat().st_mode & 0o777 for folder in folders] == [0o755, 0o755, 0o700]
    host.call("macvlan_command", hook=careless, path="/var/lib/de/ep/engine", command="/var/lib/de/ep/bin/it")
    for folder in ("/var/lib/de", "/var/lib/de/ep", "/var/lib/de/ep/bin", "/var/lib/de/ep/engine"):
        assert host.path(folder).stat().st_mode & 0o777 == 0o755


# --- the database ---------------------------------------------------------------------------------------------------


def spoil(host: Host, *statements: tuple[str, t.Any]) -> None:
    """Change the database of a host behind the engine's back."""
    path = host.path(host.state_dir / "state.db")
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.deserialize(path.read_bytes().replace(b"\x02\x02", b"\x01\x01", 1))
        for statement in statements:
            connection.execute(*statement)
        path.write_bytes(connection.serialize())


def body_of(host: Host, table: str) -> dict[str, t.Any]:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(host.path(host.state_dir / "state.db").read_bytes().replace(b"\x02\x02", b"\x01\x01", 1))
        return t.cast("dict[str, t.Any]", json.loads(connection.execute(f"SELECT body FROM {table}").fetchone()[0]))


EVERYTHING = (
    ("macvlan_info", {}),
    ("macvlan_network", {"name": "net", "parent": "eth0", "subnets": subnets("10.0.0.0/24"), "mtu": 1400}),
    ("macvlan_endpoint", {"name": "a", "network": "net", "netns": "a", "ifname": "net1"}),
    ("macvlan_endpoint", {"name": "a", "network": "net", "state": "absent"}),
    ("macvlan_config", NOTHING_LISTED),
)
HOST_ROW = {"kind": "host", "value": ""}
BEYOND = "../../etc/hostile"
LINK_OF_OTHERS = {"name": "eth0", "kind": "veth", **dict.fromkeys(("tag", "parent", "mac", "mtu", "mode", "vlan"))}


def setting(key: str) -> dict[str, t.Any]:
    settings = [{"key": key, "old": "0", "new": "7", "optional": False}]
    return {"step": "SetSysctls", "netns": HOST_ROW, "ifname": "eth0", "settings": settings}


@pytest.mark.parametrize(
    "values",
    [
        {"netns": {"kind": "name", "value": BEYOND}},
        {"netns": {"kind": "path", "value": "etc/passwd"}},
        {"netns": {"kind": "pid", "value": "self/../1"}},
        {"netns": {"kind": "host", "value": "/etc/passwd"}},
        {"ifname": "../../x"},
        {"ifname": ".."},
        {"sysctls": {"net/../../kernel/x": "1"}},
        {"sysctls": {"net.//.//.kernel.x": "1"}},
        {"sysctls": {"kernel.panic": "1"}},
        {"sysctls": {"net.ipv4.ip_forward": "1\n1"}},
        {"ipv4": "10.0.0.2"},
        {"mtu": 2**70},
        {"network": "other"},
        {"labels": None},
    ],
    ids=str,
)
def test_a_row_that_leads_elsewhere_is_refused_by_its_database(host: Host, values: dict[str, t.Any]) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    spoil(host, ("UPDATE endpoints SET body = ?", [json.dumps({**body_of(host, "endpoints"), **values})]))
    assert_refused(host)


@pytest.mark.parametrize(
    "step",
    [
        {"step": "CreateNetns", "name": BEYOND, "tag": f"{TAG}{'0' * 32}"},
        {"step": "DeleteNetns", "name": BEYOND, "tag": f"{TAG}{'0' * 32}"},
        {"step": "DeleteNetns", "name": "a", "tag": ""},
        {"step": "DeleteLink", "netns": HOST_ROW, "link": LINK_OF_OTHERS, "restore": [], "because": ""},
        setting("kernel.panic"),
        setting("net/../../kernel/panic"),
        setting("net.ipv4.conf.IFNAME/../../x"),
        {"step": "SetLink", "netns": HOST_ROW, "ifname": "../x", "attribute": "mtu", "old": 1, "new": 2},
        {"step": "SetLink", "netns": HOST_ROW, "ifname": "eth0", "attribute": "vlan", "old": {}, "new": {}},
        {"step": "Reboot"},
        ["Note"],
    ],
    ids=str,
)
@pytest.mark.parametrize("removal", [True, False])
def test_a_step_that_no_run_has_is_refused_and_not_done(host: Host, step: t.Any, removal: bool) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    boot_id = host.run(["cat", "/proc/sys/kernel/random/boot_id"]).stdout.strip()
    body = json.dumps({"removal": removal, "steps": [step], "changes": []})
    spoil(host, ("INSERT INTO journal VALUES (1, ?, 'something', ?)", [boot_id, body]))
    assert_refused(host)


@pytest.mark.parametrize("kind", [["veth", "peer", "name", "other"], ["bridge"]], ids=lambda kind: kind[0])
def test_a_mode_that_is_put_back_on_a_link_of_another_kind_is_told_and_ends_the_recovery(host: Host, kind: list[str]) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a", netns="a")
    alias = host.links("a")["eth0"]["ifalias"]
    host.ip("link", "delete", "eth0", netns="a")
    host.ip("link", "add", "eth0", "type", *kind, netns="a")
    host.ip("link", "set", "eth0", "alias", alias, netns="a")
    boot_id = host.run(["cat", "/proc/sys/kernel/random/boot_id"]).stdout.strip()
    netns = {"kind": "name", "value": "a"}
    step = {"step": "SetLink", "netns": netns, "ifname": "eth0", "attribute": "mode", "old": "bridge", "new": "private"}
    body = json.dumps({"removal": False, "steps": [step], "changes": []})
    spoil(host, ("INSERT INTO journal VALUES (1, ?, 'something', ?)", [boot_id, body]))

    told = host.call("macvlan_endpoint", name="b", network="net", netns="b")["warnings"]

    assert any(f"it is a {kind[0]} link now" in text for text in told), told
    assert host.tables()["journal"] == []


UNKNOWN = ("is damaged (", "was written by a newer release ")


def assert_refused(host: Host) -> None:
    """As damaged; or as newer, where a word may be one of a newer release, and then nothing is recovered."""
    seal(host)
    before = host.snapshot()
    for module_name, params in EVERYTHING:
        message = answered(host, module_name, **params)["msg"]
        (how,) = [words for words in UNKNOWN if f"the state database {host.state_dir}/state.db {words}" in message]
        assert ("macvlan-host recover" if how == UNKNOWN[0] else "macvlan_command") in message
    for action in ("restore", "status", "check", "confirm"):
        said = host.run_command(action, within=NoPrograms())
        assert said.code == 2
        assert f"macvlan-host {action}: the state database {host.state_dir}/state.db {how}" in said.complaint
        assert len(said.complaint.splitlines()) == 1
    assert host.snapshot() == before
    said = host.run_command("recover", within=NoPrograms())
    if how == UNKNOWN[1]:
        assert said.code == 2 and how in said.complaint
        assert host.snapshot() == before
    else:
        assert (said.code, said.complaint) == (0, "")
        assert host.snapshot().networks == before.networks


# --- namespaces -----------------------------------------------------------------------------------------------------

ODD = {
    "file": "echo precious >{0}",
    "empty file": "touch {0}",
    "FIFO": "mkfifo {0}",
    "folder": "mkdir {0}",
    "device": "mknod {0} c 1 3",
    "link to a file": "ln -s /etc/passwd {0}",
    "link to a FIFO": "mkfifo /var/lib/home/fifo; ln -s /var/lib/home/fifo {0}",
    "link to a folder": "ln -s /etc {0}",
    "link to nothing": "ln -s /var/lib/home/nothing {0}",
    "link to itself": "ln -s {0} {0}",
    "link to memory": "ln -s /proc/self/mem {0}",
    "link to a mount namespace": "ln -s /proc/self/ns/mnt {0}",
    "link to a process namespace": "ln -s /proc/self/ns/pid {0}",
}
LISTING = "find /run/netns /var/lib/home -printf '%p %y %l %s %T@ %m\\n' | sort"


@pytest.mark.parametrize("option", ["netns", "netns_path"])
@pytest.mark.parametrize("make", ODD.values(), ids=ODD)
def test_what_is_no_network_namespace_is_refused_and_left_as_it_is(host: Host, option: str, make: str) -> None:
    host.run(["sh", "-c", make.format("/run/netns/odd")])
    listed = host.run(["sh", "-c", LISTING]).stdout
    seal(host)
    assert not answered(host, "macvlan_network", name="net", parent="eth0", subnets=subnets("10.0.0.0/24"))["failed"]
    where = {"netns": "odd"} if option == "netns" else {"netns_path": "/run/netns/odd"}
    for check in (True, False):
        message = answered(host, "macvlan_endpoint", check=check, name="a", network="net", **where)["msg"]
        assert "/run/netns/odd" in message
    assert not answered(host, "macvlan_info")["failed"]
    assert not answered(host, "macvlan_network", name="net", state="absent")["failed"]
    assert host.run(["sh", "-c", LISTING]).stdout == listed


NOTHING = ("link to nothing", "link to itself")
OTHER_FILES = {kind: make for kind, make in ODD.items() if kind not in NOTHING}


@pytest.mark.parametrize(
    ("where", "code", "way_out"),
    [({"netns": "odd"}, 1, "; remove it, so that it can be created again"), ({"netns_path": "/run/netns/odd"}, 3, "")],
    ids=["netns", "netns_path"],
)
@pytest.mark.parametrize("make", OTHER_FILES.values(), ids=OTHER_FILES)
def test_what_has_taken_the_place_of_a_namespace_is_reported_of_its_endpoint_and_stops_nothing_else(
    host: Host, where: dict[str, str], code: int, way_out: str, make: str
) -> None:
    told = "endpoint net/a: /run/netns/odd is not a network namespace"
    network(host, subnets=subnets("10.0.0.0/24"))
    if "netns_path" in where:
        host.ip("netns", "add", "odd")
    endpoint(host, "a", **where)
    endpoint(host, "b")
    host.delete_netns("odd")
    host.run(["sh", "-c", make.format("/run/netns/odd")])
    shown = ["ls", "-ld", "--time-style=full-iso", "/run/netns/odd"]
    listed = host.run(shown).stdout
    seal(host)
    (drift,) = answered(host, "macvlan_info")["drift"]
    assert tuple(drift.values()) == ("endpoint net/a", "netns", *where.values(), "not a network namespace")
    for check in (True, False):
        assert answered(host, "macvlan_endpoint", check=check, name="a", network="net", **where)["msg"] == told
    assert answered(host, "macvlan_endpoint", name="b", network="net", netns="b", mtu=1400)["changed"]
    assert answered(host, "macvlan_network", **{**EVERYTHING[1][1], "mode": "private"})["changed"]
    host.ip("link", "delete", "eth0", netns="b")
    said = host.run_command("restore", within=NoPrograms())
    assert (said.code, said.lines[:-1]) == (code, [f"{'waiting' if code == 3 else 'missing'}: {told}{way_out}"])
    assert host.addresses("eth0", "b")[0] == "10.0.0.3/24"
    for check in (True, False):
        done = answered(host, "macvlan_endpoint", check=check, name="a", network="net", state="absent")
        assert (done["changed"], done["warnings"]) == (True, [f"{told}, so nothing is removed there"])
    assert answered(host, "macvlan_info")["drift"] == []
    assert host.run(shown).stdout == listed


@pytest.mark.parametrize(
    "path",
    ["/dev/null", "/dev/zero", "/dev/ptmx", "/etc", "/proc/self/mem", "/proc/self/ns/mnt", "/proc/self/ns/user"],
)
def test_a_path_that_leads_to_no_network_namespace_is_refused_and_not_opened_where_that_matters(
    host: Host, path: str
) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))

    def careful() -> None:
        def watch(event: str, arguments: tuple[t.Any, ...]) -> None:
            if event == "open" and arguments[0] == path and not arguments[2] & os.O_PATH and not is_plain:
                os._exit(99)

        is_plain = os.path.isfile(path)
        sys.addaudithook(watch)

    params = {"name": "a", "network": "net", "netns_path": path}
    for check in (True, False):
        said = host.call("macvlan_endpoint", check=check, fails=True, hook=careful, **params)["msg"]
        assert f"{path} is not a network namespace" in said


def test_a_symbolic_link_to_a_foreign_namespace_is_used_and_never_removed(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    host.ip("netns", "add", "theirs")
    host.run(["ln", "-s", "theirs", "/run/netns/way"])
    endpoint(host, "a", netns="way")
    assert "eth0" in host.links("theirs")
    gone(host, "macvlan_endpoint", name="a", network="net")
    assert host.namespaces() == ["theirs", "way"]
    assert list(host.links("theirs")) == ["lo"]


def test_a_namespace_of_ours_with_a_symbolic_link_to_it_keeps_the_name_of_that_link(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a", netns="ours")
    host.run(["sh", "-c", "touch /var/lib/home/kept; mount --bind /run/netns/ours /var/lib/home/kept"])
    host.run(["sh", "-c", "umount /run/netns/ours; rm /run/netns/ours; ln -s /var/lib/home/kept /run/netns/ours"])
    answered(host, "macvlan_endpoint", name="a", network="net", state="absent")
    assert "/var/lib/home/kept" in host.run(["cat", "/proc/self/mountinfo"]).stdout


def test_a_foreign_namespace_with_our_tag_on_its_loopback_stays(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    host.ip("netns", "add", "theirs")
    for alias in (f"{TAG}{'0' * 32}", TAG, f"{TAG}../../etc/x"):
        host.ip("link", "set", "lo", "alias", alias, netns="theirs")
        endpoint(host, "a", netns="theirs")
        gone(host, "macvlan_endpoint", name="a", network="net")
        assert host.links("theirs")["lo"]["ifalias"] == alias


# --- processes ------------------------------------------------------------------------------------------------------


def container(host: Host) -> subprocess.Popen[str]:
    """A process in a network namespace of its own."""
    process = host.start(["unshare", "--net", "sh", "-c", "echo ready; exec sleep 600"], stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("pid", [0, -1, 2**22, 2**31, 2**64])
def test_a_number_that_is_no_process_is_refused(host: Host, pid: int) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    assert "pid" in refuse(host, "macvlan_endpoint", name="a", network="net", pid=pid)


@pytest.mark.parametrize("pid", [1, 2])
def test_the_first_processes_are_answered(host: Host, pid: int) -> None:
    """They are in the host's own namespace, but not in that of a throw-away host; so this only asks."""
    network(host, subnets=subnets("10.0.0.0/24"))
    before = host.snapshot()
    answered(host, "macvlan_endpoint", check=True, name="a", network="net", pid=pid)
    assert host.snapshot() == before


def test_a_process_that_ends_while_its_endpoint_is_made_leaves_nothing(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    process = container(host)
    before = host.snapshot()

    def ending() -> None:
        apply = write.KernelWriter.apply

        def end_and_apply(self: write.KernelWriter, *arguments: t.Any) -> None:
            os.kill(process.pid, signal.SIGKILL)
            assert ends_within(process.pid, 60)
            apply(self, *arguments)

        write.KernelWriter.apply = end_and_apply  # type: ignore[method-assign]

    message = host.call("macvlan_endpoint", fails=True, hook=ending, name="a", network="net", pid=process.pid)["msg"]
    assert str(process.pid) in message
    assert host.snapshot() == before


def test_a_process_that_has_got_the_number_of_another_keeps_its_links(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    first, second = container(host), container(host)
    endpoint(host, "a", pid=first.pid)
    reach = ["nsenter", f"--net=/proc/{second.pid}/ns/net", "--"]
    host.run([*reach, "ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1"])
    links = host.run([*reach, "ip", "-o", "link"]).stdout
    body = {**body_of(host, "endpoints"), "netns": {"kind": "pid", "value": str(second.pid)}}
    spoil(host, ("UPDATE endpoints SET body = ?", [json.dumps(body)]))
    (drift,) = answered(host, "macvlan_info")["drift"]
    assert (drift["object"], drift["field"]) == ("endpoint net/a", "link")
    assert not answered(host, "macvlan_endpoint", name="a", network="net", state="absent")["failed"]
    assert host.run([*reach, "ip", "-o", "link"]).stdout == links


# --- links ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("netns", [None, "a"])
@pytest.mark.parametrize("alias", ["", "0" * 32, "x" * 200, "../../etc/x", "\n\x1b[2J", "{own}"], ids=ascii)
def test_a_foreign_link_with_a_tag_of_ours_is_not_touched(host: Host, netns: str | None, alias: str) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    made = endpoint(host, "a")
    host.ip("link", "add", "theirs", "type", "bridge", netns=netns)
    host.ip("link", "set", "theirs", "alias", TAG + alias.format(own=made["id"]), netns=netns)
    show = ["ip", "-details", "link", "show", "theirs"]
    before = host.run(show, netns).stdout
    for module_name, params in (*EVERYTHING[:3], ("macvlan_config", NOTHING_LISTED)):
        assert not answered(host, module_name, **params)["failed"]
    assert host.run(show, netns).stdout == before


# Commands in the container, each for a link that it has tagged as one of ours.
def test_a_macvlan_that_a_container_has_on_a_link_of_its_own_is_not_taken_for_ours(host: Host) -> None:
    """Not even with our tag, and with the index of the host's parent below it."""
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    tag, index = host.links("a")["eth0"]["ifalias"], host.links()["eth0"]["ifindex"]
    host.ip("link", "delete", "eth0", netns="a")
    veth = ["mine0", "index", str(index), "type", "veth", "peer", "name", "mine1"]
    host.ip("link", "add", *veth, netns="a")
    host.ip("link", "add", "link", "mine0", "name", "eth0", "type", "macvlan", "mode", "bridge", netns="a")
    host.ip("link", "set", "eth0", "alias", tag, netns="a")
    theirs = host.links("a")["eth0"]
    assert [tuple(item.values()) for item in answered(host, "macvlan_info")["drift"]] == [
        ("endpoint net/a", "link", "present", "a foreign macvlan")
    ]
    refuse(host, "macvlan_endpoint", "ifname eth0 is taken in namespace a", name="a", network="net", netns="a")
    done = answered(host, "macvlan_endpoint", name="a", network="net", state="absent")
    assert any("eth0 in namespace a" in text and "kept" in text for text in done["warnings"])
    assert host.links("a")["eth0"] == theirs


TAGGED = {
    "veth": ("link add theirs type veth peer name other", f"link set theirs alias {TAG}{'0' * 32}"),
    "bridge": ("link add theirs type bridge", f"link set theirs alias {TAG}{'0' * 32}"),
    "loopback": (f"link set lo alias {TAG}{'0' * 32}",),
    "macvlan of its own": (
        "link add parent type veth peer name other",
        "link add theirs link parent type macvlan mode bridge",
        f"link set theirs alias {TAG}{'0' * 32}",
    ),
    "macvlan on the parent of another": (
        "netns add inner",
        "link add parent type veth peer name other",
        "link add theirs link parent netns inner type macvlan mode bridge",
        f"-netns inner link set theirs alias {TAG}{'0' * 32}",
    ),
}


def run_all(host: Host, netns: str | None, commands: t.Iterable[str]) -> None:
    for command in commands:
        host.ip(*command.split(), netns=netns)


@pytest.mark.parametrize("commands", TAGGED.values(), ids=TAGGED)
def test_a_link_that_a_container_has_tagged_keeps_no_host_from_its_first_task(
    host: Host, commands: tuple[str, ...]
) -> None:
    host.ip("netns", "add", "box")
    run_all(host, "box", commands)
    assert not answered(host, "macvlan_network", name="net", parent="eth0", subnets=subnets("10.0.0.0/24"))["failed"]
    said = host.run_command("recover", within=NoPrograms())
    assert (said.code, said.lines) == (0, ["1 objects are recorded"])


def give_macvlan(host: Host, tag: str) -> None:
    """Give a container a link on eth0, which it tags."""
    host.ip("netns", "add", "box")
    run_all(host, None, ["link add given link eth0 netns box type macvlan mode bridge"])
    host.ip("link", "set", "given", "alias", tag, netns="box")


def test_a_macvlan_link_of_the_host_that_a_container_has_tagged_is_named_with_the_way_out(host: Host) -> None:
    give_macvlan(host, f"{TAG}{'0' * 32}")
    message = refuse(host, "macvlan_network", "given in namespace box", name="net", parent="eth0", ipam="none")
    assert "ip -n box link delete given" in message
    command = "ip -n box link set given alias ''"
    assert command in message
    host.run(["sh", "-c", command])
    network(host)


def test_a_macvlan_link_with_a_tag_that_none_of_ours_can_have_is_foreign(host: Host) -> None:
    give_macvlan(host, f"{TAG}mine")
    network(host)


def test_a_namespace_of_ours_alone_tells_of_a_lost_database(host: Host) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    host.ip("link", "delete", "eth0", netns="a")
    host.run(["rm", "-r", str(host.state_dir)])
    refuse(host, "macvlan_network", "lo in namespace a", name="net", parent="eth0", ipam="none")


@pytest.mark.parametrize("name", [b"\xff\xfe", b"\x1b[2J", b"\xe2\x80\xaea", b"..a", b"$(x)", b"-rf"])
def test_a_container_may_give_its_link_any_name(host: Host, name: bytes) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    endpoint(host, "a")
    host.run(["ip", "link", "set", "eth0", "down"], netns="a")
    subprocess.run(host.command([b"ip", b"link", b"set", b"dev", b"eth0", b"name", name], "a"), check=True)
    for action, code in (("status", 0), ("check", 1), ("restore", 0), ("check", 0)):
        said = host.run_command(action, within=NoPrograms())
        assert (said.code, said.complaint) == (code, "")
        assert all(line.isprintable() for line in said.lines)
    assert "eth0" in host.links("a")
    subprocess.run(host.command([b"ip", b"link", b"set", b"dev", b"eth0", b"down"], "a"), check=True)
    subprocess.run(host.command([b"ip", b"link", b"set", b"dev", b"eth0", b"name", name], "a"), check=True)
    (drift,) = [item for item in answered(host, "macvlan_info")["drift"] if item["field"] == "ifname"]
    assert drift["recorded"] == "eth0"
    assert not answered(host, "macvlan_endpoint", name="a", network="net", state="absent")["failed"]
    assert host.namespaces() == []


# --- netlink --------------------------------------------------------------------------------------------------------


def test_messages_from_other_processes_to_our_socket_are_ignored(host: Host) -> None:
    def forging() -> None:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as forger:
            forger.bind((0, 0))
            ours = RouteSocket()
            done = struct.pack("=IHHII", 20, constants.NLMSG_DONE, 0, 1, 0) + b"\0" * 4
            forger.sendto(done, (ours._socket.getsockname()[0], 0))
            links = [parse.parse_link(body).name for body in ours.dump(ask.dump_links())]
            os.write(2, json.dumps(links).encode())

    call = host.spawn("macvlan_info", hook=forging)
    call.result()
    assert set(json.loads(call.ended().complaint)) == set(host.links())


# --- secrets --------------------------------------------------------------------------------------------------------

PLAYBOOK = """
- name: Secrets
  hosts: all
  gather_facts: false
  tasks:
    - name: A network
      fleetnet.macvlan.macvlan_network:
        name: net
        parent: eth0
        ipam: none
        labels:
          key: hunter2
      diff: true
      no_log: {hidden}
"""


@pytest.mark.parametrize("hidden", [True, False])
def test_results_have_labels_unless_the_task_says_no_log(host: Host, tmp_path: Path, hidden: bool) -> None:
    playbook = tmp_path / "play.yml"
    playbook.write_text(PLAYBOOK.format(hidden=hidden), encoding="utf-8")
    done = host.playbook(playbook)
    assert (done.rc, done.changed) == (0, 1), done.stdout + done.stderr
    assert ("hunter2" in done.stdout + str(done.tasks)) != hidden
