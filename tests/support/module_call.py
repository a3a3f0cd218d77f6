# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main() of a module or of the command, in another process of this Python: real options, real exit, no program to start.

Most runs take place one after another in a process that stays; those that have a hook, or that are killed, in a process of
their own.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import json
import os
import select
import signal
import sys
import traceback
import typing as t
import unittest.mock

from ansible.module_utils.common import warnings as ansible_warnings

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.probe import PACES, Pace

from .module_args import patch_module_args
from .worker import SECONDS_TO_RUN, WORKERS, Crew, enter, fork

MODULES = "ansible_collections.fleetnet.macvlan.plugins.modules."
COMMAND = "ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.command"

Hook = t.Callable[[], object]
# What a run in a process that stays takes place within; it travels there, and leaves the process as it was.
Within = t.ContextManager[object]


# --- what is run, and what comes of it ------------------------------------------------------------------------------


# Neighbours in namespaces of the same machine answer at once, and most tests plant none that has an address.
REAL_PACES = dict(PACES)
QUICK_PACES = {name: pace._replace(pause=0.005) for name, pace in PACES.items()}
# A neighbour that is a program answers when it is its turn.
PATIENT_PACES = {name: pace._replace(pause=1.0) for name, pace in PACES.items()}
paces_of_runs = QUICK_PACES


@dataclasses.dataclass(frozen=True)
class ModuleRun:
    """A module with its options; main travels by its name, and the paces at which it asks neighbours with it."""

    title: str
    main: Hook
    params: dict[str, t.Any]
    paces: dict[str, Pace]

    def __call__(self) -> None:
        with patch_module_args(self.params), unittest.mock.patch.dict(PACES, self.paces):
            self.main()


@dataclasses.dataclass(frozen=True)
class CommandRun:
    """The command macvlan-host, as it is here and not as it is installed; the paces at which it asks neighbours travel with it."""

    title: str
    main: t.Callable[[t.Sequence[str]], int]
    arguments: tuple[str, ...]
    paces: dict[str, Pace]

    def __call__(self) -> None:
        with unittest.mock.patch.dict(PACES, self.paces):
            sys.exit(self.main(self.arguments))


Run = ModuleRun | CommandRun


def module_run(module_name: str, params: dict[str, t.Any]) -> ModuleRun:
    """Imported here and not where it runs: the first run pays for all."""
    return ModuleRun(f"{module_name} {params}", importlib.import_module(MODULES + module_name).main, params, paces_of_runs)


def command_run(arguments: t.Sequence[str]) -> CommandRun:
    command = importlib.import_module(COMMAND)
    return CommandRun(f"macvlan-host {' '.join(arguments)}", command.main, tuple(arguments), paces_of_runs)


@dataclasses.dataclass(frozen=True)
class Ended:
    """What a run has left: its exit code, or minus the number of the signal that ended it, and what it wrote."""

    title: str
    code: int
    output: str
    complaint: str

    def result(self, fails: bool = False) -> dict[str, t.Any]:
        """What the module returned, with "rc" and "failed"; it must have failed if fails is given, and only then."""
        result = self._printed()
        result.update(rc=self.code, failed=bool(result.get("failed", self.code != 0)))
        if result["failed"] and not fails:
            raise AssertionError(f"{self.title} failed: {result.get('msg')}\n{result.get('exception') or ''}")
        if fails and not result["failed"]:
            raise AssertionError(f"{self.title} should have failed, and returned {result}")
        return result

    def _printed(self) -> dict[str, t.Any]:
        try:
            printed = json.loads(self.output.strip().splitlines()[-1])
            return {key: message_text(value) for key, value in printed.items()}
        except (IndexError, ValueError):
            said = "\n".join(text for text in (self.output, self.complaint) if text)
            raise AssertionError(f"{self.title} ended with {self.code} and no result:\n{said}") from None

    def said(self) -> Said:
        """What the command answered."""
        return Said(self.code, self.output.splitlines(), self.complaint)


@dataclasses.dataclass(frozen=True)
class Said:
    """What the command macvlan-host answered."""

    code: int
    lines: list[str]
    complaint: str

    def __post_init__(self) -> None:
        assert "Traceback" not in self.complaint, self.complaint


