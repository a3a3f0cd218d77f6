# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What options, the state directory and containers can hold against a host: an answer or a refusal, and no harm."""

from __future__ import annotations

import json
import os
import random
import sys
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host import kernel_write
from ansible_collections.fleetnet.macvlan.tests.support import hostile
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.tasks import endpoint, network, subnets

TAG = "fleetnet.macvlan:"
SAMPLE = 60
# Nothing but these can be written to in a sealed host: its own /run/netns, /var/lib and units, and the kernel.
OPEN = ("/run/netns", "/var/lib", "/etc/systemd/system", "/proc", "/sys")
# Functions of the C library that are called by name.
CALLS = {"mount", "umount2", "setns", "unshare"}
PROGRAMS = ("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile", "os.system", "pty.spawn", "subprocess.Popen")


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


def alone() -> None:
    """A hook: no other program may be started, and no function of the C library called but those that are known."""

    def watch(event: str, arguments: tuple[t.Any, ...]) -> None:
        if event.startswith(PROGRAMS) or event == "ctypes.dlsym" and arguments[1] not in CALLS:
            os.write(2, f"{event} {arguments}\n".encode())
            os._exit(99)

    sys.addaudithook(watch)


def answered(host: Host, module_name: str, **params: t.Any) -> dict[str, t.Any]:
    """Run a task that may fail, but in words, and starting nothing."""
    call = host.spawn(module_name, hook=alone, **params)
    result = call.result(fails=call.wait() != 0)
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
        ("macvlan_endpoint", {"name": "a", "network": "net", "netns": "a", "ifname": "net1", "mtu": 1400}),
        ("macvlan_info", {}),
        ("macvlan_config", {"purge": True}),
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
def test_what_others_could_have_written_is_refused_by_name(host: Host, name: str, spoil: list[str], words: str) -> None:
    network(host, subnets=subnets("10.0.0.0/24"))
    mode = "0600" if name else "0700"
    host.run([*spoil, f"{host.state_dir}{name}"])
    for module_name, params in (("macvlan_info", {}), ("macvlan_network", {"name": "net", "state": "absent"})):
        message = answered(host, module_name, **params)["msg"]
        assert f"{host.state_dir}{name} belongs to or can be written by others" in message
        assert words.replace("mode 0700", f"mode {mode}") in message or "chmod" in spoil[0]


@pytest.mark.parametrize("make", ["ln -s /var/lib/home {0}", "touch {0}", "mkfifo {0}"])
def test_a_state_directory_that_is_none_is_refused_by_name(host: Host, make: str) -> None:
    host.run(["sh", "-c", make.format(host.state_dir)])
    for module_name, params in (("macvlan_info", {}), ("macvlan_network", {"name": "net", "parent": "eth0"})):
        assert f"state_dir {host.state_dir} is a " in answered(host, module_name, **params)["msg"]
    assert os.listdir(host.path(HOME)) == []


def test_files_and_folders_are_for_root_alone_under_every_umask(host: Host) -> None:
    seen: dict[str, int] = {}

    def careless() -> None:
        os.umask(0)
        apply = kernel_write.KernelWriter.apply

        def look_and_apply(self: kernel_write.KernelWriter, steps: t.Any) -> None:
            folder = "/var/lib/deep/er/state"
            modes = {name: os.stat(f"{folder}/{name}").st_mode & 0o777 for name in os.listdir(folder)}
            os.write(2, json.dumps(modes).encode())
            apply(self, steps)

        kernel_write.KernelWriter.apply = look_and_apply  # type: ignore[method-assign]

    params = {"state_dir": "/var/lib/deep/er/state"}
    host.call("macvlan_network", hook=careless, name="net", parent="eth0", ipam="none", **params)
    call = host.spawn("macvlan_endpoint", hook=careless, name="a", network="net", netns="a", **params)
    call.result()
    seen = json.loads(call._texts[2])
    assert seen == dict.fromkeys(("lock", "state.db", "state.db-shm", "state.db-wal"), 0o600)
    folders = ("/var/lib/deep", "/var/lib/deep/er", "/var/lib/deep/er/state")
    assert [host.path(folder).stat().st_mode & 0o777 for folder in folders] == [0o755, 0o755, 0o700]
    host.call("macvlan_command", hook=careless, path="/var/lib/de/ep/engine", command="/var/lib/de/ep/bin/it")
    for folder in ("/var/lib/de", "/var/lib/de/ep", "/var/lib/de/ep/bin", "/var/lib/de/ep/engine"):
        assert host.path(folder).stat().st_mode & 0o777 == 0o755
