# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that starts another program, or calls a function of the C library that is not known, does not get away with it."""

from __future__ import annotations

import importlib
import sys
import typing as t

# Functions of the C library that are called by name.
CALLS = {"mount", "umount2", "setns", "unshare"}
# Audit events that tell of a new process (docs.python.org/3/library/audit_events.html).
PROGRAMS = ("os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn", "subprocess.Popen")


class Watch:
    """What this process is about to do; Python takes no audit hook back, so there is one, which is switched on and off."""

    def __init__(self) -> None:
        self._installed = self._on = False
        self._seen: list[str] = []

    def begin(self) -> None:
        if not self._installed:
            sys.addaudithook(self._look)
        self._installed = self._on = True

    def end(self) -> list[str]:
        """What was seen since the beginning, and kept from happening."""
        self._on = False
        seen, self._seen = self._seen, []
        return seen

    def _look(self, event: str, arguments: tuple[t.Any, ...]) -> None:
        if self._on and (event.startswith(PROGRAMS) or event == "ctypes.dlsym" and arguments[1] not in CALLS):
            self._seen.append(f"{event} {arguments}")
            raise AssertionError(self._seen[-1])


WATCH = Watch()


class NoPrograms:
    """What a run takes place within that is to start no program."""

    def __enter__(self) -> None:
        # The library starts uname(1) when it is imported, which is no program of a task.
        importlib.import_module("pyroute2")
        WATCH.begin()

    def __exit__(self, *dummy: object) -> None:
        seen = WATCH.end()
        assert not seen, seen
