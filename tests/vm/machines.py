# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines that guests run on: an emulated one, and the kernel as a program."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import itertools
import json
import os
import selectors
import shutil
import socket
import struct
import subprocess
import sys
import threading
import typing as t
from collections.abc import Mapping, Sequence
from pathlib import Path

from images import GuestError, Image, ensure_kernel, find_program, tail

MANAGEMENT_MAC = "52:54:00:00:00:01"
QUICK_BOOT = "rw rootfstype=ext4 quiet panic=0 fsck.mode=skip net.ifnames=0"


@dataclasses.dataclass(frozen=True)
class Nic:
    """One more network card: an end of a wire. In the guest they are eth1, eth2, ... in order."""

    backend: str
    mac: str
    end: socket.socket


def cable(folder: Path, name: str) -> tuple[Nic, Nic]:
    """The two ends of a wire between two guests; either guest may be absent, killed or started again at any time."""
    tag = hashlib.sha256(f"{folder}/{name}".encode()).hexdigest()
    paths = [folder / f"{name}.{end}" for end in ("a", "b")]
    macs = [f"52:54:00:{tag[0:2]}:{tag[2:4]}:{end}" for end in ("0a", "0b")]
    # An emulated machine makes its socket anew at every start; a kernel that is a program is handed an open one.
    (first, first_behind), (second, second_behind) = (socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for dummy in range(2))
    threading.Thread(target=carry, args=(first_behind, second_behind), daemon=True).start()
    return (
        Nic(f"dgram,local.type=unix,local.path={paths[0]},remote.type=unix,remote.path={paths[1]}", macs[0], first),
        Nic(f"dgram,local.type=unix,local.path={paths[1]},remote.type=unix,remote.path={paths[0]}", macs[1], second),
    )


def carry(one: socket.socket, other: socket.socket) -> None:
    """Carry frames between two cards for as long as both are there, and lose those that a card does not take, as a wire does.

    With nobody to read what it sends the driver of a kernel that is a program times out, resets its count of frames on
    their way, and panics when they leave after all (lib/dynamic_queue_limits.c, dql_completed).
    """
    with selectors.DefaultSelector() as ready, contextlib.suppress(ConnectionError):
        ready.register(one, selectors.EVENT_READ, other)
        ready.register(other, selectors.EVENT_READ, one)
        while True:
            for key, dummy in ready.select():
                frame = t.cast(socket.socket, key.fileobj).recv(65536)
                if not frame:
                    return
                with contextlib.suppress(BlockingIOError):
                    key.data.send(frame, socket.MSG_DONTWAIT)


@dataclasses.dataclass
class Hardware:
    """What a machine is made of, whichever kind it is."""

    name: str
    folder: Path
    image: Image
    console: Path
    port: int
    cpus: int
    memory: int
    machine_id: str
    nics: Sequence[Nic]
    plugged: bool
    append: str = ""

    @property
    def log(self) -> Path:
        """What the machine itself complains of."""
        return self.folder / "machine.log"

    def kernel_arguments(self) -> str:
        """What every kernel is told; the machine id keeps two guests of one image apart."""
        return f"{QUICK_BOOT} systemd.machine_id={self.machine_id} systemd.hostname={self.name} {self.append}".rstrip()


class Machine(t.Protocol):
    """What differs between kinds of machines."""

    programs: t.ClassVar[tuple[str, ...]]

    def prepare(self, hardware: Hardware) -> None:
        """Make a disk that reads from the image and keeps all writes to itself."""

    def start(self, hardware: Hardware) -> None:
        """Switch the machine on; GuestError when it ends at once."""

    def alive(self) -> bool:
        """Whether it is on."""

    def wait(self, timeout: float) -> None:
        """Wait until it is off by itself; subprocess.TimeoutExpired when it is not."""

    def kill(self) -> None:
        """Cut the power; nothing of the machine is left."""

    def plug(self, hardware: Hardware) -> None:
        """Give it, while it is on, the cards that it was started without."""


class Emulated:
    """QEMU with the kernel of the image."""

    programs = ("qemu-system-x86_64", "qemu-img")

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self, hardware: Hardware) -> None:
        make_overlay(hardware.image.disk, hardware.folder / "overlay.qcow2")

    def start(self, hardware: Hardware) -> None:
        for attempt in range(1, 6):
            # The port of the first start, so that those who know the guest need not learn another.
            hardware.port = hardware.port if hardware.port and attempt == 1 else free_port()
            with hardware.log.open("wb") as log:
                # A group of its own: Ctrl-C is for us, who then end the machine.
                self._process = subprocess.Popen(
                    qemu_command(hardware),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    process_group=0,
                )
            if not lost_port(self._process, hardware.log):
                return
        raise GuestError(f"{hardware.name} finds no free port:\n{tail(hardware.log)}")

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def wait(self, timeout: float) -> None:
        if self._process is not None:
            self._process.wait(timeout=timeout)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def plug(self, hardware: Hardware) -> None:
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(hardware.folder / "monitor"))
            with monitor.makefile("rw", encoding="utf-8") as stream:
                stream.readline()
                tell_monitor(stream, "qmp_capabilities")
                for index, nic in enumerate(hardware.nics, start=1):
                    command = {"command-line": f"device_add {nic_device(index, nic)}"}
                    complaint = tell_monitor(stream, "human-monitor-command", command)
                    if complaint:
                        raise GuestError(f"{hardware.name} refuses its network card {index}: {complaint}")


