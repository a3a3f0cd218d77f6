#!/usr/bin/env python
# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A snapshot of a guest, as JSON into a file, or a comparison with one: its network, and what is configured.

    guest_snapshot.py FILE                  all links, addresses and routes of all namespaces, /etc, units
    guest_snapshot.py FILE --ours           links of the collection only, with their addresses and routes
    guest_snapshot.py FILE [...] --compare  fail, and tell the difference, when the guest is not as it was
    guest_snapshot.py FILE [...] --after UNIT  wait until systemd has started a unit first
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import subprocess
import sys
import time

TAG = "fleetnet.macvlan:"
VOLATILE = {
    *("ifindex", "link_index", "link_netnsid", "operstate", "qdisc", "valid_life_time", "preferred_life_time"),
    *("tentative", "linkdown", "stable-privacy", "numtxqueues", "numrxqueues", "gso_max_size"),
}


def ip(netns: str, *words: str) -> list:
    """What ip(8) says of a namespace."""
    inside = ["-netns", netns] if netns else []
    said = subprocess.run(["ip", "-json", "-details", *inside, *words], check=True, capture_output=True, text=True)
    return [entry for entry in json.loads(said.stdout or "[]") if entry]


def tidy(value: object) -> object:
    """Without what changes by itself."""
    if isinstance(value, dict):
        kept = {key: tidy(item) for key, item in value.items() if key not in VOLATILE}
        return {key: item for key, item in kept.items() if not key.endswith("_timer")}
    if isinstance(value, list):
        return [tidy(item) for item in value if item not in ("LOWER_UP", "NO-CARRIER", "M-DOWN")]
    return value


def network(netns: str, only_ours: bool) -> dict:
    links = ip(netns, "address", "show")
    if only_ours:
        links = [link for link in links if link.get("ifalias", "").startswith(TAG)]
    names = {link["ifname"] for link in links}
    for link in links:
        # The kernel gives it when there is a carrier, which may be later.
        link["addr_info"] = [entry for entry in link["addr_info"] if entry["scope"] != "link"]
    routes = [route for family in ("-4", "-6") for route in ip(netns, family, "route", "show")]
    kept = [route for route in routes if route.get("dev") in names and route["dst"] != "fe80::/64"]
    return {
        "links": {link["ifname"]: tidy(link) for link in links},
        "routes": sorted((tidy(route) for route in kept), key=json.dumps),
    }


def files(folder: str) -> dict:
    found = {}
    for place, dummy, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            if os.path.islink(path):
                found[path] = "-> " + os.readlink(path)
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    found[path] = f"{os.stat(path).st_mode:o} {hashlib.sha256(file.read()).hexdigest()}"
    return found


def unit_files() -> str:
    """What systemd knows of units; on a guest with much to do it answers too late at times, and is asked again."""
    for attempt in range(20):
        done = subprocess.run(
            ["systemctl", "list-unit-files", "--no-legend", "--no-pager"], check=False, capture_output=True, text=True
        )
        if done.returncode == 0:
            return done.stdout
        time.sleep(attempt)
    raise SystemExit(f"systemctl list-unit-files: {done.stderr}")


def snapshot(only_ours: bool) -> dict:
    spaces = sorted(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else []
    found = {"network": {name or "(host)": network(name, only_ours) for name in ["", *spaces]}}
    if not only_ours:
        found["units"] = sorted(" ".join(line.split()) for line in unit_files().splitlines())
        found["files"] = {**files("/etc"), **files("/usr/local")}
    return found


def main() -> int:
    path, options = sys.argv[1], sys.argv[2:]
    if "--after" in options:
        subprocess.run(["systemctl", "start", options[options.index("--after") + 1]], check=True)
    now = json.dumps(snapshot("--ours" in options), indent=1, sort_keys=True)
    if "--compare" not in options:
        with open(path, "w", encoding="utf-8") as file:
            file.write(now)
        return 0
    with open(path, encoding="utf-8") as file:
        before = file.read()
    difference = list(difflib.unified_diff(before.splitlines(), now.splitlines(), "before", "now", lineterm="", n=4))
    sys.stdout.write("\n".join(difference))
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
