# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main() of a module or of the command in a forked child: real options, real exit, and no program to start."""

from __future__ import annotations

import ctypes
import dataclasses
import importlib
import json
import os
import select
import signal
import sys
import traceback
import typing as t

from .module_args import patch_module_args

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
MODULES = "ansible_collections.fleetnet.macvlan.plugins.modules."
COMMAND = "ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.command"

LIBC = ctypes.CDLL(None, use_errno=True)

Hook = t.Callable[[], object]


class Call:
    """One run of a main() that has been started."""

    def __init__(self, pid_of_machine: int, title: str, main: Hook, hook: Hook | None) -> None:
        self.title = title
        # Files, not pipes: nobody has to read while the module is still writing.
        self._output = {1: os.memfd_create("stdout"), 2: os.memfd_create("stderr")}
        self._texts: dict[int, str] = {}
        self._returncode: int | None = None
        # What waits in a buffer here would be written twice.
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self._be_the_child(pid_of_machine, main, hook)

    def _be_the_child(self, machine: int, main: Hook, hook: Hook | None) -> t.NoReturn:
        code = 70
        try:
            die_with_parent()
            self._redirect()
            enter(machine)
            if hook is not None:
                hook()
            main()
            code = 0
        except SystemExit as exc:
            code = exc.code if isinstance(exc.code, int) else 1
        except BaseException:  # noqa: BLE001 - the child must not fall back into pytest
            traceback.print_exc()
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            # Without the exit handlers, which belong to pytest.
            os._exit(code)

    def _redirect(self) -> None:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, file in self._output.items():
            os.dup2(file, number)
        # pytest has put its own in their place.
        sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))

    def kill(self) -> None:
        """Let it die as in a power failure."""
        if self._returncode is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()

    def wait(self, timeout: float = 300) -> int:
        """The exit code, or minus the number of the signal that ended it."""
        if self._returncode is None:
            late = not ends_within(self.pid, timeout)
            if late:
                os.kill(self.pid, signal.SIGKILL)
            dummy, status = os.waitpid(self.pid, 0)
            self._returncode = os.waitstatus_to_exitcode(status)
            self._texts = {number: read_all(file) for number, file in self._output.items()}
            assert not late, f"{self.title} still ran after {timeout} s"
        return self._returncode


class ModuleCall(Call):
    """One run of a module."""

    def __init__(self, pid_of_machine: int, module_name: str, params: dict[str, t.Any], hook: Hook | None) -> None:
        # Imported here and not in the child: the first call pays for all.
        module = importlib.import_module(MODULES + module_name)

        def main() -> None:
            with patch_module_args(params):
                module.main()

        super().__init__(pid_of_machine, f"{module_name} {params}", main, hook)

    def result(self, fails: bool = False) -> dict[str, t.Any]:
        """What the module returned, with "rc" and "failed"; it must have failed if fails is given, and only then."""
        code = self.wait()
        result = self._printed()
        result.update(rc=code, failed=bool(result.get("failed", code != 0)))
        if result["failed"] and not fails:
            raise AssertionError(f"{self.title} failed: {result.get('msg')}\n{result.get('exception') or ''}")
        if fails and not result["failed"]:
            raise AssertionError(f"{self.title} should have failed, and returned {result}")
        return result

    def _printed(self) -> dict[str, t.Any]:
        try:
            printed = json.loads(self._texts[1].strip().splitlines()[-1])
            return {key: message_text(value) for key, value in printed.items()}
        except (IndexError, ValueError):
            said = "\n".join(text for text in self._texts.values() if text)
            raise AssertionError(f"{self.title} ended with {self._returncode} and no result:\n{said}") from None


@dataclasses.dataclass(frozen=True)
class Said:
    """What the command macvlan-host answered."""

    code: int
    lines: list[str]
    complaint: str

    def __post_init__(self) -> None:
        assert "Traceback" not in self.complaint, self.complaint


class CommandCall(Call):
    """One run of the command macvlan-host, as it is here and not as it is installed."""

    def __init__(self, pid_of_machine: int, arguments: t.Sequence[str], hook: Hook | None) -> None:
        command = importlib.import_module(COMMAND)
        super().__init__(
            pid_of_machine, f"macvlan-host {' '.join(arguments)}", lambda: sys.exit(command.main(arguments)), hook
        )

    def said(self) -> Said:
        code = self.wait()
        return Said(code, self._texts[1].splitlines(), self._texts[2])


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


def die_with_parent() -> None:
    if LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def enter(pid: int) -> None:
    """Go where another process is; this leaves the folder that one was in, too."""
    kinds = {"net": CLONE_NEWNET, "mnt": CLONE_NEWNS}
    # Opened before the first step: afterwards /proc may look different.
    opened = [(os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC), kind) for name, kind in kinds.items()]
    for descriptor, kind in opened:
        # Python has os.setns from 3.12 on.
        if LIBC.setns(descriptor, kind) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(descriptor)


def ends_within(pid: int, timeout: float) -> bool:
    descriptor = os.pidfd_open(pid)
    try:
        return bool(select.select([descriptor], [], [], timeout)[0])
    finally:
        os.close(descriptor)
