# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts ask the wire about which slices."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.fleet_probes import probes_of

FOUR = {"host": "z", "segment": "lan", "slice": "10.0.0.16/28"}
SIX = {"host": "z", "segment": "lan", "slice": "fd00::1:0/112"}

NONE = ["10.0.0.16/28 of segment lan", "fd00::1:0/112 of segment lan"]


def network(name, *subnets, **more):
    return {"id": "ab" * 16, "name": name, "parent": "eth0", "subnets": [{"subnet": cidr} for cidr in subnets], **more}


def host(*networks):
    return {"changed": False, "networks": list(networks)}


BOTH = network("both", "10.0.0.0/24", "fd00::/64")


@pytest.mark.parametrize(
    ("answers", "asked", "unasked"),
    [
        ({"a": host(BOTH)}, {"a": ["10.0.0.16/28", "fd00::1:0/112"]}, []),
        ({"a": host(BOTH), "b": host(BOTH)}, {"a": ["10.0.0.16/28"], "b": ["fd00::1:0/112"]}, []),
        ({"a": host(network("four", "10.0.0.0/24")), "b": host(BOTH)}, {"a": ["10.0.0.16/28"], "b": ["fd00::1:0/112"]}, []),
        ({"a": host(network("four", "10.0.0.0/24", segment="lan"))}, {"a": ["10.0.0.16/28"]}, ["fd00::1:0/112 of segment lan"]),
        ({"a": host(network("far", "10.0.0.0/24", "fd00::/64", segment="wan"))}, {"a": []}, NONE),
        ({"a": host(network("alone", "10.0.0.0/24", "fd00::/64", parent="dm-abababababab"))}, {"a": []}, NONE),
        # An equal subnet of a network that names no segment is on another wire, where others name theirs.
        (
            {"a": host(BOTH), "b": host(network("named", "10.0.0.0/24", "fd00::/64", segment="lan"))},
            {"a": [], "b": ["10.0.0.16/28", "fd00::1:0/112"]},
            [],
        ),
        ({"a": host(network("small", "10.0.0.16/29"))}, {"a": []}, NONE),
        ({"a": {"unreachable": True, "msg": "away"}, "b": host(BOTH), "c": {}}, {"a": [], "b": ["10.0.0.16/28", "fd00::1:0/112"], "c": []}, []),
        ({}, {}, NONE),
    ],
)
def test_each_slice_is_asked_about_by_a_host_of_its_wire(answers, asked, unasked):
    told = probes_of([FOUR, SIX], answers)
    assert {name: [item["slice"] for item in listed] for name, listed in told["probes"].items()} == asked
    assert told["unasked"] == unasked


def test_a_probe_says_what_the_command_needs():
    assert probes_of([FOUR], {"a": host(BOTH)}) == {"probes": {"a": [{"segment": "lan", "slice": "10.0.0.16/28", "network": "both"}]}, "unasked": []}
    assert probes_of([], {"a": {}}) == {"probes": {"a": []}, "unasked": []}


@pytest.mark.parametrize("arguments", ["[], []", "[{}], {'a': {}}", "3, {}", "[{'slice': 3, 'segment': 'lan'}], {'a': {'networks': [{}]}}"])
def test_what_the_filter_cannot_read_is_told_in_words(arguments):
    """In a process of its own: with Ansible's errors comes the whole controller, and modules here would report to that."""
    filters = "ansible_collections.fleetnet.macvlan.plugins.filter"
    call = f"from {filters}.fleet_probes import FilterModule; FilterModule().filters()['fleet_probes']({arguments})"
    done = subprocess.run([sys.executable, "-c", call], check=False, capture_output=True, text=True)
    assert done.returncode != 0 and "fleet_probes takes " in done.stderr
