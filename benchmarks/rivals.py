# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs of the other ways: the machine's, else Debian's, unpacked beside the build and never installed."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import typing as t
from pathlib import Path

# program → (package, where it is in it)
PROGRAMS = {
    "cni": ("containernetworking-plugins", "usr/lib/cni/macvlan"),
    "busybox": ("busybox-static", "bin/busybox"),
    "docker": ("docker.io", "usr/bin/docker"),
    "dockerd": ("docker.io", "usr/sbin/dockerd"),
    "containerd": ("containerd", "usr/bin/containerd"),
    "runc": ("runc", "usr/bin/runc"),
    "podman": ("podman", "usr/bin/podman"),
    "conmon": ("conmon", "usr/bin/conmon"),
    "crun": ("crun", "usr/bin/crun"),
    "netavark": ("netavark", "usr/lib/podman/netavark"),
    # netavark asks for its version, whatever the kind of network.
    "iptables": ("iptables", "usr/sbin/iptables"),
}
# What the programs above are linked with and a small machine may lack.
LIBRARIES = (
    *("libassuan0", "libdevmapper1.02.1", "libglib2.0-0", "libgpgme11", "libseccomp2", "libsubid4", "libyajl2"),
    *("libip4tc2", "libip6tc2", "libmnl0", "libnetfilter-conntrack3", "libnfnetlink0", "libnftnl11", "libxtables12"),
)
# Debian makes these when it installs: link → what it leads to.
LINKS = {"usr/sbin/iptables": "iptables-nft", "usr/sbin/ip6tables": "ip6tables-nft"}


class Rivals:
    """Programs by name, each with its path, or with the reason why there is none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._why = ""

    @property
    def _root(self) -> Path:
        return self._folder / "root"

    def path(self, program: str) -> str | None:
        """Where a program is: installed only if everything of its package is, because versions have to fit together."""
        package, inside = PROGRAMS[program]
        together = [other for other, (of, dummy) in PROGRAMS.items() if of == package]
        if all(installed(other) for other in together):
            return installed(program)
        unpacked = str(self._root / inside)
        return unpacked if os.access(unpacked, os.X_OK) else None

    def problem(self, programs: t.Iterable[str]) -> str | None:
        """Why these cannot be run, or None when they can."""
        missing = [program for program in programs if self.path(program) is None]
        if not missing:
            return None
        packages = ", ".join(sorted({PROGRAMS[program][0] for program in missing}))
        return f"{', '.join(missing)} not found (Debian: {packages}){self._why}"

    def fetch(self, programs: t.Iterable[str]) -> None:
        """Download and unpack the packages of the programs that are missing; what goes wrong is told by problem()."""
        missing = {PROGRAMS[program][0] for program in programs if self.path(program) is None}
        if not missing:
            return
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            self._why = "; this machine has no apt to get them with"
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        packages = sorted(missing) + [name for name in LIBRARIES if not is_installed(name)]
        for package in packages:
            self._fetch_one(package)

    def _fetch_one(self, package: str) -> None:
        get = ["apt-get", "download", "-q", package]
        done = subprocess.run(get, check=False, cwd=self._folder, capture_output=True, text=True)
        for archive in self._folder.glob(f"{package}_*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(archive), str(self._root)], check=True)
            (self._root / f"{package}.version").write_text(field(archive, "Version"), encoding="utf-8")
            archive.unlink()
        for link, target in LINKS.items():
            path = self._root / link
            if (path.parent / target).exists() and not path.exists():
                path.symlink_to(target)
        if done.returncode != 0:
            self._why = "; apt-get download failed"

    def environment(self, programs: t.Collection[str]) -> dict[str, str]:
        """Where the unpacked programs find each other and their libraries; the latter would slow others down."""
        folders = [self._root / name for name in ("usr/bin", "usr/sbin", "bin")]
        # Behind the machine's own: what is installed is used as it is.
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin", *map(str, folders)])
        libraries = sorted({str(found.parent) for found in self._root.glob("**/lib*.so.*")}) if programs else []
        return {"PATH": path, **({"LD_LIBRARY_PATH": os.pathsep.join(libraries)} if libraries else {})}

    def version(self, program: str) -> str | None:
        """The version of the package that a program is from."""
        path, package = self.path(program), PROGRAMS[program][0]
        if path is None:
            return None
        unpacked = self._root / f"{package}.version"
        if path.startswith(str(self._root)):
            return f"{package} {unpacked.read_text(encoding='utf-8').strip()}"
        return f"{package} {installed_version(package) or 'of unknown version'}"


def installed(program: str) -> str | None:
    """Where the machine has a program, if it has it from a package or in the same place."""
    inside = "/" + PROGRAMS[program][1]
    places = (shutil.which(os.path.basename(inside)) if "/lib/" not in inside else None, inside)
    return next((path for path in places if path and os.access(path, os.X_OK)), None)


def field(archive: Path, name: str) -> str:
    return subprocess.run(["dpkg-deb", "-f", str(archive), name], check=True, capture_output=True, text=True).stdout


@functools.cache
def installed_version(package: str) -> str | None:
    try:
        query = ["dpkg-query", "-W", "-f", "${Status} ${Version}", package]
        done = subprocess.run(query, check=False, capture_output=True, text=True)
    except FileNotFoundError:
        return None
    status, dummy, version = done.stdout.rpartition(" ")
    return version if status == "install ok installed" else None


def is_installed(package: str) -> bool:
    return installed_version(package) is not None
