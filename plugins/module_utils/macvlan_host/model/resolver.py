# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The name servers of a namespace: what ``ip netns exec`` and others put in place of /etc/resolv.conf there."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..values import names, validators

FOLDER = "/etc/netns"
FILE = "resolv.conf"
# What a file that is no plain one is read as, so that it is nobody's.
SOMETHING_ELSE = "\0"
LONGEST_SHOWN = 200


def resolver_path(name: str) -> str:
    """The file of a named namespace."""
    return f"{FOLDER}/{name}/{FILE}"


def is_server(value: t.Any) -> bool:
    """Whether a file can have a name server: an address, and after ``%`` the link of a link-local one."""
    address, sign, link = value.partition("%") if isinstance(value, str) else ("", "", "")
    return validators.address(address) and (not sign or validators.interface(link))


@dataclass(frozen=True)
class Dns:
    """The name servers that an endpoint asks for.

    :ivar owns_folder: whether the folder of the namespace was made for the file, and goes with it
    """

    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    owns_folder: bool = False

    CHECKS: t.ClassVar[dict[str, validators.Check]] = {
        "servers": validators.listed(is_server),
        "search": validators.listed(names.is_domain),
        "owns_folder": validators.flag,
    }

    @property
    def asked(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What a task says of it."""
        return self.servers, self.search

    @property
    def lines(self) -> tuple[str, ...]:
        search = (f"search {' '.join(self.search)}",) if self.search else ()
        return (*search, *(f"nameserver {server}" for server in self.servers))

    @property
    def shown(self) -> dict[str, list[str]]:
        """What results have."""
        return {"servers": list(self.servers), "search": list(self.search)}

    @classmethod
    def from_plain(cls, data: t.Any) -> Dns | None:
        if data is None:
            return None
        values = validators.fields("dns of an endpoint", data, cls.CHECKS)
        return cls(**{**values, **{name: tuple(values.get(name, ())) for name in ("servers", "search")}})


class ResolverFile(t.NamedTuple):
    """The file of a namespace as it is.

    :ivar content: None where there is none
    :ivar has_folder: whether its folder is there
    :ivar read_only: the mount that keeps it from being written, "" if it can be
    """

    content: str | None = None
    has_folder: bool = False
    read_only: str = ""


def resolver_content(dns: Dns, tag: str) -> str:
    """The file as we write it; its first line tells that it is ours.

    :param tag: of the namespace
    """
    return "\n".join((f"# {tag}: written by the collection fleetnet.macvlan, which overwrites changes", *dns.lines, ""))


def is_our_resolver(content: str) -> bool:
    """Whether a file is ours, also one that was written when the machine had another machine-id, from which tags follow."""
    return content.startswith(f"# {names.TAG_PREFIX}")


def shown_resolver(content: str | None) -> str | None:
    """A file as drift tells it: on one line, and without comments."""
    if content is None:
        return None
    if content == SOMETHING_ELSE:
        return "not a plain file"
    text = ", ".join(line.strip() for line in content.splitlines() if line.strip() and line[0] not in "#;")
    return text[:LONGEST_SHOWN] or "empty"