def qemu_command(hardware: Hardware) -> list[str]:
    """The QEMU command line."""
    command = [find_program("qemu-system-x86_64"), "-nodefaults", "-no-user-config", "-display", "none"]
    command += ["-name", hardware.name, "-machine", "q35,smm=off", *accelerator()]
    command += ["-smp", str(hardware.cpus), "-m", str(hardware.memory)]
    command += ["-kernel", str(hardware.image.kernel), "-initrd", str(hardware.image.initrd)]
    quick = "mitigations=off apparmor=0 selinux=0 audit=0 nowatchdog random.trust_cpu=on"
    command += ["-append", f"root=/dev/vda console=ttyS0 {quick} {hardware.kernel_arguments()}"]
    command += ["-drive", f"file={hardware.folder / 'overlay.qcow2'},if=virtio,format=qcow2,cache=writeback"]
    command += ["-chardev", f"file,id=console,path={hardware.console},append=on", "-serial", "chardev:console"]
    # restrict: a test that needs anything outside the guest is wrong, so it must fail here.
    management = f"user,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:{hardware.port}-:22"
    command += ["-qmp", f"unix:{hardware.folder / 'monitor'},server=on,wait=off"]
    command += ["-netdev", f"{management},id=net0", "-device", f"virtio-net-pci,netdev=net0,mac={MANAGEMENT_MAC},romfile="]
    for index, nic in enumerate(hardware.nics, start=1):
        # A port of its own, because cards can be plugged into running machines only there.
        command += ["-netdev", f"{nic.backend},id=net{index}", "-device", f"pcie-root-port,id=port{index},chassis={index}"]
        if hardware.plugged:
            command += ["-device", nic_device(index, nic)]
    return command


def lost_port(process: subprocess.Popen[bytes], log: Path) -> bool:
    """Whether QEMU ended at once because another program took the port since we found it free."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0.5)
        return b"host forwarding" in log.read_bytes()
    return False


def nic_device(index: int, nic: Nic) -> str:
    """The guest's end of a network card, for QEMU's command line and its monitor."""
    return f"virtio-net-pci,netdev=net{index},mac={nic.mac},bus=port{index},romfile="


def tell_monitor(stream: t.TextIO, command: str, arguments: Mapping[str, str] | None = None) -> str:
    """Have QEMU's monitor (QMP) do something; what it complains about, empty when it does not."""
    stream.write(json.dumps({"execute": command, "arguments": arguments or {}}) + "\n")
    stream.flush()
    while True:
        answer = json.loads(stream.readline())
        if "error" in answer:
            return str(answer["error"].get("desc", answer["error"]))
        if "return" in answer:
            return answer["return"].strip() if isinstance(answer["return"], str) else ""


def accelerator() -> list[str]:
    """KVM where the processor has it, else emulation: the device file alone proves nothing inside another VM."""
    flags = set(Path("/proc/cpuinfo").read_text().split())
    if flags & {"vmx", "svm"} and os.access("/dev/kvm", os.R_OK | os.W_OK):
        return ["-accel", "kvm", "-cpu", "host"]
    # The least that compiled wheels may ask for (x86-64-v2): emulating AVX and SMAP as well, as "max" does, makes the
    # boot a quarter dearer and the first start of a large program twice as dear. Random numbers spare the boot a wait.
    return ["-accel", "tcg,thread=multi", "-cpu", "Nehalem,+rdrand"]


