# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The measurements that the README names still measure; how fast it is beside others is not for a busy machine to tell."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.fleetnet.macvlan.benchmarks.case import Case
from ansible_collections.fleetnet.macvlan.benchmarks.contestants import OPERATIONS, WAYS
from ansible_collections.fleetnet.macvlan.tests.support.documents import COLLECTION

README = (COLLECTION / "README.md").read_text(encoding="utf-8")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    argv = [sys.executable, *arguments]
    return subprocess.run(argv, cwd=COLLECTION, env=env, check=False, capture_output=True, text=True, timeout=1200)


def program(name: str) -> str:
    """A measurement that the README runs in a guest."""
    programs = re.findall(r"`python3 tests/vm/guest.py run -- python3 (\S+)`", README)
    (path,) = [item for item in programs if Path(item).stem == name]
    return path


def test_all_functions_that_the_phases_watch_are_there() -> None:
    base = "ansible_collections.fleetnet.macvlan.benchmarks.phases"
    # In a process of its own, because the functions are wrapped in it.
    done = run("-c", f"from {base} import Phases; Phases()")
    assert done.returncode == 0, done.stderr
    lost = f"from {base} import Phases; import {base} as phases; phases.WATCHED = (('read', 'store.database', 'State.lost'),); Phases()"
    assert "has no attribute 'lost'" in run("-c", lost).stderr


def test_a_part_of_the_benchmark_is_run(tmp_path: Path) -> None:
    (arguments,) = re.findall(r'`make benchmark ARGS="(.*)"`', README)
    done = run("benchmarks/run.py", "--work", str(tmp_path), "--output", str(tmp_path / "results"), *shlex.split(arguments))
    assert done.returncode == 0, done.stdout + done.stderr
    assert {"results.json", "results.md", "results.svg"} <= {file.name for file in (tmp_path / "results").iterdir()}


@pytest.mark.needs("8021q")
def test_restoring_is_compared_with_batches() -> None:
    done = run(program("restore"), "--vlans", "2", "--endpoints", "5", "--repeats", "1")
    assert "restoring 10 endpoints in 10 namespaces on 2 VLANs" in done.stdout, done.stdout + done.stderr


def test_the_wire_is_asked_by_the_benchmark_of_probing() -> None:
    less = ("--probes", "200", "--links", "4", "--rounds", "1", "--endpoints", "5", "--repeats", "1", "--contenders", "3")
    done = run(program("probing"), *less)
    wanted = ("200 probes, fast", "200 probes, careful", "missed of 20 in 1 runs", "the creation of 5", "the creation of 1", "of 1 rounds in which 2 hosts")
    for words in (*wanted, "3 hosts choose an address at once: those without one of their own: 0 (at most 0) holds"):
        assert words in done.stdout, done.stdout + done.stderr


def test_the_plan_of_a_fleet_is_measured() -> None:
    (path,) = re.findall(r"`python3 (benchmarks/fleet\.py)`", README)
    done = run(path, "--hosts", "10", "100")
    assert re.search(r"^ +100 +600 ", done.stdout, re.MULTILINE), done.stdout + done.stderr


@pytest.mark.needs("ipvlan")
def test_the_way_with_ipvlan_links_is_counted_at_every_step(tmp_path: Path) -> None:
    (way,) = [way for way in WAYS if way.name == "ipvlan"]
    case = Case(way, 2, False, {}, 300.0)
    case.run({}, tmp_path)
    assert set(case.results) == set(OPERATIONS)
