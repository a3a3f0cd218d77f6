# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the command macvlan-host tells a monitoring system."""

from __future__ import annotations

import typing as t

from ..kernel.counters import read_counters
from ..kernel.published_file import publish
from ..model.counters import CountersOfLinks
from ..model.netns import Netns
from ..result.metrics import metric_lines, namespaces_of
from .info import inspect
from .tools import DEFAULT_TOOLS, Tools


def metrics(
    *,
    state_dir: str,
    tools: Tools = DEFAULT_TOOLS,
    counters_of: t.Callable[[t.Iterable[Netns]], CountersOfLinks] = read_counters,
) -> list[str]:
    """The lines of all metrics.

    :param counters_of: reads the counters of the links of namespaces
    :raises MacvlanHostError: the database or the kernel cannot be read
    """
    report = inspect(state_dir=state_dir, tools=tools)
    return metric_lines(report, counters_of(namespaces_of(report)))


def write_metrics(*, state_dir: str, file: str, tools: Tools = DEFAULT_TOOLS) -> None:
    """Write all metrics to a file that another program reads.

    :raises MacvlanHostError: the database or the kernel cannot be read, or the file cannot be written
    """
    publish(file, "".join(f"{line}\n" for line in metrics(state_dir=state_dir, tools=tools)))
