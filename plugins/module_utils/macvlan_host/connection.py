# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SSH connection by which a run was asked for."""

from __future__ import annotations

import os

from . import inet
from .model import Connection

VARIABLE = "SSH_CONNECTION"
# Deeper than this nobody has nested sudo, shells and the like.
GENERATIONS = 32


def find_connection() -> Connection | None:
    """The connection that this process belongs to, None when it belongs to none, or nobody can tell.

    sudo takes the variable away, so the processes above are asked too (proc_pid_environ(5)).
    """
    text = os.environ.get(VARIABLE)
    pid = os.getppid()
    for dummy in range(GENERATIONS):
        if text or pid <= 1:
            break
        text, pid = _variable_of(pid), _parent_of(pid)
    return Connection(text) if text and _is_well_formed(text) else None


def _is_well_formed(text: str) -> bool:
    words = text.split()
    try:
        return len(words) == 4 and all(inet.to_bytes(word.partition("%")[0]) for word in (words[0], words[2]))
    except (OSError, ValueError):
        return False


def _variable_of(pid: int) -> str | None:
    for entry in _read(pid, "environ").split(b"\0"):
        name, dummy, value = entry.partition(b"=")
        if name == VARIABLE.encode():
            return value.decode("ascii", "replace")
    return None


def _parent_of(pid: int) -> int:
    # The name of the program, in brackets, may hold anything (proc_pid_stat(5)).
    words = _read(pid, "stat").rpartition(b")")[2].split()
    return int(words[1]) if len(words) > 1 else 0


def _read(pid: int, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""
