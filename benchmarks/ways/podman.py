# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Podman's macvlan networks, made by netavark; every command is a process, there is no daemon."""

from __future__ import annotations

import functools
import json
import os
import shlex

from ansible_collections.fleetnet.macvlan.benchmarks.job import Job, Result

from . import containers


def podman(job: Job, *args: str) -> str:
    environment = {
        **os.environ,
        "CONTAINERS_CONF": str(job.file("containers.conf")),
        "CONTAINERS_STORAGE_CONF": str(job.file("storage.conf")),
        "XDG_RUNTIME_DIR": "/run",
    }
    return containers.run([job.programs["podman"], *args], environment)


def prepare(job: Job) -> None:
    helpers = os.path.dirname(job.programs["netavark"])
    configuration: dict[str, dict[str, object]] = {
        "containers": {"cgroups": "disabled", "seccomp_profile": "unconfined", "log_driver": "none"},
        "network": {"network_backend": "netavark", "network_config_dir": str(job.file("networks"))},
        "engine": {
            "cgroup_manager": "cgroupfs",
            "events_logger": "none",
            "runtime": "crun",
            "conmon_path": [job.programs["conmon"]],
            "helper_binaries_dir": [helpers],
            "static_dir": str(job.file("static")),
            "tmp_dir": "/run/libpod",
            "runtimes": {"crun": [write_wrapper(job, "crun")]},
        },
    }
    places = {"driver": "vfs", "graphroot": str(job.file("storage")), "runroot": "/run/storage"}
    storage: dict[str, dict[str, object]] = {"storage": {**places}}
    job.file("containers.conf").write_text(toml(configuration), encoding="utf-8")
    job.file("storage.conf").write_text(toml(storage), encoding="utf-8")
    policy = job.file("policy.json")
    policy.write_text(json.dumps({"default": [{"type": "insecureAcceptAnything"}]}), encoding="utf-8")
    podman(job, "import", f"--signature-policy={policy}", containers.write_image(job), containers.IMAGE)


def write_wrapper(job: Job, program: str) -> str:
    """What starts a program with the libraries that came with it, which conmon would have it forget."""
    wrapper = job.file(program)
    libraries = shlex.quote(os.environ.get("LD_LIBRARY_PATH", ""))
    command = f'LD_LIBRARY_PATH={libraries} exec {shlex.quote(job.programs[program])} "$@"'
    wrapper.write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
    wrapper.chmod(0o755)
    return str(wrapper)


def toml(tables: dict[str, dict[str, object]]) -> str:
    """Text, lists of text and one level of tables read the same in TOML as in JSON."""
    lines: list[str] = []
    for name, table in tables.items():
        lines.append(f"[{name}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in table.items() if not isinstance(value, dict)]
        inner = {f"{name}.{key}": value for key, value in table.items() if isinstance(value, dict)}
        lines.append(toml(inner))
    return "\n".join(lines)


def create(job: Job) -> Result:
    return containers.create(job, functools.partial(podman, job))


def change(job: Job) -> Result:
    return containers.change(job, functools.partial(podman, job))


def remove(job: Job) -> Result:
    return containers.remove(job, functools.partial(podman, job), "--time=0")
