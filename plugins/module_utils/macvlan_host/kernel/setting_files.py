# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes settings of a namespace as files under /proc/sys."""

from __future__ import annotations

import errno
import os

from ..errors import KernelError
from ..model.sysctl import Sysctl
from ..steps.steps import SetSysctls
from ..values import names
from .sysctls import sysctl_path


def write_setting(step: SetSysctls, item: Sysctl, ifname: str) -> None:
    """Write a setting of the namespace that the thread is in.

    :param ifname: the present name of the interface
    :raises KernelError: naming the step
    """
    try:
        path = sysctl_path(names.sysctl_key(item.key, ifname))
        # Without O_CREAT: in a read-only /proc/sys a missing setting would give the error of a read-only one.
        descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
        try:
            os.write(descriptor, item.new.encode("ascii"))
        finally:
            os.close(descriptor)
    except OSError as exc:
        if item.optional and exc.errno == errno.ENOENT:
            return
        key = names.sysctl_key(item.key, step.ifname)
        message = f"cannot set {key} to '{item.new}'{step.netns.phrase}: {exc.strerror}"
        raise KernelError(message, exc.errno or 0, step) from exc
