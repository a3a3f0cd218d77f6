# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No example, and not the demo, gives two hosts the same addresses, or begins without being told where."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.job import variables
from ansible_collections.fleetnet.macvlan.tests.support.playbook import COLLECTION, PlaybookRun

PLAYBOOKS = ["demo", *sorted(f"examples/{file.stem}" for file in (COLLECTION / "playbooks/examples").glob("*.yml"))]
RANGES_OF_THEIR_OWN = "examples/ip_range"

every_playbook = pytest.mark.parametrize("name", PLAYBOOKS)


def play(hosts: dict[str, Host], name: str, *args: str, places: tuple[int, ...] = (0, 0), **extra_vars: str) -> PlaybookRun:
    """Run it on hosts of one inventory, the first of which is the control node."""
    machine = next(iter(hosts.values()))
    lines = [f"{host_name} {variables(machine, host)} place={place}" for (host_name, host), place in zip(hosts.items(), places)]
    inventory = HOME / "inventory.ini"
    machine.path(inventory).write_text("\n".join(lines) + "\n", encoding="utf-8")
    # The inventory says which Python enters which host, and an extra variable would count more.
    return machine.playbook(Path("playbooks") / f"{name}.yml", *args, inventory=str(inventory), extra_vars={"ansible_python_interpreter": None, **extra_vars})


@every_playbook
@pytest.mark.parametrize("args", [(), ("--tags", "remove")], ids=" ".join)
def test_hosts_have_to_be_named(host: Host, name: str, args: tuple[str, ...]) -> None:
    before = host.snapshot()
    done = host.playbook(f"playbooks/{name}.yml", *args)
    assert done.rc != 0
    assert "target_hosts" in done.stdout
    assert host.snapshot() == before


@every_playbook
@pytest.mark.parametrize("check", [False, True])
def test_two_hosts_are_refused_where_they_would_have_the_same_addresses(make_host: MakeHost, name: str, check: bool) -> None:
    host = make_host()
    before = host.snapshot()
    inventory = HOME / "inventory.ini"
    host.path(inventory).write_text("edge1 place=2\nedge2 place=2\n", encoding="utf-8")
    done = host.playbook(f"playbooks/{name}.yml", check=check, inventory=str(inventory), extra_vars={"target_hosts": "all"})
    assert done.rc != 0
    assert "edge1" in done.stdout and "edge2" in done.stdout
    assert ("place" if name == RANGES_OF_THEIR_OWN else "macvlan_job_isolated") in done.stdout
    assert host.snapshot() == before
