# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the kernel of this machine."""

from __future__ import annotations

import typing as t

from ..kernel import read
from .tools import Reader, Tools

if t.TYPE_CHECKING:
    from ..model.access import AccessPath, Connection
    from ..model.kernel import Kernel, Needs, Space
    from ..model.netns import Netns


class KernelReader:
    """Reads the kernel of this machine; what is rarely read is imported when it is."""

    def read_kernel(self, needs: Needs, host: str, boot_id: str) -> Kernel:
        return read.read_kernel(needs, host, boot_id)

    def tagged_spaces(self, host: str) -> dict[Netns, Space]:
        from ..kernel.tagged_links import tagged_spaces

        return tagged_spaces(host)

    def read_access_paths(self, connection: Connection | None) -> tuple[AccessPath, ...]:
        from ..kernel.access import read_access_paths

        return read_access_paths(connection)


def reader_of(tools: Tools) -> Reader:
    """The reader of a run."""
    return tools.reader or KernelReader()
