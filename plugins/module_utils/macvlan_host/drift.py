# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift: how what is recorded and what the kernel shows differ."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from . import ipam, names
from .host_view import HostView
from .model import (
    DUMMY_MTU,
    DummyParent,
    Endpoint,
    Link,
    Netns,
    Network,
    OwnedNetns,
    Route,
    Space,
    SubInterface,
    plain,
)
from .steps import Sysctl

_IPV6 = "net.ipv6.conf.IFNAME."
_IPV4 = "net.ipv4.conf.IFNAME."
# All that settings() may set by itself.
OURS = (
    f"{_IPV6}accept_ra",
    f"{_IPV6}autoconf",
    f"{_IPV6}ndisc_notify",
    f"{_IPV6}disable_ipv6",
    f"{_IPV4}arp_notify",
)
# Whether an address goes without the others of its subnet: looked at only when one has to go.
PROMOTION = f"{_IPV4}promote_secondaries"


@dataclass(frozen=True)
class Drift:
    """One difference.

    :ivar object: ``network NAME``, ``endpoint NETWORK/NAME`` or ``vlan_subinterface NAME``
    :ivar field: the name of an option, ``link`` or ``netns``
    """

    object: str
    field: str
    recorded: t.Any
    actual: t.Any


def settings(endpoint: Endpoint, has_ipv6: bool = True) -> tuple[Sysctl, ...]:
    """The sysctls of an endpoint, in the order to set them: ours, then the task's, which win.

    :param has_ipv6: whether the kernel has IPv6; where it has not, those that only switch IPv6 off are left out

    Autoconfiguration is off before the link comes up, or the kernel would add addresses of its own; where IPv6 is
    off there is none. Announcing is left to the kernel (Documentation/networking/ip-sysctl.rst, arp_notify and
    ndisc_notify).
    """
    announce = "1" if endpoint.announce else "0"
    disabled = "0" if endpoint.ipv6 else "1"
    values = dict(zip(OURS, ("0", "0", announce, disabled, announce)))
    if endpoint.sysctls.get(f"{_IPV6}disable_ipv6", disabled) == "1":
        values = {key: values[key] for key in OURS[3:]}
    # A kernel without IPv6 has none of its settings, which matters only to endpoints that need it.
    ours = tuple(
        Sysctl(key, None, value, optional=key.startswith(_IPV6) and not endpoint.ipv6)
        for key, value in values.items()
        if key not in endpoint.sysctls
    )
    asked = tuple(
        Sysctl(key, endpoint.sysctls_before.get(key), value, optional=switches_ipv6_off(key, value) and not endpoint.ipv6)
        for key, value in endpoint.sysctls.items()
    )
    return tuple(item for item in (*ours, *asked) if has_ipv6 or not (item.optional and item.key.startswith("net.ipv6.")))


def needs_ipv6(key: str) -> bool:
    """Whether a setting is there only as long as the endpoint's interface has IPv6."""
    return key.startswith("net.ipv6.") and "IFNAME" in key


def switches_ipv6_off(key: str, value: str) -> bool:
    """Whether a setting says of the endpoint's interface that it has no IPv6."""
    return key == f"{_IPV6}disable_ipv6" and value == "1"


def setting_keys(endpoint: Endpoint) -> frozenset[str]:
    """The keys to read for :func:`settings`, with the interface's name in them."""
    keys = {*OURS, PROMOTION, *endpoint.sysctls, *endpoint.sysctls_before}
    keys |= {default_key(key) for key in endpoint.sysctls}
    return frozenset(names.sysctl_key(key, endpoint.ifname) for key in keys)


def default_key(key: str) -> str:
    """The setting that a new interface takes its value from."""
    return key.replace("IFNAME", "default")


def is_ours(link: Link | None, identifier: str, kind: str) -> bool:
    """Whether a link carries the tag of an object and is of its kind."""
    return link is not None and link.kind == kind and link.alias == names.tag(identifier)


def find_link(space: Space, endpoint: Endpoint, parent: Link | None) -> Link | None:
    """The link of a recorded endpoint: by its tag, under whichever name.

    One that lost its tag is known by name, MAC address and parent. Whoever rules in a namespace can tag a link there,
    but cannot have it sit on one of the host's.
    """
    tagged = space.tagged(names.tag(endpoint.id))
    if tagged is not None and tagged.kind == "macvlan" and is_on_host(tagged, endpoint.netns):
        return tagged if parent is None or tagged.lower == parent.index else None
    link = space.links.get(endpoint.ifname)
    if link is None or link.kind != "macvlan" or link.alias or link.mac != endpoint.mac:
        return None
    return link if parent is not None and link.lower == parent.index and is_on_host(link, endpoint.netns) else None


def is_on_host(link: Link, netns: Netns) -> bool:
    """Whether what a link in a namespace sits on is elsewhere, as the host is for others, or here, as for itself."""
    return (link.lower_netns is not None) == bool(netns.path)


