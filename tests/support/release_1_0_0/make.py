# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the databases beside this file were made: by the plans and the database code of release 1.0.0.

Release 1.0.0 is commit 150f96f. With that commit checked out where Python finds it as the collection:

    python make.py FOLDER

The host that was planned for is the one of the unit tests, with links eth0 and eth1.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.record import Record
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.record_diff import changes_between
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store.database import State
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store.journal import Journal
from ansible_collections.fleetnet.macvlan.tests.unit import builders

BOOT = "00000000-0000-4000-8000-000000000000"
LAN = [{"subnet": "10.0.1.0/24", "ip_range": "10.0.1.64/26", "aux_addresses": {"nas": "10.0.1.7"}}, "fd01::/64"]
DETAILS = {
    "ipv4": "10.0.1.99",
    "mac": "02:00:00:00:00:77",
    "mtu": 1400,
    "ifname": "net1",
    "routes": [{"to": "10.9.0.0/16", "via": "10.0.1.9", "metric": 5}],
    "sysctls": {"net.ipv4.conf.IFNAME.rp_filter": 2},
    "labels": {"a": "b"},
    "announce": False,
}
PLAIN = (
    builders.network("lan", LAN, parent="eth0", labels={"site": "north"}, mtu=1450),
    builders.network("inner", ["10.0.2.0/24"], parent="eth0", allow_shared_parent=True, internal=True, mode="private"),
    builders.network("bare", [], parent="eth0", allow_shared_parent=True, ipam="none"),
    builders.endpoint("web", "lan", netns="blue", **DETAILS),
    builders.endpoint("db", "lan", netns="red"),
    builders.endpoint("side", "inner", netns="red", ifname="eth1"),
    builders.endpoint("kiosk", "bare", netns="green"),
    builders.endpoint("host", "lan", netns=None),
)
PARENTS = (
    builders.subinterface("eth1.7", egress_qos_map={"1": 3}, mac="02:00:00:00:00:07"),
    builders.network("tagged", ["10.0.3.0/24"], parent="eth0.50"),
    builders.network("alone", [], parent=None),
    builders.endpoint("web", "tagged", netns="black"),
    builders.endpoint("web", "alone", netns="white"),
)


def database(name: str, host: builders.Host, journal: Journal | None = None, applied: bool = False) -> None:
    """A database as it lies on the disk when no run is at work."""
    with tempfile.TemporaryDirectory() as folder:
        found = State(f"{folder}/state")
        with found.locked("a run of release 1.0.0") as session:
            session.record(changes_between(Record(), host.record))
        if journal is not None:
            with found.locked("a run of release 1.0.0") as session:
                session.intend(journal)
                if applied:
                    session.await_confirmation()
        shutil.copy(found.path, Path(sys.argv[1]) / f"{name}.db")


def main() -> None:
    host = builders.Host()
    host.run(*PLAIN)
    database("plain", host)

    made = host.plan(builders.endpoint("late", "lan", netns="late"))
    changes = changes_between(made.before, made.after)
    database("interrupted", host, Journal(BOOT, "endpoint lan/late", False, made.steps, changes))
    connection = "192.0.2.1 50000 192.0.2.2 22"
    waiting = Journal(BOOT, "endpoint lan/late", False, made.steps, changes, 600.0, connection)
    database("awaiting", host, waiting, applied=True)
    made = host.plan(builders.no_endpoint("db", "lan"))
    changes = changes_between(made.before, made.after)
    database("removal", host, Journal(BOOT, "endpoint lan/db", True, made.steps, changes))

    host.run(*PARENTS)
    database("parents", host)


if __name__ == "__main__":
    main()
