# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No example gives two hosts the same address.

Looked at are the code blocks of the documents, and the examples of the modules:

- whatever describes a network on a link of the host, in tasks and in variables: every subnet has a range that follows from
  a variable, and so have the pools that a subnet is chosen from;
- whatever describes an endpoint or a link: every address and MAC address follows from a variable;
- ad-hoc commands with a subnet, an address or a MAC address, and jobs: none for several hosts, but jobs with ranges of
  each host.

Plays and commands for a single host are left out. Tasks and variables without a play are for whichever hosts a reader puts
them on, so these are taken for several. (Playbooks are run on two hosts by tests/examples.)
"""

from __future__ import annotations

import importlib
import typing as t

import pytest
import yaml

from ansible_collections.fleetnet.macvlan.tests.support.documents import COLLECTION, documents, read_snippets
from ansible_collections.fleetnet.macvlan.tests.support.snippets import GROUP, INVENTORY

Item = dict[str, t.Any]
FIXED = ("ipv4", "ipv6", "mac")
SINGLE_HOSTS = tuple(INVENTORY[GROUP]["hosts"])
# Without a parent, and so inside of each host.
INSIDE = ("backend",)
MODULES = sorted(file.stem for file in (COLLECTION / "plugins/modules").glob("*.py"))


def varies(value: t.Any) -> bool:
    return "{{" in str(value)


def same_of(value: t.Any) -> list[str]:
    """What all hosts would have that this is written for: a play, a task, a variable, or a part of one."""
    if isinstance(value, list):
        return [same for item in value for same in same_of(item)]
    if not isinstance(value, dict) or value.get("hosts") in SINGLE_HOSTS:
        return []
    fixed = [] if value.get("network") in INSIDE else [value.get(name) for name in FIXED]
    further = [] if value.get("network") in INSIDE else value.get("addresses")
    asked = [*fixed, *(further if isinstance(further, list) else [])]
    found = [text for text in asked if isinstance(text, str) and text != "none" and not varies(text)]
    return found + same_of_network(value) + [same for item in value.values() for same in same_of(item)]


def same_of_network(about: Item) -> list[str]:
    """The addresses that a network on a link gives out on every host; one without a parent is no other host's."""
    parts = (about.get(name) for name in ("subnets", "address_pools"))
    subnets, pools = (part if isinstance(part, list) else [] for part in parts)
    if not about.get("parent"):
        return []
    if about.get("segment"):
        # Without slices, the host has recorded its own.
        return [str(item["slice"]) for item in about.get("slices", ()) if not varies(item["slice"])] if not varies(about.get("slices", "")) else []
    whole = [str(item["subnet"]) for item in subnets if not varies(item.get("ip_range", "")) and not varies(item["subnet"])]
    return whole + [str(item["base"]) for item in pools if not varies(item["base"])]


def same_of_task(task: Item) -> list[str]:
    """What a task would have on every host; a network with neither subnets nor pools of its own has those of the default."""
    about = task.get("fleetnet.macvlan.macvlan_network", {})
    bare = not any(about.get(name) for name in ("subnets", "address_pools")) and about.get("ipam") != "none"
    return [str(about["name"])] if bare and about.get("parent") and not about.get("segment") else []


def same_of_example(text: str) -> list[str]:
    read = yaml.safe_load(text)
    items = read if isinstance(read, list) else []
    plays = [item for item in items if isinstance(item, dict) and item.get("hosts") not in SINGLE_HOSTS]
    tasks = [task for item in plays for task in item.get("tasks", [item])]
    return same_of(read) + [same for task in tasks for same in same_of_task(task)]


def same_of_command(line: str) -> list[str]:
    """What all hosts that a command is for would have."""
    words = line.split()
    is_read_only = "fleetnet.macvlan.macvlan_info" in words
    if words[:1] == ["ansible"] and words[1] not in SINGLE_HOSTS and not is_read_only:
        return [line] if any(word in line for word in ('subnet"', "ipv4", "ipv6", "mac=", '"mac"')) else []
    targets = [word.partition("=")[2] for word in words if word.startswith("target_hosts=")]
    if targets and targets[0] not in SINGLE_HOSTS and "macvlan_job_isolated=true" not in line:
        fixed = any(f"macvlan_job_endpoint_{name}=" in line for name in FIXED)
        whole = "macvlan_job_network_subnets" in line and "macvlan_job_network_ip_ranges_from" not in line
        return [line] if fixed or whole else []
    return []


