# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task imports of this collection, as it really does: from a zip of sources, which Ansible sends, without bytecode."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import typing as t
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from ansible_collections.fleetnet.macvlan.tests.support.machine import Machine

COLLECTION = "ansible_collections.fleetnet.macvlan."
ROOT = Path(__file__).parents[4]
RELEASE, COMMIT = "1.0.0", "150f96f"

# What is not ours is there already: Ansible's own part, and what ours takes of Python's library.
IMPORTS = """
import importlib, json, sys, time
sys.path.insert(0, sys.argv[1])
import ansible.module_utils.basic
ours, others = json.loads(sys.argv[2])
for name in others:
    importlib.import_module(name)
before = set(sys.modules)
begun = time.process_time()
for name in ours:
    importlib.import_module(name)
took = time.process_time() - begun
print(json.dumps([took, sorted(set(sys.modules) - before)]))
"""

# As Ansible's wrapper starts a module; what is imported at its end goes to a file.
TASK = """
import atexit, importlib, json, sys
sys.path.insert(0, sys.argv[1])
from ansible.module_utils import basic
basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = sys.argv[3].encode(), "legacy"

def tell():
    with open(sys.argv[4], "w") as file:
        json.dump(list(sys.modules), file)

atexit.register(tell)
importlib.import_module(sys.argv[2]).main()
"""
NETWORK: dict[str, t.Any] = {"name": "net", "parent": "eth0", "subnets": [{"subnet": "10.9.0.0/24"}]}
ENDPOINT: dict[str, t.Any] = {"name": "web", "network": "net", "netns": "web"}


def earlier_release(folder: Path) -> Path | None:
    """Where the release is that this one is compared with; None where its commit is not in the repository."""
    target = folder.joinpath(*COLLECTION.rstrip(".").split("."))
    target.mkdir(parents=True)
    own = ROOT.joinpath(*COLLECTION.rstrip(".").split("."))
    done = subprocess.run(["git", "-C", str(own), "archive", COMMIT, "plugins"], check=False, capture_output=True)
    if done.returncode != 0:
        return None
    subprocess.run(["tar", "-x", "-C", str(target)], check=True, input=done.stdout)
    return folder


def shipped(root: Path, module: str) -> dict[str, str]:
    """Name → source of what Ansible packs with a module of this collection: all that is imported anywhere in it, and in that."""
    sources: dict[str, str] = {}
    waiting = [f"{COLLECTION}plugins.modules.{module}"]
    while waiting:
        name = waiting.pop()
        file = root / (name.replace(".", "/") + ".py")
        if name.startswith(COLLECTION) and name not in sources and file.exists():
            sources[name] = file.read_text(encoding="utf-8")
            waiting += imported(name, ast.parse(sources[name]))
    return sources


def pack(root: Path, module: str, archive: Path) -> None:
    """The zip that Ansible sends for a module, with what is ours of it."""
    sources = shipped(root, module)
    packages = {name.rsplit(".", depth)[0] for name in sources for depth in range(1, name.count(".") + 1)}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for package in sorted(packages):
            packed.writestr(package.replace(".", "/") + "/__init__.py", "")
        for name, source in sources.items():
            packed.writestr(name.replace(".", "/") + ".py", source)


def imported_by_tasks(root: Path, folder: Path) -> dict[str, list[str]]:
    """Module → what of this collection a task of it imports that reads or changes nothing: tasks from their zips, on a throw-away host."""
    with Machine() as machine:
        machine.ip("link", "add", "eth0", "type", "veth", "peer", "name", "wire0")
        for link in ("eth0", "wire0"):
            machine.ip("link", "set", link, "up")

        def task(module: str, **options: t.Any) -> list[str]:
            archive, listed = folder / f"task-{module}.zip", folder / f"task-{module}.json"
            pack(root, module, archive)
            arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**options, "state_dir": str(folder / "task-state")}})
            machine.run([sys.executable, "-c", TASK, str(archive), f"{COLLECTION}plugins.modules.{module}", arguments, str(listed)])
            return [name for name in json.loads(listed.read_text(encoding="utf-8")) if name.startswith(COLLECTION)]

        task("macvlan_network", **NETWORK)
        task("macvlan_endpoint", **ENDPOINT)
        return {"macvlan_endpoint": task("macvlan_endpoint", **ENDPOINT), "macvlan_info": task("macvlan_info")}


def imported(name: str, tree: ast.AST) -> Iterator[str]:
    """Modules that may be meant by the imports of one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = ".".join(name.split(".")[: -node.level]) if node.level else ""
            inside = ".".join(filter(None, [base, node.module]))
            yield inside
            yield from (f"{inside}.{alias.name}" for alias in node.names)


class Packed:
    """A module in its zip.

    :param later: modules that its task imports while it runs
    """

    def __init__(self, root: Path, module: str, archive: Path, later: Iterable[str] = ()) -> None:
        pack(root, module, archive)
        self._archive = archive
        self._ours = [f"{COLLECTION}plugins.modules.{module}", *sorted(later)]
        self._others = [name for name in self._run([])[1] if not name.startswith("ansible_collections")]

    def _run(self, others: list[str]) -> tuple[float, list[str]]:
        argv = [sys.executable, "-c", IMPORTS, str(self._archive), json.dumps([self._ours, others])]
        done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60)
        seconds, names = json.loads(done.stdout)
        return seconds, names

    def seconds(self) -> float:
        """Of the processor, for what is ours of the imports."""
        return self._run(self._others)[0]
