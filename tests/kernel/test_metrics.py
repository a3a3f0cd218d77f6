# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command macvlan-host metrics on a real host: its numbers are those of the kernel, and Prometheus takes them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.fixtures import MakeHost
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.prometheus import prometheus
from ansible_collections.fleetnet.macvlan.tests.support.promtool import complaints

pytestmark = [pytest.mark.engine, pytest.mark.any_kernel]

ROUTER = "192.168.50.1"


@pytest.fixture
def in_use(make_host: MakeHost) -> Host:
    host = make_host("eth0", "eth1")
    host.wire.add_address(f"{ROUTER}/24")
    host.call(
        "macvlan_config",
        networks=[
            {"name": "lan", "parent": "eth0", "subnets": [{"subnet": "192.168.50.0/24", "gateway": ROUTER}]},
            {"name": "inner", "parent": "eth1", "subnets": [{"subnet": "10.9.0.0/28"}]},
        ],
        endpoints=[
            {"name": "web", "network": "lan", "netns": "web"},
            {"name": "own", "network": "inner", "ifname": "inner0"},
            {"name": "gone", "network": "inner", "netns": "gone"},
        ],
    )
    return host


def printed(host: Host) -> tuple[list[str], dict[str, int]]:
    said = host.run_command("metrics")
    assert said.code == 0, said.complaint
    return said.lines, {name: int(value) for line in said.lines if not line.startswith("#") for name, dummy, value in [line.rpartition(" ")]}


def test_promtool_has_no_complaint(in_use: Host) -> None:
    in_use.run(["ip", "netns", "delete", "gone"])
    in_use.run(["ip", "link", "set", "eth0", "mtu", "1400"], "web")
    lines, values = printed(in_use)
    assert complaints("\n".join([*lines, ""])) == ""
    assert values['macvlan_endpoints{network="lan",state="drift"}'] == 1
    assert values['macvlan_endpoints{network="inner",state="missing"}'] == 1
    assert values['macvlan_drift{kind="endpoint"}'] == 2
    assert values['macvlan_subnet_addresses{network="lan",subnet="192.168.50.0/24",state="available"}'] == 252


def test_a_prometheus_has_them_from_a_node_exporter(in_use: Host, tmp_path: Path) -> None:
    folder = in_use.path("/var/lib/prometheus/node-exporter")
    folder.mkdir(parents=True)
    in_use.run(["ip", "netns", "delete", "gone"])
    written = in_use.run_command("metrics", "--output", "/var/lib/prometheus/node-exporter/macvlan.prom")
    assert written.code == 0, written.complaint
    with prometheus(folder, tmp_path) as server:
        assert server.wait_for('macvlan_endpoints{state="missing"} > 0') == {"network=inner,state=missing": 1}
        known = server.query('macvlan_subnet_addresses{state="available"}')
        assert known["network=lan,state=available,subnet=192.168.50.0/24"] == 252
        assert server.query("node_textfile_scrape_error") == {"": 0}
        assert "endpoint=own,interface=inner0,network=inner" in server.query("macvlan_endpoint_receive_bytes_total")


def test_promtool_has_complaints_about_what_is_wrong() -> None:
    assert "no help text" in complaints("macvlan_x 1\n")


def test_traffic_is_counted_inside_of_the_namespaces(in_use: Host) -> None:
    assert in_use.ping("web", ROUTER)
    dummy, before = printed(in_use)
    labels = '{network="lan",endpoint="web",interface="eth0"}'
    for dummy in range(3):
        assert in_use.ping("web", ROUTER)
    dummy, after = printed(in_use)
    (link,) = in_use.ip("-statistics", "link", "show", "dev", "eth0", netns="web")
    for direction, key in (("receive", "rx"), ("transmit", "tx")):
        packets = f"macvlan_endpoint_{direction}_packets_total{labels}"
        assert after[packets] >= before[packets] + 3
        assert link["stats64"][key]["packets"] >= after[packets]
        assert link["stats64"][key]["bytes"] >= after[f"macvlan_endpoint_{direction}_bytes_total{labels}"] > 0
    assert 'macvlan_endpoint_receive_bytes_total{network="inner",endpoint="own",interface="inner0"}' in after


def test_a_host_without_a_record_has_metrics_too(host: Host) -> None:
    lines, values = printed(host)
    assert values["macvlan_networks_recorded"] == 0
    assert not any(re.match("macvlan_endpoint_", line) for line in lines)


def test_a_file_of_metrics_is_replaced_at_once_and_stays_when_it_cannot_be(in_use: Host) -> None:
    file = HOME / "metrics/macvlan.prom"
    said = in_use.run_command("metrics", "--output", str(file))
    assert said.code == 2 and "cannot write" in said.complaint and "its folder must be there" in said.complaint
    in_use.path(file.parent).mkdir()
    assert in_use.run_command("metrics", "--output", str(file)).lines == []
    text = in_use.path(file).read_text(encoding="utf-8")
    assert complaints(text) == "" and 'macvlan_endpoints{network="lan",state="ok"} 1' in text
    assert in_use.path(file).stat().st_mode & 0o777 == 0o644
    with in_use.path(file).open(encoding="utf-8") as reader:
        in_use.call("macvlan_endpoint", name="web", network="lan", state="absent")
        in_use.run_command("metrics", "--output", str(file))
        assert reader.read() == text
    assert 'macvlan_endpoints{network="lan",state="ok"} 0' in in_use.path(file).read_text(encoding="utf-8")
    assert [item.name for item in in_use.path(file.parent).iterdir()] == ["macvlan.prom"]
