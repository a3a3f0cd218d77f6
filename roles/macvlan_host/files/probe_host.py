# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a role needs to know of a host, in one go: the first of some Pythons that has the libraries, and units.

    probe_host.py FOLDER REQUIREMENT...    FOLDER: of an environment; a REQUIREMENT: name>=version
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

# What is installed is read, not imported: importing pyroute2 alone takes longer than most tasks.
PROBE = """
import re, sys
from importlib.metadata import version

def numbers(text):
    return [int(number) for number in re.findall("[0-9]+", text)]

for requirement in sys.argv[1:]:
    name, _, least = requirement.partition(">=")
    if numbers(version(name)) < numbers(least):
        sys.exit(1)
"""
UNITS = ("macvlan-host.service", "macvlan-host-retry.service", "macvlan-host-metrics.timer", "systemd-networkd.service")
FOLDERS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")

environment, requirements = sys.argv[1], sys.argv[2:]


def has_libraries(python: str) -> bool:
    """Whether a Python has all of them, new enough."""
    command = [python, "-I", "-c", PROBE, *requirements]
    return os.path.exists(python) and subprocess.call(command, stderr=subprocess.DEVNULL) == 0


pythons = (sys.executable, os.path.join(environment, "bin/python"))
found = {
    # A folder with foreign files is used, and never removed.
    "own_environment": os.path.exists(os.path.join(environment, ".macvlan_host")),
    "executable": sys.executable,
    "python": next(filter(has_libraries, pythons), None),
    # Debian has it in a package of its own, and without it the module venv makes nothing.
    "ensurepip": importlib.util.find_spec("ensurepip") is not None,
    # sd_booted(3)
    "systemd": os.path.isdir("/run/systemd/system"),
    # The socket that udevadm talks to; containers have none, also where systemd runs them.
    "udev": os.path.exists("/run/udev/control"),
    "units": [unit for unit in UNITS if any(os.path.exists(os.path.join(folder, unit)) for folder in FOLDERS)],
}
sys.stdout.write(json.dumps(found) + "\n")
