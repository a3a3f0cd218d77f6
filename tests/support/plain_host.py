# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host on which the role for whole hosts can do all that it does, and leave nothing behind."""

from __future__ import annotations

from .host import HOME, Host


def without_services(host: Host) -> Host:
    """Give a host no systemd and no udev, and programs and settings that vanish with it."""
    for folder in ("/run/systemd", "/run/udev", "/etc/modules-load.d"):
        host.run(["mkdir", "-p", folder])
        host.run(["mount", "-t", "tmpfs", "tmpfs", folder])
    host.run(["mkdir", str(HOME / "upper"), str(HOME / "work")])
    options = f"lowerdir=/usr/local,upperdir={HOME / 'upper'},workdir={HOME / 'work'}"
    host.run(["mount", "-t", "overlay", "-o", options, "overlay", "/usr/local"])
    return host
