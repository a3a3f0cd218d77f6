# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The links that carry our tag, in all namespaces of a host."""

from __future__ import annotations

import contextlib

from ..errors import KernelError
from ..model.kernel import Space
from ..model.netns import HOST, Netns
from ..values import names, validators
from ..wire.kinds import kind_of
from . import namespaces
from .read import number_of_home, read_links, read_links_only
from .route_socket import RouteSocket


def tagged_spaces(host: str) -> dict[Netns, Space]:
    """The namespaces with tagged links, of the host's own and the named ones; only the links of each are read.

    A named one may be a container's, which can give its links any alias; there only links count that can have been
    created here. Namespaces without a name are not read: containers may run this collection themselves.

    :param host: what ids are made of (:attr:`Kernel.host`)
    """
    spaces: dict[Netns, Space] = {}
    with contextlib.closing(namespaces.Walker()) as walker:
        for netns in (HOST, *namespaces.named()):
            try:
                space = _created_from_here(walker, netns, host) if netns.path else read_links_only(walker, netns)
            except KernelError:  # a name without a namespace behind it holds no links
                continue
            if space is not None and any(link.ours for link in space.links.values()):
                spaces[netns] = space
    return spaces


def _created_from_here(walker: namespaces.Walker, netns: Netns, host: str) -> Space:
    """The tagged links of a namespace that can have been created from here: macvlans on links of the host, and its
    loopback, if that has the tag of the name.

    The owner of a namespace can neither create the former nor compute the latter.

    :raises KernelError: it is no namespace, or the kernel does not answer
    """
    walker.go(netns)
    own = names.tag(names.netns_id(host, netns.value))
    with contextlib.closing(RouteSocket()) as sock:
        tagged = [link for link in read_links(sock).values() if validators.tag(link.alias)]
        home = number_of_home(sock, walker) if tagged else -1
    return Space(
        links={
            link.name: link
            for link in tagged
            if kind_of(link).is_endpoint and link.lower_netns == home or link.loopback and link.alias == own
        }
    )
