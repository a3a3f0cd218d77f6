# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How this host is reached: the SSH connection of the run, and the links by which answers leave."""

from __future__ import annotations

import contextlib
import os
import socket

from ..model.access import AccessPath, Connection
from ..values import inet
from ..wire import pack, parse
from .route_socket import RouteSocket

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


# Addresses that no machine has (RFC 1112, section 4; RFC 6666): only a default route leads there.
NOWHERE = ("240.0.0.1", "100::1")


def read_access_paths(connection: Connection | None) -> tuple[AccessPath, ...]:
    """The access paths of this host: the connection of the run, and the default routes.

    A connection to an address that this namespace does not have says nothing about its links.
    """
    wanted: list[tuple[str, str, str | None]] = [
        ("what is beyond the default route", remote, None) for remote in NOWHERE
    ]
    with contextlib.closing(RouteSocket()) as sock:
        if connection is not None and connection.local in {address.partition("/")[0] for address in _all_addresses(sock)}:
            wanted.insert(0, (f"the SSH connection from {connection.remote}", connection.remote, connection.local))
        return tuple(
            AccessPath(route[0], what, remote, local, route[1])
            for what, remote, local in wanted
            if (route := _outgoing_link(sock, remote)) is not None
        )


def _all_addresses(sock: RouteSocket) -> list[str]:
    """All addresses, also those of link scope."""
    return [parse.parse_address(body).address for body in sock.dump(pack.dump_addresses())]


def _outgoing_link(sock: RouteSocket, remote: str) -> tuple[str, str | None] | None:
    """The link by which packets to an address leave this namespace, and their next hop; None if there is no route."""
    answer, body = sock.ask(pack.get_route(remote))
    route = None if answer.errno or body is None else parse.parse_outgoing_link(body)
    try:
        return None if route is None else (socket.if_indextoname(route[0]), route[1])
    except OSError:  # it is gone again
        return None
