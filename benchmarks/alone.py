# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is measured without a host: imports, and the address management."""

from __future__ import annotations

import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

from .job import Result
from .packed import RELEASE, ROOT, Packed, earlier_release, imported_by_tasks

# What a task has imported in any case: both are compared by what they add to it.
MODULE_BASE = "ansible.module_utils.basic"
IMPORT_REPEATS = 11
ADDRESSES_BOUND = 600.0


def python(*argv: str, bound: float = 60.0, environment: dict[str, str] | None = None) -> str:
    given = {**os.environ, **(environment or {})}
    done = subprocess.run([sys.executable, *argv], check=True, capture_output=True, text=True, timeout=bound, env=given)
    return done.stdout


def import_seconds() -> Result:
    """Medians of imports, each in a Python that has imported what every module of Ansible has; taken in turns.

    Modules are imported as on a target: from their zip, from source, and with what their tasks import while they run.
    Libraries have their bytecode there.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        release = earlier_release(folder / "release")
        candidates: dict[str, t.Callable[[], float]] = {}
        for module, later in _of_tasks(ROOT, folder / "own").items():
            candidates[module] = Packed(ROOT, module, folder / f"{module}.zip", later).seconds
        for module, later in _of_tasks(release, folder / "earlier").items() if release is not None else ():
            candidates[of_release(module)] = Packed(release or ROOT, module, folder / f"earlier-{module}.zip", later).seconds
        kept = {"PYTHONPYCACHEPREFIX": f"{name}/bytecode", "PYTHONDONTWRITEBYTECODE": ""}
        for library in ("pyroute2", "netaddr"):
            seconds_of_imports(library, kept)
            candidates[library] = functools.partial(seconds_of_imports, library, kept)
        taken: dict[str, list[float]] = {candidate: [] for candidate in candidates}
        for dummy in range(IMPORT_REPEATS):
            for candidate, seconds in candidates.items():
                taken[candidate].append(seconds())
    return {
        name: {"median": statistics.median(values), "min": min(values), "max": max(values)}
        for name, values in taken.items()
    }


def _of_tasks(root: Path, folder: Path) -> dict[str, list[str]]:
    folder.mkdir()
    return imported_by_tasks(root, folder)


def of_release(module: str) -> str:
    """What a module of the earlier release is called in the results."""
    return f"{module} of release {RELEASE}"


def seconds_of_imports(library: str, environment: dict[str, str]) -> float:
    """Of the processor, for a library in a module."""
    lines = [f"import {MODULE_BASE}, time", "begun = time.process_time()", f"import {library}"]
    return float(python("-c", "\n".join([*lines, "print(time.process_time() - begun)"]), environment=environment))


def addresses_per_second() -> Result:
    try:
        found: Result = json.loads(python("-m", f"{__package__}.addresses", bound=ADDRESSES_BOUND))
    except subprocess.TimeoutExpired:
        return {"reason": f"did not end within {ADDRESSES_BOUND:.0f} s"}
    except subprocess.CalledProcessError as exc:
        return {"reason": str(exc.stderr).strip().splitlines()[-1]}
    return found


def machine(work: str) -> Result:
    """What the numbers depend on; nothing that names the machine."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = int(file.readline().split()[1]) // 1024
    kind = subprocess.run(["stat", "-f", "-c", "%T", work], check=True, capture_output=True, text=True).stdout.strip()
    uname = os.uname()
    return {
        "processor": models[0] if models else uname.machine,
        "cores": os.cpu_count(),
        "memory_mib": memory,
        "kernel": f"{uname.sysname} {uname.release.partition('-')[0]}",
        "file_system": kind,
    }
