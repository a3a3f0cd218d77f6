# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses that are in use beside the leases: the host's own, next hops of its routes, the remote end of the SSH connection."""

from __future__ import annotations

import dataclasses
import typing as t

from ..ipam.address_set import AddressSet
from ..model.kernel import Kernel, Space
from ..model.links import Link
from ..model.netns import HOST
from ..model.record import Record
from ..values import inet
from ..values.addresses import Block, version_of, without_prefix
from ..wire.kinds import kind_of
from .ownership import find_link

DEFAULT_ROUTES = ("0.0.0.0/0", "::/0")


class Claim(t.NamedTuple):
    """The reason why an address is already in use.

    :ivar address: without prefix length
    :ivar what: what it is, as a phrase: ``an address of eth0 of this host``
    :ivar also: the same as drift tells it
    :ivar link: the name of the link of the host that has it; None for an address that the host itself does not have
    :ivar tag: the alias of that link
    :ivar advice: advice for a task that requests the address
    :ivar firm: whether a request for it is refused too; other claims are only never chosen
    """

    address: str
    what: str
    also: str
    link: str | None = None
    tag: str = ""
    advice: str = "request another address, or none to have one chosen"
    firm: bool = True


class AddressesInUse:
    """The claims on addresses, collected once for a whole plan.

    They come from the kernel's state before the plan: addresses that the plan itself adds to links of the host are leases.
    """

    def __init__(self, record: Record, kernel: Kernel) -> None:
        self._claims: dict[str, list[Claim]] = {}
        host = kernel.spaces.get(HOST.path)
        for claim in (*(_claims_of(host, record) if host else ()), *_claims_of_peer(kernel)):
            self._claims.setdefault(claim.address, []).append(claim)
        numbers: dict[int, list[int]] = {4: [], 6: []}
        for address in self._claims:
            numbers[version_of(address)].append(inet.number(address))
        self._numbers = {version: AddressSet(values) for version, values in numbers.items()}

    def numbers(self, version: int) -> AddressSet:
        """The addresses of a family, which are never chosen; callers must not change the set."""
        return self._numbers[version]

    def on(self, address: str, tag: str = "") -> Claim | None:
        """The claim that forbids to request an address.

        :param tag: of the link that is to get the address: its own addresses are no conflict
        """
        claims = (claim for claim in self._claims.get(address, ()) if claim.firm and not (tag and claim.tag == tag))
        return next(claims, None)

    def on_links(self, address: str) -> list[Claim]:
        """The claims of links of the host on an address."""
        return [claim for claim in self._claims.get(address, ()) if claim.link is not None]

    def inside(self, among: Block) -> list[Claim]:
        """The first claim on each address of a block."""
        return [claims[0] for address, claims in self._claims.items() if address in among]


def _claims_of(host: Space, record: Record) -> t.Iterator[Claim]:
    own = _own_leases(host, record)
    for addresses in (host.addresses, host.link_scope):
        for index, held in addresses.items():
            link = host.by_index(index)
            for address in held:
                plain = without_prefix(address)
                if (index, plain) not in own:
                    yield _claim_of_link(plain, link)
    for (index, address), peer in host.peers.items():
        name = _name(host.by_index(index))
        phrase = f"the peer of {without_prefix(address)} on {name} of this host"
        yield Claim(peer, phrase, phrase)
    for (index, hop), destination in host.next_hops.items():
        yield _claim_of_route(hop, destination, host.by_index(index))


def _own_leases(host: Space, record: Record) -> set[tuple[int, str]]:
    """(ifindex, address) of the endpoints in the host's own namespace: the addresses of their links are leases."""
    leases: set[tuple[int, str]] = set()
    for endpoint in record.endpoints.values():
        if endpoint.netns.path:
            continue
        parent = host.links.get(record.networks[endpoint.network].parent)
        link = find_link(host, endpoint, parent)
        if link is not None:
            leases.update((link.index, without_prefix(address)) for address in endpoint.addresses)
    return leases


def _claim_of_link(address: str, link: Link | None) -> Claim:
    name = _name(link)
    return Claim(
        address,
        f"an address of {name} of this host",
        f"also on {name} of this host",
        link=name,
        tag=link.alias if link is not None and link.ours else "",
    )


def _claim_of_route(hop: str, destination: str, link: Link | None) -> Claim:
    route = "default route" if destination in DEFAULT_ROUTES else f"route to {destination}"
    phrase = f"the next hop of this host's {route} over {_name(link)}"
    return Claim(
        hop,
        phrase,
        phrase,
        advice="request another address; or, if this endpoint must be that next hop, add the route after the endpoint",
        # The host reaches other endpoints through an endpoint of its own, and one of those can be a router.
        firm=not (link is not None and link.ours and kind_of(link).is_endpoint),
    )


def _claims_of_peer(kernel: Kernel) -> t.Iterator[Claim]:
    if kernel.peer is not None:
        phrase = "the remote end of the SSH connection that this run uses"
        yield Claim(kernel.peer, phrase, phrase)


def _name(link: Link | None) -> str:
    return link.name if link is not None else "a link"


def with_peer(kernel: Kernel, remote: str) -> Kernel:
    """The kernel of a run that came by an SSH connection."""
    raw = inet.to_bytes(remote)
    if raw.startswith(_MAPPED):
        raw = raw[len(_MAPPED) :]
    return dataclasses.replace(kernel, peer=inet.from_bytes(raw))


_MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, how a socket for both families shows IPv4 (RFC 4291 2.5.5.2)
