# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No example, and not the demo, gives two hosts the same addresses, or begins without being told where."""

from __future__ import annotations

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.job import variables
from ansible_collections.fleetnet.macvlan.tests.support.playbook import COLLECTION, PlaybookRun

PLAYBOOKS = ["demo", *sorted(f"examples/{file.stem}" for file in (COLLECTION / "playbooks/examples").glob("*.yml"))]
RANGES_OF_THEIR_OWN = "examples/ip_range"
SLICES_OF_THEIR_OWN = "examples/fleet_segment"

every_playbook = pytest.mark.parametrize("name", PLAYBOOKS)


@every_playbook
@pytest.mark.parametrize("args", [(), ("--tags", "remove")], ids=" ".join)
def test_hosts_have_to_be_named(host: Host, name: str, args: tuple[str, ...]) -> None:
    before = host.snapshot()
    done = host.playbook(f"playbooks/{name}.yml", *args)
    assert done.rc != 0
    assert "target_hosts" in done.stdout
    assert host.snapshot() == before


@pytest.mark.parametrize("name", [name for name in PLAYBOOKS if name != SLICES_OF_THEIR_OWN])
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


def test_hosts_with_places_of_their_own_have_ranges_of_their_own(make_host: MakeHost) -> None:
    hosts = [make_host(), make_host()]
    done = play_on(hosts, RANGES_OF_THEIR_OWN)
    assert (done.rc, done.changed) == (0, 6), done.stdout
    found = [host.addresses("eth0", netns=name)[0] for host in hosts for name in ("app1", "app2")]
    assert found == ["192.168.32.128/24", "192.168.32.129/24", "192.168.32.160/24", "192.168.32.161/24"]


def test_hosts_of_a_segment_have_slices_of_their_own(make_host: MakeHost) -> None:
    hosts = [make_host(), make_host()]
    done = play_on(hosts, SLICES_OF_THEIR_OWN)
    assert (done.rc, done.changed) == (0, 1 + 4), done.stdout
    found = {host.addresses("eth0", netns="app3")[0].rpartition(".")[0] for host in hosts}
    assert found == {"172.16.98"}
    slices = {int(host.addresses("eth0", netns="app3")[0].split("/")[0].rpartition(".")[2]) // 16 for host in hosts}
    assert len(slices) == 2
    assert play_on(hosts, SLICES_OF_THEIR_OWN).changed == 0


def play_on(hosts: list[Host], name: str) -> PlaybookRun:
    """Run a playbook on several hosts, each of which has a place."""
    inventory = HOME / "inventory.ini"
    python = [variables(hosts[0], host).rpartition("=")[2] for host in hosts]
    lines = [f"edge{number + 1} place={number} own_python={python[number]}\n" for number in range(len(hosts))]
    hosts[0].path(inventory).write_text("".join(lines), encoding="utf-8")
    asked = {"target_hosts": "all", "ansible_python_interpreter": "{{ own_python }}"}
    return hosts[0].playbook(f"playbooks/{name}.yml", inventory=str(inventory), extra_vars=asked)
