# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report about a fleet costs: seconds and megabytes for 200 hosts with 50 endpoints each.

    python benchmarks/fleet_report.py [--hosts 200] [--endpoints 50] [--write FOLDER] [--playbook]

With ``--playbook``, Ansible runs the module as well: the seconds are those that a play takes longer with its task than without.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.read import read_hosts, read_segments
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.as_json import plain_report
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.build import build_report
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.compare import read_last_report
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.page import html_page

SECONDS, MEGABYTES = 3.0, 3.0
SECONDS_OF_TASK = 5.0
COLLECTIONS = Path(__file__).resolve().parents[4]
# Three segments: one whose addresses are all drawn, one that is drawn by bands, and one with both families.
SEGMENTS = [
    {"name": "office", "subnets": [{"subnet": "192.168.0.0/16", "slice_length": 24, "gateway": "192.168.255.254"}]},
    {"name": "plant", "subnets": [{"subnet": "10.20.0.0/16", "slice_length": 24}, {"subnet": "2001:db8:20::/64", "slice_length": 112}]},
    {"name": "lab", "subnets": [{"subnet": "172.16.0.0/22", "slice_length": 29}]},
]


def fleet_of(hosts: int, endpoints: int) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """The answers of hosts, and what the inventory says of them; 5 of 50 endpoints are drawn one by one, and the last host is away."""
    answers: dict[str, t.Any] = {f"edge{number}": answer_of(number, endpoints) for number in range(1, hosts + 1)}
    if hosts > 3:
        answers[f"edge{hosts}"] = {"unreachable": True, "msg": "Failed to connect to the host via ssh: No route to host"}
    inventory = {name: {"place": {"office": place, "plant": place, **({"lab": place} if place < 128 else {})}} for place, name in enumerate(answers)}
    return answers, inventory


def answer_of(number: int, endpoints: int) -> dict[str, t.Any]:
    """What macvlan_info returns on a host."""
    lab = endpoints // 10 if number <= 127 else 0
    shares = {"office": (endpoints - lab) // 2, "plant": endpoints - lab - (endpoints - lab) // 2, "lab": lab}
    networks, items = [], []
    for position, segment in enumerate(SEGMENTS):
        name = str(segment["name"])
        if not shares[name]:
            continue
        subnets, pools = [], []
        for written in segment["subnets"]:
            whole = ipaddress.ip_network(written["subnet"])
            size = 2 ** (whole.max_prefixlen - written["slice_length"])
            first = whole.network_address + (number - 1) * size
            gateway = written.get("gateway") or str(whole.network_address + 1)
            subnets.append(
                {"subnet": str(whole), "gateway": gateway, "gateway_inferred": True, "gateway_onlink": False, "ip_range": None,
                 "ip_ranges": [f"{first}/{written['slice_length']}"], "exclude": [], "aux_addresses": {}, "in_use": 9, "available": 99}
            )
            pools.append((first, whole.prefixlen))
        networks.append(
            {"id": f"{position}" * 32, "name": name, "parent": f"eth0.{50 + position}", "driver": "macvlan", "mode": "bridge", "mtu": None,
             "internal": False, "ipam": "default", "host_access": None, "subnets": subnets, "endpoints": []}
        )
        for rank in range(2, shares[name] + 2):
            addresses = [f"{first + rank}/{length}" for first, length in pools]
            items.append(
                {"name": f"service-{rank - 1}", "network": name, "netns": f"{name}-service-{rank - 1}", "ifname": "eth0",
                 "mac": "02:42:" + (pools[0][0] + rank).packed.hex(":"), "mtu": 1500, "ipv4": addresses[0],
                 "ipv6": addresses[1] if len(addresses) > 1 else None, "addresses": [], "foreign_addresses": [], "routes": [], "vrf": None,
                 "parent": f"eth0.{50 + position}", "mode": "bridge"}
            )
    drift = [{"object": "endpoint office/service-1", "field": "mtu", "recorded": 1500, "actual": 1400}] if number % 50 == 3 else []
    subs = [
        {"name": item["parent"], "parent": "eth0", "vlan_id": int(item["parent"].partition(".")[2]), "protocol": "802.1q", "mtu": 1500, "mac": ""}
        for item in networks
    ]
    return {"networks": networks, "endpoints": items, "vlan_subinterfaces": subs, "drift": drift}


# Hosts answer without a process each, and their answers are registered results, as those of macvlan_info are.
ANSWER = """
import json
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        with open(self._task.args["file"]) as file:
            return {**json.load(file), "failed": False}
"""
PLAY = [
    {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {"answer": {"file": "{{ playbook_dir }}/answers/{{ inventory_hostname }}.json"}, "register": "macvlan", "ignore_unreachable": True},
            {
                "fleetnet.macvlan.macvlan_fleet_report": {
                    "answers": "{{ dict(ansible_play_hosts_all | zip(ansible_play_hosts_all | map('extract', hostvars, 'macvlan'))) }}",
                    "segments": "{{ segments }}",
                    "hosts": "{{ inventory }}",
                    "dest": "fleet.html",
                },
                "run_once": True,
                "tags": "report",
            },
        ],
    }
]


