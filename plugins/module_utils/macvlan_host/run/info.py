# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is recorded, and how the kernel differs from it."""

from __future__ import annotations

import typing as t

from ..compare.host_identity import warnings_of_copy
from ..compare.needs import needs_of_everything
from ..model.host_view import HostView
from ..model.links import stacked
from ..model.ref import Ref
from ..result.config import config_of
from ..result.drift import conflicts_of, drift_of
from ..result.lost_slices import lost_slices_of
from ..result.views import View, by_ref
from .awaiting import journal_warnings
from .renamed_links import with_present_names
from .snapshot import check_not_lost, read_snapshot
from .tools import DEFAULT_TOOLS, Tools

if t.TYPE_CHECKING:
    from ..request.filters import EndpointFilter


def inspect(
    *,
    state_dir: str,
    network: str | None = None,
    endpoint: str | None = None,
    address: str | None = None,
    mac: str | None = None,
    netns: str | None = None,
    pin: bool = False,
    tools: Tools = DEFAULT_TOOLS,
) -> dict[str, t.Any]:
    """All that is recorded, and how the kernel differs from it.

    :param network: only this network, its endpoints and its parent
    :param endpoint: only endpoints of this name, their networks and parents
    :param address: only endpoints with this address, by the record or on their links
    :param mac: only endpoints with this MAC address, likewise
    :param netns: only endpoints in this namespace, which is a name or a path
    :param pin: whether the options in ``config`` have the addresses that were chosen
    :raises OptionsError: a filter cannot be what it is for
    :raises MacvlanHostError: the database or the kernel cannot be read
    """
    among = _filter(address, mac, netns)
    state = tools.store(state_dir)
    check_not_lost(state, tools)
    stored, kernel = read_snapshot(state, lambda stored: needs_of_everything(stored.record), tools)
    record, renamed = with_present_names(stored.record, kernel)
    host = HostView(record, kernel)
    view = View(host)
    lists = view.everything(network, endpoint, among)
    report: dict[str, t.Any] = {**lists, "config": config_of(host, lists, pin)}
    for item in report["endpoints"]:
        item["foreign_addresses"] = view.foreign_addresses(item["network"], item["name"])
    shown = by_ref(lists)
    report["drift"] = [item.shown for item in (*drift_of(host, shown), *conflicts_of(host, shown), *lost_slices_of(host, shown))]
    report["host"] = {"uuid": record.identity.uuid if record.identity is not None else None}
    report["warnings"] = list(journal_warnings(stored, stored.journal is not None and not state.is_locked(), tools))
    report["warnings"] += [*warnings_of_copy(record.identity, kernel), *(item.notice for item in renamed)]
    return report


def _filter(address: str | None, mac: str | None, netns: str | None) -> EndpointFilter | None:
    """The filter for endpoints; most runs have none, and import nothing for it."""
    if address is None and mac is None and netns is None:
        return None
    from ..request.filters import endpoint_filter

    return endpoint_filter(address, mac, netns)


def recorded_objects(*, state_dir: str, tools: Tools = DEFAULT_TOOLS) -> tuple[Ref, ...]:
    """The recorded objects; an object comes after those that it depends on.

    :raises StateError: the database cannot be read
    """
    record = tools.store(state_dir).read().record
    return (
        *(item.ref for item in stacked(record.links.values())),
        *(item.ref for item in record.networks.values()),
        *(item.ref for item in record.endpoints.values() if item.host_access is None),
    )
