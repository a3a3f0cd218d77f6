# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A throw-away host: a machine with parents on a wire, where modules and playbooks run for real."""

from __future__ import annotations

import dataclasses
import os
import typing as t
from pathlib import Path

from .machine import HAS_IPV6, Machine, Wire, skip_address_detection, wait_until
from .module_call import (
    Call,
    CommandCall,
    Ended,
    Hook,
    ModuleCall,
    ModuleRun,
    Said,
    Within,
    command_run,
    module_params,
    module_run,
    run_to_its_end,
    run_together,
)
from .playbook import PlaybookRun, run_playbook
from .snapshot import DATABASE, TAG, Snapshot, Tables, read_tables, take_snapshot
from .worker import Crew

# Under the machine's own /var/lib, away from the state directory.
HOME = Path("/var/lib/home")
# A task of this name is the command, which is no module.
RESTORE = "restore"


@dataclasses.dataclass(frozen=True)
class Task:
    """A module with its options, for those that run several at once."""

    module_name: str
    params: dict[str, t.Any]
    check: bool = False
    hook: Hook | None = None


def run_of_module(module_name: str, params: dict[str, t.Any], check: bool, diff: bool = False) -> ModuleRun:
    """A module with the options of a task, as hosts run it."""
    return module_run(module_name, module_params(params, check, diff, str(HOME)))


class Host(Machine):
    """A machine that tasks are run on."""

    state_dir = Path("/var/lib/macvlan_host")

    def __init__(self, wire: Wire | None = None) -> None:
        super().__init__()
        self._calls: list[Call] = []
        self._own_wire = wire is None
        try:
            self.wire = wire or Wire()
            self.path(HOME).mkdir()
        except BaseException:
            super().close()
            raise

    def close(self) -> None:
        try:
            for call in self._calls:
                call.kill()
        finally:
            super().close()
            if self._own_wire:
                self.wire.close()

    # --- parents ----------------------------------------------------------------------------------------------------

    def add_parent(self, name: str = "eth0", up: bool = True, address: str | None = None) -> str:
        """Give the host a link that is plugged into its wire; the port at the other end is returned."""
        port = self.wire.plug(self, name)
        if address:
            self.run(["ip", "address", "add", address, "dev", name])
        if up:
            self.bring_up(name)
        return port

    def bring_up(self, name: str) -> None:
        """Bring a link up and wait for all that the kernel does about it."""
        skip_address_detection(self, name)
        self.run(["ip", "link", "set", name, "up"])
        self.wait_until_up(name)

    def wait_until_up(self, name: str, netns: str | None = None) -> None:
        """The kernel reports a carrier a moment later, and what comes with the link-local address after that."""
        wait_until(lambda: self._is_settled(name, netns), f"{name} is not up")

    def _is_settled(self, name: str, netns: str | None) -> bool:
        local = self.ip("-6", "route", "show", "table", "local", "dev", name, netns=netns) if HAS_IPV6 else []
        has_link_local = any(route["type"] == "local" and route["dst"].startswith("fe80:") for route in local)
        return self.links(netns)[name]["operstate"] == "UP" and (has_link_local or not HAS_IPV6)

    def lose_all(self) -> None:
        """Lose what a boot takes away: namespaces, and the links of the collection; parents stay."""
        for name in self.namespaces():
            self.delete_netns(name)
        for name, link in self.links().items():
            # One may have gone with the one below it.
            if link.get("ifalias", "").startswith(TAG) and name in self.links():
                self.ip("link", "delete", name)

    # --- modules ----------------------------------------------------------------------------------------------------

    def call(
        self,
        module_name: str,
        /,
        check: bool = False,
        diff: bool = False,
        fails: bool = False,
        hook: Hook | None = None,
        within: Within | None = None,
        **params: t.Any,
    ) -> dict[str, t.Any]:
        """Run a module on this host and return its result; hook runs before the module does, in a process of their own."""
        if hook is not None:
            return self.spawn(module_name, check=check, diff=diff, hook=hook, **params).result(fails=fails)
        return self.outcome(module_name, check=check, diff=diff, within=within, **params).result(fails)

    def outcome(
        self,
        module_name: str,
        /,
        check: bool = False,
        diff: bool = False,
        within: Within | None = None,
        **params: t.Any,
    ) -> Ended:
        """Run a module on this host, which may fail."""
        return run_to_its_end(self.pid, run_of_module(module_name, params, check, diff), within)

    def spawn(
        self,
        module_name: str,
        /,
        check: bool = False,
        diff: bool = False,
        hook: Hook | None = None,
        **params: t.Any,
    ) -> ModuleCall:
        """Start a module on this host and come back at once."""
        call = ModuleCall(self.pid, run_of_module(module_name, params, check, diff), hook)
        self._calls.append(call)
        return call

    def call_together(self, tasks: t.Iterable[Task]) -> list[dict[str, t.Any]]:
        """Run many modules at the same time and return their results in the order of the tasks, failed ones too."""
        calls = [self.spawn(task.module_name, check=task.check, hook=task.hook, **task.params) for task in tasks]
        for call in calls:
            call.wait()
        return [call.result(fails=call.wait() != 0) for call in calls]

    def run_at_once(self, tasks: t.Iterable[Task], crew: Crew, timeout: float) -> list[Ended]:
        """Run tasks, and the command where a task has its name, from the same moment on."""
        runs = [
            command_run((task.module_name,))
            if task.module_name == RESTORE
            else run_of_module(task.module_name, task.params, task.check)
            for task in tasks
        ]
        return run_together(self.pid, runs, crew, timeout)

    # --- the command ------------------------------------------------------------------------------------------------

    def restore(self) -> Said:
        """Have the command macvlan-host bring back what is recorded."""
        return self.run_command("restore")

    def run_command(self, *arguments: str, within: Within | None = None) -> Said:
        """Run the command macvlan-host on this host and return what it answered."""
        return run_to_its_end(self.pid, command_run(arguments), within).said()

    def spawn_command(self, *arguments: str, hook: Hook | None = None) -> CommandCall:
        """Start the command macvlan-host on this host and come back at once."""
        call = CommandCall(self.pid, command_run(arguments), hook)
        self._calls.append(call)
        return call

    # --- playbooks --------------------------------------------------------------------------------------------------

    def playbook(
        self,
        path: str | Path,
        *args: str,
        check: bool = False,
        diff: bool = False,
        extra_vars: dict[str, t.Any] | None = None,
        inventory: str | None = None,
    ) -> PlaybookRun:
        """Run the real ansible-playbook on this host; a path without a folder of its own is in the collection."""
        flags = ["--check"] * check + ["--diff"] * diff
        where = {} if inventory is None else {"inventory": inventory}
        return run_playbook(self, HOME, Path(path), [*flags, *args], extra_vars or {}, **where)

    # --- everything -------------------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Everything that a task which fails, or only checks, must leave as it was; compare two with ==."""
        return take_snapshot(self, self.state_dir)

    def tables(self) -> Tables:
        """What is recorded, as a snapshot has it."""
        return read_tables(self.path(self.state_dir / DATABASE))

    def has_state(self) -> bool:
        """Whether a task has left anything in the state directory, or the directory itself."""
        return os.path.lexists(self.path(self.state_dir))
