# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How somebody reaches this host: connections, and the links by which answers leave."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Connection:
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


@dataclass(frozen=True)
class Way:
    """How somebody reaches this host who must not be locked out.

    :ivar link: the name of the link of the host by which answers leave
    :ivar what: who that is, as a phrase
    :ivar remote: an address at the other end
    :ivar local: the address that is reached, None for any
    :ivar hop: the next hop by which answers leave, None for an end that is on the link itself
    """

    link: str
    what: str
    remote: str
    local: str | None = None
    hop: str | None = None


@dataclass(frozen=True)
class Caution:
    """How careful a run is with the ways by which the host is reached.

    :ivar connection: the one that the run came by, None when it came by none
    :ivar force: whether ways may be cut
    :ivar confirm: within how many seconds somebody has to confirm what was done, 0 when nobody has to
    """

    connection: Connection | None = None
    force: bool = False
    confirm: int = 0