def seconds_of_task(answers: dict[str, t.Any], inventory: dict[str, t.Any]) -> float:
    """What the task of the module costs in a play, in which all hosts have answered."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {
            "play.json": json.dumps(PLAY),
            "hosts.json": json.dumps({"all": {"hosts": {host: {"ansible_connection": "local"} for host in answers}}}),
            "vars.json": json.dumps({"segments": SEGMENTS, "inventory": inventory}),
            "action_plugins/answer.py": ANSWER,
            "library/answer.py": "",
            **{f"answers/{host}.json": json.dumps(answer) for host, answer in answers.items()},
        }
        for path, text in files.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        argv = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "hosts.json", "-e", "@vars.json", "play.json"]
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_HOME": name, "LC_ALL": "C.UTF-8"}

        def play(*more: str) -> float:
            begun = time.perf_counter()
            subprocess.run([*argv, *more], check=True, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
            return time.perf_counter() - begun

        without = play("--skip-tags", "report")
        return play() - without


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--endpoints", type=int, default=50)
    parser.add_argument("--write", type=Path, help="a folder for the report")
    parser.add_argument("--playbook", action="store_true", help="measure the module in a play as well")
    asked = parser.parse_args()
    answers, inventory = fleet_of(asked.hosts, asked.endpoints)
    last = json.loads(json.dumps(plain_report(build_report(fleet_of(asked.hosts, asked.endpoints)[0], generated="2026-01-01 00:00:00 UTC"))))
    begun = time.perf_counter()
    segments = read_segments(SEGMENTS)
    report = build_report(
        answers, segments=segments, fleet=read_hosts(inventory, segments), last=read_last_report(last), generated="2026-01-02 00:00:00 UTC"
    )
    page, twin = html_page(report), json.dumps(plain_report(report))
    seconds, megabytes = time.perf_counter() - begun, len(page.encode()) / 1e6
    print(f"{asked.hosts} hosts with {asked.endpoints} endpoints: {seconds:.2f} s (at most {SECONDS:.0f}), {megabytes:.2f} MB of HTML "
          f"(at most {MEGABYTES:.0f}), {len(twin) / 1e6:.2f} MB of JSON")
    if asked.write:
        asked.write.mkdir(parents=True, exist_ok=True)
        (asked.write / "fleet.html").write_text(page, encoding="utf-8")
        (asked.write / "fleet.json").write_text(twin, encoding="utf-8")
    task = seconds_of_task(answers, inventory) if asked.playbook else 0.0
    if asked.playbook:
        print(f"the task of macvlan_fleet_report in a play: {task:.2f} s (at most {SECONDS_OF_TASK:.0f})")
    return int(seconds > SECONDS or megabytes > MEGABYTES or task > SECONDS_OF_TASK)


if __name__ == "__main__":
    raise SystemExit(main())
