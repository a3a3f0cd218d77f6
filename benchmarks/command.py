# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line of the benchmark, which run.py starts: measures, compares, writes the results."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel.available_kinds import can_make

from . import alone, plot, report
from .case import Case
from .contestants import WAYS, Way
from .job import Result
from .requirements import requirements
from .rivals import PROGRAMS, Rivals
from .schedule import PLACEMENTS, Contest, Schedule
from .summary import Summary

WORK = Path("build/benchmark-work")
SIZES = (1, 10, 100, 1000, 4000)
# What a process gets where nobody has raised it; the ways have to work with it.
OPEN_FILES = 1024


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.py", description=__doc__)
    names = [way.name for way in WAYS]
    add = parser.add_argument
    add("--ways", type=words, default=names, help=f"which, with commas between them: {', '.join(names)}")
    add("--sizes", type=numbers, default=SIZES, help="how many endpoints, with commas between them")
    add("--placements", type=words, default=list(PLACEMENTS), help=f"which of: {', '.join(PLACEMENTS)}")
    add("--repeats", type=int, default=3, help="runs of each case (%(default)s)")
    add("--bound", type=float, default=60.0, help="seconds for a case, and for its repeats (%(default)s)")
    add("--output", type=Path, default=WORK / "results", help="folder of the results (%(default)s)")
    add("--work", type=Path, default=WORK, help="folder for state and downloads, on a real disk (%(default)s)")
    add("--no-download", action="store_true", help="use other ways' programs only where they are installed")
    add("--check", action="store_true", help="fail when something that must hold does not")
    found = parser.parse_args()
    unknown = set(found.ways) - set(names) | set(found.placements) - set(PLACEMENTS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return found


def words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def numbers(text: str) -> list[int]:
    return sorted({int(word) for word in words(text)})


def measure(chosen: argparse.Namespace, ways: Sequence[Way], rivals: Rivals) -> list[Contest]:
    """Every case."""
    with tempfile.TemporaryDirectory(prefix="work-", dir=chosen.work) as folder:

        def run(case: Case) -> None:
            case.run(rivals.environment(case.way.programs), Path(folder))

        with Schedule(ways, chosen.repeats, chosen.bound, run) as schedule:
            schedule.use({program: path for program in PROGRAMS if (path := rivals.path(program))})
            for way in ways:
                problem = rivals.problem(way.programs) or (None if can_make(way.kind) else f"this kernel has no {way.kind}")
                if problem is not None:
                    schedule.exclude(way, problem)
            return list(schedule.contests(chosen.sizes, chosen.placements))


def versions(ways: Sequence[Way], rivals: Rivals) -> dict[str, str]:
    found = {"python": f"Python {platform.python_version()}"}
    for package in ("ansible-core", "netaddr", "pyroute2"):
        found[package] = f"{package} {importlib.metadata.version(package)}"
    said = subprocess.run(["ip", "-V"], check=True, capture_output=True, text=True).stdout
    found["iproute2"] = said.strip().replace("ip utility, ", "")
    for program in [program for way in ways for program in way.programs]:
        version = rivals.version(program)
        if version is not None:
            found[PROGRAMS[program][0]] = version
    return found


def plain(contest: Contest) -> Result:
    return {
        "way": contest.way.name,
        "size": contest.size,
        "placement": contest.placement,
        "runs": contest.runs,
        "did_not_run": contest.reason,
    }


def write(folder: Path, summary: Summary, found: Result, context: Result, chosen: argparse.Namespace) -> bool:
    """The three files; whether all that must hold and was measured does."""
    folder.mkdir(parents=True, exist_ok=True)
    required = requirements(summary, found)
    body = {
        **context,
        "options": {key: getattr(chosen, key) for key in ("ways", "sizes", "placements", "repeats", "bound")},
        "requirements": [{**vars(item), "holds": item.holds} for item in required],
        "alone": found,
        "summary": summary.plain(),
        "cases": [plain(contest) for contest in summary.contests],
    }
    (folder / "results.json").write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "results.md").write_text(report.page(summary, found, required, context), encoding="utf-8")
    (folder / "results.svg").write_text(plot.drawing(summary), encoding="utf-8")
    print(*report.shown(required), f"written to {folder}", sep="\n")
    return all(item.holds is not False for item in required)


def main() -> int:
    chosen = options()
    if os.geteuid() != 0:
        print("the benchmark needs root: it makes network namespaces", file=sys.stderr)
        return 2
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, hard))
    chosen.work.mkdir(parents=True, exist_ok=True)
    chosen.work = chosen.work.resolve()
    ways = [way for way in WAYS if way.name in chosen.ways]
    rivals = Rivals(chosen.work / "rivals")
    if not chosen.no_download:
        rivals.fetch(program for way in ways for program in way.programs)
    summary = Summary(measure(chosen, ways, rivals))
    found = {"imports": alone.import_seconds(), "addresses": alone.addresses_per_second()}
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    context = {"date": date, "machine": alone.machine(str(chosen.work)), "versions": versions(ways, rivals)}
    return 0 if write(chosen.output, summary, found, context, chosen) or not chosen.check else 1


if __name__ == "__main__":
    sys.exit(main())
