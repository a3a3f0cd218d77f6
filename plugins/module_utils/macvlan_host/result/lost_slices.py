# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses of endpoints that are in no slice of the host any more, as drift; a run does not repair it, because others rely on them."""

from __future__ import annotations

import typing as t

from ..ipam.slices import outside_of_slices
from ..model.host_view import HostView
from ..model.ref import Ref, shown_object
from ..values.addresses import without_prefix
from .drift import Drift

FIELD = "slice_lost"


def lost_slices_of(view: HostView, refs: t.Container[Ref]) -> t.Iterator[Drift]:
    """The addresses that another host of the segment may have by now.

    :param refs: only these objects
    """
    for network in view.networks.values():
        for endpoint in view.endpoints_of(network.name) if network.segment else ():
            ref, is_of_host = shown_object(endpoint.ref), endpoint.host_access is not None
            for address in endpoint.addresses if ref in refs else ():
                outside = outside_of_slices(network, without_prefix(address), is_of_host)
                if outside is not None:
                    yield Drift(ref, f"host_access.{FIELD}" if is_of_host else FIELD, address, outside)
