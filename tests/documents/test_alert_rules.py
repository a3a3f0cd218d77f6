# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The alert rules: Prometheus takes them, they fire when they must, and they are about metrics that there are."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from ansible_collections.fleetnet.macvlan.tests.support.documents import COLLECTION
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.promtool import judged

RULES = COLLECTION / "docs/prometheus/alert_rules.yml"


def test_each_alert_fires_when_it_must_and_not_otherwise() -> None:
    files = {"alert_rules.yml": RULES.read_text(encoding="utf-8"), "test.yml": Path(__file__).with_name("alert_rules_test.yml").read_text(encoding="utf-8")}
    for command in (("check", "rules", "alert_rules.yml"), ("test", "rules", "test.yml")):
        done = judged(command, files=files)
        assert done.returncode == 0 and "SUCCESS" in done.stdout, f"{done.stdout}{done.stderr}"


def test_alerts_are_about_metrics_that_are_printed(host: Host) -> None:
    host.call("macvlan_config", networks=[{"name": "lan", "parent": "eth0", "subnets": [{"subnet": "192.168.50.0/24"}]}])
    printed = {re.split("[{ ]", line)[0] for line in host.run_command("metrics").lines}
    rules = [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
    assert {name for rule in rules for name in re.findall(r"\bmacvlan_\w+", rule["expr"])} <= printed
