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
from pathlib import Path

import pytest
import yaml

from ansible_collections.fleetnet.macvlan.tests.support.documents import read_snippets
from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.plain_host import without_services
from ansible_collections.fleetnet.macvlan.tests.support.playbook import PlaybookRun, environment
from ansible_collections.fleetnet.macvlan.tests.support.snippets import GROUP, Section
from ansible_collections.fleetnet.macvlan.tests.support.tasks import endpoint

pytestmark = pytest.mark.engine

GUIDE = "docs/docsite/rst/guide_fleet.rst"
FIRST = "Slices for all hosts"
LATER = "Hosts that come, grow, and get another name"
GONE = "Hosts that are gone for good"
RENUMBERED = "Another subnet"
ASKED = "Who has an address?"
WITHOUT = "Slices first, or without the role"
COMPARED = "Is all well?"
PLAY = "fleet.yml"
LEDGER = HOME / ".local/share/macvlan_fleet/ledger.db"


class Fleet:
    """Hosts on one wire; the first one is the control node as well, and its tasks for another host run inside of that one."""

    def __init__(self, make_host: MakeHost, shared: Path, *names: str) -> None:
        """:param shared: a folder that all hosts see, for the scripts that Ansible copies to them"""
        self._make_host, self._shared = make_host, shared
        self.hosts: dict[str, Host] = {}
        for name in names:
            self.add(name)
        group, self.play_text, self.shell = (snippet.text for snippet in read_snippets(GUIDE) if snippet.section == FIRST)
        self.write("group_vars/edge.yml", group)
        self.write(PLAY, self.play_text)

    @property
    def control(self) -> Host:
        return next(iter(self.hosts.values()))

    @property
    def connection(self) -> dict[str, str]:
        return {"ansible_connection": "local", "ansible_remote_tmp": str(self._shared)}

    def add(self, name: str) -> None:
        self.hosts[name] = without_services(self._make_host(wire=self.control.wire if self.hosts else None))
        self.write(f"python-{name}", f"#!/bin/sh\nexec {shlex.join(self.hosts[name].command([sys.executable]))} \"$@\"\n", 0o755)
        self.list_hosts()

    def rename(self, former: str, name: str) -> None:
        self.hosts = {name if key == former else key: host for key, host in self.hosts.items()}
        self.write(f"python-{name}", self.control.path(HOME / f"python-{former}").read_text(encoding="utf-8"), 0o755)
        self.list_hosts()

    def list_hosts(self) -> None:
        hosts = {name: {"host_python": str(HOME / f"python-{name}"), **self.connection} for name in self.hosts}
        self.write("inventory.yml", yaml.safe_dump({GROUP: {"hosts": hosts}}))

    def write(self, name: str, text: str, mode: int = 0o644) -> None:
        file = self.control.path(HOME / name)
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)

    def run(self, *args: str, playbook: Path = HOME / PLAY, **options: t.Any) -> PlaybookRun:
        variables = {"ansible_python_interpreter": "{{ host_python | default(ansible_playbook_python) }}", **options.pop("extra_vars", {})}
        return self.control.playbook(playbook, *args, inventory=str(HOME / "inventory.yml"), extra_vars=variables, **options)

    def play(self, *args: str, **options: t.Any) -> PlaybookRun:
        done = self.run(*args, **options)
        assert done.rc == 0, done.stdout + done.stderr
        return done

    def info(self) -> dict[str, dict[str, t.Any]]:
        return {name: host.call("macvlan_info") for name, host in self.hosts.items()}

    def slices(self) -> dict[str, list[str]]:
        """What the networks on the hosts have."""
        return {name: [item["slice"] for net in told["networks"] for item in net["slices"]] for name, told in self.info().items()}

    def addresses(self) -> dict[str, list[str]]:
        """What the endpoints on the hosts have."""
        return {name: [item[key] for item in told["endpoints"] for key in ("ipv4", "ipv6")] for name, told in self.info().items()}


def apart(slices: dict[str, list[str]]) -> bool:
    blocks = [(name, ipaddress.ip_network(block)) for name, listed in slices.items() for block in listed]
    return not any(one.overlaps(other) for (dummy, one), (dummy2, other) in itertools.combinations(blocks, 2))


