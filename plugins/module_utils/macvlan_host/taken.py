# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses that are in use beside the leases: the host's own, the next hops of its routes, the far end of the SSH connection.

An endpoint with one of them would answer in place of the host, of its router or of the control node, and tell their
neighbours so. Pure: from the kernel as it was read.
"""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass

from . import inet, ipam
from .draft import Draft
from .drift import Drift, find_link
from .errors import PlanError
from .host_view import HostView
from .model import HOST, Endpoint, Kernel, Link, Network, Record, Space, Subnet

DEFAULT_ROUTES = ("0.0.0.0/0", "::/0")
SHOWN = 3  # claims in a message about a full subnet


@dataclass(frozen=True)
class Claim:
    """Why an address is in use already.

    :ivar address: without prefix length
    :ivar what: what it is, as a phrase: ``an address of eth0 of this host``
    :ivar also: the same as drift tells it
    :ivar link: the name of the link of the host that has it; None for an address that the host itself does not have
    :ivar tag: the alias of that link
    :ivar way_out: what to do about it instead, for whoever asks for the address
    :ivar firm: whether asking for it is refused too; others are only never chosen
    """

    address: str
    what: str
    also: str
    link: str | None = None
    tag: str = ""
    way_out: str = "ask for another address, or for none to have one chosen"
    firm: bool = True


class Taken:
    """The claims on addresses, found once for a whole plan.

    The kernel is taken as it was before the plan: what the plan itself puts on links of the host are leases.
    """

    def __init__(self, record: Record, kernel: Kernel) -> None:
        self._claims: dict[str, list[Claim]] = {}
        host = kernel.spaces.get(HOST.path)
        for claim in (*(_claims_of(host, record) if host else ()), *_claims_of_peer(kernel)):
            self._claims.setdefault(claim.address, []).append(claim)
        numbers: dict[int, list[int]] = {4: [], 6: []}
        for address in self._claims:
            numbers[ipam.version_of(address)].append(inet.number(address))
        self._numbers = {version: ipam.AddressSet(values) for version, values in numbers.items()}

    def numbers(self, version: int) -> ipam.AddressSet:
        """The addresses of a family, which are never chosen; not to be changed by whoever asks."""
        return self._numbers[version]

    def on(self, address: str, tag: str = "") -> Claim | None:
        """The claim on an address that stands against asking for it.

        :param tag: of the link that is to have it: what that has already is its own
        """
        found = (claim for claim in self._claims.get(address, ()) if claim.firm and not (tag and claim.tag == tag))
        return next(found, None)

    def on_links(self, address: str) -> list[Claim]:
        """The claims of links of the host on an address."""
        return [claim for claim in self._claims.get(address, ()) if claim.link is not None]

    def inside(self, among: ipam.Block) -> list[Claim]:
        """The first claim on each address of a block."""
        return [claims[0] for address, claims in self._claims.items() if address in among]


def taken_of(draft: Draft) -> Taken:
    """What is in use beside the leases, for all that a plan looks at."""
    if draft.taken is None:
        draft.taken = Taken(draft.recorded, draft.kernel)
    return draft.taken


# --- where claims come from -----------------------------------------------------------------------------------------


def _claims_of(host: Space, record: Record) -> t.Iterator[Claim]:
    own = _own_leases(host, record)
    for addresses in (host.addresses, host.narrow):
        for index, found in addresses.items():
            link = host.by_index(index)
            for address in found:
                plain = ipam.without_prefix(address)
                if (index, plain) not in own:
                    yield _claim_of_link(plain, link)
    for (index, address), peer in host.peers.items():
        name = _name(host.by_index(index))
        phrase = f"the other end of {ipam.without_prefix(address)} on {name} of this host"
        yield Claim(peer, phrase, phrase)
    for (index, hop), destination in host.next_hops.items():
        yield _claim_of_route(hop, destination, host.by_index(index))


def _own_leases(host: Space, record: Record) -> set[tuple[int, str]]:
    """(ifindex, address) of the endpoints in the host's own namespace: what their links hold are leases."""
    found: set[tuple[int, str]] = set()
    for endpoint in record.endpoints.values():
        if endpoint.netns.path:
            continue
        parent = host.links.get(record.networks[endpoint.network].parent)
        link = find_link(host, endpoint, parent)
        if link is not None:
            found.update((link.index, ipam.without_prefix(address)) for address in endpoint.addresses)
    return found


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
        way_out="ask for another address; or, where this endpoint is to be that next hop, have the route come after it",
        # Over an endpoint of the host itself other endpoints are reached, and one of them may well be a router.
        firm=not (link is not None and link.ours and link.kind == "macvlan"),
    )


def _claims_of_peer(kernel: Kernel) -> t.Iterator[Claim]:
    if kernel.peer is not None:
        phrase = "the other end of the SSH connection that this run came by"
        yield Claim(kernel.peer, phrase, phrase)


