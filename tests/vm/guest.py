# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds Debian guests and runs commands of this checkout in throw-away copies of them of its own kernel or another one."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import types
import typing as t
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from images import HOST_KEY_ALIAS, NEWEST_SUITE, RECIPES, GuestError, Image, Recipe, default_cache, ensure_image, find_program, report, tail
from machines import Emulated, Hardware, Machine, Nic, UserMode

CHECKOUT = Path(__file__).resolve().parents[2]
COLLECTION_IN_GUEST = "/root/ansible_collections/fleetnet/macvlan"
COLLECTION_ENVIRONMENT = {"ANSIBLE_COLLECTIONS_PATH": "/root", "PYTHONPATH": "/root"}

# What the console shows when waiting any longer is useless.
LAST_WORDS = (b"Kernel panic - not syncing", b"reboot: System halted")

# Our own failures, as git-bisect and the container tools report theirs: seldom the exit code of a command.
EXIT_GUEST_FAILED = 125
EXIT_SSH_FAILED = 255

# The kernel of the image itself, under QEMU; and those of Debian's suites as programs.
KERNELS = ("own", "bookworm", "trixie", "newest")


def machine_for(kernel: str, cache: Path | None = None) -> Machine:
    """The machine that runs a kernel."""
    if kernel == "own":
        return Emulated()
    return UserMode(NEWEST_SUITE if kernel == "newest" else kernel, cache)


