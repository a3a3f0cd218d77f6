# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must not stop a module before it has begun."""

from __future__ import annotations

import subprocess
import sys

import pytest

ENGINE = "ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host"
IMPORT = f"""
import os, sys
class Uname(tuple):
    release = sys.argv[1]
os.uname = Uname
from {ENGINE}.kernel import link_creation
print(link_creation.LOOKS_UP_NAMES_IN_NEW_NETNS)
"""


@pytest.mark.parametrize(
    ("release", "looks"),
    [
        ("6.12+", False),
        ("6.1.0-13-amd64", False),
        ("6.14", False),
        ("6.15", True),
        ("6.15+", True),
        ("7.1.0-rc3", True),
        ("7", True),
        ("custom", False),
    ],
)
def test_the_engine_is_imported_on_a_kernel_of_any_name(release: str, looks: bool) -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT, release], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == str(looks)
