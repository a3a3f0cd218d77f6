# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark: measures every way on throw-away hosts, compares them, and writes what it found."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COLLECTION = Path("ansible_collections/fleetnet/macvlan")


def importable_tree() -> Path:
    """The folder from which Python and Ansible find this collection; a checkout gets a link to it in one."""
    if ROOT.parts[-3:] == COLLECTION.parts:
        return ROOT.parents[2]
    tree = ROOT / "build/benchmark-work/tree"
    (tree / COLLECTION).parent.mkdir(parents=True, exist_ok=True)
    if not (tree / COLLECTION).is_symlink():
        (tree / COLLECTION).symlink_to(ROOT)
    return tree


def main() -> None:
    """Start again as a module of the collection, where relative imports mean something."""
    tree = str(importable_tree())
    environment = {**os.environ, "PYTHONPATH": tree, "ANSIBLE_COLLECTIONS_PATH": tree}
    module = ".".join(COLLECTION.parts) + ".benchmarks.command"
    os.execve(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], environment)


if __name__ == "__main__":
    main()
