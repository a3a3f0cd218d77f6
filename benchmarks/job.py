# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one case asks of a way: how many endpoints, where, and with which programs."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import time
import typing as t
from pathlib import Path

SUBNET = ipaddress.ip_network("10.64.0.0/12")
GATEWAY = SUBNET.network_address + 1
MTU = 1400
# Of the containers, where control groups are.
CGROUP = "fleetnet-benchmark"

Result = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Job:
    """One case, as the processes in the throw-away machine are told of it.

    :ivar folder: a folder on a real disk, for whatever the way has to keep
    :ivar together: all endpoints in the machine's own namespace instead of one each
    :ivar programs: name → path of the other ways' programs
    """

    size: int
    folder: str
    parent: str = "eth0"
    together: bool = False
    programs: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Of the endpoints, and of their namespaces."""
        return [f"e{number}" for number in range(1, self.size + 1)]

    def ifname(self, name: str) -> str:
        return f"mv-{name}" if self.together else "mv0"

    def file(self, name: str) -> Path:
        return Path(self.folder, name)

    def save(self) -> str:
        path = self.file("job.json")
        path.write_text(json.dumps(dataclasses.asdict(self)), encoding="utf-8")
        return str(path)

    @classmethod
    def load(cls, path: str) -> Job:
        return cls(**json.loads(Path(path).read_text(encoding="utf-8")))


def address(position: int) -> ipaddress.IPv4Address:
    """The address of the endpoint at a position, from 0."""
    return t.cast(ipaddress.IPv4Address, GATEWAY + 1 + position)


def timed(function: t.Callable[[], object]) -> float:
    """Seconds that a call takes."""
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun
