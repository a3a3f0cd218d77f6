#!/usr/bin/env python
# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fails unless a guest and the endpoints in its namespaces reach each other, by IPv4 and by IPv6.

    reach_each_other.py INTERFACE PREFIX NUMBER

The guest has access by INTERFACE; there are NUMBER namespaces whose names begin with PREFIX.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys


def addresses(*where: str) -> list[str]:
    """One of each family."""
    said = subprocess.run(["ip", "-json", *where], check=True, capture_output=True, text=True).stdout
    found = [entry["local"] for link in json.loads(said) for entry in link.get("addr_info", ()) if entry["scope"] == "global"]
    if sorted(":" in address for address in found) != [False, True]:
        sys.exit(f"{' '.join(where)}: an address of each family was expected, and there are {found}")
    return found


def ping(*argv: str) -> None:
    # An interface of a guest that has just booted may be looking for a duplicate of its address still.
    for dummy in range(5):
        if subprocess.run([*argv[:-1], "ping", "-q", "-c", "1", "-W", "2", argv[-1]], check=False, capture_output=True).returncode == 0:
            return
    sys.exit(f"{' '.join(argv)}: no answer")


def main(interface: str, prefix: str, number: str) -> None:
    names = [name for name in os.listdir("/run/netns") if name.startswith(prefix)]
    if len(names) != int(number):
        sys.exit(f"there are {len(names)} namespaces {prefix}*, and {number} were expected")
    access = addresses("address", "show", "dev", interface)
    for name in names:
        for address in addresses("-netns", name, "address", "show", "dev", "eth0"):
            ping(address)
        for address in access:
            ping("ip", "netns", "exec", name, address)


if __name__ == "__main__":
    main(*sys.argv[1:])
