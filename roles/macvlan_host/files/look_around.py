# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a role needs to know of a host, in one go: the first of some Pythons that has the libraries, and units."""

from __future__ import annotations

import json
import os
import subprocess
import sys

# Found, not imported: importing pyroute2 alone takes longer than most tasks.
PROBE = "import importlib.util, sys; sys.exit(not all(map(importlib.util.find_spec, ('netaddr', 'pyroute2'))))"
UNITS = ("macvlan-host.service", "macvlan-host-retry.service", "systemd-networkd.service")
FOLDERS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")

pythons = [sys.executable, *(path for path in sys.argv[1:] if os.path.exists(path))]
# A folder that somebody else has filled is used, and never removed.
environments = [os.path.dirname(os.path.dirname(path)) for path in sys.argv[1:]]
found = {
    "own_environment": any(os.path.exists(os.path.join(folder, ".macvlan_host")) for folder in environments),
    "executable": sys.executable,
    "python": next((path for path in pythons if subprocess.call([path, "-I", "-c", PROBE]) == 0), None),
    # sd_booted(3)
    "systemd": os.path.isdir("/run/systemd/system"),
    "units": [unit for unit in UNITS if any(os.path.exists(os.path.join(folder, unit)) for folder in FOLDERS)],
}
sys.stdout.write(json.dumps(found) + "\n")