def is_made_here(view: HostView, netns: Netns, space: Space, owned: OwnedNetns) -> bool:
    """Whether a namespace that is recorded as ours is still the one that was made.

    The tag on its loopback tells. Without any tag it may be that one still, or another one that somebody has made under
    its name. What tells then is a link with the tag of one of its endpoints, on the right parent: such a link goes with
    its namespace, and before one is made in another namespace the record lets go of that (plan_endpoint.py,
    align_namespace). A loopback with another alias is somebody else's, whatever is beside it.
    """
    lo = space.links.get("lo")
    if lo is None or lo.alias:
        return lo is not None and lo.alias == names.tag(owned.id)
    return any(_holds(view, space, endpoint) for endpoint in view.endpoints_in(netns))


def _holds(view: HostView, space: Space, endpoint: Endpoint) -> bool:
    """Whether a namespace has the link of an endpoint, with its tag."""
    parent = view.host.links.get(view.networks[endpoint.network].parent)
    link = find_link(space, endpoint, parent) if parent is not None else None
    return link is not None and bool(link.alias)


def drift_of(view: HostView, titles: t.Container[str] | None = None) -> list[Drift]:
    """Every difference between the record and the kernel, in the order of the record.

    :param titles: only these objects, which must have been read; None for all
    """
    found: list[Drift] = []
    for owned in view.links.values():
        if isinstance(owned, SubInterface) and (titles is None or owned.title in titles):
            found += _subinterface(view, owned)
    for network in view.networks.values():
        if titles is None or network.title in titles:
            found += _network(view, network)
    for endpoint in view.endpoints.values():
        if titles is None or endpoint.title in titles:
            found += _endpoint(view, endpoint)
    return found


def _subinterface(view: HostView, sub: SubInterface) -> t.Iterator[Drift]:
    base = view.host.links.get(sub.parent)
    link = view.host.links.get(sub.name) or view.host.tagged(names.tag(sub.id))
    if link is None:
        yield Drift(sub.title, "link", "present", "absent")
        return
    if link.name != sub.name:
        yield Drift(sub.title, "name", sub.name, link.name)
    if not is_ours(link, sub.id, "vlan"):
        yield Drift(sub.title, "link", names.tag(sub.id), link.alias or "not tagged")
    lower = view.host.by_index(link.lower)
    actual = {"parent": lower.name if lower else None, "mtu": link.mtu, "mac": link.mac, "up": link.up}
    wanted = {
        "parent": sub.parent,
        "mtu": sub.mtu or (base.mtu if base else link.mtu),
        "mac": sub.mac or (base.mac if base else link.mac),
        "up": sub.up,
        **plain(sub.facts),
    }
    actual.update(plain(link.vlan) if link.vlan else dict.fromkeys(plain(sub.facts)))
    for field, value in wanted.items():
        if actual[field] != value:
            yield Drift(sub.title, field, value, actual[field])


def _network(view: HostView, network: Network) -> t.Iterator[Drift]:
    link = view.host.links.get(network.parent)
    owned = view.links.get(network.parent)
    if link is None:
        below = view.host.tagged(names.tag(owned.id)) if owned else _below_endpoints(view, network)
        yield Drift(network.title, "parent", network.parent, below.name if below else None)
        return
    if isinstance(owned, DummyParent):
        if not is_ours(link, owned.id, "dummy"):
            yield Drift(network.title, "parent", names.tag(owned.id), link.alias or "not tagged")
        if not link.up:
            yield Drift(network.title, "parent", f"{network.parent} up", f"{network.parent} down")
        if link.mtu < DUMMY_MTU:
            yield Drift(network.title, "parent", f"mtu {DUMMY_MTU}", f"mtu {link.mtu}")


def _below_endpoints(view: HostView, network: Network) -> Link | None:
    """The link that the endpoints of a network sit on, whatever it is called now."""
    for endpoint in view.endpoints_of(network.name):
        space = view.space(endpoint.netns)
        link = find_link(space, endpoint, None) if space else None
        if link is not None:
            return view.host.by_index(link.lower)
    return None


def _endpoint(view: HostView, endpoint: Endpoint) -> t.Iterator[Drift]:
    title, network = endpoint.title, view.networks[endpoint.network]
    space = view.space(endpoint.netns)
    if space is None:
        is_other = endpoint.netns.path in view.kernel.no_namespaces
        yield Drift(title, "netns", endpoint.netns.shown, "not a network namespace" if is_other else None)
        return
    yield from _namespace(view, endpoint, space)
    parent = view.host.links.get(network.parent)
    link = find_link(space, endpoint, parent)
    if link is None:
        elsewhere = find_link(space, endpoint, None)
        if elsewhere is not None:
            below = view.host.by_index(elsewhere.lower)
            yield Drift(title, "parent", network.parent, below.name if below else None)
            return
        other = space.links.get(endpoint.ifname)
        yield Drift(title, "link", "present", "absent" if other is None else f"a foreign {other.kind or 'link'}")
        return
    if not link.alias:
        yield Drift(title, "link", names.tag(endpoint.id), "not tagged")
    if not link.up:
        yield Drift(title, "link", "up", "down")
    mac = parent.mac if parent is not None and network.mode == "passthru" else endpoint.mac
    for field, recorded, actual in (
        ("ifname", endpoint.ifname, link.name),
        ("mac", mac, link.mac),
        ("mtu", endpoint.mtu, link.mtu),
        ("mode", network.mode, link.macvlan_mode),
    ):
        if recorded != actual:
            yield Drift(title, field, recorded, actual)
    yield from _addresses(endpoint, network, space, link)
    yield from _routes(endpoint, space, link)
    if link.name == endpoint.ifname:
        yield from _sysctls(endpoint, space)