class Output:
    """Where a run writes to: files, not pipes, because nobody has to read while it is still writing."""

    def __init__(self) -> None:
        self._files = {1: os.memfd_create("stdout"), 2: os.memfd_create("stderr")}

    def redirect(self) -> None:
        """Have this process write there, in place of what pytest has put there."""
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        for number, file in self._files.items():
            os.dup2(file, number)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))

    def ended(self, title: str, code: int) -> Ended:
        """Read once, at the end."""
        return Ended(title, code, *(read_all(self._files[number]) for number in (1, 2)))


def exit_code(run: Hook) -> int:
    """What a process would end with that does nothing else."""
    try:
        run()
        return 0
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else 1
    except BaseException:  # noqa: BLE001 - nothing may fall back into pytest
        traceback.print_exc()
        return 70
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()


# --- a process of its own -------------------------------------------------------------------------------------------


class Call:
    """One run that has been started, in a process of its own."""

    def __init__(self, pid_of_machine: int, run: Run, hook: Hook | None) -> None:
        self.title = run.title
        self._output = Output()
        self._ended: Ended | None = None

        def whole() -> None:
            enter(pid_of_machine)
            if hook is not None:
                hook()
            run()

        def main() -> int:
            self._output.redirect()
            return exit_code(whole)

        self.pid = fork(main)

    def kill(self) -> None:
        """Let it die as in a power failure."""
        if self._ended is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()

    def wait(self, timeout: float = SECONDS_TO_RUN) -> int:
        """The exit code, or minus the number of the signal that ended it."""
        return self.ended(timeout).code

    def ended(self, timeout: float = SECONDS_TO_RUN) -> Ended:
        """Wait for its end."""
        if self._ended is None:
            late = not ends_within(self.pid, timeout)
            if late:
                os.kill(self.pid, signal.SIGKILL)
            dummy, status = os.waitpid(self.pid, 0)
            self._ended = self._output.ended(self.title, os.waitstatus_to_exitcode(status))
            assert not late, f"{self.title} still ran after {timeout} s"
        return self._ended


class ModuleCall(Call):
    """One run of a module."""

    def result(self, fails: bool = False) -> dict[str, t.Any]:
        return self.ended().result(fails)


class CommandCall(Call):
    """One run of the command macvlan-host."""

    def said(self) -> Said:
        return self.ended().said()


# --- in a process that stays ----------------------------------------------------------------------------------------


def run_to_its_end(pid_of_machine: int, run: Run, within: Within | None = None) -> Ended:
    """Run it in the worker of this process."""
    return t.cast(Ended, WORKERS.call(pid_of_machine, functools.partial(run_captured, run, within)))


def run_together(pid_of_machine: int, runs: t.Sequence[Run], crew: Crew, timeout: float) -> list[Ended]:
    """Run them at the same time, in as many processes."""
    return crew.call(pid_of_machine, [functools.partial(run_captured, run) for run in runs], timeout)


def run_captured(run: Run, within: Within | None = None) -> Ended:
    """Run it here."""
    for warned in ("_global_warnings", "_global_deprecations"):
        # Kept for the whole process: in a list, or from ansible-core 2.19 on in a dictionary.
        getattr(ansible_warnings, warned).clear()
    output = Output()
    output.redirect()
    with within or contextlib.nullcontext():
        code = exit_code(run)
    return output.ended(run.title, code)


# --- the parts ------------------------------------------------------------------------------------------------------


def message_text(value: t.Any) -> t.Any:
    """The text of a warning or an error, or of a list of them, which ansible-core wraps for its executor."""
    if isinstance(value, list):
        return [message_text(item) for item in value]
    if isinstance(value, dict) and "__ansible_type" in value:
        event = value.get("event", {})
        return event.get("formatted_traceback") or event.get("msg")
    return value


def read_all(file: int) -> str:
    """The content of a file that is no longer needed."""
    os.lseek(file, 0, os.SEEK_SET)
    with os.fdopen(file, encoding="utf-8", errors="replace") as stream:
        return stream.read()


def module_params(params: dict[str, t.Any], check: bool, diff: bool, remote_tmp: str) -> dict[str, t.Any]:
    """The options of a task, and what Ansible's executor adds to them."""
    return {
        **params,
        "_ansible_check_mode": check,
        "_ansible_diff": diff,
        "_ansible_remote_tmp": remote_tmp,
        # Keeps the task out of the system log, which is the real machine's; it hides nothing from the result.
        "_ansible_no_log": True,
    }


def ends_within(pid: int, timeout: float) -> bool:
    descriptor = os.pidfd_open(pid)
    try:
        return bool(select.select([descriptor], [], [], timeout)[0])
    finally:
        os.close(descriptor)
