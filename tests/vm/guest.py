# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds Debian guests and runs commands of this checkout in throw-away copies of them under QEMU."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import fcntl
import hashlib
import importlib.util
import inspect
import io
import json
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

CHECKOUT = Path(__file__).resolve().parents[2]
COLLECTION_IN_GUEST = "/root/ansible_collections/fleetnet/macvlan"
COLLECTION_ENVIRONMENT = {"ANSIBLE_COLLECTIONS_PATH": "/root", "PYTHONPATH": "/root"}

# The name in known_hosts: address and port change with every boot, the image's host key does not.
HOST_KEY_ALIAS = "fleetnet-test-guest"

# What the console shows when waiting any longer is useless.
LAST_WORDS = (b"Kernel panic - not syncing", b"reboot: System halted")

# Our own failures, as git-bisect and the container tools report theirs: seldom the exit code of a command.
EXIT_GUEST_FAILED = 125
EXIT_SSH_FAILED = 255

DEBIAN_PACKAGE_OF = {
    "git": "git",
    "mke2fs": "e2fsprogs",
    "mmdebstrap": "mmdebstrap",
    "qemu-img": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}


class GuestError(Exception):
    """The guest could not be built, booted or reached."""


# --- recipes ---------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Recipe:
    """All that goes into an image, as data: two equal recipes give the same cache folder."""

    name: str
    suites: tuple[str, ...]
    python: str
    packages: tuple[str, ...]
    wheels: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    customise: tuple[str, ...]
    disk_size: str = "4G"


GUEST_PACKAGES = (
    "e2fsprogs",
    "ethtool",
    "init",
    "initramfs-tools",
    "iproute2",
    "iputils-ping",
    "kmod",
    "linux-image-cloud-amd64",
    "openssh-server",
    "procps",
    "python3",
    "python3-netaddr",
    "python3-pyroute2",
    "python3-venv",
    "sqlite3",
    "tcpdump",
    "udev",
)

# Dependencies are listed too, and pip is told not to look for more: what runs in the guest changes only here.
GUEST_WHEELS = (
    "ansible-core==2.19.14",
    "cffi==2.1.1",
    "cryptography==50.0.2",
    "execnet==2.1.2",
    "hypothesis==6.170.15",
    "iniconfig==2.3.1",
    "jinja2==3.1.6",
    "markupsafe==3.0.4",
    "packaging==26.3",
    "pluggy==1.7.0",
    "pycparser==3.12",
    "pygments==2.21.0",
    "pytest==9.2.0",
    "pytest-timeout==2.4.0",
    "pytest-xdist==3.8.0",
    "pyyaml==6.0.3",
    "resolvelib==1.2.1",
    "sortedcontainers==2.4.0",
)

# A oneshot unit instead of networkd or ifupdown: nothing in the guest may manage links behind the collection's back.
MANAGEMENT_UNIT = """\
[Unit]
Description=Management address of the test guest
DefaultDependencies=no
After=local-fs.target
Before=network.target ssh.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/ip -batch /etc/guest/management.ip

[Install]
WantedBy=multi-user.target
"""

MANAGEMENT_ADDRESS = """\
address add 10.0.2.15/24 dev eth0
link set dev eth0 up
route add default via 10.0.2.2 dev eth0
"""

# Without PAM a login costs no logind session; the environment is set here because no login shell reads it.
SSHD_SETTINGS = """\
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
UseDNS no
MaxStartups 100
MaxSessions 100
SetEnv LANG=C.UTF-8 PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
"""

# Three modules and no microcode or console fonts: unpacking an initrd is the slowest part of an emulated boot.
INITRAMFS_SETTINGS = "MODULES=list\nBUSYBOX=n\nKEYMAP=n\nCOMPRESS=lz4\nFSTYPE=ext4\n"
INITRAMFS_HOOK = """\
#!/bin/sh
[ "${1:-}" = prereqs ] && exit 0
. /usr/share/initramfs-tools/hook-functions
force_load virtio_pci
force_load virtio_blk
force_load virtio_net
"""

