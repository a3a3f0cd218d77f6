# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network namespaces: references to them, and those that are ours."""

from __future__ import annotations

import functools
import shlex
import typing as t
from dataclasses import dataclass

from ..values import validators

NetnsKind = t.Literal["host", "name", "path", "pid"]

NETNS_FOLDER = "/run/netns"

NETNS_KINDS = ("host", "name", "path", "pid")


@dataclass(frozen=True)
class Netns:
    """A reference to a network namespace.

    :ivar kind: ``host`` (the namespace of the run itself), ``name`` under /run/netns, ``path``, or ``pid``
    :ivar value: the name, the path, or the process id as text
    """

    kind: NetnsKind = "host"
    value: str = ""

    CHECKS: t.ClassVar[dict[str, validators.Check]] = {"kind": validators.one_of(*NETNS_KINDS), "value": validators.text}

    # Asked for a hundred times for each endpoint of a run, so it is worked out once.
    @functools.cached_property
    def path(self) -> str:
        """The file that stands for the namespace; empty for the host's own."""
        if self.kind == "name":
            return f"{NETNS_FOLDER}/{self.value}"
        if self.kind == "pid":
            return f"/proc/{self.value}/ns/net"
        return self.value

    @property
    def of_process(self) -> bool:
        """Whether it is known by a process, whose number means nothing once that has ended."""
        return self.path.startswith("/proc/")

    @property
    def shown(self) -> str | None:
        """What results say: the name, else the path, None for the host's own."""
        return (self.value if self.kind == "name" else self.path) or None

    @property
    def phrase(self) -> str:
        """`` in namespace blue``, or nothing for the host's own: to be put behind an object."""
        return f" in namespace {self.shown}" if self.path else ""

    @property
    def title(self) -> str:
        return f"namespace {self.shown}" if self.path else "the host's own namespace"

    @property
    def ip(self) -> str:
        """What a command of ip(8) about something in it begins with: ``ip -n blue``; ip knows no namespace without a name."""
        if self.kind == "name":
            return f"ip -n {shlex.quote(self.value)}"
        return f"nsenter --net={shlex.quote(self.path)} ip" if self.path else "ip"

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> Netns:
        netns = cls(**validators.fields("namespace", data, cls.CHECKS))
        if not _VALUES[netns.kind](netns.value):
            raise ValueError(f"there is a namespace with the {netns.kind} {netns.value!a:.80}")
        return netns


HOST = Netns()
# What a reference to a namespace may say, for each kind.
_VALUES: dict[str, validators.Check] = {
    "host": validators.exactly(""),
    "name": validators.namespace,
    "path": validators.path,
    "pid": validators.decimal(validators.MAX_PID, lowest=1),
}


@dataclass(frozen=True)
class OwnedNetns:
    """A namespace that the collection created, marked by our tag on its loopback."""

    id: str
    name: str

    CHECKS: t.ClassVar[dict[str, validators.Check]] = {"id": validators.identifier, "name": validators.namespace}

    @classmethod
    def from_plain(cls, data: dict[str, t.Any]) -> OwnedNetns:
        return cls(**validators.fields("namespace", data, cls.CHECKS))