def make_overlay(base: Path, overlay: Path) -> None:
    """Make a disk that reads from the image and keeps all writes to itself."""
    command = [find_program("qemu-img"), "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(base.resolve())]
    subprocess.run([*command, str(overlay)], check=True, stdin=subprocess.DEVNULL)


def free_port() -> int:
    """A port of the loopback address that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class UserMode:
    """The kernel of a Debian suite as a program, in namespaces that end with it."""

    programs = ("chroot", "ip", "mount", "setpriv", "taskset", "unshare")

    def __init__(self, suite: str, cache: Path | None = None) -> None:
        self.suite = suite
        self.kernel = ensure_kernel(suite, cache)
        self._process: subprocess.Popen[bytes] | None = None
        self._all_gone: int | None = None

    def prepare(self, hardware: Hardware) -> None:
        """Nothing: the kernel makes its disk at the first start."""

    def start(self, hardware: Hardware) -> None:
        for nic in hardware.nics:
            empty(nic.end)
        # What a start before has left: the kernel would take the number in it for one that still runs, and another name.
        shutil.rmtree(hardware.folder / hardware.name, ignore_errors=True)
        with contextlib.ExitStack() as ours, hardware.log.open("wb") as log:
            # The port of the first start, so that those who know the guest need not learn another.
            listener = ours.enter_context(socket.create_server(("127.0.0.1", hardware.port), backlog=100))
            hardware.port = listener.getsockname()[1]
            self._all_gone, held = os.pipe()
            ours.callback(os.close, held)
            self._process = subprocess.Popen(
                [*on_one_processor(), *unshared(), sys.executable, str(Path(__file__).with_name("uml_init.py")), json.dumps(self.order(hardware, listener))],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
                pass_fds=[listener.fileno(), held, *(nic.end.fileno() for nic in hardware.nics)],
            )

    def order(self, hardware: Hardware, listener: socket.socket) -> dict[str, t.Any]:
        """What the first process of the namespaces is to do."""
        cards = [f"vec{index}:{card(nic)}" for index, nic in enumerate(hardware.nics, start=1)] if hardware.plugged else []
        # c: other machines read the same image, and nobody writes to it; no lock keeps QEMU from it.
        disk = f"ubd0c={hardware.folder / 'overlay.cow'},{hardware.image.disk.resolve()}"
        arguments = [f"umid={hardware.name}", f"uml_dir={hardware.folder}", f"mem={hardware.memory}M", disk, "root=/dev/ubda", "seccomp=on"]
        arguments += ["hostfs=/usr/lib/uml/modules", "con=null", "con0=null,fd:1", *hardware.kernel_arguments().split()]
        return {
            "tree": str(self.kernel / "tree"),
            "folders": [str(hardware.folder), str(hardware.image.disk.resolve().parent)],
            "root": str(hardware.folder / "root"),
            "console": str(hardware.console),
            "listener": listener.fileno(),
            "wires": [nic.end.fileno() for nic in hardware.nics],
            "mac": MANAGEMENT_MAC,
            "arguments": [*arguments, *cards],
        }

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def wait(self, timeout: float) -> None:
        if self._process is not None:
            self._process.wait(timeout=timeout)
            self.kill()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._all_gone is not None:
            # Every process of the machine holds the other end; the disk is free when the last of them is gone.
            os.read(self._all_gone, 1)
            os.close(self._all_gone)
            self._all_gone = None

    def plug(self, hardware: Hardware) -> None:
        for index, nic in enumerate(hardware.nics, start=1):
            empty(nic.end)
            complaint = tell_kernel(hardware.folder, hardware.name, f"config vec{index}:{card(nic)}")
            if complaint:
                raise GuestError(f"{hardware.name} refuses its network card {index}: {complaint}")


# Machines of one process take the processors in turn, and those of several do not all begin with the same one.
_turns = itertools.count(os.getpid())


def on_one_processor() -> list[str]:
    """A command that keeps another on one processor.

    The kernel and the programs of a user-mode-linux machine are processes that wait for each other at each system call and
    each page fault; to wake one on another processor takes three to six times as long.
    """
    processors = sorted(os.sched_getaffinity(0))
    return [find_program("taskset"), "--cpu-list", str(processors[next(_turns) % len(processors)])]


def unshared() -> list[str]:
    """A command that starts another in namespaces of its own, all of which ends with the process that started it."""
    bound = [find_program("setpriv"), "--pdeathsig", "KILL"]
    return [*bound, find_program("unshare"), "--mount", "--net", "--pid", "--fork", "--kill-child=KILL", "--propagation", "private"]


def card(nic: Nic) -> str:
    """The guest's end of a wire, for the kernel's arguments and for its console of orders."""
    return f"transport=fd,fd={nic.end.fileno()},mac={nic.mac},vec=1"


def empty(end: socket.socket) -> None:
    """Forget the frames that reached a card without power."""
    with contextlib.suppress(BlockingIOError):
        while True:
            end.recv(65536, socket.MSG_DONTWAIT)


# The messages of the kernel's console of orders: a magic number, a version, a length, the text; and back an error, whether
# more follows, a length, the text.
ORDER = struct.Struct("=III")
ORDER_MAGIC, ORDER_VERSION, ORDER_SIZE = 0xCAFEBABE, 2, 512


def tell_kernel(folder: Path, name: str, order: str) -> str:
    """Have a kernel that is a program do something; what it complains about, empty when it does not."""
    mine = folder / "orders"
    mine.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.settimeout(60)
        # By the same path for both sides, because the kernel answers to the name.
        client.bind(str(mine))
        text = order.encode()
        client.sendto(ORDER.pack(ORDER_MAGIC, ORDER_VERSION, len(text)) + text.ljust(ORDER_SIZE, b"\0"), str(folder / name / "mconsole"))
        complaint = ""
        while True:
            answer = client.recv(ORDER.size + ORDER_SIZE)
            failed, more, length = ORDER.unpack_from(answer)
            complaint += answer[ORDER.size : ORDER.size + length].rstrip(b"\0").decode(errors="replace") if failed else ""
            if not more:
                return complaint.strip() or ("refused without a reason" if failed else "")