GUEST_FILES = (
    ("etc/apt/apt.conf.d/90guest", 'APT::Install-Recommends "false";\n'),
    ("etc/guest/management.ip", MANAGEMENT_ADDRESS),
    ("etc/fstab", ""),
    ("etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost\n"),
    ("etc/initramfs-tools/conf.d/guest", INITRAMFS_SETTINGS),
    ("etc/initramfs-tools/hooks/guest", INITRAMFS_HOOK),
    ("etc/ssh/sshd_config.d/guest.conf", SSHD_SETTINGS),
    ("etc/systemd/journald.conf.d/guest.conf", "[Journal]\nStorage=volatile\n"),
    ("etc/systemd/system/management-address.service", MANAGEMENT_UNIT),
    ("etc/systemd/system/ssh.service.d/guest.conf", "[Service]\nExecStartPre=\n"),
)

MASKED_UNITS = (
    "apt-daily-upgrade.timer",
    "apt-daily.timer",
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty-static.service",
    "getty@tty1.service",
    "kmod-static-nodes.service",
    "modprobe@configfs.service",
    "modprobe@dm_mod.service",
    "modprobe@drm.service",
    "modprobe@efi_pstore.service",
    "modprobe@fuse.service",
    "modprobe@loop.service",
    "serial-getty@ttyS0.service",
    "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-ask-password-console.path",
    "systemd-ask-password-wall.path",
    "systemd-binfmt.service",
    "systemd-hwdb-update.service",
    "systemd-journal-flush.service",
    "systemd-logind.service",
    "systemd-pstore.service",
    "systemd-random-seed.service",
    "systemd-sysusers.service",
    "systemd-tmpfiles-clean.timer",
    "systemd-update-utmp-runlevel.service",
    "systemd-update-utmp.service",
)

GUEST_CUSTOMISE = (
    "python3 -m venv --system-site-packages /opt/venv",
    "/opt/venv/bin/pip install --quiet --no-index --no-deps /opt/wheels/*.whl",
    "/opt/venv/bin/pip check",
    "systemctl enable management-address.service ssh.service",
    "systemctl mask " + " ".join(MASKED_UNITS),
    "rm -rf /opt/wheels /root/.cache",
    "apt-get clean",
)

# Hosts of a fleet: what they have themselves, and nothing that only tests need. The network managers wait until a
# scenario starts them, and then leave the management network alone.
FLEET_FILES = (
    *GUEST_FILES,
    ("etc/udev/rules.d/50-wire.rules", 'ACTION=="add", SUBSYSTEM=="net", KERNEL=="eth1", RUN+="/bin/ip link set eth1 up"\n'),
    ("etc/systemd/network/01-management.network", "[Match]\nName=eth0\n\n[Link]\nUnmanaged=yes\n"),
    ("etc/NetworkManager/conf.d/01-management.conf", "[keyfile]\nunmanaged-devices=interface-name:eth0\n"),
    ("etc/pip.conf", "[global]\nno-index = true\nfind-links = /opt/wheels\n"),
    ("etc/guest/packages.list", "deb [trusted=yes] file:/srv/packages ./\n"),
)
FLEET_PACKAGES = tuple(sorted({*GUEST_PACKAGES, "dbus", "network-manager", "python3-apt"} - {"sqlite3"}))
FLEET_WHEELS = ("netaddr==1.3.0", "pyroute2==0.9.6")

