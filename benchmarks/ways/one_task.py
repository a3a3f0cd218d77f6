# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real ansible-playbook with one macvlan_config task, for comparison with the plain one."""

from __future__ import annotations

from ansible_collections.fleetnet.macvlan.benchmarks import declared, view
from ansible_collections.fleetnet.macvlan.benchmarks.job import Job, Result, timed

from .playbook import run, write_play


def prepare(job: Job) -> None:
    for name in ("create", "change", "remove"):
        params = {**declared.config(job, name), "state_dir": str(job.file("state"))}
        write_play(job, name, [{"fleetnet.macvlan.macvlan_config": params}])


def create(job: Job) -> Result:
    return {"seconds": timed(lambda: run(job, "create"))}


def again(job: Job) -> Result:
    return {"seconds": timed(lambda: run(job, "create"))}


def change(job: Job) -> Result:
    return {"seconds": timed(lambda: run(job, "change"))}


def remove(job: Job) -> Result:
    returned = timed(lambda: run(job, "remove"))
    return {"seconds": returned + timed(lambda: view.wait_until_gone(job.parent)), "returned": returned}
