# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The snippets of "A report about the fleet", run as they are written, and its picture."""

from __future__ import annotations

import importlib.util
import json
import typing as t

import pytest
import yaml

from ansible_collections.fleetnet.macvlan.tests.support.documents import COLLECTION
from ansible_collections.fleetnet.macvlan.tests.support.host import HOME, Host
from ansible_collections.fleetnet.macvlan.tests.support.snippets import INVENTORY, Section, install_command
from ansible_collections.fleetnet.macvlan.tests.unit.fleet_answers import Page

GUIDE = "docs/docsite/rst/guide_fleet_report.rst"
SEGMENTS = [{"name": "lan50", "subnets": [{"subnet": "192.168.50.0/24", "slice_length": 26}]}]


@pytest.fixture
def in_use(host: Host) -> Host:
    host.call(
        "macvlan_config",
        networks=[{"name": "lan", "parent": "eth0", "subnets": [{"subnet": "192.168.50.0/24", "ip_range": "192.168.50.64/26"}]}],
        endpoints=[{"name": "web", "network": "lan", "netns": "web"}],
    )
    return host


def page(host: Host) -> Page:
    return Page(host.path(HOME / "fleet.html").read_text(encoding="utf-8"))


def twin(host: Host) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", json.loads(host.path(HOME / "fleet.json").read_text(encoding="utf-8")))


@pytest.mark.shows(GUIDE, "Write a report")
def test_the_second_report_has_the_changes(in_use: Host, section: Section) -> None:
    section.run(in_use)
    assert "192.168.50.64/24" in page(in_use).of("e/code") and twin(in_use)["since"] == ""
    in_use.call("macvlan_endpoint", name="db", network="lan", netns="db")
    section.run(in_use)
    assert [change["subject"] for change in twin(in_use)["changes"]] == ["endpoint lan/db"]


@pytest.mark.shows(GUIDE, "Segments")
def test_segments_of_the_inventory_are_on_the_maps(in_use: Host, section: Section) -> None:
    inventory = {group: {**about, "vars": {"segments": SEGMENTS}} for group, about in INVENTORY.items()}
    in_use.path(HOME / "inventory.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    section.run(in_use)
    assert [(wire["name"], wire["segment"]) for wire in twin(in_use)["wires"]] == [("lan50", True)]


@pytest.mark.shows(GUIDE, "In a play of your own")
def test_a_play_writes_the_report_itself(in_use: Host, section: Section) -> None:
    section.play(in_use)
    assert "edge1" in page(in_use).of("summary/b")


@pytest.mark.shows(GUIDE, "Metrics for Prometheus")
def test_metrics_are_as_the_guide_has_them(in_use: Host, section: Section) -> None:
    install_command(in_use)
    printed = section.run(in_use).stdout.splitlines()
    for line in section.text(1).splitlines():
        assert any(other == line or other.startswith(f"{line} ") for other in printed), line
    folder = in_use.path("/var/lib/prometheus/node-exporter")
    folder.mkdir(parents=True)
    section.run(in_use, 2)
    assert len((folder / "macvlan.prom").read_text(encoding="utf-8").splitlines()) == len(printed)


def test_the_picture_is_what_the_report_draws() -> None:
    file = COLLECTION / "docs/site/report_picture.py"
    spec = importlib.util.spec_from_file_location("report_picture", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    drawn = (COLLECTION / "docs/docsite/rst/fleet_report.svg").read_text(encoding="utf-8")
    assert drawn == module.drawing(), "the picture is old; run: python docs/site/report_picture.py"
