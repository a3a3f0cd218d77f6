# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What test guests are made of: recipes, and the images and kernels in the cache."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import importlib.util
import inspect
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

# The name in known_hosts: address and port change with every boot, the image's host key does not.
HOST_KEY_ALIAS = "fleetnet-test-guest"

# Where Debian's newest kernel is.
NEWEST_SUITE = "sid"

DEBIAN_PACKAGE_OF = {
    "apt-config": "apt",
    "chroot": "coreutils",
    "git": "git",
    "ip": "iproute2",
    "mke2fs": "e2fsprogs",
    "mmdebstrap": "mmdebstrap",
    "mount": "mount",
    "qemu-img": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86",
    "setpriv": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "unshare": "util-linux",
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
    "udev",
)

# What the kernel tests start in namespaces; nothing in the guest itself does. Other machines have them unpacked in the cache.
DAEMONS = ("busybox", "dhcpcd-base", "dnsmasq-base", "iputils-arping", "keepalived", "ndisc6", "python3-scapy", "radvd", "tcpdump", "udhcpc")
DAEMON_UNITS = ("keepalived.service", "radvd.service")

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
Wants=sys-subsystem-net-devices-eth0.device
After=local-fs.target sys-subsystem-net-devices-eth0.device
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

# The modules of a kernel that is a program are files of the machine; the program shows that one folder of them.
MODULES_UNIT = """\
[Unit]
Description=Modules of a user-mode-linux kernel
DefaultDependencies=no
ConditionVirtualization=uml
Before=sysinit.target systemd-modules-load.service systemd-udevd.service systemd-udev-trigger.service

[Mount]
What=none
Where=/usr/lib/modules
Type=hostfs

[Install]
WantedBy=sysinit.target
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
    *((f"etc/systemd/network/10-vec{number}.link", f"[Match]\nOriginalName=vec{number}\n\n[Link]\nName=eth{number}\n") for number in range(4)),
    ("etc/systemd/journald.conf.d/guest.conf", "[Journal]\nStorage=volatile\n"),
    ("etc/systemd/system/management-address.service", MANAGEMENT_UNIT),
    ("etc/systemd/system/usr-lib-modules.mount", MODULES_UNIT),
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
    "systemctl enable management-address.service ssh.service usr-lib-modules.mount",
    "systemctl mask " + " ".join(MASKED_UNITS),
    "rm -rf /opt/wheels /root/.cache",
    "apt-get clean",
)

# Hosts of a fleet: what they have themselves, and nothing that only tests need. The network managers wait until a
# scenario starts them, and then leave the management network alone.
FLEET_FILES = (
    *GUEST_FILES,
    ("etc/udev/rules.d/50-wire.rules", 'ACTION=="add", SUBSYSTEM=="net", KERNEL=="eth1|vec1", RUN+="/bin/ip link set eth1 up"\n'),
    ("etc/systemd/network/01-management.network", "[Match]\nName=eth0\n\n[Link]\nUnmanaged=yes\n"),
    ("etc/NetworkManager/conf.d/01-management.conf", "[keyfile]\nunmanaged-devices=interface-name:eth0\n"),
    ("etc/pip.conf", "[global]\nno-index = true\nfind-links = /opt/wheels\n"),
    ("etc/guest/packages.list", "deb [trusted=yes] file:/srv/packages ./\n"),
)
FLEET_PACKAGES = tuple(sorted({*GUEST_PACKAGES, "dbus", "network-manager", "python3-apt", "tcpdump"} - {"sqlite3"}))
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
    "systemctl enable management-address.service ssh.service usr-lib-modules.mount",
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
            packages=(*GUEST_PACKAGES, *DAEMONS),
            wheels=GUEST_WHEELS,
            files=GUEST_FILES,
            customise=(*GUEST_CUSTOMISE, "systemctl mask " + " ".join(DAEMON_UNITS)),
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
    """Build an image where it belongs."""
    if os.geteuid() != 0:
        raise GuestError("building an image needs root, for the owners and devices of the guest's files")
    for program in ("mmdebstrap", "mke2fs", "ssh-keygen"):
        find_program(program)
    with built_beside(final) as partial:
        fill_image(recipe, Image(partial))


@contextlib.contextmanager
def built_beside(final: Path) -> Iterator[Path]:
    """A folder that gets its final name when it is complete, so that an interrupted build is never taken for a whole one."""
    partial = final.with_name(final.name + ".partial")
    remove_tree(partial)
    partial.mkdir(mode=0o700)
    try:
        yield partial
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


def apt_settings() -> list[str]:
    """What this machine's apt thinks of the age of a mirror, for mmdebstrap, which reads no settings of apt."""
    apt_config = shutil.which("apt-config")
    if apt_config is None:
        return []
    command = [apt_config, "dump", "--format", '%f "%v"%n', "Acquire::Check-Valid-Until", "Acquire::Check-Date"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout.splitlines()
    return [f"--aptopt={line}" for line in lines if not line.endswith('""')]


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


# --- kernels that are programs ---------------------------------------------------------------------------------------


def ensure_kernel(suite: str, cache: Path | None = None) -> Path:
    """The folder with the user-mode-linux of a Debian suite, and the libraries of that suite."""
    cache = cache or default_cache()
    cache.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256("".join(inspect.getsource(step) for step in (fill_kernel, kernel_command)).encode())
    final = cache / f"kernel-{suite}-{digest.hexdigest()[:16]}"
    with locked(final.with_name(final.name + ".lock")):
        if not final.is_dir():
            find_program("mmdebstrap")
            report(f"unpacking the kernel of Debian's {suite}")
            with built_beside(final) as partial:
                fill_kernel(suite, partial)
    return final


def fill_kernel(suite: str, folder: Path) -> None:
    """Unpack the kernel, and see to it that it finds its libraries where suites before the merge of /usr had them."""
    run_logged(kernel_command(suite, folder / "tree"), folder / "build.log")
    for name in ("lib", "lib64"):
        if not (folder / "tree" / name).exists():
            (folder / "tree" / name).symlink_to(f"usr/{name}")


def kernel_command(suite: str, tree: Path) -> list[str]:
    """The command that unpacks the kernel and its libraries, and installs neither."""
    command = [find_program("mmdebstrap"), "--mode=root", "--format=directory", "--variant=extract", "--include=user-mode-linux"]
    return [*command, *apt_settings(), suite, str(tree), *mirror_lines((suite,))]


# --- messages --------------------------------------------------------------------------------------------------------


def tail(path: Path, lines: int = 40) -> str:
    """The last lines of a log, for an error message."""
    if not path.exists():
        return f"({path.name} is missing)"
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) or f"({path.name} is empty)"


def report(message: str) -> None:
    """Tell the user what takes so long; standard output belongs to the command in the guest."""
    print(f"[guest] {message}", file=sys.stderr, flush=True)
