# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wire with machines on it that no inventory knows."""

from __future__ import annotations

from ansible_collections.fleetnet.macvlan.tests.support.example import Example
from ansible_collections.fleetnet.macvlan.tests.support.host import Host


def test_addresses_of_other_machines_are_left_to_them(host: Host) -> None:
    for address in ("172.16.97.2/24", "2001:db8:97::2/64"):
        host.wire.add_address(address)
    mac = host.wire.links()[host.wire.BRIDGE]["address"]
    before = host.snapshot()
    example = Example(host, "shared_wire")
    done = example.create()
    assert done.changed == 2
    for address in ("172.16.97.2", "2001:db8:97::2"):
        assert f'"address": "{address}"' in done.stdout
    assert done.stdout.count(f'"mac": "{mac}"') == 2
    assert host.addresses("eth0", netns="kiosk")[:2] == ["172.16.97.3/24", "2001:db8:97::3/64"]
    assert example.play(check=True).changed == 0
    assert example.remove().changed == 2
    assert host.snapshot().without_state() == before.without_state()
