# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which networks of which hosts are on one wire."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.model import HostOfFleet, Segment
from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.slices import places_of, slices_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.addresses import block_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.names import dummy_name
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.model import OK
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.read import Answer, Reading
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.wire_book import Area, WireBook


def has_no_parent(network: Answer) -> bool:
    """Whether a network leads nowhere: its parent is a dummy link that is named after its id."""
    return bool(network.get("parent") == dummy_name(str(network.get("id"))))


def books_of(readings: t.Sequence[Reading], segments: t.Sequence[Segment], fleet: t.Sequence[HostOfFleet]) -> list[WireBook]:
    """All wires: the segments, the subnets that no segment has, and the networks without a parent, each a wire of its own."""
    by_name = {host.name: host for host in fleet}
    declared = {segment.name: _book_of_segment(segment, fleet) for segment in segments}
    names = _wires_of_subnets([network for reading in readings for network in reading.answer.get("networks", ()) if not has_no_parent(network)])
    others: dict[str, WireBook] = {}
    for reading in readings:
        states = {(row.network, row.endpoint): row.state for row in reading.rows}
        areas: dict[str, tuple[WireBook, list[Area]]] = {}
        for network in reading.answer.get("networks", ()):
            book = _book_of(reading.host, network, segments, by_name.get(reading.host), declared, names, others)
            if book is not None:
                subnets = [subnet["subnet"] for subnet in network["subnets"]]
                areas[network["name"]] = book, [(book.area_around(text) if book.declared else None) or book.area(text) for text in subnets]
                book.add_network(reading.host, network, areas[network["name"]][1])
        for endpoint in reading.answer.get("endpoints", ()):
            if endpoint["network"] in areas:
                book, of_network = areas[endpoint["network"]]
                book.add_endpoint(reading.host, endpoint, states.get((endpoint["network"], endpoint["name"]), OK), of_network)
    books = [*declared.values(), *(others[name] for name in sorted(others))]
    for host in fleet:
        for book in books:
            if host.name in book.hosts:
                book.add_host(host.name, host.addresses)
    return books


def _book_of_segment(segment: Segment, fleet: t.Sequence[HostOfFleet]) -> WireBook:
    book = WireBook(segment.name, declared=True)
    for item in segment.subnets:
        area = book.area(item.subnet.subnet)
        for text in item.subnet.exclude:
            area.exclude(block_of(text))
    for host in fleet:
        for owned in slices_of(host, segment):
            book.hosts.add(host.name)
            book.area(owned.subnet).own(host.name, block_of(owned.block))
    return book


def _book_of(
    host: str,
    network: Answer,
    segments: t.Sequence[Segment],
    member: HostOfFleet | None,
    declared: t.Mapping[str, WireBook],
    names: t.Mapping[str, str],
    others: dict[str, WireBook],
) -> WireBook | None:
    """The wire of a network; None for a network without addresses that no segment has the name of."""
    if has_no_parent(network):
        name = f"network {network['name']} of {host}, which leads nowhere"
    else:
        segment = _segment_of(network, segments, member)
        if segment is not None:
            return declared[segment.name]
        if not network["subnets"]:
            return None
        name = names[network["subnets"][0]["subnet"]]
    if name not in others:
        others[name] = WireBook(name, declared=False)
    return others[name]


def _segment_of(network: Answer, segments: t.Sequence[Segment], member: HostOfFleet | None) -> Segment | None:
    """The segment that has a subnet of a network: the one that the network names, one that the host has a part in, one of its name, or
    the first, in this order.
    """
    blocks = [block_of(subnet["subnet"]) for subnet in network["subnets"]]
    fitting = [
        segment
        for segment in segments
        if any(block_of(item.subnet.subnet).covers(block) for item in segment.subnets for block in blocks)
        or not blocks and segment.name == network["name"]
    ]
    ranked = sorted(
        fitting,
        key=lambda segment: (
            segment.name != network.get("segment"),
            member is None or not places_of(member, segment),
            segment.name != network["name"],
        ),
    )
    return ranked[0] if ranked else None


def _wires_of_subnets(networks: t.Sequence[Answer]) -> dict[str, str]:
    """Subnet → the name of its wire: subnets of one network, and those that overlap, are on the same wire."""
    wire: dict[str, str] = {}

    def root(subnet: str) -> str:
        while wire[subnet] != subnet:
            wire[subnet] = wire[wire[subnet]]
            subnet = wire[subnet]
        return subnet

    for network in networks:
        texts = [subnet["subnet"] for subnet in network["subnets"]]
        for text in texts:
            wire.setdefault(text, text)
            wire[root(text)] = root(texts[0])
    widest = ""
    for text in sorted(wire, key=_width_last):
        if widest and block_of(widest).overlaps(block_of(text)):
            wire[root(text)] = root(widest)
        if not widest or not block_of(widest).overlaps(block_of(text)):
            widest = text
    members: dict[str, list[str]] = {}
    for text in sorted(wire, key=_width_last):
        members.setdefault(root(text), []).append(text)
    return {text: ", ".join(texts) for texts in members.values() for text in texts}


def _width_last(subnet: str) -> tuple[int, int, int]:
    """The order in which a subnet comes after those that have it inside."""
    block = block_of(subnet)
    return block.version, block.first, -block.last
