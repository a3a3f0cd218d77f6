# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The snippets of "A fleet on shared VLANs", run on several hosts with a wire between them, and what it says of them."""

from __future__ import annotations

import ipaddress
import itertools
import shlex
import sys
import typing as t

import pytest
import yaml

from ansible_collections.fleetnet.macvlan.tests.support.documents import read_snippets
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.playbook import PlaybookRun, environment
from ansible_collections.fleetnet.macvlan.tests.support.snippets import GROUP, Section
from ansible_collections.fleetnet.macvlan.tests.support.tasks import endpoint

pytestmark = pytest.mark.engine

GUIDE = "docs/docsite/rst/guide_fleet.rst"
FIRST = "Slices for all hosts"
LATER = "Hosts that come, grow, and get another name"
PLAY = "fleet.yml"
LEDGER = HOME / ".local/share/macvlan_fleet/ledger.db"


class Fleet:
    """Hosts on one wire; the first one is the control node as well, and its tasks for another host run inside of that one."""

    def __init__(self, make_host: MakeHost, *names: str) -> None:
        self._make_host = make_host
        self.hosts: dict[str, Host] = {}
        for name in names:
            self.add(name)
        group, self.play_text, self.shell = (snippet.text for snippet in read_snippets(GUIDE) if snippet.section == FIRST)
        self.write("group_vars/edge.yml", group)
        self.write(PLAY, self.play_text)

    @property
    def control(self) -> Host:
        return next(iter(self.hosts.values()))

    def add(self, name: str) -> None:
        self.hosts[name] = self._make_host(wire=self.control.wire if self.hosts else None)
        self.write(f"python-{name}", f"#!/bin/sh\nexec {shlex.join(self.hosts[name].command([sys.executable]))} \"$@\"\n", 0o755)
        self.list_hosts()

    def rename(self, former: str, name: str) -> None:
        self.hosts = {name if key == former else key: host for key, host in self.hosts.items()}
        self.write(f"python-{name}", self.control.path(HOME / f"python-{former}").read_text(encoding="utf-8"), 0o755)
        self.list_hosts()

    def list_hosts(self) -> None:
        hosts = {name: {"ansible_connection": "local", "host_python": str(HOME / f"python-{name}")} for name in self.hosts}
        self.write("inventory.yml", yaml.safe_dump({GROUP: {"hosts": hosts}}))

    def write(self, name: str, text: str, mode: int = 0o644) -> None:
        file = self.control.path(HOME / name)
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)

    def play(self, *args: str, **options: t.Any) -> PlaybookRun:
        variables = {"ansible_python_interpreter": "{{ host_python | default(ansible_playbook_python) }}"}
        done = self.control.playbook(HOME / PLAY, *args, inventory=str(HOME / "inventory.yml"), extra_vars=variables, **options)
        assert done.rc == 0, done.stdout + done.stderr
        return done

    def slices(self) -> dict[str, list[str]]:
        """What the networks on the hosts have."""
        networks = {name: host.call("macvlan_info")["networks"] for name, host in self.hosts.items()}
        return {name: [block for net in listed for item in net["subnets"] for block in item["ip_ranges"]] for name, listed in networks.items()}


def apart(slices: dict[str, list[str]]) -> bool:
    blocks = [(name, ipaddress.ip_network(block)) for name, listed in slices.items() for block in listed]
    return not any(one.overlaps(other) for (dummy, one), (dummy2, other) in itertools.combinations(blocks, 2))


def allocation(run: PlaybookRun) -> dict[str, t.Any]:
    (task,) = [task for task in run.tasks if task.action.endswith("macvlan_fleet")]
    return {key: task.result.get(key) for key in ("changed", "slices", "subnets", "claims", "conflicts", "steps", "diff")}


@pytest.mark.shows(GUIDE, FIRST)
def test_every_host_gets_slices_of_its_own_and_check_mode_has_shown_them(make_host: MakeHost, section: Section) -> None:
    fleet = Fleet(make_host, "edge1", "edge2", "edge3")
    assert (section.text(0), section.text(1), section.text(2)) == (
        fleet.control.path(HOME / "group_vars/edge.yml").read_text(encoding="utf-8"),
        fleet.play_text,
        "ansible-playbook fleet.yml --check --diff\nansible-playbook fleet.yml\n",
    )
    foreseen = allocation(fleet.play(check=True, diff=True))
    assert not fleet.control.path(LEDGER.parent).exists() and fleet.slices() == {"edge1": [], "edge2": [], "edge3": []}
    done = fleet.play(diff=True)
    assert allocation(done) == foreseen and done.changed == 4
    slices = fleet.slices()
    assert apart(slices) and {len(blocks) for blocks in slices.values()} == {2}
    assert {name: [item["slice"] for item in told["lan50"]] for name, told in foreseen["slices"].items()} == slices
    addresses = [endpoint(host, "web", network="lan50")["ipv4"] for host in fleet.hosts.values()]
    assert len({*addresses}) == 3
    for name, address in zip(fleet.hosts, addresses, strict=True):
        assert address and ipaddress.ip_interface(address).ip in ipaddress.ip_network(slices[name][0])
    assert fleet.play().changed == 0


@pytest.mark.shows(GUIDE, LATER)
def test_nothing_moves_when_a_host_comes_grows_or_is_renamed(make_host: MakeHost, section: Section) -> None:
    fleet = Fleet(make_host, "edge1", "edge3")
    fleet.play()
    first = fleet.slices()
    fleet.add("edge2")
    fleet.write("host_vars/edge1.yml", section.text(0))
    fleet.play("--limit", "edge1,edge2")
    second = fleet.slices()
    assert second["edge3"] == first["edge3"] and {*second["edge1"]} > {*first["edge1"]} and apart(second)
    assert len(second["edge1"]) == len(first["edge1"]) + 1 or len(second["edge1"]) == len(first["edge1"]) + 2
    fleet.rename("edge3", "edge9")
    fleet.write("host_vars/edge9.yml", section.text(1))
    done = fleet.play()
    assert allocation(done)["steps"] == ["rename edge3 to edge9"]
    assert fleet.slices() == {"edge1": second["edge1"], "edge9": first["edge3"], "edge2": second["edge2"]}
    assert fleet.play().changed == 0


def test_two_plays_at_once_on_one_ledger_never_give_out_the_same(make_host: MakeHost) -> None:
    fleet = Fleet(make_host, "edge1")
    hosts = {name: {"ansible_connection": "local"} for name in ("left1", "left2", "left3", "right1", "right2", "right3")}
    fleet.write("inventory.yml", yaml.safe_dump({GROUP: {"hosts": hosts}}))
    (only,) = yaml.safe_load(fleet.play_text)
    fleet.write(PLAY, yaml.safe_dump([{**only, "tasks": only["tasks"][:1]}]))
    plays = [f"ansible-playbook -i inventory.yml {PLAY} --limit '{side}*'" for side in ("left", "right")]
    env = environment(HOME)
    del env["ANSIBLE_CALLBACKS_ENABLED"]
    fleet.control.run(["bash", "-c", f"cd {HOME}; {plays[0]} & first=$!; {plays[1]} && wait $first"], env=env)
    done = allocation(fleet.play(check=True))
    told = {name: [item["slice"] for item in slices["lan50"]] for name, slices in done["slices"].items()}
    assert not done["changed"] and len(told) == 6 and apart(told)
