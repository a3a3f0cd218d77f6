# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that gives an endpoint an address as soon as it is told to; the benchmark of probing has many at the same time.

Usage: contender.py PARENT [ADDRESS], in network and mount namespaces of its own. It says ready, waits for a line, and says which
IPv4 address the endpoint has; an empty line if the address was refused.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

from ansible_collections.fleetnet.macvlan.plugins.module_utils._option_values import config_params
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.host import Config, config_options
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.execute import execute

SUBNET = "10.10.0.0/16"


def declared(parent: str, *endpoints: dict[str, str]) -> Config:
    network = {"name": "lan", "parent": parent, "subnets": [{"subnet": SUBNET}]}
    return config_options(config_params({"networks": [network], "endpoints": list(endpoints)}))


def main(parent: str, address: str = "") -> None:
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run/netns"], check=True)
    asked_for = {"ipv4": address} if address else {}
    with tempfile.TemporaryDirectory(dir="/var/tmp") as state_dir:
        execute(declared(parent), state_dir=state_dir, dry_run=False)
        print("ready", flush=True)
        sys.stdin.readline()
        try:
            done = execute(declared(parent, {"name": "web", "network": "lan", "netns": "web", **asked_for}), state_dir=state_dir, dry_run=False)
            print(done.shown["endpoints"][0]["ipv4"].partition("/")[0], flush=True)
        except PlanError as exc:
            if " is in use on " not in str(exc):
                raise
            print(flush=True)
        # The endpoint answers for its address until all have said theirs.
        sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
