# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The name servers of a namespace, as a task gives them."""

from __future__ import annotations

import typing as t

from ..model.netns import Netns
from ..model.resolver import Dns
from ..values import names
from ..values.addresses import is_link_local, parse_address
from .problems import Problems, prefixed

# MAXNS of resolv.conf(5).
ASKED_SERVERS = 3


def read_dns(problems: Problems, given: t.Mapping[str, t.Any], netns: Netns, ifname: str) -> Dns:
    """The name servers that a task gives.

    :param ifname: the interface of the endpoint, as an example
    """
    if netns.kind != "name":
        problems.problem(
            "dns: it is written to /etc/netns/NAME/resolv.conf, which is for named namespaces only; give netns: NAME, or leave dns out"
        )
    servers = [_name_server(problems, f"dns.servers[{position}]", text, ifname) for position, text in enumerate(given.get("servers") or ())]
    search = given.get("search") or ()
    for position, text in enumerate(search):
        if not names.is_domain(text):
            problems.problem(f"dns.search[{position}]: {text!a:.80} is not the name of a domain, such as example.com")
    for option, items in (("servers", servers), ("search", search)):
        for position, item in enumerate(items):
            if item is not None and item in items[:position]:
                problems.problem(f"dns.{option}[{position}]: {item!s:.80} is in the list already")
    if not servers and not search:
        problems.problem("dns: it has neither servers nor search; give one of them, or leave dns out")
    if len(servers) > ASKED_SERVERS:
        problems.note(f"dns.servers: programs ask the first {ASKED_SERVERS} of a list only (resolv.conf(5))")
    return Dns(tuple(item for item in servers if item is not None), tuple(search))


def _name_server(problems: Problems, option: str, text: str, ifname: str) -> str | None:
    """An address, and after ``%`` the link of a link-local one, without which no program reaches it."""
    written, sign, link = text.partition("%")
    address = problems.parsed(option, parse_address, written)
    if address is None:
        return None
    if not is_link_local(address):
        if sign:
            problems.problem(f"{option}: {address} is not link-local, so it has no link; write {address}")
        return address
    if not link:
        problems.problem(f"{option}: {address} is link-local, so it must name a link too; write {address}%{ifname}")
    else:
        problems.problem(prefixed(option, names.interface_name_problem(link)))
    return f"{address}%{link}"
