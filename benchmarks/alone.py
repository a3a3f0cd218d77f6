# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is measured without a host: imports, and the address management."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import typing as t

from .job import Result

ENGINE = "ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host"
# What a task has imported in any case: both are compared by what they add to it.
MODULE_BASE = "ansible.module_utils.basic"
IMPORT_REPEATS = 11
COMPILED = "single-endpoint task, compiled from source"
ADDRESSES_BOUND = 600.0


def python(*argv: str, bound: float = 60.0, environment: dict[str, str] | None = None) -> str:
    given = {**os.environ, **(environment or {})}
    done = subprocess.run([sys.executable, *argv], check=True, capture_output=True, text=True, timeout=bound, env=given)
    return done.stdout


def import_seconds(later: t.Iterable[str]) -> Result:
    """Medians of imports, each in a Python that has imported what every module of Ansible has; taken in turns.

    All have their bytecode, as installed packages do. Ansible sends modules as source, so the time to compile ours
    is measured too.

    :param later: modules that a single-endpoint task imports while it runs
    """
    ours = [f"{ENGINE}.run.pipeline", f"{ENGINE}.request.endpoint", *sorted(later)]
    with tempfile.TemporaryDirectory() as folder:
        kept = {"PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}
        candidates = {
            "single-endpoint task": (ours, kept),
            "pyroute2": (["pyroute2"], kept),
            "netaddr": (["netaddr"], kept),
            COMPILED: (ours, {"PYTHONPYCACHEPREFIX": f"{folder}/none", "PYTHONDONTWRITEBYTECODE": "1"}),
        }
        for modules, environment in candidates.values():
            seconds_of_imports(modules, environment)
        taken: dict[str, list[float]] = {name: [] for name in candidates}
        for dummy in range(IMPORT_REPEATS):
            for name, (modules, environment) in candidates.items():
                taken[name].append(seconds_of_imports(modules, environment))
    return {
        name: {"median": statistics.median(values), "min": min(values), "max": max(values)}
        for name, values in taken.items()
    }


def seconds_of_imports(modules: list[str], environment: dict[str, str]) -> float:
    lines = [f"import {MODULE_BASE}, time", "begun = time.perf_counter()", *(f"import {name}" for name in modules)]
    return float(python("-c", "\n".join([*lines, "print(time.perf_counter() - begun)"]), environment=environment))


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