@pytest.mark.parametrize("file", documents())
def test_no_example_of_a_document_gives_two_hosts_the_same_address(file: str) -> None:
    snippets = read_snippets(file)
    found = [same for item in snippets if item.language == "yaml" for same in same_of_example(item.text)]
    lines = [line for item in snippets if item.language == "shell" for line in item.text.replace("\\\n", " ").splitlines()]
    assert found + [same for line in lines for same in same_of_command(line)] == []


@pytest.mark.parametrize("name", MODULES)
def test_no_example_of_a_module_gives_two_hosts_the_same_address(name: str) -> None:
    module = importlib.import_module(f"ansible_collections.fleetnet.macvlan.plugins.modules.{name}")
    assert same_of_example(module.EXAMPLES) == []


NETWORK = """
- fleetnet.macvlan.macvlan_network:
    name: lan
    parent: eth0
"""
SUBNET = "[{subnet: 10.0.0.0/24}]"
IN_TWO = "[{subnet: 10.0.0.0/24, ip_range: '10.0.0.{{ 8 * place }}/29'}, {subnet: 'fd00::/64'}]"


@pytest.mark.parametrize(
    "text",
    [
        NETWORK,
        f"{NETWORK}    subnets: {SUBNET}",
        f"{NETWORK}    subnets: {IN_TWO}",
        f"{NETWORK}    address_pools: [{{base: 10.0.0.0/8, size: 24}}]",
        f"{NETWORK}    segment: lan\n    subnets: {SUBNET}\n    slices: [{{slice: 10.0.0.0/28}}]",
        f"[{{hosts: edge, tasks: [{{fleetnet.macvlan.macvlan_network: {{name: lan, parent: eth0, subnets: {SUBNET}}}}}]}}]",
        "[{hosts: all, tasks: [{block: [{fleetnet.macvlan.macvlan_endpoint: {ipv6: 'fd00::1'}}]}]}]",
        "- fleetnet.macvlan.macvlan_endpoint: {addresses: ['10.0.0.{{ place }}', 10.0.0.9]}",
        "- fleetnet.macvlan.macvlan_config: {endpoints: [{mac: '02:00:00:00:00:01'}]}",
        "- {fleetnet.macvlan.macvlan_endpoint: {ipv4: '{{ item.ipv4 }}'}, loop: [{ipv4: 10.0.0.9}]}",
        f"- {{hosts: edge, vars: {{macvlan_host_networks: [{{parent: eth0, subnets: {SUBNET}}}]}}}}",
        f"fleet: {{lan: {{parent: eth0, subnets: {SUBNET}}}}}",
    ],
)
def test_what_all_hosts_would_have_is_seen(text: str) -> None:
    assert same_of_example(text)


@pytest.mark.parametrize(
    "text",
    [
        f"{NETWORK}    ipam: none",
        f"{NETWORK}    segment: lan",
        f"{NETWORK}    segment: lan\n    subnets: {SUBNET}\n    slices: '{{{{ fleet.slices[inventory_hostname].lan }}}}'",
        f"{NETWORK}    subnets: [{{subnet: 10.0.0.0/24, ip_range: '10.0.0.{{{{ 8 * place }}}}/29'}}]",
        f"- fleetnet.macvlan.macvlan_network: {{name: lan, subnets: {SUBNET}}}",
        "- fleetnet.macvlan.macvlan_network: {name: lan, state: absent}",
        "- fleetnet.macvlan.macvlan_endpoint: {ipv6: none, addresses: ['10.0.0.{{ place }}']}",
        f"[{{hosts: edge1, tasks: [{{fleetnet.macvlan.macvlan_network: {{name: lan, parent: eth0, subnets: {SUBNET}}}}}]}}]",
    ],
)
def test_what_each_host_has_of_its_own_is_let_pass(text: str) -> None:
    assert same_of_example(text) == []


@pytest.mark.parametrize(
    "line",
    [
        'ansible edge -b -m fleetnet.macvlan.macvlan_network -a \'{"subnets": [{"subnet": "10.0.0.0/24"}]}\'',
        "ansible edge -m fleetnet.macvlan.macvlan_endpoint -a 'name=a ipv4=10.0.0.9'",
        "ansible-playbook fleetnet.macvlan.network_create -e target_hosts=edge -e macvlan_job_network_subnets=10.0.0.0/24",
        "ansible-playbook fleetnet.macvlan.endpoint_attach -e target_hosts=edge -e macvlan_job_endpoint_mac=02:00:00:00:00:01",
        "ansible-playbook fleetnet.macvlan.endpoint_attach -e target_hosts=edge1,edge2 -e macvlan_job_endpoint_ipv4=10.0.0.9",
    ],
)
def test_what_all_hosts_of_a_command_would_have_is_seen(line: str) -> None:
    assert same_of_command(line)
