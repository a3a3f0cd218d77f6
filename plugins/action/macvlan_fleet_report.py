# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes a report about a fleet, on the control node; modules/macvlan_fleet_report.py has the documentation.

The files are written here and not by copy, because Ansible looks for templates in the content of copy, which takes much longer than
the report itself.
"""

from __future__ import annotations

import datetime
import json
import os
import stat
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import FileError, MacvlanHostError, OptionsError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel.published_file import MODE, publish
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.compare import LastReport
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.task import last_report_of, report_argspec, texts_of, twin_of


class ActionModule(ActionBase):
    """The task."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: object = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """See the documentation of the module."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        try:
            self._write(result)
        except MacvlanHostError as exc:
            # Not as an error of Ansible's, after which failed_when is not asked.
            result.update(failed=True, msg=str(exc))
        return result

    def _write(self, result: dict[str, t.Any]) -> None:
        """Write both files.

        :raises MacvlanHostError: the options are wrong, or a file cannot be read or written
        """
        options = self._options()
        page = os.path.realpath(self._loader.path_dwim(os.path.expanduser(options["dest"])))
        twin = twin_of(page)
        before = {path: _text_of(path) for path in (page, twin)}
        texts = texts_of(options, _last(twin, before[twin]), _now())
        after = {page: texts.page, twin: texts.twin}
        differing = [path for path, text in after.items() if text != before[path] or _mode_of(path) != MODE]
        for path in differing if not self._task.check_mode else ():
            publish(path, after[path])
        result.update(changed=bool(differing), file=page, json_file=twin, counts=texts.counts, duplicates=texts.duplicates)
        if self._task.diff:
            header = f"what is counted in {twin}"
            result["diff"] = {"before": _counts_of(before[twin]), "after": texts.counts, "before_header": header, "after_header": header}

    def _options(self) -> dict[str, t.Any]:
        """The options of the task.

        :raises OptionsError: they are wrong
        """
        given = dict(self._task.args)
        answers = given.get("answers")
        if isinstance(answers, t.Mapping):
            given["answers"] = {}  # the validation copies all values, of which there are hundreds of thousands
        checked = ArgumentSpecValidator(report_argspec()).validate(given)
        if checked.error_messages:
            raise OptionsError(checked.error_messages)
        validated: dict[str, t.Any] = checked.validated_parameters
        return {**validated, "answers": answers} if isinstance(answers, t.Mapping) else validated


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def _text_of(path: str) -> str | None:
    """The content of a file, None if it is not there.

    :raises FileError: the file cannot be read, or its folder is not there
    """
    if not os.path.isdir(os.path.dirname(path)):
        raise FileError(f"cannot write {path}: there is no folder {os.path.dirname(path)}; create it, or name another dest")
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise FileError(f"cannot write {path}: what is there cannot be read: {exc.strerror}; name another dest") from exc


def _last(twin: str, text: str | None) -> LastReport:
    try:
        return last_report_of(text)
    except ValueError as exc:
        raise FileError(f"cannot read the last report {twin}: {exc}; name another dest, or remove that file") from exc


def _mode_of(path: str) -> int | None:
    return stat.S_IMODE(os.stat(path).st_mode) if os.path.exists(path) else None


def _counts_of(text: str | None) -> t.Any:
    return {} if text is None else json.loads(text).get("counts", {})
