# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A snapshot of this host: the record and the kernel at the same moment."""

from __future__ import annotations

import shlex
import typing as t

from ..errors import RECOVER_ADVICE, StateError
from ..model.kernel import Kernel, Needs
from ..store.database import State
from ..store.journal import Stored
from ..values.names import TAG_PREFIX
from .reader import reader_of
from .tools import Tools

READ_ATTEMPTS = 5

# Which part of the kernel's state is read depends on the record.
NeedsOf = t.Callable[[Stored], Needs]


def read_snapshot(state: State, needs: NeedsOf, tools: Tools) -> tuple[Stored, Kernel]:
    """Record and kernel at one moment, as far as possible while other runs write."""
    for dummy in range(READ_ATTEMPTS):
        version = state.version()
        stored = state.read()
        kernel = read_kernel_state(needs(stored), tools)
        if state.version() == version:
            break
    return stored, kernel


def read_kernel_state(needs: Needs, tools: Tools) -> Kernel:
    """The part of the kernel's state that is needed."""
    return reader_of(tools).read_kernel(needs, tools.host_id(), tools.boot_id())


def check_not_lost(state: State, tools: Tools) -> None:
    """Refuse to work without a database while links carry our tag, because nothing is known about them.

    :raises StateError: naming the links and the ways out
    """
    if state.is_there():
        return
    spaces = reader_of(tools).tagged_spaces(tools.host_id())
    lost = {netns: [link for link in space.links.values() if link.ours] for netns, space in spaces.items()}
    if lost:
        namespaces = sorted(lost, key=lambda netns: netns.title)
        shown = "; ".join(f"{', '.join(link.name for link in lost[netns])} in {netns.title}" for netns in namespaces)
        # A loopback is deleted with its namespace only, and with all that is in the namespace.
        netns, link = namespaces[0], lost[namespaces[0]][0]
        loopback = next((item for item in lost[netns] if item.loopback), None)
        delete = f"ip netns delete {shlex.quote(netns.value)}" if loopback else f"{netns.ip} link delete {link.name}"
        untag = f"{netns.ip} link set {(loopback or link).name} alias ''"
        raise StateError(
            f"there is no state database in {state.folder}, but this host has links that were created by this collection "
            f"(alias {TAG_PREFIX}…): {shown}. Use the right state_dir; or, if the database was lost, {RECOVER_ADVICE}; "
            f"or delete them, each in its namespace (the first one: '{delete}'), and run the task again; "
            f"if another program has set the tag of a link, remove the tag (of the first one: \"{untag}\")"
        )
