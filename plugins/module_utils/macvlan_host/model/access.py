# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How this host is reached: connections, and the links by which answers leave."""

from __future__ import annotations

import typing as t


class Connection(t.NamedTuple):
    """One SSH connection, as sshd describes it (ssh(1), SSH_CONNECTION).

    :ivar text: addresses and ports of both ends, which no other connection has at the same time
    """

    text: str

    @property
    def remote(self) -> str:
        return self._words[0]

    @property
    def local(self) -> str:
        return self._words[2]

    @property
    def _words(self) -> list[str]:
        # The zone of a link-local address is not part of what is compared.
        return [word.partition("%")[0] for word in self.text.split()]


class AccessPath(t.NamedTuple):
    """An access path of this host, which must not be cut.

    :ivar link: the name of the link of the host by which answers leave
    :ivar what: its origin, as a phrase
    :ivar remote: an address of the remote end
    :ivar local: the local address of the path, None for any
    :ivar hop: the next hop by which answers leave, None for an end that is on the link itself
    """

    link: str
    what: str
    remote: str
    local: str | None = None
    hop: str | None = None


class LockoutPolicy(t.NamedTuple):
    """How a run treats steps that would cut an access path.

    :ivar connection: the connection of the run, None if there is none
    :ivar force: whether access paths may be cut
    :ivar confirm: the seconds within which the change must be confirmed, 0 for a permanent change
    """

    connection: Connection | None = None
    force: bool = False
    confirm: int = 0
