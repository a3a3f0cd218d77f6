# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which kinds of link this kernel can make, and which link options it has."""

from __future__ import annotations

import contextlib
import errno
import os
import typing as t

from ..model.kernel import Space
from ..model.link_options import LINK_OPTIONS, LinkOption
from ..values import names
from ..wire import ask
from ..wire.kinds import KINDS, kind_named
from .route_socket import RouteSocket


def missing_kinds(kinds: t.Iterable[str]) -> frozenset[str]:
    """The kinds of link that this kernel cannot create, learned without loading a module."""
    return frozenset(kind for kind in kinds if not can_make(kind))


def can_make(kind: str) -> bool:
    """Whether this kernel has a kind of link, asked with a request for an impossible link."""
    module = kind_named(kind).kernel_module
    if os.path.isdir(f"/sys/module/{module}") or _is_in(module, "modules.dep") or _is_in(module, "modules.builtin"):
        return True
    # No module to load, so asking cannot load one; a request without what every kind needs cannot make a link either.
    with contextlib.closing(RouteSocket()) as sock:
        return sock.exchange([ask.impossible_link(kind)])[0].errno != errno.EOPNOTSUPP


def _is_in(module: str, index: str) -> bool:
    """Whether a list of the kernel's modules has this one."""
    try:
        with open(f"/lib/modules/{os.uname().release}/{index}", encoding="utf-8") as file:
            return any(f"/{module}.ko" in line.partition(":")[0] for line in file)
    except OSError:
        return False


def missing_link_options(asked: t.Collection[str], spaces: t.Iterable[Space | None]) -> frozenset[str]:
    """Those link options that this kernel does not have, of those that are asked about.

    :param spaces: namespaces that were read; what a link shows in them the kernel has
    """
    if not asked:
        return frozenset()
    shown = {name for space in spaces if space for link in space.links.values() for name in link.link_options}
    return frozenset(name for name in asked if name not in shown and not has_link_option(LINK_OPTIONS[name]))


def has_link_option(option: LinkOption) -> bool:
    """Whether this kernel has a link option, asked with a link that cannot be.

    A kernel that has it notes the odd request in its log. As long as the module of such links is not loaded, only the
    release of the kernel tells, because asking would load it.
    """
    kind = next(kind for kind in KINDS.values() if kind.is_endpoint and kind.has_link_options)
    if os.path.isdir(f"/sys/module/{kind.kernel_module}") or not _is_in(kind.kernel_module, "modules.dep"):
        with contextlib.closing(RouteSocket()) as sock:
            code = sock.exchange([ask.misshapen_link_option(kind.name, option.attribute)])[0].errno
        if code in (errno.ERANGE, errno.EADDRNOTAVAIL):
            return code == errno.ERANGE
    return names.kernel_version(os.uname().release) >= option.since