def inside(addresses: list[str], slices: list[str]) -> bool:
    blocks = [ipaddress.ip_network(block) for block in slices]
    return all(any(ipaddress.ip_interface(address).ip in block for block in blocks) for address in addresses)


def allocations(run: PlaybookRun) -> list[dict[str, t.Any]]:
    """What the tasks of macvlan_fleet have returned."""
    keys = ("changed", "slices", "networks", "claims", "conflicts", "steps", "diff")
    return [{key: task.result.get(key) for key in keys} for task in run.tasks if task.action.endswith("macvlan_fleet") and task.status == "ok"]


def configured(run: PlaybookRun) -> list[dict[str, t.Any]]:
    """What the tasks of macvlan_config have returned; hosts are ready in any order."""
    keys = ("changed", "steps", "networks", "endpoints")
    return sorted(({key: task.result.get(key) for key in keys} for task in run.tasks if task.action.endswith("macvlan_config")), key=str)


@pytest.mark.shows(GUIDE, FIRST)
def test_every_host_gets_slices_of_its_own_and_check_mode_has_shown_them(make_host: MakeHost, tmp_path: Path, section: Section) -> None:
    fleet = Fleet(make_host, tmp_path, "edge1", "edge2", "edge3")
    assert (section.text(0), section.text(1), section.text(2)) == (
        fleet.control.path(HOME / "group_vars/edge.yml").read_text(encoding="utf-8"),
        fleet.play_text,
        "ansible-playbook fleet.yml --check --diff\nansible-playbook fleet.yml\n",
    )
    fleet.hosts["edge2"].run(["ip", "address", "add", "192.168.50.200/24", "dev", "eth0"])
    foreseen = fleet.play(check=True, diff=True)
    assert not fleet.control.path(LEDGER.parent).exists() and fleet.slices() == {"edge1": [], "edge2": [], "edge3": []}
    done = fleet.play(diff=True)
    (told,) = allocations(foreseen)
    given, bound = allocations(done)
    assert given == told and configured(done) == configured(foreseen)
    uuids = {name: told["host"]["uuid"] for name, told in fleet.info().items()}
    assert bound["steps"] == [f"bind {name} to the UUID {uuid}" for name, uuid in uuids.items()]
    slices = fleet.slices()
    assert apart(slices) and {len(blocks) for blocks in slices.values()} == {2}
    assert {name: [item["slice"] for item in of_host["lan50"]] for name, of_host in told["slices"].items()} == slices
    addresses = fleet.addresses()
    assert len({*itertools.chain(*addresses.values())}) == 12
    assert all(inside(addresses[name], slices[name]) for name in fleet.hosts)
    assert fleet.play().changed == 0
    # What a single task makes is inside of the slices too, and needs no store.
    fleet.control.path(LEDGER).unlink()
    assert inside([str(endpoint(fleet.control, "db", network="web")["ipv4"])], slices["edge1"])


@pytest.mark.shows(GUIDE, LATER)
def test_nothing_moves_when_a_host_comes_grows_or_is_renamed(make_host: MakeHost, tmp_path: Path, section: Section) -> None:
    fleet = Fleet(make_host, tmp_path, "edge1", "edge3")
    fleet.play()
    first, had = fleet.slices(), fleet.addresses()
    fleet.add("edge2")
    fleet.write("host_vars/edge1.yml", section.text(0))
    fleet.play("--limit", "edge1,edge2")
    second = fleet.slices()
    assert second["edge3"] == first["edge3"] and {*second["edge1"]} > {*first["edge1"]} and apart(second)
    fleet.rename("edge3", "edge9")
    fleet.write("host_vars/edge9.yml", section.text(1))
    done = fleet.play()
    assert allocations(done)[0]["steps"] == ["rename edge3 to edge9"]
    assert fleet.slices() == {"edge1": second["edge1"], "edge9": first["edge3"], "edge2": second["edge2"]}
    assert {**fleet.addresses(), **had, "edge3": []} == {**fleet.addresses(), "edge3": []}
    assert fleet.play().changed == 0