# An archive in a folder, because guests reach no other: deb822 paragraphs, as apt-ftparchive(1) would write them.
FLEET_ARCHIVE = """\
mkdir /srv/packages
cd /srv/packages
apt-get download python3-netaddr python3-pyroute2
for package in *.deb; do
    dpkg-deb --field "$package"
    echo "Filename: ./$package"
    echo "Size: $(stat --format %s "$package")"
    echo "SHA256: $(sha256sum "$package" | cut -d ' ' -f 1)"
    echo
done >Packages
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*"""
FLEET_CUSTOMISE = (
    FLEET_ARCHIVE,
    "systemctl enable management-address.service ssh.service",
    "systemctl disable NetworkManager.service NetworkManager-wait-online.service NetworkManager-dispatcher.service",
    "systemctl disable systemd-networkd.service systemd-networkd.socket systemd-networkd-wait-online.service || true",
    "systemctl mask " + " ".join(MASKED_UNITS),
    "apt-get clean",
)
BOOKWORM = ("bookworm", "bookworm-updates", "bookworm-security")
TRIXIE = ("trixie", "trixie-updates", "trixie-security")

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="debian12",
            suites=BOOKWORM,
            python="3.11",
            packages=GUEST_PACKAGES,
            wheels=GUEST_WHEELS,
            files=GUEST_FILES,
            customise=GUEST_CUSTOMISE,
        ),
        Recipe("fleet12", BOOKWORM, "3.11", FLEET_PACKAGES, FLEET_WHEELS, FLEET_FILES, FLEET_CUSTOMISE),
        Recipe("fleet13", TRIXIE, "3.13", FLEET_PACKAGES, FLEET_WHEELS, FLEET_FILES, FLEET_CUSTOMISE),
    )
}


def recipe_key(recipe: Recipe) -> str:
    """Name an image by its recipe and by the source of the code that turns a recipe into an image."""
    digest = hashlib.sha256(json.dumps([HOST_KEY_ALIAS, dataclasses.asdict(recipe)], sort_keys=True).encode())
    for step in (fill_image, make_key, write_stage, download_wheels, mmdebstrap_command, write_disk):
        digest.update(inspect.getsource(step).encode())
    return f"{recipe.name}-{digest.hexdigest()[:16]}"


# --- images ----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Image:
    """A finished image in the cache; nobody writes to it any more."""

    folder: Path

    @property
    def disk(self) -> Path:
        return self.folder / "disk.raw"

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd.img"

    @property
    def key(self) -> Path:
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"


def default_cache() -> Path:
    """The folder that holds one sub-folder per image."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "fleetnet-macvlan" / "vm"


def find_program(name: str) -> str:
    """Return the program's path; the system folders count even where an ordinary user's PATH lacks them."""
    found = shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
    if found is None:
        raise GuestError(f"the program {name} is missing: install the Debian package {DEBIAN_PACKAGE_OF[name]}")
    return found


def ensure_image(recipe: Recipe, cache: Path | None = None) -> Image:
    """Return the recipe's image, building it when the cache has none."""
    cache = cache or default_cache()
    cache.mkdir(parents=True, exist_ok=True)
    final = cache / recipe_key(recipe)
    if final.is_dir():
        return Image(final)
    with locked(final.with_name(final.name + ".lock")):
        if not final.is_dir():
            build_image(recipe, final)
    return Image(final)


def build_image(recipe: Recipe, final: Path) -> None:
    """Build beside the final folder and rename, so that an interrupted build is never taken for an image."""
    if os.geteuid() != 0:
        raise GuestError("building an image needs root, for the owners and devices of the guest's files")
    for program in ("mmdebstrap", "mke2fs", "ssh-keygen"):
        find_program(program)
    partial = final.with_name(final.name + ".partial")
    remove_tree(partial)
    partial.mkdir(mode=0o700)
    try:
        fill_image(recipe, Image(partial))
        partial.rename(final)
    finally:
        remove_tree(partial)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock that the kernel releases however this process ends, once its build step has ended too."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.set_inheritable(handle.fileno(), True)
        yield


