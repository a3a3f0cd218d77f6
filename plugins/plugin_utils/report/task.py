# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task that writes a report: its options, and both texts."""

from __future__ import annotations

import json
import os
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.read import read_hosts, read_segments
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.as_json import plain_report
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.build import build_report
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.compare import LastReport, read_last_report
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.page import html_page

TWIN = ".json"


def report_argspec() -> dict[str, t.Any]:
    """The options of macvlan_fleet_report."""
    return {
        "answers": {"type": "dict", "required": True},
        "dest": {"type": "path", "required": True},
        "segments": {"type": "list", "elements": "dict", "default": []},
        "hosts": {"type": "dict", "default": {}},
        "state_dir": {"type": "path", "default": "/var/lib/macvlan_host"},
    }


def twin_of(page: str) -> str:
    """The path of the JSON file, beside the HTML file.

    :raises OptionsError: it would be the same file
    """
    stem, ending = os.path.splitext(page)
    if ending == TWIN:
        raise OptionsError([f"dest: {page} is the HTML file; give it another ending than {TWIN}, which the JSON file beside it has"])
    return stem + TWIN


def last_report_of(text: str | None) -> LastReport:
    """The last report, of its JSON file; None where there is no such file.

    :raises ValueError: it is none
    """
    try:
        return read_last_report(None if text is None else json.loads(text))
    except json.JSONDecodeError as exc:
        raise ValueError(f"it is not JSON: {exc}") from exc


class Texts(t.NamedTuple):
    """The content of both files.

    :ivar counts: what is in the report, as numbers
    :ivar duplicates: the addresses and MAC addresses that several hosts have
    """

    page: str
    twin: str
    counts: dict[str, int]
    duplicates: list[dict[str, t.Any]]


def texts_of(options: t.Mapping[str, t.Any], last: LastReport, generated: str) -> Texts:
    """The report about the answers of hosts.

    :param options: the options of a task
    :param generated: the time of the report, as text
    :raises OptionsError: the segments, or the hosts, are not what they must be
    """
    segments = read_segments(options["segments"])
    report = build_report(
        options["answers"],
        segments=segments,
        fleet=read_hosts(options["hosts"], segments),
        last=last,
        generated=generated,
        state_dir=options["state_dir"],
    )
    plain = plain_report(report)
    return Texts(html_page(report), json.dumps(plain), plain["counts"], plain["duplicates"])
