# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The counters of links, read inside of their namespaces, which programs outside cannot see."""

from __future__ import annotations

import contextlib
import typing as t

from ..errors import KernelError
from ..model.counters import Counters
from ..model.netns import Netns
from .namespaces import Walker

# The kernel shows each thread the links of its own namespace.
FILE = "/proc/thread-self/net/dev"
# The columns of bytes, packets, errors and dropped packets (dev_seq_printf_stats of net/core/net-procfs.c).
RECEIVED, SENT = slice(0, 4), slice(8, 12)


def read_counters(namespaces: t.Iterable[Netns]) -> dict[str, dict[str, Counters]]:
    """The counters of all links of namespaces, by their paths; those that cannot be entered are left out."""
    counted: dict[str, dict[str, Counters]] = {}
    with contextlib.closing(Walker()) as walker:
        for netns in namespaces:
            try:
                walker.go(netns)
            except KernelError:
                continue
            with open(FILE, encoding="ascii", errors="surrogateescape") as file:
                counted[netns.path] = parse_counters(file.read())
    return counted


def parse_counters(text: str) -> dict[str, Counters]:
    """The counters of the file: two lines of headings, then a line for each link."""
    links: dict[str, Counters] = {}
    for line in text.splitlines()[2:]:
        # A name has no colon and no space, so what follows the first one are numbers.
        name, dummy, rest = line.partition(":")
        numbers = [int(part) for part in rest.split()]
        links[name.strip()] = Counters(*numbers[RECEIVED], *numbers[SENT])
    return links