def fill_image(recipe: Recipe, image: Image) -> None:
    """Write all files of the image into its folder."""
    tree, stage, log = (image.folder / name for name in ("tree", "stage", "build.log"))
    write_stage(recipe, image, stage)
    if recipe.wheels:
        report("downloading the Python wheels")
        download_wheels(recipe, stage / "opt" / "wheels", log)
    report("installing the Debian packages")
    run_logged(mmdebstrap_command(recipe, stage, tree), log)
    (image.folder / "packages.txt").write_text(installed_packages(tree))
    for name, target in (("vmlinuz", image.kernel), ("initrd.img", image.initrd)):
        shutil.copyfile((tree / name).resolve(strict=True), target)
    report("writing the disk")
    write_disk(recipe, tree, image.disk, log)
    for folder in (tree, stage):
        remove_tree(folder)


def make_key(path: Path) -> str:
    """Make an ssh key pair without a passphrase and return the public key."""
    command = [find_program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path.with_name(path.name + ".pub").read_text().strip()


def write_stage(recipe: Recipe, image: Image, stage: Path) -> None:
    """Write the files that are copied over the tree before most packages are installed, and the ssh keys."""
    for name, content in (*recipe.files, ("root/.ssh/authorized_keys", make_key(image.key) + "\n")):
        path = stage / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o755 if content.startswith("#!") else 0o644)
    host_key = make_key(stage / "etc" / "ssh" / "ssh_host_ed25519_key")
    image.known_hosts.write_text(f"{HOST_KEY_ALIAS} {host_key}\n")


def download_wheels(recipe: Recipe, folder: Path, log: Path) -> None:
    """Fetch wheels for the guest's Python outside the guest, where pip is configured to reach its index."""
    if importlib.util.find_spec("pip") is None:
        raise GuestError(f"{sys.executable} has no pip: install the Debian package python3-pip, or use a virtualenv")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--implementation=cp"]
    command += [f"--python-version={recipe.python}", f"--dest={folder}"]
    command += [f"--abi={abi}" for abi in ("cp" + recipe.python.replace(".", ""), "abi3", "none")]
    # pip takes these literally and does not add the older ones a newer glibc could use as well.
    command += [f"--platform=manylinux_2_{minor}_x86_64" for minor in (36, 34, 31, 28, 24, 17)]
    command += ["--platform=manylinux2014_x86_64", *recipe.wheels]
    run_logged(command, log)


def mmdebstrap_command(recipe: Recipe, stage: Path, tree: Path) -> list[str]:
    """The command that installs the guest's tree and customises it."""
    in_guest = "; ".join(("set -eu", *recipe.customise))
    return [
        find_program("mmdebstrap"),
        "--mode=root",
        "--format=directory",
        "--variant=minbase",
        "--include=" + ",".join(recipe.packages),
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        # Before the packages, so that the first initrd is already the small one and sshd keeps our host key.
        f'--essential-hook=umask 022; cp -r {shlex.quote(str(stage))}/. "$1/"',
        f'--customize-hook=chroot "$1" sh -c {shlex.quote(in_guest)}',
        recipe.suites[0],
        str(tree),
        *mirror_lines(recipe.suites),
    ]


def mirror_lines(suites: Sequence[str]) -> list[str]:
    """Sources for the suites from the mirrors this machine uses; none leaves mmdebstrap its own default."""
    archives = configured_archives()
    keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    options = f"[signed-by={keyring}] " if keyring.exists() else ""
    lines = [f"deb {options}{uri} {suite} main" for suite in suites if (uri := choose_archive(archives, suite))]
    return lines if lines and f" {suites[0]} " in lines[0] else []


def choose_archive(archives: Sequence[tuple[str, str, str]], suite: str) -> str | None:
    """The URI configured for the suite, else the one for the same kind (security or not) of another release."""
    same_suite = [uri for release, dummy, uri in archives if release == suite]
    same_kind = [
        uri
        for release, origin, uri in archives
        if origin == "Debian" and release.endswith("-security") == suite.endswith("-security")
    ]
    return next(iter(same_suite + same_kind), None)


