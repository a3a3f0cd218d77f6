# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel has counted of a link."""

from __future__ import annotations

import typing as t


class Counters(t.NamedTuple):
    """What a link has received and sent since it was made."""

    received_bytes: int
    received_packets: int
    received_errors: int
    received_dropped: int
    sent_bytes: int
    sent_packets: int
    sent_errors: int
    sent_dropped: int


# Path of a namespace, empty for the host's own → name of a link → its counters.
CountersOfLinks = t.Mapping[str, t.Mapping[str, Counters]]
