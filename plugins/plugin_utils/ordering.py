# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of names."""

from __future__ import annotations

import re


def natural(name: str) -> list[tuple[int, int, str]]:
    """The order in which edge9 comes before edge10."""
    parts = re.findall("[0-9]{1,18}|[^0-9]+", name)
    return [(0, int(part), part) if part.isascii() and part.isdigit() else (1, 0, part) for part in parts]