@pytest.mark.shows(GUIDE, GONE)
def test_slices_of_a_host_that_is_gone_are_taken_back(make_host: MakeHost, tmp_path: Path, section: Section) -> None:
    fleet = Fleet(make_host, tmp_path, "edge1", "edge3")
    job = "ansible-playbook fleetnet.macvlan.fleet_reclaim -e target_hosts=edge -e macvlan_job_gone=edge3"
    assert section.text(0) == f"{job}\n{job} -e macvlan_job_dry_run=false\n"
    fleet.play()
    had = fleet.slices()
    gone = fleet.hosts.pop("edge3")
    gone.run(["ip", "link", "set", "eth0", "down"])
    fleet.list_hosts()
    reclaim = {"playbook": Path("playbooks/fleet_reclaim.yml")}
    answers = {"target_hosts": "edge", "macvlan_job_gone": "edge3", "macvlan_job_grace": "0s"}
    ledger = fleet.control.path(LEDGER).read_bytes()
    fleet.play(extra_vars=answers, **reclaim)
    assert fleet.control.path(LEDGER).read_bytes() == ledger
    for text in ("note that edge3 is gone", f"take {had['edge3'][0]} of segment lan50 back from edge3"):
        assert text in fleet.play(extra_vars={**answers, "macvlan_job_dry_run": "false"}, **reclaim).stdout
    gone.run(["ip", "link", "set", "eth0", "up"])
    fleet.hosts["edge3"] = gone
    fleet.list_hosts()
    fleet.play()
    assert fleet.slices() == had


@pytest.mark.shows(GUIDE, RENUMBERED)
def test_a_segment_is_renumbered(make_host: MakeHost, tmp_path: Path, section: Section) -> None:
    fleet = Fleet(make_host, tmp_path, "edge1", "edge2")
    fleet.play()
    had = fleet.addresses()
    group = yaml.safe_load(fleet.control.path(HOME / "group_vars/edge.yml").read_text(encoding="utf-8"))
    fleet.write("group_vars/edge.yml", yaml.safe_dump({**group, **yaml.safe_load(section.text(0))}))
    refused = fleet.run()
    assert refused.rc != 0 and "subnets would lose 192.168.50.0/24, which has leases and cannot go" in " ".join(refused.stdout.split())
    assert fleet.addresses() == had
    replaced = {"macvlan_host_replace": "true"}
    assert section.text(1).count("-e macvlan_host_replace=true") == 2
    foreseen = fleet.play(check=True, extra_vars=replaced)
    done = fleet.play(extra_vars=replaced)
    assert configured(done) == configured(foreseen)
    now, slices = fleet.addresses(), fleet.slices()
    assert all(inside(now[name], slices[name]) and now[name] != had[name] and now[name][1::2] == had[name][1::2] for name in fleet.hosts)
    assert {str(ipaddress.ip_interface(one).network) for listed in now.values() for one in listed[::2]} == {"192.168.60.0/24"}
    assert apart(slices) and fleet.play().changed == 0


@pytest.mark.shows(GUIDE, ASKED)
def test_the_holder_of_an_address_is_found(make_host: MakeHost, tmp_path: Path, section: Section) -> None:
    fleet = Fleet(make_host, tmp_path, "edge1", "edge2")
    fleet.play()
    address = fleet.addresses()["edge2"][2].partition("/")[0]
    options = "-i inventory.yml -e 'ansible_python_interpreter={{ host_python }}'"
    said = fleet.control.run(
        ["bash", "-c", f"cd {HOME}; {section.text(0).strip().replace('192.168.50.66', address)} {options}"], env=environment(HOME)
    )
    assert said.stdout.count('"name": "web2"') >= 1


