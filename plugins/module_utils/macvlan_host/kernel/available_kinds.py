# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which kinds of link this kernel can make."""

from __future__ import annotations

import contextlib
import errno
import os
import typing as t

from ..wire import pack
from ..wire.kinds import kind_named
from .route_socket import RouteSocket


def missing_kinds(kinds: t.Iterable[str]) -> frozenset[str]:
    """Those kinds of link that this kernel cannot make, found out without loading a module."""
    return frozenset(kind for kind in kinds if not can_make(kind))


def can_make(kind: str) -> bool:
    """Whether this kernel has a kind of link, asked with a link that cannot be."""
    module = kind_named(kind).kernel_module
    if os.path.isdir(f"/sys/module/{module}"):
        return True
    folder = f"/lib/modules/{os.uname().release}"
    for index in ("modules.dep", "modules.builtin"):
        try:
            with open(f"{folder}/{index}", encoding="utf-8") as file:
                if any(f"/{module}.ko" in line.partition(":")[0] for line in file):
                    return True
        except OSError:
            continue
    # No module to load, so asking cannot load one; a request without what every kind needs cannot make a link either.
    with contextlib.closing(RouteSocket()) as sock:
        return sock.exchange([pack.impossible_link(kind)])[0].errno != errno.EOPNOTSUPP
