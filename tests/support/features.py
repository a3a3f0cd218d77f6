# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel of this machine can do, and what becomes of the tests that need more."""

from __future__ import annotations

import functools
import os
import subprocess

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names

# Before, a link that is renamed goes down for it (net/core/dev.c, dev_change_name).
RENAMES_LIVE = names.kernel_version(os.uname().release) >= (6, 2)

VETH = "ip link add v0 type veth peer name v1"
PROBES = {
    "veth": VETH,
    "bridge": "ip link add b0 type bridge",
    "vlan_filtering": "ip link add b0 type bridge vlan_filtering 1",
    "bonding": "ip link add b0 type bond",
    "dummy": "ip link add d0 type dummy",
    "macvlan": f"{VETH} && ip link add link v0 name m0 type macvlan mode bridge",
    "ipvlan": f"{VETH} && ip link add link v0 name i0 type ipvlan mode l2",
    "vrf": "ip link add r0 type vrf table 100",
    "8021q": f"{VETH} && ip link add link v0 name v0.5 type vlan id 5",
    "8021ad": f"{VETH} && ip link add link v0 name v0.5 type vlan protocol 802.1ad id 5",
}
# EOPNOTSUPP, in the words of the kernel and of ip(8).
MISSING = ("Operation not supported", "Unknown device type")


@functools.cache
def has_feature(feature: str) -> bool:
    """Try it once, in a network namespace that is gone afterwards."""
    probe = ["unshare", "--net", "sh", "-c", PROBES[feature]]
    done = subprocess.run(probe, check=False, capture_output=True, text=True, timeout=60)
    if done.returncode == 0:
        return True
    if any(text in done.stderr for text in MISSING):
        return False
    raise AssertionError(f"cannot tell whether the kernel has {feature}: {done.stderr.strip()}")


def nothing_may_be_skipped() -> bool:
    """Where the kernel is known to have everything, a skipped test is a test that was lost."""
    return os.environ.get("MACVLAN_NOTHING_SKIPPED") == "1"


def requires(*features: str) -> None:
    """Go on if the kernel has these; otherwise skip, or fail where nothing may be skipped."""
    for feature in features:
        if not has_feature(feature):
            give_up = pytest.fail if nothing_may_be_skipped() else pytest.skip
            give_up(f"kernel has no {feature}")
