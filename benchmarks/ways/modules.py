# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""macvlan_config as a whole module process: start of Python, imports, options, engine and result."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from ansible_collections.fleetnet.macvlan.benchmarks import declared, view
from ansible_collections.fleetnet.macvlan.benchmarks.job import Job, Result, timed

PROGRAM = Path(__file__).parent.parent / "module.py"
MODULE = "ansible_collections.fleetnet.macvlan.plugins.modules.macvlan_config"
EMPTY = "ansible.modules.ping"


def run(job: Job, module: str, params: Result) -> Result:
    """The result of a module, with the seconds it took and its peak of memory."""
    path = job.file("params.json")
    own = {"_ansible_remote_tmp": job.folder, "_ansible_no_log": True, **params}
    path.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": own}), encoding="utf-8")
    argv = [sys.executable, str(PROGRAM), module, str(path)]
    said: list[subprocess.CompletedProcess[str]] = []
    seconds = timed(lambda: said.append(subprocess.run(argv, check=False, capture_output=True, text=True)))
    peak = re.search(r"peak_kib=(\d+)", said[0].stderr)
    if said[0].returncode != 0 or peak is None:
        raise RuntimeError(f"{module}: {said[0].stdout[-2000:]}{said[0].stderr[-2000:]}")
    return {"seconds": seconds, "peak_kib": int(peak[1]), "result": json.loads(said[0].stdout)}


def config(job: Job, operation: str) -> Result:
    done = run(job, MODULE, {**declared.config(job, operation), "state_dir": str(job.file("state"))})
    if done.pop("result")["changed"] != (operation != "again"):
        raise RuntimeError(f"{operation}: changed is wrong")
    return done


def create(job: Job) -> Result:
    empty = run(job, EMPTY, {})
    return {**config(job, "create"), "empty_peak_kib": empty["peak_kib"], "empty_seconds": empty["seconds"]}


def again(job: Job) -> Result:
    return config(job, "again")


def change(job: Job) -> Result:
    return config(job, "change")


def remove(job: Job) -> Result:
    done = config(job, "remove")
    done["returned"] = done["seconds"]
    done["seconds"] += timed(lambda: view.wait_until_gone(job.parent))
    return done