@pytest.mark.shows(GUIDE, WITHOUT)
def test_slices_can_be_given_out_first_or_by_single_tasks(make_host: MakeHost, tmp_path: Path, section: Section) -> None:
    fleet = Fleet(make_host, tmp_path, "edge1", "edge2")
    job, target = "ansible-playbook fleetnet.macvlan.fleet_plan", "-e target_hosts=edge"
    assert section.text(0) == f"{job} {target} --check\n{job} {target}\n"
    plan = {"playbook": Path("playbooks/fleet_plan.yml"), "extra_vars": {"target_hosts": "edge"}}
    (foreseen,) = allocations(fleet.play(check=True, **plan))
    assert allocations(fleet.play(**plan)) == [foreseen] and fleet.slices() == {"edge1": [], "edge2": []}
    single = {"name": "Without the role", "hosts": GROUP, "become": True, "gather_facts": False, "tasks": yaml.safe_load(section.text(1))}
    fleet.write(PLAY, yaml.safe_dump([single]))
    assert allocations(fleet.play()) == [{**foreseen, "changed": False, "claims": [], "steps": []}]
    assert fleet.slices() == {name: [item["slice"] for item in of_host["lan50"]] for name, of_host in foreseen["slices"].items()}
    assert fleet.play().changed == 0


@pytest.mark.shows(GUIDE, COMPARED)
def test_a_fleet_is_compared_with_itself(make_host: MakeHost, tmp_path: Path, section: Section) -> None:
    fleet = Fleet(make_host, tmp_path, "edge1", "edge2")
    assert section.text(0) == "ansible-playbook fleetnet.macvlan.fleet_check -e target_hosts=edge\n"
    fleet.play()
    compare = {"playbook": Path("playbooks/fleet_check.yml"), "extra_vars": {"target_hosts": "edge"}}
    assert fleet.play(**compare).changed == 0
    taken = str(fleet.info()["edge2"]["endpoints"][0]["ipv4"])
    fleet.hosts["edge1"].run(["ip", "address", "add", taken, "dev", "eth0"])
    failed = fleet.run(**compare)
    assert failed.rc != 0 and f"the address {taken.partition('/')[0]} of lan50 is on edge2 (web/web1) and on edge1 (the host itself)" in failed.stdout


def test_networks_that_nothing_can_replace_are_refused(make_host: MakeHost, tmp_path: Path) -> None:
    fleet = Fleet(make_host, tmp_path, "edge1")
    given = {"macvlan_host_networks": yaml.safe_load(fleet.control.path(HOME / "group_vars/edge.yml").read_text(encoding="utf-8"))["macvlan_host_networks"]}
    failed = fleet.run(extra_vars=given)
    assert failed.rc != 0 and "macvlan_host_networks is an extra variable, which nothing can replace" in " ".join(failed.stdout.split())


def test_hosts_are_removed_without_the_store(make_host: MakeHost, tmp_path: Path) -> None:
    fleet = Fleet(make_host, tmp_path, "edge1")
    fleet.play()
    gone = fleet.play(extra_vars={"macvlan_host_state": "absent"})
    assert allocations(gone) == [] and fleet.control.namespaces() == [] and fleet.slices() == {"edge1": []}
    assert fleet.control.path(LEDGER).exists()


def test_two_plays_at_once_on_one_ledger_never_give_out_the_same(make_host: MakeHost, tmp_path: Path) -> None:
    fleet = Fleet(make_host, tmp_path, "edge1")
    hosts = dict.fromkeys(("left1", "left2", "left3", "right1", "right2", "right3"), fleet.connection)
    fleet.write("inventory.yml", yaml.safe_dump({GROUP: {"hosts": hosts}}))
    (only,) = yaml.safe_load(fleet.play_text)
    plan = {"name": "Plan", "ansible.builtin.include_role": {"name": "fleetnet.macvlan.macvlan_fleet", "tasks_from": "plan"}}
    fleet.write(PLAY, yaml.safe_dump([{**{key: value for key, value in only.items() if key != "roles"}, "tasks": [plan]}]))
    plays = [f"ansible-playbook -i inventory.yml {PLAY} --limit '{side}*'" for side in ("left", "right")]
    env = environment(HOME)
    del env["ANSIBLE_CALLBACKS_ENABLED"]
    fleet.control.run(["bash", "-c", f"cd {HOME}; {plays[0]} & first=$!; {plays[1]} && wait $first"], env=env)
    (done,) = allocations(fleet.play(check=True))
    told = {name: [item["slice"] for item in slices["lan50"]] for name, slices in done["slices"].items()}
    # Facts of a loaded host may be there only now; slices may not.
    assert (done["claims"], len(told)) == ([], 6) and apart(told)
