# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether this host brings back what is recorded when it boots."""

from __future__ import annotations

import os

UNIT = "macvlan-host.service"
# Where systemctl(1) puts the link when the unit is enabled; the unit says WantedBy=multi-user.target.
ENABLED = f"/etc/systemd/system/multi-user.target.wants/{UNIT}"


def is_kept() -> bool:
    """Whether the unit that restores everything is enabled."""
    return os.path.lexists(ENABLED)
