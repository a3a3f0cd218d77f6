# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes the kernel of this machine."""

from __future__ import annotations

from ..kernel.write import KernelWriter
from .tools import Tools, Writer


def open_writer(tools: Tools) -> Writer:
    """The writer of a run; the caller closes it."""
    return (tools.writer or KernelWriter)()