def _namespace(view: HostView, endpoint: Endpoint, space: Space) -> t.Iterator[Drift]:
    """What differs of the namespace of an endpoint, when it is ours."""
    owned = view.owned_namespace(endpoint.netns)
    if owned is None:
        return
    lo = space.links.get("lo")
    if lo is None or lo.alias != names.tag(owned.id):
        yield Drift(endpoint.title, "netns", names.tag(owned.id), lo.alias if lo and lo.alias else "not tagged")
    if lo is not None and not lo.up and is_made_here(view, endpoint.netns, space, owned):
        yield Drift(endpoint.title, "netns", "lo up", "lo down")


def foreign_addresses(endpoint: Endpoint, network: Network, space: Space, link: Link) -> list[str]:
    """What somebody has added to the link of an endpoint for good; sorted, because the kernel's order says nothing.

    An address with a lifetime, or of a router advertisement, is the business of what keeps it. Where the network has no
    addresses, none is foreign.
    """
    if network.ipam == "none":
        return []
    present = space.addresses.get(link.index, ())
    return sorted(item for item in present if item not in endpoint.addresses and (link.index, item) not in space.passing)


def is_exclusive(endpoint: Endpoint, network: Network) -> bool:
    """Whether foreign addresses are to go from the link of an endpoint; its own word counts before its network's."""
    return network.exclusive if endpoint.own_exclusive is None else endpoint.own_exclusive


def intruders(endpoint: Endpoint, network: Network, space: Space, link: Link) -> list[str]:
    """The foreign addresses that are to go."""
    return foreign_addresses(endpoint, network, space, link) if is_exclusive(endpoint, network) else []


def _addresses(endpoint: Endpoint, network: Network, space: Space, link: Link) -> t.Iterator[Drift]:
    """What is missing, with what came in its stead; what others have added besides is theirs, unless it is to go."""
    actual = space.addresses.get(link.index, ())
    too_many = intruders(endpoint, network, space, link)
    for field, recorded in (("ipv4", endpoint.ipv4), ("ipv6", endpoint.ipv6)):
        version = int(field[-1])
        found = sorted(address for address in actual if ipam.version_of(address) == version)
        if recorded is None or recorded in found:
            # Of what is right only the rest is told: an address with a lifetime beside it is none of this difference.
            found = [address for address in found if address == recorded or address in too_many]
        if found != ([recorded] if recorded else []):
            yield Drift(endpoint.title, field, recorded, found[0] if len(found) == 1 else found or None)


def connected_routes(endpoint: Endpoint, space: Space, link: Link) -> dict[str, Route]:
    """Address → the route that comes with it, of those addresses of an endpoint that its link has.

    None while the link is down. In a VRF they are in its table, and its routes are up to those who made it.
    """
    present = space.addresses.get(link.index, ()) if link.up and space.vrf_of(link) is None else ()
    made = {address: Route.connected(address) for address in endpoint.addresses if address in present}
    return {address: route for address, route in made.items() if route is not None}


def _routes(endpoint: Endpoint, space: Space, link: Link) -> t.Iterator[Drift]:
    if space.vrf_of(link) is not None:
        return
    actual = space.routes.get(link.index, ())
    identities = {route.identity for route in actual}

    def in_place_of(route: Route) -> str | None:
        """What has its destination and metric is what has become of it."""
        others = [shown(item) for item in actual if item.place == route.place]
        others += [f"{item.kind} {route.to}" for item in space.odd_routes if item.place == route.place]
        return min(others, default=None)

    for address, route in connected_routes(endpoint, space, link).items():
        if route.identity not in identities:
            yield Drift(endpoint.title, "routes", f"{route.to} of {address}", in_place_of(route))
    for route in endpoint.all_routes:
        if route.identity not in identities:
            field = "routes" if route in endpoint.routes else "default_route"
            yield Drift(endpoint.title, field, shown(route), in_place_of(route))


def shown(route: Route) -> str:
    """A route as drift and warnings have it."""
    via = f" via {route.via}" if route.via else ""
    return route.to + via + (f" metric {route.metric}" if route.metric else "")


def _sysctls(endpoint: Endpoint, space: Space) -> t.Iterator[Drift]:
    for item in settings(endpoint):
        key = names.sysctl_key(item.key, endpoint.ifname)
        actual = space.sysctls.get(key)
        if actual != item.new and not (actual is None and item.optional):
            yield Drift(endpoint.title, "sysctls", f"{key}={item.new}", None if actual is None else f"{key}={actual}")
