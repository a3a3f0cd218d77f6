# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who takes part: every way with what it needs, what it cannot do, and how its operations are started."""

from __future__ import annotations

import dataclasses
import sys
import typing as t
from pathlib import Path

FOLDER = Path(__file__).parent
OPERATIONS = ("create", "again", "change", "remove")
NO_MTU = "has no mtu for one endpoint: it leaves the network and joins it again"
NO_SECOND_RUN = "asks for the same again and is refused: it has no second run"


@dataclasses.dataclass(frozen=True)
class Way:
    """One way to make, change and remove endpoints.

    :ivar style: for the engine's own program; other ways are files under ways/
    :ivar kind: of the links, which the kernel must have
    :ivar programs: of others, which it cannot do without
    :ivar cannot: operation → why it is not measured
    :ivar together: whether it is measured with all endpoints in one namespace too
    :ivar contained: whether it needs a process namespace of its own, with control groups
    """

    name: str
    title: str
    style: str | None = None
    kind: str = "macvlan"
    programs: tuple[str, ...] = ()
    cannot: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    together: bool = False
    contained: bool = False

    @property
    def has_preparation(self) -> bool:
        return self.style is None and "\ndef prepare(" in (FOLDER / f"ways/{self.name}.py").read_text(encoding="utf-8")

    def command(self, operation: str, job: str) -> list[str]:
        if self.style is not None:
            return [sys.executable, str(FOLDER / "ours.py"), self.style, operation, job]
        return [sys.executable, "-m", f"{__package__}.inside", self.name, operation, job]


WAYS = (
    Way("ours", "macvlan_config, engine", style="config"),
    Way("ipvlan", "macvlan_config with driver: ipvlan, engine", style="ipvlan", kind="ipvlan"),
    Way("modules", "macvlan_config, whole module process"),
    Way("one_task", "ansible-playbook, one macvlan_config task"),
    Way("single", "macvlan_network and macvlan_endpoint, engine, one call each", style="single"),
    Way("limit", "hand-packed netlink, the limit", cannot={"again": NO_SECOND_RUN}, together=True),
    Way("ip_batch", "ip -batch", cannot={"again": NO_SECOND_RUN}, together=True),
    Way("cni", "CNI macvlan with host-local", programs=("cni",)),
    Way(
        "docker",
        "Docker macvlan, with a container each",
        programs=("dockerd", "docker", "containerd", "runc", "busybox"),
        cannot={"again": NO_SECOND_RUN, "mtu": NO_MTU},
        contained=True,
    ),
    Way(
        "podman",
        "Podman macvlan (netavark), with a container each",
        programs=("podman", "conmon", "crun", "netavark", "iptables", "busybox"),
        cannot={"again": NO_SECOND_RUN, "mtu": NO_MTU},
        contained=True,
    ),
    Way("playbook", "plain Ansible, five ip tasks"),
)
