# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the kernel of this machine."""

from __future__ import annotations

from ..kernel import access, read, tagged_links
from ..model.access import AccessPath, Connection
from ..model.kernel import Kernel, Needs, Space
from ..model.netns import Netns
from .tools import Reader, Tools


class KernelReader:
    """Reads the kernel of this machine."""

    def read_kernel(self, needs: Needs, host: str, boot_id: str) -> Kernel:
        return read.read_kernel(needs, host, boot_id)

    def tagged_spaces(self, host: str) -> dict[Netns, Space]:
        return tagged_links.tagged_spaces(host)

    def read_access_paths(self, connection: Connection | None) -> tuple[AccessPath, ...]:
        return access.read_access_paths(connection)


def reader_of(tools: Tools) -> Reader:
    """The reader of a run."""
    return tools.reader or KernelReader()
