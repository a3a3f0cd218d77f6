# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Daemons of Debian's in the namespaces of a machine: unpacked in a cache, never installed, and no service of anybody's."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import typing as t
from pathlib import Path

from ansible_collections.fleetnet.macvlan.tests.vm.images import DAEMONS

from .machine import Machine, Wire, wait_until
from .unpacked import in_cache, make_root

# What their scripts need and they do not depend on, because every Debian has it.
TOOLS = ("coreutils", "dash", "grep", "sed")
# A file of each package, to see whether a machine has them all.
SIGNS = (
    *("bin/busybox", "etc/udhcpc/default.script", "usr/sbin/dhcpcd", "usr/sbin/dnsmasq"),
    *("usr/sbin/keepalived", "usr/sbin/radvd", "usr/bin/arping", "usr/bin/ndisc6", "usr/bin/tcpdump", "usr/bin/scapy3"),
)

# A daemon writes to /etc/resolv.conf, to /run and to /var/lib, by names that are the same in every namespace: each has a
# copy or nothing of these. There is no user but root: a daemon that has one of its own in Debian does without.
COVERED = """
root=$1 configuration=$2
shift 2
for folder in dev proc sys; do
    [ "$root" = / ] || mount --rbind "/$folder" "$root/$folder"
done
mount -t tmpfs tmpfs "$root/run"
cp -a "$root/etc" "$root/run/etc"
mount --bind "$root/run/etc" "$root/etc"
mount -t tmpfs tmpfs "$root/var/lib"
mkdir "$root/var/lib/dhcpcd" "$root/var/lib/misc"
rm -f "$root/etc/resolv.conf" "$root/etc/dhcpcd.conf"
echo root:x:0:0:root:/:/bin/sh >"$root/etc/passwd"
echo root:x:0: >"$root/etc/group"
printf %s "$configuration" >"$root/etc/daemon.conf"
PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec chroot "$root" "$@"
"""
# Where the configuration of a daemon is for the daemon itself.
CONFIGURATION = "/etc/daemon.conf"

ROUTER, NAMESERVER = "192.168.60.1", "192.168.60.7"
# Clients that know the last option take the routes from it, the default route too.
DHCP_SERVER = (
    *("dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--user=root", "--port=0", "--no-hosts", "--no-ping"),
    *("--dhcp-authoritative", "--dhcp-leasefile=/var/lib/misc/leases", "--interface=wire0", "--bind-interfaces"),
    *("--dhcp-range=192.168.60.100,192.168.60.150,1h", f"--dhcp-option=option:router,{ROUTER}"),
    *(f"--dhcp-option=option:dns-server,{NAMESERVER}", "--dhcp-option=option:domain-name,example.test"),
    f"--dhcp-option=option:classless-static-route,0.0.0.0/0,{ROUTER},10.99.0.0/16,192.168.60.9",
)

# udhcpc as it is installed elsewhere, for who starts it by its name.
UDHCPC = """\
#!/bin/sh
for place in /dev /etc/resolv.conf /proc /sys; do
    [ {root} = / ] || mount --rbind "$place" "{root}$place" || exit 1
done
exec chroot {root} /bin/busybox udhcpc "$@"
"""


class Daemon:
    """A program that runs in a namespace."""

    def __init__(self, machine: Machine, netns: str | None, argv: t.Sequence[str], configuration: str, log: Path) -> None:
        self.name = argv[0]
        self._log = log
        covered = ["unshare", "--mount", "--", "sh", "-euc", COVERED, "sh", str(programs()), configuration, *argv]
        with log.open("w") as output:
            self._process = machine.start(covered, netns, stdout=output, stderr=subprocess.STDOUT)

    def wait_until(self, condition: t.Callable[[], bool], otherwise: str) -> None:
        """Ask until something is so; what the daemon has said if it never is, and at once when the daemon has ended."""
        try:
            wait_until(lambda: condition() or not self.alive, otherwise)
        except AssertionError as exc:
            raise AssertionError(f"{exc}; {self.name} says:\n{self.said}") from None
        assert self.alive, f"{self.name} has ended with {self._process.returncode}:\n{self.said}"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def file(self, path: str) -> str:
        """What the daemon has written to a file that only it sees; nothing yet is nothing."""
        try:
            return Path(f"/proc/{self.pid}/root{path}").read_text()
        except FileNotFoundError:
            return ""

    def tell(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """The exit code of a program that ends by itself."""
        return self._process.wait(timeout=60)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait for that; by force when it does not listen. Nothing if it has ended."""
        self._process.send_signal(number)
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Daemons:
    """All that a test has started, ended before the machines that they run in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[Daemon] = []

    def start(self, machine: Machine, netns: str | None, *argv: str, configuration: str = "") -> Daemon:
        """Start a program in a namespace of a machine, or in its own; it finds its configuration in CONFIGURATION."""
        log = self._folder / f"daemon{len(self._started)}.log"
        daemon = Daemon(machine, netns, argv, configuration, log)
        self._started.append(daemon)
        return daemon

    def close(self) -> None:
        for daemon in self._started:
            daemon.end()


def serve_dhcp(wire: Wire, daemons: Daemons) -> None:
    """Be a DHCP server on a wire, and the router of what it gives out."""
    wire.add_address(f"{ROUTER}/24")
    server = daemons.start(wire, None, *DHCP_SERVER)
    server.wait_until(lambda: "DHCP, sockets bound" in server.said, "the DHCP server is not ready")


def install_udhcpc(machine: Machine, file: Path) -> None:
    """Have udhcpc in a file; it covers files of its own, so that it is to be started in mounts of its own."""
    machine.path(file).parent.mkdir(parents=True, exist_ok=True)
    machine.path(file).write_text(UDHCPC.format(root=programs()))
    machine.path(file).chmod(0o755)


# --- where they are from ---------------------------------------------------------------------------------------------


@functools.cache
def programs() -> Path:
    """The folder that the daemons have as their root: Debian's packages in the cache, or the machine's own.

    The latter in a guest, which has no mmdebstrap and the packages.
    """
    if shutil.which("mmdebstrap") is None and all(os.path.exists(f"/{sign}") for sign in SIGNS):
        return Path("/")
    return in_cache("daemons", (*DAEMONS, *TOOLS), finish)


def finish(tree: Path) -> None:
    """Make the folders that the daemons find mounted on a machine."""
    for name in ("dev", "proc", "run", "sys", "var/lib"):
        (tree / name).mkdir(parents=True, exist_ok=True)
    make_root(tree, "lib", "lib64", "bin", "sbin")
    # To be covered by that of the machine.
    (tree / "etc/resolv.conf").touch()
