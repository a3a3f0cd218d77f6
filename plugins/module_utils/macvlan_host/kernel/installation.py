# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of this collection that are installed on this host: the unit that restores everything at boot, and its release."""

from __future__ import annotations

import os
import re

from ..release import VERSION

UNIT = "macvlan-host.service"
# The symbolic link by which systemctl(1) enables the unit; the unit has WantedBy=multi-user.target.
ENABLED = f"/etc/systemd/system/multi-user.target.wants/{UNIT}"

# The folder in which the role installs the engine, and macvlan_command by default.
ENGINE = "/usr/local/lib/macvlan_host"
# The release whose engine has no release.py.
FIRST = "1.0.0"
_VERSION = re.compile(r'^VERSION = "([0-9]+)\.([0-9]+)\.([0-9]+)"$', re.MULTILINE)


def older_engine() -> str | None:
    """The release of the engine that is installed on this host, if it is older than this one."""
    installed = _installed_release(ENGINE)
    return installed if installed is not None and _numbers(installed) < _numbers(VERSION) else None


def newer_engine(folder: str) -> str | None:
    """The release of the engine in a folder of this host, if it is newer than this one."""
    installed = _installed_release(folder)
    return installed if installed is not None and _numbers(installed) > _numbers(VERSION) else None


def _installed_release(folder: str) -> str | None:
    if not os.path.exists(os.path.join(folder, "command.py")):
        return None
    try:
        with open(os.path.join(folder, "release.py"), encoding="ascii", errors="replace") as file:
            match = _VERSION.search(file.read(10_000))
    except OSError:
        match = None
    return FIRST if match is None else ".".join(match.groups())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def is_restored_at_boot() -> bool:
    """Whether the unit that restores everything is enabled."""
    return os.path.lexists(ENABLED)
