# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The namespaces of a host as they are and, while a plan is made, as its steps will leave them."""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

from .kernel import Space
from .resolver import ResolverFile


class Spaces:
    """Path → namespace, for steps/simulate.py to change; those of others are copied before the first change.

    Two paths may lead to one namespace: what is done under one of them is seen under the other.

    :ivar resolvers: name of a namespace → its file of name servers
    """

    def __init__(
        self,
        spaces: t.Mapping[str, Space | None],
        identities: t.Mapping[str, tuple[int, int]] | None = None,
        resolvers: t.Mapping[str, ResolverFile] | None = None,
    ) -> None:
        self.resolvers = dict(resolvers or {})
        self._spaces: dict[str, Space | None] = {}
        self._main: dict[str, str] = {}
        self._own: set[str] = set()
        # Index of a link → the mode of all links on it, where the kernel has one for them and a step has set it.
        self.modes: dict[int, str | None] = {}
        # Of links that do not exist yet; the kernel's own are positive, and those of an earlier simulation lie below.
        known = (link.index for space in spaces.values() if space is not None for link in space.links.values())
        self._indices = itertools.count(min((-1, *known)) - 1, -1)
        main_paths: dict[tuple[int, int], str] = {}
        for path, space in spaces.items():
            identity = (identities or {}).get(path)
            main = path if identity is None else main_paths.setdefault(identity, path)
            if main == path:
                self._spaces[path] = space
                continue
            self._main[path] = main
            first = self._spaces[main]
            if first is not None and space is not None:
                # Each was read with the settings that are asked for under its path.
                self._spaces[main] = dataclasses.replace(first, sysctls={**space.sysctls, **first.sysctls})

    def new_index(self) -> int:
        """The index of a link that is to be made; equal plans give equal ones."""
        return next(self._indices)

    def get(self, path: str) -> Space | None:
        """A namespace as it will be; None when there is none, or it was not read."""
        return self._spaces.get(self._main.get(path, path))

    def put(self, path: str, space: Space | None) -> None:
        """Have another namespace under a path, or none."""
        self._spaces[self._main.get(path, path)] = space

    def paths(self) -> tuple[str, ...]:
        """The paths, one for each namespace."""
        return tuple(self._spaces)

    def plain(self) -> dict[str, Space | None]:
        """All of them, under every path that they were read by."""
        return {path: self.get(path) for path in (*self._spaces, *self._main)}

    def own(self, path: str) -> Space | None:
        """A namespace that may be changed."""
        path = self._main.get(path, path)
        space = self._spaces.get(path)
        if space is not None and path not in self._own:
            space = dataclasses.replace(
                space,
                links=dict(space.links),
                addresses=dict(space.addresses),
                peers=dict(space.peers),
                routes=dict(space.routes),
                sysctls=dict(space.sysctls),
            )
            self._spaces[path] = space
        self._own.add(path)
        return space
