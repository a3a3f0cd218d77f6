# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""This machine, this boot, and the clock since the boot."""

from __future__ import annotations

import os
import time

MACHINE_ID = "/etc/machine-id"
BOOT_ID = "/proc/sys/kernel/random/boot_id"


def uptime() -> float:
    """Seconds since the boot, including suspended time; this clock cannot be set."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def host_id() -> str:
    """The id of this machine; machine-id(5) asks not to use it as it is, so callers hash it."""
    try:
        with open(MACHINE_ID, encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return os.uname().nodename


def boot_id() -> str:
    """The id of this boot; every boot has a new one."""
    with open(BOOT_ID, encoding="ascii") as file:
        return file.read().strip()
