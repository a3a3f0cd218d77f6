# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings as files under /proc/sys."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ..model.netns import HOST, Netns
from . import namespaces

# Missing if IPv6 is switched off (ipv6.disable=1), or is a module that is not loaded.
IPV6_SETTINGS = "/proc/sys/net/ipv6/conf"

# The folders with settings of endpoints, each of which may be a mount of its own; sub-folders come first.
SETTINGS_FOLDERS = {
    "net.ipv4.conf.": "/proc/sys/net/ipv4/conf",
    "net.ipv6.conf.": IPV6_SETTINGS,
    "net.ipv4.": "/proc/sys/net/ipv4",
    "net.ipv6.": "/proc/sys/net/ipv6",
    "net.": "/proc/sys/net",
}


def read_files(keys: t.Iterable[str]) -> dict[str, str]:
    """The values of the settings that have a file."""
    values: dict[str, str] = {}
    for key in keys:
        try:
            with open(sysctl_path(key), encoding="ascii") as file:
                values[key] = " ".join(file.read().split())
        except OSError:
            continue
    return values


def has_setting(netns: Netns, key: str, there: t.Container[str]) -> bool:
    """Whether a setting exists; a namespace that is not created yet will have those of the host."""
    with contextlib.closing(namespaces.Walker()) as walker:
        walker.go(netns if netns.path in there else HOST)
        return os.path.exists(sysctl_path(key))


def sysctl_path(key: str) -> str:
    """The file of a sysctl; a dot of an interface name is written ``/`` in the key, as in sysctl.d(5)."""
    return "/proc/sys/" + key.translate(str.maketrans("./", "/."))


def read_only_settings() -> dict[str, str]:
    """Beginning of the keys of settings → the mount that makes them read-only, as in :attr:`Kernel.read_only`."""
    mounts = {}
    for beginning, folder in SETTINGS_FOLDERS.items():
        try:
            is_read_only = os.statvfs(folder).f_flag & os.ST_RDONLY
        except OSError:  # no such folder, so nothing to write
            continue
        mounts[beginning] = mount_of(folder) if is_read_only else ""
    return mounts if any(mounts.values()) else {}


def mount_of(path: str) -> str:
    """The mount point that a path is below, of mounts of a part of a file system too (proc_pid_mountinfo(5))."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        points = [line.split()[4] for line in file]
    return max((point for point in points if f"{path}/".startswith(f"{point.rstrip('/')}/")), key=len, default=path)