def _name(link: Link | None) -> str:
    return link.name if link is not None else "a link"


# --- what is made of them -------------------------------------------------------------------------------------------


def check_request(draft: Draft, title: str, option: str, address: str, tag: str) -> None:
    """Refuse an endpoint that asks for an address in use.

    :param tag: of its own link
    :raises PlanError: naming what has the address
    """
    claim = taken_of(draft).on(address, tag)
    if claim is not None:
        raise PlanError(f"{title}: {option}: {address} is {claim.what}; {claim.way_out}")


def warn_of_kept(draft: Draft, title: str, address: str, tag: str) -> None:
    """Say of an endpoint that it keeps an address in use: it had it before, and others may rely on that."""
    plain = ipam.without_prefix(address)
    claim = taken_of(draft).on(plain, tag)
    if claim is not None:
        draft.warn(
            f"{title}: it keeps {plain}, which is {claim.what}; only one of the two can be reached by others at a time, "
            f"so give one of them another address"
        )


def check_gateways(draft: Draft, recorded: Network | None, network: Network) -> None:
    """Refuse a gateway that is an address of the parent; warn of one that is on another link of the host.

    The kernel keeps frames between a parent and its endpoints from both (drivers/net/macvlan.c). A network that has such
    a gateway already keeps it, so that its other options and its endpoints can still be changed. Where nothing leads out
    a gateway is only an address that is not given out.

    :raises PlanError: naming the parent and the ways out
    """
    before = {subnet.subnet: subnet.gateway for subnet in recorded.subnets} if recorded else {}
    for subnet in network.subnets:
        links = [claim.link for claim in taken_of(draft).on_links(subnet.gateway)] if subnet.gateway else []
        if network.parent in links and not network.internal:
            text = _unreachable(subnet, network)
            if before.get(subnet.subnet) != subnet.gateway:
                raise PlanError(f"{network.title}: {text}")
            draft.warn(f"{network.title}: {text}")
        elif links:
            draft.warn(
                f"{network.title}: gateway {subnet.gateway} is an address of {links[0]} of this host; endpoints reach it "
                f"only if that link is on the wire of {network.parent}"
            )


def _unreachable(subnet: Subnet, network: Network) -> str:
    inferred = f", inferred for {subnet.subnet}," if subnet.gateway_inferred else f" of {subnet.subnet}"
    return (
        f"gateway {subnet.gateway}{inferred} is an address of the parent {network.parent}, and the kernel lets no "
        f"endpoint reach its parent; write gateway: none for this subnet, or, where another machine on the wire routes "
        f"for it, the address of that machine as gateway"
    )


def warn_of_default_routes(draft: Draft, endpoint: Endpoint, network: Network) -> None:
    """Say of an endpoint that its default route leads to its parent, and so nowhere."""
    for gateway in filter(None, (endpoint.gateway4, endpoint.gateway6)):
        if any(claim.link == network.parent for claim in taken_of(draft).on_links(gateway)):
            draft.warn(
                f"{endpoint.title}: its default route leads to {gateway}, which is an address of its parent "
                f"{network.parent}, and the kernel lets no endpoint reach its parent; change gateway of {network.title}"
            )


def explain_full(draft: Draft, subnets: t.Iterable[Subnet]) -> str:
    """What to add to a message about subnets without a free address: what of them is in use beside the leases."""
    claims = [claim for subnet in subnets for claim in taken_of(draft).inside(ipam.candidates(subnet))]
    if not claims:
        return ""
    shown = ", ".join(f"{claim.address} is {claim.what}" for claim in claims[:SHOWN])
    more = f", and {len(claims) - SHOWN} more are taken" if len(claims) > SHOWN else ""
    return f"; beside the leases, {shown}{more}"


def conflicts_of(view: HostView, titles: t.Container[str]) -> t.Iterator[Drift]:
    """The endpoints whose addresses are in use elsewhere, as drift; nothing that a run does mends that."""
    taken = Taken(view.recorded, view.kernel)
    for endpoint in view.endpoints.values():
        if endpoint.title in titles:
            yield from _conflicts(taken, endpoint)


def _conflicts(taken: Taken, endpoint: Endpoint) -> t.Iterator[Drift]:
    for field, address in (("ipv4", endpoint.ipv4), ("ipv6", endpoint.ipv6)):
        claim = taken.on(ipam.without_prefix(address)) if address else None
        if claim is not None:
            yield Drift(endpoint.title, field, address, claim.also)


def with_peer(kernel: Kernel, remote: str) -> Kernel:
    """The kernel of a run that came by an SSH connection."""
    raw = inet.to_bytes(remote)
    if raw.startswith(_MAPPED):
        raw = raw[len(_MAPPED) :]
    return dataclasses.replace(kernel, peer=inet.from_bytes(raw))


_MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, how a socket for both families shows IPv4 (RFC 4291 2.5.5.2)