def configured_archives() -> list[tuple[str, str, str]]:
    """Release, origin and URI of each archive in apt's configuration, whatever format that is written in."""
    apt_get = shutil.which("apt-get")
    if apt_get is None:
        return []
    command = [apt_get, "indextargets", "--format", "$(RELEASE)|$(ORIGIN)|$(REPO_URI)", "Identifier: Packages"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
    rows: list[tuple[str, str, str]] = []
    for line in lines.splitlines():
        release, origin, uri = line.split("|", 2)
        rows.append((release, origin, uri))
    return rows


def installed_packages(tree: Path) -> str:
    """The image's packages and versions, for whoever asks later what an image was made of."""
    command = ["dpkg-query", f"--admindir={tree}/var/lib/dpkg", "--show"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def write_disk(recipe: Recipe, tree: Path, disk: Path, log: Path) -> None:
    """Make a sparse ext4 disk of the tree; with a journal, because tests cut the power."""
    command = [find_program("mke2fs"), "-q", "-t", "ext4", "-m", "0", "-E", "root_owner=0:0", "-d", str(tree)]
    run_logged([*command, str(disk), recipe.disk_size], log)


def run_logged(command: Sequence[str], log: Path) -> None:
    """Run a build step; its end is awaited even when we are interrupted, because only it can undo its mounts."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
            # The step inherits the lock and nothing else: should we be killed, the next build waits for it to end.
            close_fds=False,
        )
        try:
            returncode = process.wait()
        except BaseException:
            # The whole group: mmdebstrap's parent process ignores the signal and waits for its child to tidy up.
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=30)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    if returncode:
        raise GuestError(f"{Path(command[0]).name} failed with exit code {returncode}:\n{tail(log)}")


def remove_tree(folder: Path) -> None:
    """Remove a build folder, but never through a mount that a killed build left in it."""
    inside = f"{folder.absolute()}/"
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    if left := [mount for mount in mounts if mount.startswith(inside)]:
        raise GuestError(f"not removing {folder}, something is mounted there: {' '.join(left)}")
    if folder.exists():
        shutil.rmtree(folder)


# --- guests ----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Nic:
    """One more network card: a QEMU -netdev backend without its id. In the guest they are eth1, eth2, ... in order."""

    backend: str
    mac: str


def cable(folder: Path, name: str) -> tuple[Nic, Nic]:
    """The two ends of a wire between two guests; either guest may be absent, killed or started again at any time."""
    tag = hashlib.sha256(f"{folder}/{name}".encode()).hexdigest()
    paths = [folder / f"{name}.{end}" for end in ("a", "b")]
    macs = [f"52:54:00:{tag[0:2]}:{tag[2:4]}:{end}" for end in ("0a", "0b")]
    return (
        Nic(f"dgram,local.type=unix,local.path={paths[0]},remote.type=unix,remote.path={paths[1]}", macs[0]),
        Nic(f"dgram,local.type=unix,local.path={paths[1]},remote.type=unix,remote.path={paths[0]}", macs[1]),
    )


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
        self.port = 0
        self._console = console
        self._image: Image | None = None
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    # life

    def __enter__(self) -> t.Self:
        for program in ("qemu-system-x86_64", "qemu-img", "ssh"):
            find_program(program)
        self._image = ensure_image(self.recipe, self.cache)
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="fleetnet-vm-"))
            self.console.write_bytes(b"")
            make_overlay(self._image.disk, self.overlay)
            self.launch()
            if self.wait:
                self.wait_ready()
        except BaseException:
            self.close()
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
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def launch(self) -> None:
        """Start the machine without waiting for it."""
        if self.alive:
            raise GuestError(f"{self.name} is running already")
        for attempt in range(1, 6):
            # The port of the first start, so that those who know the guest need not learn another.
            self.port = self.port if self.port and attempt == 1 else free_port()
            with (self.folder / "qemu.log").open("wb") as log:
                # A group of its own: Ctrl-C is for us, who then end the machine.
                process = subprocess.Popen(
                    self.qemu_command(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    process_group=0,
                )
            self._process = process
            if not self._lost_port(process):
                return
            report(f"another program took port {self.port} (attempt {attempt})")

    def start(self) -> None:
        """Start the machine, again after kill() or shutdown(), and wait for it."""
        self.launch()
        self.wait_ready()

    def plug(self) -> None:
        """Give a running machine the cards that it was started without."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(self.folder / "monitor"))
            with monitor.makefile("rw", encoding="utf-8") as stream:
                stream.readline()
                tell_monitor(stream, "qmp_capabilities")
                for index, nic in self.extra_nics():
                    command = {"command-line": f"device_add {nic_device(index, nic)}"}
                    complaint = tell_monitor(stream, "human-monitor-command", command)
                    if complaint:
                        raise GuestError(f"{self.name} refuses its network card {index}: {complaint}")
        self.plugged = True

    def extra_nics(self) -> Iterator[tuple[int, Nic]]:
        """The cards beside that of the management network, with their numbers."""
        return enumerate(self.nics, start=1)

    def kill(self) -> None:
        """Cut the power."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def shutdown(self, timeout: float = 120.0) -> None:
        """Shut the system down in order and wait for the machine to be off."""
        self.run(["systemctl", "--no-block", "start", "poweroff.target"])
        if self._process is not None:
            try:
                self._process.wait(timeout=timeout)
            except subprocess.TimeoutExpired as exc:
                raise GuestError(f"{self.name} is not off after {timeout:.0f} s:\n{tail(self.console)}") from exc
            self._process = None

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
                raise GuestError(f"QEMU of {self.name} ended:\n{tail(self.folder / 'qemu.log')}\n{tail(self.console)}")
            if answers_ssh(self.port) and (boot := self.boot_id()) and boot != not_boot:
                return
            if any(last_words in self.console.read_bytes() for last_words in LAST_WORDS):
                raise GuestError(f"{self.name} failed to boot:\n{tail(self.console)}")
            time.sleep(0.2)
        raise GuestError(f"{self.name} did not answer within {self.boot_timeout:.0f} s:\n{tail(self.console)}")

    # state

    @property
    def image(self) -> Image:
        if self._image is None:
            raise GuestError(f"{self.name} has not been entered")
        return self._image

    @property
    def folder(self) -> Path:
        if self._folder is None:
            raise GuestError(f"{self.name} has not been entered")
        return self._folder

    @property
    def overlay(self) -> Path:
        return self.folder / "overlay.qcow2"

    @property
    def console(self) -> Path:
        """The file that receives the serial console."""
        return self._console or self.folder / "console.log"

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

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

    def qemu_command(self) -> list[str]:
        """The QEMU command line."""
        command = [find_program("qemu-system-x86_64"), "-nodefaults", "-no-user-config", "-display", "none"]
        command += ["-name", self.name, "-machine", "q35,smm=off", *accelerator()]
        command += ["-smp", str(self.cpus), "-m", str(self.memory)]
        command += ["-kernel", str(self.image.kernel), "-initrd", str(self.image.initrd)]
        command += ["-append", self.kernel_arguments()]
        command += ["-drive", f"file={self.overlay},if=virtio,format=qcow2,cache=writeback"]
        command += ["-chardev", f"file,id=console,path={self.console},append=on", "-serial", "chardev:console"]
        # restrict: a test that needs anything outside the guest is wrong, so it must fail here.
        management = f"user,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:{self.port}-:22"
        command += ["-qmp", f"unix:{self.folder / 'monitor'},server=on,wait=off"]
        command += ["-netdev", f"{management},id=net0", "-device", "virtio-net-pci,netdev=net0,mac=52:54:00:00:00:01,romfile="]
        for index, nic in self.extra_nics():
            # A port of its own, because cards can be plugged into running machines only there.
            command += ["-netdev", f"{nic.backend},id=net{index}", "-device", f"pcie-root-port,id=port{index},chassis={index}"]
            if self.plugged:
                command += ["-device", nic_device(index, nic)]
        return command

    def kernel_arguments(self) -> str:
        """Arguments that make the boot quick; the machine id keeps two guests of one image apart."""
        return (
            "root=/dev/vda rw rootfstype=ext4 console=ttyS0 quiet panic=0 fsck.mode=skip net.ifnames=0"
            " mitigations=off apparmor=0 selinux=0 audit=0 nowatchdog random.trust_cpu=on"
            f" systemd.machine_id={self.machine_id} systemd.hostname={self.name}"
        )

    def _lost_port(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether QEMU ended at once because another program took the port since we found it free."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
            return b"host forwarding" in (self.folder / "qemu.log").read_bytes()
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


def answers_ssh(port: int) -> bool:
    """Whether an ssh server greets; QEMU accepts connections long before the guest does."""
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


def tail(path: Path, lines: int = 40) -> str:
    """The last lines of a log, for an error message."""
    if not path.exists():
        return f"({path.name} is missing)"
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) or f"({path.name} is empty)"


def report(message: str) -> None:
    """Tell the user what takes so long; standard output belongs to the command in the guest."""
    print(f"[guest] {message}", file=sys.stderr, flush=True)


# --- command line ----------------------------------------------------------------------------------------------------


def run_in_checkout(guest: Guest, command: Sequence[str]) -> int:
    """Copy this checkout into the guest and run the command in the copy."""
    guest.copy_tree(CHECKOUT, COLLECTION_IN_GUEST)
    returncode = guest.run(command, cwd=COLLECTION_IN_GUEST, env=COLLECTION_ENVIRONMENT).returncode
    if returncode == EXIT_SSH_FAILED:
        report(f"the connection was lost, or the command ended by a signal; the console:\n{tail(guest.console)}")
    return returncode


@contextlib.contextmanager
def booted(arguments: argparse.Namespace) -> Iterator[Guest]:
    """A guest as the command line describes it."""
    started = time.monotonic()
    console = arguments.log.absolute() if arguments.log else None
    recipe = RECIPES[arguments.recipe]
    ensure_image(recipe, arguments.cache)
    with Guest(recipe, console=console, cache=arguments.cache, boot_timeout=arguments.boot_timeout) as guest:
        report(f"booted in {time.monotonic() - started:.1f} s")
        yield guest


def build_command(arguments: argparse.Namespace) -> int:
    """Build the image, and print where it is."""
    started = time.monotonic()
    image = ensure_image(RECIPES[arguments.recipe], arguments.cache)
    report(f"image ready after {time.monotonic() - started:.1f} s")
    print(image.folder)
    return 0


def run_command(arguments: argparse.Namespace) -> int:
    """Run a command in a copy of this checkout in a new guest."""
    with booted(arguments) as guest:
        return run_in_checkout(guest, arguments.command)


def shell_command(arguments: argparse.Namespace) -> int:
    """Open a shell in a new guest with a copy of this checkout."""
    with booted(arguments) as guest:
        guest.copy_tree(CHECKOUT, COLLECTION_IN_GUEST)
        return guest.shell(cwd=COLLECTION_IN_GUEST, env=COLLECTION_ENVIRONMENT)


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--recipe", choices=sorted(RECIPES), default="debian12", help="which guest (%(default)s)")
    shared.add_argument("--cache", type=Path, help=f"folder for the images ({default_cache()})")
    boot = argparse.ArgumentParser(add_help=False, parents=[shared])
    boot.add_argument("--log", type=Path, metavar="FILE", help="keep the guest's serial console in this file")
    boot.add_argument("--boot-timeout", type=float, default=300.0, metavar="SECONDS", help="(%(default)s)")
    parser = argparse.ArgumentParser(description=__doc__)
    actions = parser.add_subparsers(required=True)
    build = actions.add_parser("build", parents=[shared], help=build_command.__doc__)
    build.set_defaults(action=build_command)
    run = actions.add_parser("run", parents=[boot], help=run_command.__doc__)
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
