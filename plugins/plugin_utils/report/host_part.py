# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of a page about one host: its links, networks and endpoints as a tree."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.markup import counted, escaped
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.model import OK, READ, Endpoint, Host, Link, Network

# More endpoints than that are folded.
MOST_ENDPOINTS = 60
NOT_LEASED = "not leased"


def host_index(hosts: t.Sequence[Host]) -> str:
    """Links to all hosts, with a word about those that need attention."""
    items = [f'<li><a href="#host-{position}">{escaped(host.name)}</a>{_trouble(host)}</li>' for position, host in enumerate(hosts)]
    return f'<nav aria-label="Hosts"><ul class="names">{"".join(items)}</ul></nav>'


def _trouble(host: Host) -> str:
    if host.state != READ:
        return f" <mark>{host.state}</mark>"
    return " <mark>drift</mark>" if host.drift else ""


def host_part(host: Host, position: int, unfolded: bool) -> t.Iterator[str]:
    """A host, folded or unfolded."""
    yield f'<details class="host" id="host-{position}"{" open" if unfolded else ""}><summary><b>{escaped(host.name)}</b>{_trouble(host)}'
    if host.state == READ:
        networks = [network for link in host.links for network in _networks_on(link)]
        endpoints = sum(len(network.endpoints) for network in networks)
        yield f' <span class="dim">{counted(len(networks), "network")}, {counted(endpoints, "endpoint")}</span>'
    yield "</summary>"
    if host.message:
        yield f"<p>{escaped(host.message)}</p>"
    for warning in host.warnings:
        yield f"<p><mark>warning</mark> {escaped(warning)}</p>"
    if host.links:
        yield '<ul class="tree">'
        for link in host.links:
            yield from _link(link)
        yield "</ul>"
    elif host.state == READ:
        yield "<p>Nothing is recorded on this host.</p>"
    yield "</details>"


def _networks_on(link: Link) -> t.Iterator[Network]:
    yield from link.networks
    for above in link.links:
        yield from _networks_on(above)


def _link(link: Link) -> t.Iterator[str]:
    kind = f' <span class="dim">{escaped(link.kind)}</span>' if link.kind else ""
    yield f'<li class="l"><b>{escaped(link.name)}</b>{kind}{_state(link.state)}<ul>'
    for network in link.networks:
        yield from _network(network)
    for above in link.links:
        yield from _link(above)
    yield "</ul></li>"


def _network(network: Network) -> t.Iterator[str]:
    about = ", ".join((*network.properties, *network.subnets))
    yield f'<li class="w"><b>{escaped(network.name)}</b> <span class="dim">network, {escaped(about)}</span>{_state(network.state)}'
    if network.access:
        yield f'<div>access of the host: <code>{escaped(network.access)}</code></div>'
    if network.endpoints:
        endpoints = f"<ul>{''.join(map(_endpoint, network.endpoints))}</ul>"
        if len(network.endpoints) > MOST_ENDPOINTS:
            endpoints = f"<details><summary>{counted(len(network.endpoints), 'endpoint')}</summary>{endpoints}</details>"
        yield endpoints
    yield "</li>"


def _endpoint(item: Endpoint) -> str:
    inside = f"{escaped(item.ifname)} in {escaped(item.netns)}" if item.netns else f"{escaped(item.ifname)} in the host itself"
    addresses = "".join(f"<code>{escaped(address)}</code>" for address in item.addresses)
    foreign = "".join(f"<span><code>{escaped(address)}</code> {NOT_LEASED}</span>" for address in item.foreign)
    return f'<li class="e"><b>{escaped(item.name)}</b><i>{inside}</i>{addresses}<em>{escaped(item.mac)}</em>{foreign}{_state(item.state)}</li>'


def _state(state: str) -> str:
    return "" if state == OK else f" <mark>{escaped(state)}</mark>"
