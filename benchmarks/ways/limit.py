# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limit: what the kernel itself takes, with messages packed by hand and one send for each namespace.

It knows nothing that was not asked of it: no record, no look before, no second run.
"""

from __future__ import annotations

import os
import socket

from ansible_collections.fleetnet.macvlan.benchmarks import raw, view
from ansible_collections.fleetnet.macvlan.benchmarks.job import GATEWAY, MTU, SUBNET, Job, Result, address, timed

# Of the parent's namespace, inside each endpoint's.
HOME_NUMBER = 0
# lo is always the first link of a namespace.
FIRST_LINK = 2


def prepare(job: Job) -> None:
    if not job.together:
        raw.share_netns_folder()


def create(job: Job) -> Result:
    return {"seconds": timed(lambda: create_together(job) if job.together else create_apart(job))}


def create_apart(job: Job) -> None:
    home = raw.own_netns()
    parent = socket.if_nametoindex(job.parent)
    for position, name in enumerate(job.names):
        raw.make_netns(name)
        with raw.open_socket() as sock:
            sock.send(
                raw.name_netns(HOME_NUMBER, home)
                + raw.bring_up(raw.LO_INDEX)
                + raw.new_macvlan(job.ifname(name), parent, HOME_NUMBER)
                + addressing(FIRST_LINK, position)
            )
            raw.wait_for_answers(sock, 1)
    raw.enter(home)
    os.close(home)


def create_together(job: Job) -> None:
    """The kernel numbers links one after the other, so the number of the next one is known before it is there."""
    parent = socket.if_nametoindex(job.parent)
    with raw.open_socket() as sock:
        index = max(number for number, dummy in socket.if_nameindex()) + 1
        for position, name in enumerate(job.names):
            link = raw.new_macvlan(job.ifname(name), parent, index=index + position)
            sock.send(link + addressing(index + position, position, position + 1))
            raw.wait_for_answers(sock, 1)


def addressing(index: int, position: int, metric: int = 0) -> bytes:
    host = raw.new_address(index, address(position).packed, SUBNET.broadcast_address.packed, SUBNET.prefixlen)
    return host + raw.new_default_route(index, GATEWAY.packed, metric)


def change(job: Job) -> Result:
    return {"seconds": timed(lambda: change_first(job))}


def change_first(job: Job) -> None:
    name = job.names[0]
    if not job.together:
        descriptor = os.open(raw.netns_path(name), os.O_RDONLY | os.O_CLOEXEC)
        raw.enter(descriptor)
        os.close(descriptor)
    with raw.open_socket() as sock:
        sock.send(raw.set_mtu(socket.if_nametoindex(job.ifname(name)), MTU))
        raw.wait_for_answers(sock, 1)


def remove(job: Job) -> Result:
    """Let the namespaces go, and see the links go with them; together, the parent takes its links along."""

    def everything() -> None:
        for name in job.names:
            raw.drop_netns(name)
        view.wait_until_gone(job.parent)

    return {"seconds": timed(everything)}