class Guest:
    """A virtual machine on a throw-away copy of an image; leaving the context destroys both.

    The overlay lives as long as the object: what the guest wrote is still there after reboot() and after kill() and
    start(). With wait=False the context is entered while the guest boots, so that several can boot at once; call
    wait_ready() before the first command.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        name: str = "guest",
        nics: Sequence[Nic] = (),
        cpus: int = 2,
        memory: int = 2048,
        boot_timeout: float = 300.0,
        console: Path | None = None,
        cache: Path | None = None,
        wait: bool = True,
        kernel: str = "own",
        append: str = "",
    ) -> None:
        self.recipe = recipe
        self.name = name
        self.nics = tuple(nics)
        self.plugged = True
        self.cpus = cpus
        self.memory = memory
        self.boot_timeout = boot_timeout
        self.cache = cache
        self.wait = wait
        self.machine_id = uuid.uuid4().hex
        self.kernel = kernel
        self.append = append
        self._console = console
        self._hardware: Hardware | None = None
        self._machine: Machine | None = None

    # life

    def __enter__(self) -> t.Self:
        find_program("ssh")
        image = ensure_image(self.recipe, self.cache)
        self._machine = machine_for(self.kernel, self.cache)
        for program in self._machine.programs:
            find_program(program)
        folder = Path(tempfile.mkdtemp(prefix="fleetnet-vm-"))
        try:
            console = self._console.absolute() if self._console else folder / "console.log"
            console.write_bytes(b"")
            self._hardware = Hardware(
                name=self.name,
                folder=folder,
                image=image,
                console=console,
                port=0,
                cpus=self.cpus,
                memory=self.memory,
                machine_id=self.machine_id,
                nics=self.nics,
                plugged=self.plugged,
                append=self.append,
            )
            self._machine.prepare(self._hardware)
            self.launch()
            if self.wait:
                self.wait_ready()
        except BaseException:
            self.close()
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the machine and remove its files; nothing of a throw-away guest is worth an orderly shutdown."""
        self.kill()
        if self._hardware is not None:
            shutil.rmtree(self._hardware.folder, ignore_errors=True)
            self._hardware = None

    def launch(self) -> None:
        """Start the machine without waiting for it."""
        if self.alive:
            raise GuestError(f"{self.name} is running already")
        self.machine.kill()
        self.hardware.plugged = self.plugged
        self.machine.start(self.hardware)

    def start(self) -> None:
        """Start the machine, again after kill() or shutdown(), and wait for it."""
        self.launch()
        self.wait_ready()

    def plug(self) -> None:
        """Give a running machine the cards that it was started without."""
        self.machine.plug(self.hardware)
        self.plugged = True

    def kill(self) -> None:
        """Cut the power."""
        if self._machine is not None:
            self._machine.kill()

    def shutdown(self, timeout: float = 120.0) -> None:
        """Shut the system down in order and wait for the machine to be off."""
        self.run(["systemctl", "--no-block", "start", "poweroff.target"])
        try:
            self.machine.wait(timeout)
        except subprocess.TimeoutExpired as exc:
            raise GuestError(f"{self.name} is not off after {timeout:.0f} s:\n{tail(self.console)}") from exc

    def reboot(self) -> None:
        """Reboot the system in order and wait until it is back."""
        before = self.boot_id()
        self.run(["systemctl", "--no-block", "start", "reboot.target"])
        self.wait_ready(not_boot=before)

    def wait_ready(self, not_boot: str | None = None) -> None:
        """Wait for a login to succeed, in a boot other than the given one."""
        deadline = time.monotonic() + self.boot_timeout
        while time.monotonic() < deadline:
            if not self.alive:
                raise GuestError(f"the machine {self.name} ended:\n{tail(self.hardware.log)}\n{tail(self.console)}")
            if answers_ssh(self.port) and (boot := self.boot_id()) and boot != not_boot:
                return
            if any(last_words in self.console.read_bytes() for last_words in LAST_WORDS):
                raise GuestError(f"{self.name} failed to boot:\n{tail(self.console)}")
            time.sleep(0.2)
        raise GuestError(f"{self.name} did not answer within {self.boot_timeout:.0f} s:\n{tail(self.console)}")

    # state

    @property
    def hardware(self) -> Hardware:
        if self._hardware is None:
            raise GuestError(f"{self.name} has not been entered")
        return self._hardware

    @property
    def machine(self) -> Machine:
        if self._machine is None:
            raise GuestError(f"{self.name} has not been entered")
        return self._machine

    @property
    def image(self) -> Image:
        return self.hardware.image

    @property
    def port(self) -> int:
        return self.hardware.port

    @property
    def console(self) -> Path:
        """The file that receives the serial console."""
        return self.hardware.console

    @property
    def alive(self) -> bool:
        return self._machine is not None and self._machine.alive()

    def boot_id(self) -> str:
        """The kernel's name for the current boot, empty when the guest cannot be asked."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.run(["cat", "/proc/sys/kernel/random/boot_id"], capture=True, timeout=30).stdout.strip()
        return ""

    def connection_vars(self) -> dict[str, t.Any]:
        """Ansible's variables for an inventory host that is this guest."""
        return {
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.image.key),
            "ansible_ssh_common_args": shlex.join(self.ssh_options()),
        }

    # commands

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        capture: bool = False,
        check: bool = False,
        timeout: float | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as root; its output goes where ours goes, or into the result with capture=True."""
        return subprocess.run(
            [*self.ssh_command(), remote_command(command, cwd, env or {})],
            stdin=subprocess.DEVNULL,
            capture_output=capture,
            text=True,
            check=check,
            timeout=timeout,
        )

    def shell(self, *, cwd: str | None = None, env: Mapping[str, str] | None = None) -> int:
        """Give the terminal to a shell in the guest and return its exit code."""
        command = [*self.ssh_command("-t"), remote_command(["bash"], cwd, env or {})]
        return subprocess.run(command, check=False).returncode

    def copy_tree(self, source: Path, target: str) -> None:
        """Replace a folder of the guest by what git would commit of a checkout, owned by root."""
        quoted = shlex.quote(target)
        script = f"rm -rf {quoted} && mkdir -p {quoted} && exec tar -x -C {quoted}"
        # Packed in memory: subprocess.run() then ends ssh whatever interrupts us, and a checkout is small.
        done = subprocess.run([*self.ssh_command(), script], input=pack_checkout(source), check=False)
        if done.returncode:
            raise GuestError(f"cannot copy {source} to {target} in {self.name}: exit code {done.returncode}")

    def ssh_options(self) -> list[str]:
        """Options that trust this image's host key alone and no settings of the user's."""
        settings = {
            "BatchMode": "yes",
            "ConnectTimeout": "20",
            "GlobalKnownHostsFile": "/dev/null",
            "HostKeyAlias": HOST_KEY_ALIAS,
            "IdentitiesOnly": "yes",
            "LogLevel": "ERROR",
            "ServerAliveCountMax": "8",
            "ServerAliveInterval": "15",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(self.image.known_hosts),
        }
        return ["-F", "none", *(f"-o{key}={value}" for key, value in settings.items())]

    def ssh_command(self, *extra: str) -> list[str]:
        """The ssh command line up to and including the host."""
        address = ["-p", str(self.port), "-i", str(self.image.key), "root@127.0.0.1"]
        return [find_program("ssh"), *self.ssh_options(), *extra, *address]


def answers_ssh(port: int) -> bool:
    """Whether an ssh server greets; what stands before the guest accepts connections long before it does."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        return connection.recv(4) == b"SSH-"
    return False


def remote_command(command: Sequence[str], cwd: str | None, env: Mapping[str, str]) -> str:
    """Quote a command for the shell that sshd starts."""
    settings = [f"{name}={value}" for name, value in env.items()]
    words = ["env", *settings, *command] if settings else list(command)
    start = f"cd {shlex.quote(cwd)} && " if cwd else ""
    return f"{start}exec {shlex.join(words)}"


