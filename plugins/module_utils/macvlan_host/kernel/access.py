# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access paths of this host: the links by which answers leave."""

from __future__ import annotations

import contextlib
import socket

from ..model.access import AccessPath, Connection
from ..wire import ask, parse
from .route_socket import RouteSocket

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
    return [parse.parse_address(body).address for body in sock.dump(ask.dump_addresses())]


def _outgoing_link(sock: RouteSocket, remote: str) -> tuple[str, str | None] | None:
    """The link by which packets to an address leave this namespace, and their next hop; None if there is no route."""
    answer, body = sock.ask(ask.get_route(remote))
    route = None if answer.errno or body is None else parse.parse_outgoing_link(body)
    try:
        return None if route is None else (socket.if_indextoname(route[0]), route[1])
    except OSError:  # it is gone again
        return None
