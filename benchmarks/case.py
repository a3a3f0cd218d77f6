# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One case: one way, one size, once; on a host that is made for it and gone afterwards, and counted at every step."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from ansible_collections.fleetnet.macvlan.tests.support.host import Host

from .contestants import OPERATIONS, Way
from .job import CGROUP, MTU, Job, Result

PARENT = "eth0"
PREPARATION_BOUND = 120.0
SECONDS_TO_DIE = 10.0
CGROUPS = Path("/sys/fs/cgroup")


class CaseError(Exception):
    """A case that did not end as it should, with the reason."""


class Case:
    """One way and one size, with the time that all operations together may take.

    :ivar results: operation → what it took, of those that were done and found right
    """

    def __init__(self, way: Way, size: int, together: bool, programs: dict[str, str], bound: float) -> None:
        self.way, self.size, self.together = way, size, together
        self._programs, self._bound = programs, bound
        self._environment = dict(os.environ)
        self.results: dict[str, Result] = {}

    def run(self, environment: dict[str, str], work: Path) -> None:
        """Do all operations.

        :raises CaseError: with the reason; earlier results stay
        """
        self._environment.update(environment)
        folder = Path(tempfile.mkdtemp(prefix=f"{self.way.name}-{self.size}-", dir=work))
        try:
            with Host() as host:
                host.add_parent(PARENT)
                with contextlib.closing(ContainerHost(host, folder) if self.way.contained else Place(host)) as place:
                    self._run_at(place, folder)
        except AssertionError as exc:
            print(exc, file=sys.stderr)
            raise CaseError(last_line(str(exc), folder)) from exc
        except subprocess.TimeoutExpired as exc:
            raise CaseError(f"did not end within the bound of {self._bound:.0f} s") from exc
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _run_at(self, place: Place, folder: Path) -> None:
        job = Job(self.size, str(folder), PARENT, self.together, self._programs)
        path = job.save()
        if self.way.has_preparation:
            place.run(self.way.command("prepare", path), self._environment, PREPARATION_BOUND)
        deadline = time.monotonic() + self._bound
        for operation in OPERATIONS:
            if operation in self.way.cannot or (self.together and operation in ("again", "remove")):
                continue
            left = max(deadline - time.monotonic(), 0.1)
            said = place.run(self.way.command(operation, path), self._environment, left)
            self._check(place, operation)
            self.results[operation] = json.loads(said)

    def _check(self, place: Place, operation: str) -> None:
        """See for ourselves that the operation did what it says."""
        argv = [sys.executable, "-m", f"{__package__}.view", "--parent", PARENT, "--mtu", str(MTU), "--kind", self.way.kind]
        flags = ["--processes"] if self.way.contained else []
        found = json.loads(place.run([*argv, *flags], self._environment, PREPARATION_BOUND))
        there = 0 if operation == "remove" else self.size
        changed = operation == "change" and "mtu" not in self.way.cannot
        wanted = {"endpoints": there, "of_that_mtu": int(changed), "guests": min(there, 1) if self.way.kind == "ipvlan" else there}
        if found != wanted:
            raise CaseError(f"after {operation} there is {found}, and should be {wanted}")


def last_line(text: str, folder: Path) -> str:
    """What a traceback comes to, without where on this machine it was."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return re.sub(r"/\S+/", "", lines[-1].replace(str(folder), "")) if lines else "no reason given"


class Place:
    """Where the operations of a case run: the throw-away host."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def close(self) -> None:
        """End what the host does not end by itself."""

    def prefix(self) -> list[str]:
        return []

    def run(self, argv: t.Sequence[str], environment: dict[str, str], bound: float) -> str:
        """What a program prints.

        :raises AssertionError: it failed
        :raises subprocess.TimeoutExpired: it did not end in time
        """
        return self._host.run([*self.prefix(), *argv], env=environment, timeout=bound).stdout


class ContainerHost(Place):
    """A place whose processes end with it, for ways that start daemons and containers.

    It is a process namespace, with mounts of its own on top of the host's: programs find an empty /run, and the
    control groups of this machine below a group of their own.
    """

    def __init__(self, host: Host, folder: Path) -> None:
        super().__init__(host)
        setup = Path(__file__).parent / "container_host.sh"
        leash = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--cgroup", "--"]
        log = (folder / "container_host.log").open("w", encoding="utf-8")
        with log:
            self._leash = host.start([*leash, "sh", "-e", str(setup), str(folder)], stdout=log, stderr=log)
        try:
            self._wait_until_ready(folder)
        except BaseException:
            self.close()
            raise
        children = Path(f"/proc/{self._leash.pid}/task/{self._leash.pid}/children")
        self._first = children.read_text(encoding="ascii").split()[0]

    def _wait_until_ready(self, folder: Path) -> None:
        deadline = time.monotonic() + PREPARATION_BOUND
        while not (folder / "ready").exists():
            if self._leash.poll() is not None or time.monotonic() > deadline:
                raise CaseError(f"no place for containers: {(folder / 'container_host.log').read_text(encoding='utf-8')}")
            time.sleep(0.02)

    def close(self) -> None:
        """The first process dies with its parent, and all others of the process namespace with the first."""
        self._leash.kill()
        self._leash.wait()
        remove_control_groups()

    def prefix(self) -> list[str]:
        return ["nsenter", f"--target={self._first}", "--mount", "--pid", "--cgroup", "--"]


def remove_control_groups() -> None:
    """Those that daemons made for their containers; a group can go when its last process is gone."""
    deadline = time.monotonic() + SECONDS_TO_DIE
    groups = [group for top in CGROUPS.rglob(CGROUP) for group in (top, *top.rglob("*")) if group.is_dir()]
    for group in sorted(groups, reverse=True):
        while group.exists():
            with contextlib.suppress(OSError):
                group.rmdir()
                break
            if time.monotonic() > deadline:
                return
            time.sleep(0.02)
