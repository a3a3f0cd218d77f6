# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes what a playbook did to a file: one line of JSON per task, and the totals."""

from __future__ import annotations

import json
import os
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: record
type: aggregate
short_description: Record of a playbook run
description:
  - Appends one JSON object per result, and one with the totals, to the file named by MACVLAN_TEST_RECORD.
"""


class CallbackModule(CallbackBase):
    """A second listener beside the one that prints, so that a failure can still be read by people."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "record"

    def _write(self, entry: dict[str, t.Any]) -> None:
        with open(os.environ["MACVLAN_TEST_RECORD"], "a", encoding="utf-8") as file:
            print(json.dumps(entry, default=str), file=file)

    def _write_result(self, status: str, result: t.Any) -> None:
        if hasattr(result, "task"):
            task, returned = result.task, result.result
        else:  # before ansible-core 2.19
            task, returned = result._task, result._result
        self._write(
            {"task": task.get_name().strip(), "action": task.action, "status": status, "result": dict(returned)}
        )

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._write_result("ok", result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._write_result("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        self._write_result("skipped", result)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._write_result("unreachable", result)

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        self._write({"stats": {host: stats.summarize(host) for host in stats.processed}})
