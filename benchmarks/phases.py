# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a run of the engine spends its time, seen from outside: its functions are wrapped in this process only."""

from __future__ import annotations

import functools
import importlib
import time
import typing as t

ENGINE = "ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host."
# (phase, module, name in it): what one of them calls of another counts for the inner one.
WATCHED = (
    ("options", "request.host", "config_options"),
    ("options", "request.network", "network_options"),
    ("options", "request.endpoint", "endpoint_options"),
    ("options", "request.endpoint", "endpoint_removal"),
    ("read", "run.snapshot", "read_kernel_state"),
    ("read", "run.observe", "read_kernel_state"),
    ("read", "run.snapshot", "check_not_lost"),
    ("read", "run.decide", "warnings_of_moved_links"),
    ("read", "store.database", "State.read"),
    ("read", "store.session", "Session.read"),
    ("plan", "run.decide", "requests_of"),
    ("plan", "run.decide", "needs_of"),
    ("plan", "run.decide", "make_plan"),
    ("plan", "run.perform", "changes_between"),
    ("result", "run.decide", "outcome_of"),
    ("journal", "store.session", "Session.__init__"),
    ("journal", "store.session", "Session.intend"),
    ("kernel", "kernel.write", "KernelWriter.apply"),
    ("commit", "store.session", "Session.record"),
)


class Phases:
    """Seconds by phase; what belongs to none is the difference to the whole.

    :raises AttributeError: a function that is to be watched is not there any more
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inner: list[float] = []
        for phase, module, name in WATCHED:
            self._watch(phase, module, name)

    def _watch(self, phase: str, module: str, name: str) -> None:
        owner: t.Any = importlib.import_module(ENGINE + module)
        *path, last = name.split(".")
        for part in path:
            owner = getattr(owner, part)
        setattr(owner, last, self._wrapped(phase, getattr(owner, last)))

    def _wrapped(self, phase: str, function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        @functools.wraps(function)
        def watched(*args: t.Any, **kwargs: t.Any) -> t.Any:
            self._inner.append(0.0)
            begun = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                took = time.perf_counter() - begun
                self.seconds[phase] = self.seconds.get(phase, 0.0) + took - self._inner.pop()
                if self._inner:
                    self._inner[-1] += took

        return watched
