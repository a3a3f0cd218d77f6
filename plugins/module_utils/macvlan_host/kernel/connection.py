# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SSH connection of a run."""

from __future__ import annotations

import os

from ..model.access import Connection
from ..values import inet

VARIABLE = "SSH_CONNECTION"
# A deeper nesting of sudo, shells and the like does not occur in practice.
GENERATIONS = 32


def find_connection() -> Connection | None:
    """The SSH connection of this process, None if there is none or it is unknown.

    sudo removes the variable, so the parent processes are read too (proc_pid_environ(5)).
    """
    text = os.environ.get(VARIABLE)
    pid = os.getppid()
    for dummy in range(GENERATIONS):
        if text or pid <= 1:
            break
        text, pid = variable_of(pid), parent_of(pid)
    return Connection(text) if text and _is_well_formed(text) else None


def _is_well_formed(text: str) -> bool:
    words = text.split()
    try:
        return len(words) == 4 and all(inet.to_bytes(word.partition("%")[0]) for word in (words[0], words[2]))
    except (OSError, ValueError):
        return False


def variable_of(pid: int) -> str | None:
    """The variable that the SSH server gave to a process, None if there is none."""
    for entry in _read(pid, "environ").split(b"\0"):
        name, dummy, value = entry.partition(b"=")
        if name == VARIABLE.encode():
            return value.decode("ascii", "replace")
    return None


def parent_of(pid: int) -> int:
    """The parent of a process, 0 if the process has ended."""
    # The name of the program, in brackets, may hold anything (proc_pid_stat(5)).
    words = _read(pid, "stat").rpartition(b")")[2].split()
    return int(words[1]) if len(words) > 1 else 0


def _read(pid: int, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""