def committable_files(checkout: Path) -> list[str]:
    """The files of a checkout that git would commit: neither ignored ones nor ones that are listed but deleted."""
    command = [find_program("git"), "-C", str(checkout), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout
    names = sorted({os.fsdecode(name) for name in listed.split(b"\0") if name})
    return [name for name in names if os.path.lexists(checkout / name)]


def pack_checkout(checkout: Path) -> bytes:
    """The committable files as an archive owned by root, whoever owns the checkout."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in committable_files(checkout):
            archive.add(checkout / name, arcname=name, recursive=False, filter=owned_by_root)
    return packed.getvalue()


def owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Give an archive member to root."""
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


# --- command line ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def booted(arguments: argparse.Namespace, number: int = 1) -> Iterator[list[Guest]]:
    """As many guests as are asked for, as the command line describes them."""
    started = time.monotonic()
    recipe = RECIPES[arguments.recipe]
    options = {"cache": arguments.cache, "boot_timeout": arguments.boot_timeout, "kernel": arguments.kernel, "wait": False}
    options["append"] = arguments.append
    with contextlib.ExitStack() as stack:
        guests = [
            stack.enter_context(Guest(recipe, name=f"guest{index}", console=arguments.log if index == 1 else None, **options))
            for index in range(1, number + 1)
        ]
        for guest in guests:
            guest.wait_ready()
        report(f"booted in {time.monotonic() - started:.1f} s")
        yield guests


def build_command(arguments: argparse.Namespace) -> int:
    """Build the image, and print where it is."""
    started = time.monotonic()
    image = ensure_image(RECIPES[arguments.recipe], arguments.cache)
    report(f"image ready after {time.monotonic() - started:.1f} s")
    print(image.folder)
    return 0


def run_command(arguments: argparse.Namespace) -> int:
    """Run a command in a copy of this checkout in a new guest, or in several that share its tests."""
    with booted(arguments, arguments.guests) as guests, contextlib.ExitStack() as stack:
        running = []
        for number, guest in enumerate(guests, start=1):
            guest.copy_tree(CHECKOUT, COLLECTION_IN_GUEST)
            # What the first one says is shown while it says it; the others speak when they have finished.
            output = stack.enter_context(tempfile.TemporaryFile()) if number > 1 else None
            environment = {**COLLECTION_ENVIRONMENT, "MACVLAN_SHARE": f"{number}/{len(guests)}"}
            words = [*guest.ssh_command(), remote_command(arguments.command, COLLECTION_IN_GUEST, environment)]
            running.append((guest, output, subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output and subprocess.STDOUT)))
        try:
            return max(finished(*one) for one in running)
        finally:
            for dummy, dummy, process in running:
                process.kill()
                process.wait()


def finished(guest: Guest, output: t.BinaryIO | None, process: subprocess.Popen[bytes]) -> int:
    """Wait for the command in a guest, show what it has said, and return its exit code."""
    returncode = process.wait()
    if output is not None:
        output.seek(0)
        sys.stdout.flush()
        shutil.copyfileobj(output, sys.stdout.buffer)
        sys.stdout.flush()
    if returncode == EXIT_SSH_FAILED:
        report(f"the connection was lost, or the command ended by a signal; the console:\n{tail(guest.console)}")
    return returncode


def shell_command(arguments: argparse.Namespace) -> int:
    """Open a shell in a new guest with a copy of this checkout."""
    with booted(arguments) as (guest,):
        guest.copy_tree(CHECKOUT, COLLECTION_IN_GUEST)
        return guest.shell(cwd=COLLECTION_IN_GUEST, env=COLLECTION_ENVIRONMENT)


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--recipe", choices=sorted(RECIPES), default="debian12", help="which guest (%(default)s)")
    shared.add_argument("--cache", type=Path, help=f"folder for the images ({default_cache()})")
    boot = argparse.ArgumentParser(add_help=False, parents=[shared])
    boot.add_argument("--log", type=Path, metavar="FILE", help="keep the guest's serial console in this file")
    boot.add_argument("--kernel", choices=KERNELS, default="newest", help="the image's own, under QEMU, or one of Debian's as a program (%(default)s)")
    boot.add_argument("--append", default="", metavar="ARGUMENTS", help="more arguments for the kernel, such as ipv6.disable=1")
    boot.add_argument("--boot-timeout", type=float, default=300.0, metavar="SECONDS", help="(%(default)s)")
    parser = argparse.ArgumentParser(description=__doc__)
    actions = parser.add_subparsers(required=True)
    build = actions.add_parser("build", parents=[shared], help=build_command.__doc__)
    build.set_defaults(action=build_command)
    run = actions.add_parser("run", parents=[boot], help=run_command.__doc__)
    run.add_argument("--guests", type=int, default=1, metavar="NUMBER", help="so many guests, each with its share of pytest's tests (%(default)s)")
    run.add_argument("command", nargs="+", metavar="COMMAND", help="what to run, after --")
    run.set_defaults(action=run_command)
    shell = actions.add_parser("shell", parents=[boot], help=shell_command.__doc__)
    shell.set_defaults(action=shell_command)
    return parser


def exit_on_signals() -> None:
    """Turn signals into an exception, so that contexts are left in order; nohup's choice to ignore one stands."""
    numbers = [n for n in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) != signal.SIG_IGN]

    def leave(number: int, _frame: types.FrameType | None) -> t.NoReturn:
        # The impatient second Ctrl-C must not interrupt the clean-up that the first one started.
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in numbers:
        signal.signal(number, leave)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    exit_on_signals()
    parsed = make_parser().parse_args(arguments)
    try:
        return int(parsed.action(parsed))
    except (GuestError, subprocess.CalledProcessError) as exc:
        report(f"error: {exc}")
        return EXIT_GUEST_FAILED


if __name__ == "__main__":
    sys.exit(main())
