# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine that costs nothing: a process in namespaces of its own, and programs that run beside it."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import functools
import json
import os
import signal
import socket
import struct
import subprocess
import time
import typing as t
from pathlib import Path

from .worker import LIBC, WORKERS

NETNS_FOLDER = Path("/run/netns")
UNITS = Path("/etc/systemd/system")
RESOLVERS = Path("/etc/netns")
OUTSIDE = ".outside"
CANARY = "canary0"
# Gone with the kernel's argument ipv6.disable=1.
HAS_IPV6 = os.path.exists("/proc/sys/net/ipv6")
SECONDS_TO_WAIT = 120
PROGRAM_TIMEOUT = 300

MS_RDONLY, MS_REMOUNT, MS_BIND, MS_MOVE, MS_REC = 1, 32, 4096, 8192, 16384
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


class Machine:
    """A network and a mount namespace, held by one process."""

    def __init__(self) -> None:
        for folder in (NETNS_FOLDER, UNITS):
            folder.mkdir(parents=True, exist_ok=True)
        self._started: list[subprocess.Popen[str]] = []
        # unshare makes the mounts private. cat ends as soon as the last writer of its input is gone: when the machine is
        # closed, and when pytest dies.
        self._holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            self._furnish()
        except BaseException:
            self._holder.kill()
            self._holder.communicate()
            raise

    def _furnish(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            print("ready", file=self._holder.stdin, flush=True)
        if pipe(self._holder.stdout).readline() != "ready\n":
            complaint = pipe(self._holder.stderr).read()
            raise AssertionError(f"cannot make a throw-away machine, which needs root: {complaint.strip()}")
        WORKERS.call(self.pid, furnish)

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process that holds the namespaces."""
        return self._holder.pid

    @property
    def alive(self) -> bool:
        return self._holder.poll() is None

    def path(self, inside: str | Path) -> Path:
        """Where a file of the machine is found from outside."""
        return Path(f"/proc/{self.pid}/root{inside}")

    def namespaces(self) -> list[str]:
        """What ip-netns(8) lists."""
        return sorted(os.listdir(self.path(NETNS_FOLDER)))

    # --- programs ---------------------------------------------------------------------------------------------------

    def command(self, argv: t.Sequence[str], netns: str | None = None) -> list[str]:
        """The command line that runs a program inside, in the machine's own or a named network namespace."""
        # The ip program would do for networks, but remounts /sys and bind-mounts /etc/netns on the way.
        net = self.path(NETNS_FOLDER / netns) if netns else f"/proc/{self.pid}/ns/net"
        return ["nsenter", f"--mount=/proc/{self.pid}/ns/mnt", f"--net={net}", "--", *argv]

    def run(
        self, argv: t.Sequence[str], netns: str | None = None, check: bool = True, **kwargs: t.Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; with check a failure is an AssertionError that shows what it said."""
        options = {"env": dict(os.environ), "timeout": PROGRAM_TIMEOUT, **kwargs}
        program = functools.partial(run_program, list(argv), options)
        done = WORKERS.call(self.pid, program, netns, timeout=options["timeout"] + PROGRAM_TIMEOUT)
        if check and done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip()).replace("\n", "\n  ")
            raise AssertionError(f"{' '.join(argv)} in {netns or 'the host'} ended with {done.returncode}:\n  {said}")
        return done

    def start(self, argv: t.Sequence[str], netns: str | None = None, **kwargs: t.Any) -> subprocess.Popen[str]:
        """Start a program that goes on running; it ends with the machine at the latest."""
        # setpriv: when pytest is killed, nobody closes the machine.
        leashed = ["setpriv", "--pdeathsig", "KILL", "--", *argv]
        process = subprocess.Popen(self.command(leashed, netns), stdin=subprocess.DEVNULL, text=True, **kwargs)
        self._started.append(process)
        return process

    def process_in(self, netns: str) -> subprocess.Popen[str]:
        """A process of a namespace, as a container's is: returned when it has got there."""
        process = self.start(["sleep", "300"], netns=netns)
        there = os.stat(self.path(NETNS_FOLDER / netns)).st_ino
        wait_until(
            lambda: os.stat(f"/proc/{process.pid}/ns/net").st_ino == there, f"process {process.pid} is not in {netns}"
        )
        return process

    def sysctl(self, key: str, value: str | int | None = None, netns: str | None = None) -> str:
        """Read a setting, or write it; the key has slashes, because the names of links have dots."""
        file = f"/proc/sys/{key}"
        if value is not None:
            self.run(["sh", "-c", 'echo "$1" >"$2"', "sh", str(value), file], netns)
        return self.run(["cat", file], netns).stdout.strip()

    @contextlib.contextmanager
    def losing(self, netns: str) -> t.Iterator[None]:
        """Wait, after the block that lets go of a namespace, until its links are gone: the kernel does that later.

        They go all at once, so one more of them, whose other end is in sight, tells of the others.
        """
        self.run(["ip", "link", "add", CANARY, "type", "veth", "peer", "name", CANARY, "netns", netns])
        yield
        wait_until(lambda: CANARY not in self.links(), f"namespace {netns} is still there")

    def delete_netns(self, name: str) -> None:
        """Delete a namespace that nothing else holds, and see it go."""
        with self.losing(name):
            self.ip("netns", "delete", name)

    # --- what iproute2 sees -----------------------------------------------------------------------------------------

    def ip(self, *args: str, netns: str | None = None) -> list[dict[str, t.Any]]:
        """The answer of ip(8), all details; an empty list for a command that answers nothing."""
        said = self.run(["ip", "-json", "-details", *args], netns).stdout
        # A filter leaves an empty object where it has left something out.
        return [entry for entry in json.loads(said) if entry] if said.strip() else []

    def links(self, netns: str | None = None) -> dict[str, dict[str, t.Any]]:
        """Every link by its name, with its addresses under addr_info."""
        return {link["ifname"]: link for link in self.ip("address", "show", netns=netns)}

    def addresses(self, ifname: str, netns: str | None = None) -> list[str]:
        """ADDRESS/LENGTH of both families, in the kernel's order; those of link scope too."""
        (link,) = self.ip("address", "show", "dev", ifname, netns=netns)
        return [f"{entry['local']}/{entry['prefixlen']}" for entry in link["addr_info"]]

    def routes(self, netns: str | None = None, family: int = 4) -> list[dict[str, t.Any]]:
        """The main table of one family."""
        return self.ip(f"-{family}", "route", "show", netns=netns)

    def gateway(self, netns: str | None = None, family: int = 4) -> str | None:
        """Where the default route leads, or None; more than one default route is an error."""
        found = [route.get("gateway") for route in self.routes(netns, family) if route["dst"] == "default"]
        assert len(found) <= 1, f"{netns or 'the host'} has {len(found)} default routes: {found}"
        return found[0] if found else None

    def ping(self, netns: str | None, address: str, count: int = 1, timeout: int = 60) -> bool:
        """Whether an address answers; asks again until the time is up, and comes back as soon as it has its answers.

        A test that expects none gives a short timeout; the long one is for answers on a busy or emulated machine.
        """
        argv = ["ping", "-n", "-q", "-i", "0.2", "-c", str(count), "-w", str(timeout), address]
        done = self.run(argv, netns, check=False)
        assert done.returncode in (0, 1) or "unreachable" in done.stderr, f"{' '.join(argv)}: {done.stderr.strip()}"
        return done.returncode == 0

    # --- the end ----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """End every process of the machine; the namespaces, mounts and links go with the last one."""
        if self._holder.returncode is not None:
            return
        try:
            # One may have been started meanwhile, and one with much memory takes time to die.
            wait_until(lambda: not self._kill_inhabitants(), "a process of the machine is still there")
            for process in self._started:
                process.wait()
        finally:
            # The end of its input may not reach it: a module of another host that still runs holds a copy of the pipe.
            self._holder.kill()
            self._holder.communicate()

    def _kill_inhabitants(self) -> list[int]:
        """Kill whoever is there, and tell who that was."""
        inhabitants = self._inhabitants()
        for pid in inhabitants:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return inhabitants

    def _inhabitants(self) -> list[int]:
        """Whoever is in the mount namespace, except its holder: what a test or a module left behind as well."""
        if not self.alive:
            return []
        home = os.stat(f"/proc/{self.pid}/ns/mnt")
        return [pid for pid in running_processes() if pid != self.pid and is_in(pid, home)]


class Wire(Machine):
    """What the parents are plugged into: a switch that lets every VLAN through, and a router's leg on it."""

    BRIDGE = "wire0"

    def __init__(self) -> None:
        super().__init__()
        self._sockets = 0
        # Without STP and its delays the wire carries traffic at once.
        self.run(["ip", "link", "add", self.BRIDGE, "type", "bridge", "stp_state", "0", "mcast_snooping", "0"])
        skip_address_detection(self, self.BRIDGE)
        self.run(["ip", "link", "set", self.BRIDGE, "up"])

    def plug(self, machine: Machine, ifname: str) -> str:
        """Give a machine a veth link whose other end is a port of this wire, and name that port."""
        port = f"port{self._sockets}"
        self._sockets += 1
        machine.run(["ip", "link", "add", ifname, "type", "veth", "peer", "name", port, "netns", str(self.pid)])
        self.run(["ip", "link", "set", port, "master", self.BRIDGE, "up"])
        return port

    def leg(self, vlan: int | None = None, inner: int | None = None, protocol: str = "802.1q") -> str:
        """The router's link to the untagged network, to a VLAN, or to a VLAN in that.

        :param protocol: of the outer tag
        """
        name = self.BRIDGE
        for vlan_id, tag in ((vlan, protocol), (inner, "802.1q")):
            if vlan_id is None:
                break
            base, name = name, f"{name}.{vlan_id}"
            if name not in self.links():
                self.run(["ip", "link", "add", "link", base, "name", name, "type", "vlan", "protocol", tag, "id", str(vlan_id)])
                skip_address_detection(self, name)
                self.run(["ip", "link", "set", name, "up"])
        return name

    def add_address(self, address: str, vlan: int | None = None, inner: int | None = None, protocol: str = "802.1q") -> None:
        """Let the router answer for ADDRESS/LENGTH."""
        nodad = ["nodad"] if ":" in address else []
        self.run(["ip", "address", "add", address, "dev", self.leg(vlan, inner, protocol), *nodad])

    def forward(self) -> None:
        """Be a router between the networks that have an address here."""
        self.sysctl("net/ipv4/ip_forward", 1)
        self.sysctl("net/ipv6/conf/all/forwarding", 1)


def furnish() -> None:
    """Cover what a throw-away machine has of its own; runs inside."""
    # /var/lib, so that the default state_dir is a throw-away one; the units, so that the machine is one that the role has
    # been applied to.
    mount("tmpfs", NETNS_FOLDER)
    cover_etc(NETNS_FOLDER / OUTSIDE)
    for folder in (Path("/var/lib"), UNITS, RESOLVERS):
        mount("tmpfs", folder)
    wants = UNITS / "multi-user.target.wants"
    wants.mkdir()
    (wants / "macvlan-host.service").symlink_to("../macvlan-host.service")
    # It shows the links of the namespace that it was mounted in.
    mount("sysfs", Path("/sys"), MS_RDONLY)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(asking, SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0)))
        fcntl.ioctl(asking, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def cover_etc(meanwhile: Path) -> None:
    """Have everything of /etc by links, so that there is a folder for a throw-away /etc/netns; runs inside.

    :param meanwhile: where the machine's own /etc is until its new place is there
    """
    etc = Path("/etc")
    meanwhile.mkdir()
    mount(str(etc), meanwhile, MS_BIND | MS_REC)
    mount("tmpfs", etc)
    for folder in (RESOLVERS, etc / OUTSIDE):
        folder.mkdir()
    mount(str(meanwhile), etc / OUTSIDE, MS_MOVE)
    meanwhile.rmdir()
    for name in os.listdir(etc / OUTSIDE):
        if name != RESOLVERS.name:
            (etc / name).symlink_to(f"{OUTSIDE}/{name}")
    mount("tmpfs", etc, MS_REMOUNT | MS_RDONLY)


def mount(kind: str, folder: Path, flags: int = 0) -> None:
    if LIBC.mount(kind.encode(), bytes(folder), kind.encode(), flags, None) != 0:
        raise OSError(ctypes.get_errno(), "mount", str(folder))


def run_program(argv: list[str], options: dict[str, t.Any]) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; runs inside."""
    given = {"stdin": None if "input" in options else subprocess.DEVNULL, **options}
    return subprocess.run(argv, check=False, capture_output=True, text=True, **given)


def skip_address_detection(machine: Machine, ifname: str) -> None:
    """Let a link have its link-local address the moment it goes up, and not a second later."""
    if HAS_IPV6:
        machine.sysctl(f"net/ipv6/conf/{ifname}/accept_dad", 0)


def wait_until(condition: t.Callable[[], bool], otherwise: str) -> None:
    """Ask until something is so; what is said if it never is."""
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while not condition():
        assert time.monotonic() < deadline, f"{otherwise} after {SECONDS_TO_WAIT} s"
        time.sleep(0.01)


def running_processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def is_in(pid: int, namespace: os.stat_result) -> bool:
    """Whether a process is in a mount namespace."""
    try:
        return os.path.samestat(os.stat(f"/proc/{pid}/ns/mnt"), namespace)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        # It has ended meanwhile, or is one that even root may not look at, which no test has started.
        return False


def pipe(stream: t.IO[str] | None) -> t.IO[str]:
    """A stream that was asked for with PIPE is there."""
    assert stream is not None
    return stream
