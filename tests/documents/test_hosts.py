# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No example of a document gives two hosts of a group the same address.

Looked at are plays and commands on the group of the documents:

- what networks have in tasks of macvlan_network and macvlan_config, and in the lists of the role: every subnet has a
  range that follows from a variable;
- what endpoints ask for there: every address and MAC address follows from a variable;
- ad-hoc commands with a subnet, an address or a MAC address: none on the group;
- jobs: subnets with ranges of each host, and no address or MAC address.

Tasks and variables without a play are for whichever hosts a reader puts them on, and are not looked at.
"""

from __future__ import annotations

import typing as t

import pytest
import yaml

from ansible_collections.fleetnet.macvlan.tests.support.documents import documents, read_snippets
from ansible_collections.fleetnet.macvlan.tests.support.snippets import GROUP

Item = dict[str, t.Any]
FIXED = ("ipv4", "ipv6", "mac")


def varies(value: t.Any) -> bool:
    return "{{" in str(value)


def same_of_networks(networks: t.Any) -> list[str]:
    items = networks if isinstance(networks, list) else []
    subnets = [subnet for item in items if item.get("parent") for subnet in item.get("subnets", ())]
    return [str(subnet["subnet"]) for subnet in subnets if not varies(subnet.get("ip_range", ""))]


def same_of_endpoints(endpoints: t.Any) -> list[str]:
    items = endpoints if isinstance(endpoints, list) else []
    return [str(item[name]) for item in items for name in FIXED if name in item and not varies(item[name])]


def same_of_play(play: Item) -> list[str]:
    """What all hosts of a play would have."""
    found = []
    lists = [(play.get("vars", {}), "macvlan_host_")]
    for task in play.get("tasks", ()):
        found += same_of_networks([task.get("fleetnet.macvlan.macvlan_network", {})])
        found += same_of_endpoints([task.get("fleetnet.macvlan.macvlan_endpoint", {})])
        lists += [(task.get("fleetnet.macvlan.macvlan_config", {}), "")]
    for about, prefix in lists:
        found += same_of_networks(about.get(f"{prefix}networks"))
        found += same_of_endpoints(about.get(f"{prefix}endpoints"))
    return found


def same_of_command(line: str) -> list[str]:
    """What all hosts that a command is for would have."""
    words = line.split()
    if words[:2] == ["ansible", GROUP]:
        return [line] if any(word in line for word in ('subnet"', "ipv4", "ipv6", "mac=", '"mac"')) else []
    if f"target_hosts={GROUP}" in line and "macvlan_job_isolated=true" not in line:
        fixed = any(f"macvlan_job_endpoint_{name}" in line for name in FIXED)
        whole = "macvlan_job_network_subnets" in line and "macvlan_job_network_ip_ranges_from" not in line
        return [line] if fixed or whole else []
    return []


def plays_of(text: str) -> list[Item]:
    read = yaml.safe_load(text)
    return [item for item in read if isinstance(item, dict) and item.get("hosts") == GROUP] if isinstance(read, list) else []


@pytest.mark.parametrize("file", documents())
def test_no_example_gives_two_hosts_the_same_address(file: str) -> None:
    snippets = read_snippets(file)
    found = [same for item in snippets if item.language == "yaml" for play in plays_of(item.text) for same in same_of_play(play)]
    lines = [line for item in snippets if item.language == "shell" for line in item.text.replace("\\\n", " ").splitlines()]
    assert found + [same for line in lines for same in same_of_command(line)] == []


@pytest.mark.parametrize(
    "play",
    [
        {"tasks": [{"fleetnet.macvlan.macvlan_network": {"parent": "eth0", "subnets": [{"subnet": "10.0.0.0/24"}]}}]},
        {"tasks": [{"fleetnet.macvlan.macvlan_endpoint": {"ipv6": "fd00::1"}}]},
        {"tasks": [{"fleetnet.macvlan.macvlan_config": {"endpoints": [{"mac": "02:00:00:00:00:01"}]}}]},
        {"vars": {"macvlan_host_networks": [{"parent": "eth0", "subnets": [{"subnet": "10.0.0.0/24", "ip_range": "10.0.0.0/25"}]}]}},
    ],
    ids=str,
)
def test_what_all_hosts_of_a_play_would_have_is_seen(play: Item) -> None:
    assert same_of_play(play)


@pytest.mark.parametrize(
    "line",
    [
        'ansible edge -b -m fleetnet.macvlan.macvlan_network -a \'{"subnets": [{"subnet": "10.0.0.0/24"}]}\'',
        "ansible edge -m fleetnet.macvlan.macvlan_endpoint -a 'name=a ipv4=10.0.0.9'",
        "ansible-playbook fleetnet.macvlan.network_create -e target_hosts=edge -e macvlan_job_network_subnets=10.0.0.0/24",
        "ansible-playbook fleetnet.macvlan.endpoint_attach -e target_hosts=edge -e macvlan_job_endpoint_mac=02:00:00:00:00:01",
    ],
)
def test_what_all_hosts_of_a_command_would_have_is_seen(line: str) -> None:
    assert same_of_command(line)
