# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An interface of the host in a VRF, with a default route that is only for those in it."""

from __future__ import annotations

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.example import Example
from ansible_collections.fleetnet.macvlan.tests.support.host import Host


@pytest.mark.needs("vrf")
def test_a_vrf_has_a_default_route_of_its_own(host: Host) -> None:
    host.ip("link", "add", "tenants", "type", "vrf", "table", "100")
    host.ip("link", "set", "tenants", "up")
    before = host.snapshot()
    example = Example(host, "vrf")
    assert example.create().changed == 2
    assert example.play(check=True).changed == 0
    assert host.links()["mv-tenants"]["master"] == "tenants"
    assert host.run(["ip", "route", "show", "vrf", "tenants", "default"]).stdout.split()[:5] == ["default", "via", "172.16.97.1", "dev", "mv-tenants"]
    assert host.gateway() is None
    host.wire.add_address("172.16.97.1/24")
    assert host.run(["ping", "-c", "1", "-W", "2", "-I", "tenants", "172.16.97.1"]).returncode == 0

    example.remove()
    assert host.snapshot().without_state() == before.without_state()
