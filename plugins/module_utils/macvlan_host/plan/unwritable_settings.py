# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks for steps that the kernel would refuse."""

from __future__ import annotations

import typing as t

from ..errors import PlanError
from ..model.kernel import Kernel
from ..model.sysctl import Sysctl, setting_by_netlink
from ..steps.steps import SetSysctls, Step
from ..values import names


def check_writable(kernel: Kernel, title: str, steps: t.Iterable[Step]) -> None:
    """Refuse steps that write settings to a read-only /proc/sys; settings by netlink are still possible.

    :param title: of the object that the steps are for
    :raises PlanError: naming the first of them, and the mount
    """
    if not kernel.read_only:
        return
    for step in (item for item in steps if isinstance(item, SetSysctls)):
        for item in step.settings:
            mount = _blocking_mount(kernel, item)
            if mount is not None:
                raise PlanError(
                    f"{title}: cannot set {names.sysctl_key(item.key, step.ifname)} to '{item.new}'{step.netns.phrase}: "
                    f"{mount} is mounted read-only; make it writable: mount -o remount,bind,rw {mount} "
                    f"(in a container: start it so that its runtime leaves /proc/sys writable)"
                )


def _blocking_mount(kernel: Kernel, item: Sysctl) -> str | None:
    if setting_by_netlink(item.key, item.new) is not None:
        return None
    if item.optional and item.key.startswith("net.ipv6.") and not kernel.has_ipv6:
        return None  # no settings to write
    return next((mount for beginning, mount in kernel.read_only.items() if item.key.startswith(beginning)), "") or None
