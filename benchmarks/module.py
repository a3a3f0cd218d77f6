# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One whole module of this collection or of Ansible's as a task starts it, with its own peak of memory told at its end.

Started with the module's name and a file with its options; like Ansible's wrapper it sets the options and calls main().
"""

from __future__ import annotations

import atexit
import importlib
import os
import sys

from ansible.module_utils import basic


def tell_memory() -> None:
    """The peak of this program alone; getrusage(2) would count what its parent was before exec."""
    with open("/proc/self/status", encoding="ascii") as file:
        peak = next(line.split()[1] for line in file if line.startswith("VmHWM:"))
    os.write(2, f"peak_kib={peak}\n".encode())


def main() -> None:
    name, path = sys.argv[1:]
    with open(path, "rb") as file:
        basic._ANSIBLE_ARGS = file.read()
    basic._ANSIBLE_PROFILE = "legacy"
    atexit.register(tell_memory)
    importlib.import_module(name).main()


if __name__ == "__main__":
    main()
