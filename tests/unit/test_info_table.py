# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The short table of a host, as the playbook info prints it."""

from __future__ import annotations

from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.info_lines import info_lines
from ansible_collections.fleetnet.macvlan.tests.unit import builders
from ansible_collections.fleetnet.macvlan.tests.unit.builders import BLUE_PATH, Host
from ansible_collections.fleetnet.macvlan.tests.unit.test_listing import report_of


def test_a_host_has_a_table_its_free_addresses_and_its_drift():
    host = Host()
    host.run(builders.network("lan", [{"subnet": "10.0.1.0/24", "ip_range": "10.0.1.8/30"}, "fd01::/64"]))
    host.run(builders.network("few", [{"subnet": "10.0.2.0/30"}], parent="eth1"))
    host.run(builders.endpoint("web", "lan"))
    host.change("eth0", BLUE_PATH, mtu=1400)
    assert info_lines(report_of(host), "edge1") == [
        "HOST   ENDPOINT  NETNS  ADDRESSES                MAC                STATE",
        "edge1  few       -      -                        -                  ok",
        "edge1  lan/web   blue   10.0.1.8/24, fd01::2/64  02:42:0a:00:01:08  drift",
        "network few: 1 address of 10.0.2.0/30 is free",
        "network lan: 3 addresses of 10.0.1.8/30 are free",
        "network lan: more than 1000000 addresses of fd01::/64 are free",
        "endpoint lan/web: mtu is 1400, recorded 1500",
    ]


def test_a_host_with_nothing_that_fits_says_so():
    assert info_lines({"networks": [], "endpoints": [], "drift": []}, "edge1") == ["edge1: nothing that fits is recorded"]
