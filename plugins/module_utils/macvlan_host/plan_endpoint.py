# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for endpoints: their namespaces, their neighbours in them, their links, and their removal."""

from __future__ import annotations

import dataclasses

from . import ipam, names
from .draft import Draft, require_kind
from .drift import default_key, find_link, intruders, is_made_here, is_on_host, settings
from .errors import PlanError
from .leases import subnet_of
from .mistakes import Mistakes
from .model import HOST, Endpoint, Link, Netns, Network, OwnedNetns, Space
from .options import EndpointOptions
from .plan_align import align_link, check_vrf, dropped_sysctls
from .plan_bridge import warn_of_filter
from .plan_refusals import check_family
from .plan_resolve import check_routes, gateways_of, mtu_of, resolve_endpoint
from .steps import (
    AddAddress,
    AddLink,
    AddRoute,
    CreateNetns,
    DeleteLink,
    DeleteNetns,
    LinkSpec,
    Note,
    SetLink,
    SetSysctls,
    Step,
)


def plan_endpoint(draft: Draft, wanted: EndpointOptions) -> None:
    """Work an endpoint that shall be there into the plan; its network's parent must be there.

    :raises PlanError: it cannot be made, or would have to be changed where that is impossible
    """
    network = draft.networks.get(wanted.network)
    if network is None:
        raise PlanError(f"{wanted.title}: there is no network {wanted.network} on this host")
    recorded = draft.endpoints.get((wanted.network, wanted.name))
    parent = draft.host.links[network.parent]
    warn_of_filter(draft, network.title, parent)
    mistakes = Mistakes(wanted.title)
    with mistakes:
        _check_namespace(draft, wanted)
        if recorded is not None:
            _check_not_moved(draft, recorded, wanted)
    # What is wrong with the namespace says enough of what is in it.
    has_place = not mistakes
    with mistakes:
        _check_settings(draft, wanted)
    if recorded is not None:
        draft.drop_endpoint(recorded.key)  # so that it is not in its own way; put back below
    known = recorded or _found(draft, wanted, network, parent)
    endpoint = resolve_endpoint(draft, wanted, known, network, parent, mistakes)
    if has_place:
        with mistakes:
            _check_neighbours(draft, endpoint, find_recorded(draft, known) if known else None)
            if recorded is not None:
                check_vrf(draft, endpoint, recorded, find_recorded(draft, recorded))
    mistakes.check()
    _record(draft, recorded, endpoint)
    _take_namespace(draft, endpoint.netns)
    align_namespace(draft, endpoint.netns)
    if known is not None and not _moved(draft, known, endpoint):
        realise(draft, endpoint, known, network)
    else:
        _create(draft, endpoint, network)
        if recorded is not None:
            _release_namespace(draft, recorded.netns)


def plan_unforeseen(draft: Draft, wanted: EndpointOptions) -> None:
    """Work an endpoint into a plan of check mode whose network is not there yet: what can be known of it.

    :raises PlanError: it cannot be made, whatever its network will be
    """
    mistakes = Mistakes(wanted.title)
    with mistakes:
        _check_namespace(draft, wanted)
    has_place = not mistakes
    with mistakes:
        _check_settings(draft, wanted)
    if has_place:
        with mistakes:
            _check_unforeseen_place(draft, wanted)
    mistakes.check()
    draft.warn(
        f"{wanted.title}: there is no network {wanted.network} on this host; check mode takes it that an earlier task "
        f"of the play makes the network, and cannot tell addresses yet; outside of check mode the endpoint is refused "
        f"without its network"
    )
    draft.do(Note(f"create {wanted.title}, once there is a network {wanted.network}"))
    draft.unforeseen[wanted.network, wanted.name] = wanted


def _check_unforeseen_place(draft: Draft, wanted: EndpointOptions) -> None:
    """Refuse what is in the way of an endpoint whose addresses, gateways and parent are not known yet."""
    identifier = names.object_id(draft.kernel.host, "endpoint", wanted.network, wanted.name)
    known = Endpoint(
        identifier, wanted.name, wanted.network, wanted.netns, wanted.ifname, "", 0, routes=wanted.routes, sysctls=wanted.sysctls
    )
    space = draft.space(wanted.netns)
    own = find_link(space, known, None) if space is not None else None
    _check_neighbours(draft, known, own)
    if own is None:
        require_kind(draft, "macvlan", f"create macvlan link {wanted.ifname} of {wanted.title}")
    if space is None:
        _check_not_dangling(draft, known)


def _found(draft: Draft, wanted: EndpointOptions, network: Network, parent: Link) -> Endpoint | None:
    """What is there of an endpoint that is not recorded: a record that was lost has left the link with its tag.

    It keeps its addresses, as far as nobody else has got them since. Others may have added more of the same subnet; the
    one that the MAC address was made of comes first.
    """
    identifier = names.object_id(draft.kernel.host, "endpoint", wanted.network, wanted.name)
    space = draft.space(wanted.netns)
    link = space.tagged(names.tag(identifier)) if space else None
    if space is None or link is None or link.kind != "macvlan" or link.lower != parent.index:
        return None
    if not is_on_host(link, wanted.netns):
        return None
    kept: dict[int, str] = {}
    for address in sorted(space.addresses.get(link.index, ()), key=lambda item: (_mac_of(item) != link.mac, item)):
        subnet = subnet_of(network, address)
        # What was put there by us has the prefix length of its subnet, which a virtual address of VRRP has not.
        if subnet is not None and ipam.prefix_length(address) != ipam.prefix_length(subnet.subnet):
            continue
        if subnet is not None and draft.leases.holder(subnet.pool, ipam.without_prefix(address)) is None:
            kept.setdefault(ipam.version_of(address), address)
    return Endpoint(
        identifier, wanted.name, wanted.network, wanted.netns, link.name, link.mac, link.mtu, kept.get(4), kept.get(6)
    )


def _mac_of(address: str) -> str | None:
    """The MAC address that is made of an IPv4 address."""
    return ipam.mac_of_ipv4(ipam.without_prefix(address)) if ipam.version_of(address) == 4 else None


def _take_namespace(draft: Draft, netns: Netns) -> None:
    """A namespace that is there and carries the tag of its name is ours, recorded or not."""
    space = draft.space(netns)
    lo = space.links.get("lo") if space else None
    identifier = names.netns_id(draft.kernel.host, netns.value)
    if lo is not None and netns.kind == "name" and lo.alias == names.tag(identifier):
        draft.put_namespace(OwnedNetns(identifier, netns.value))


def align_namespace(draft: Draft, netns: Netns) -> None:
    """Put right what others have changed of a namespace of ours; let go of one that may not be ours any longer.

    To be called before a link is made in it, so that a link of ours without the tag of its namespace always tells of a
    tag that was lost.
    """
    owned, space = draft.owned_namespace(netns), draft.space(netns)
    if owned is None or space is None:
        return
    if not is_made_here(draft, netns, space, owned):
        draft.warn(f"namespace {owned.name} is not the one that was made here, so it is no longer ours")
        draft.do(Note(f"forget namespace {owned.name}"))
        draft.drop_namespace(owned.name)
        return
    lo = space.links["lo"]
    if not lo.alias:
        draft.do(SetLink(netns, "lo", "alias", "", names.tag(owned.id)))
    if not lo.up:
        draft.do(SetLink(netns, "lo", "up", False, True))


def find_recorded(draft: Draft, recorded: Endpoint) -> Link | None:
    """The link of a recorded endpoint, None when it is not there."""
    space = draft.space(recorded.netns)
    parent = draft.host.links.get(draft.networks[recorded.network].parent)
    return None if space is None else find_link(space, recorded, parent)


def _record(draft: Draft, recorded: Endpoint | None, endpoint: Endpoint) -> None:
    if recorded is None:
        draft.do(Note(f"record {endpoint.title}" + _with(" with ", endpoint.addresses)))
    else:
        _note_change(draft, recorded, endpoint)
    draft.put_endpoint(endpoint)


def _note_change(draft: Draft, recorded: Endpoint, endpoint: Endpoint) -> None:
    """Say what of the record changes, if anything: the kernel may be so already."""
    if recorded == endpoint:
        return
    fields = [
        Endpoint.OPTIONS.get(field.name, field.name)
        for field in dataclasses.fields(Endpoint)
        if getattr(recorded, field.name) != getattr(endpoint, field.name)
    ]
    draft.do(Note(f"change {', '.join(dict.fromkeys(fields))} of {endpoint.title}"))


def _with(before: str, items: tuple[str, ...]) -> str:
    return before + " and ".join(items) if items else ""


# --- the namespace --------------------------------------------------------------------------------------------------


def _check_namespace(draft: Draft, wanted: EndpointOptions) -> None:
    title = wanted.title
    if not wanted.netns.path:
        return
    if draft.same_place(wanted.netns, HOST):
        raise PlanError(
            f"{title}: {wanted.netns.path} is the host's own namespace; leave netns, netns_path and pid out for that"
        )
    if wanted.netns.path in draft.kernel.no_namespaces:
        raise PlanError(f"{title}: {wanted.netns.path} is not a network namespace")
    if draft.space(wanted.netns) is None and wanted.netns.kind == "pid":
        raise PlanError(
            f"{title}: pid: there is no process {wanted.netns.value}; look the process up anew, as a container that was "
            f"started again has another (docker inspect --format '{{{{.State.Pid}}}}' NAME)"
        )
    if draft.space(wanted.netns) is None and wanted.netns.kind != "name":
        raise PlanError(f"{title}: there is no namespace {wanted.netns.path}; only a named one (netns) is made when missing")


def _check_settings(draft: Draft, wanted: EndpointOptions) -> None:
    unknown = [key for key in wanted.sysctls if default_key(key) in draft.kernel.unknown_settings]
    if unknown:
        raise PlanError(
            f"{wanted.title}: sysctls: this kernel has no {', '.join(unknown)}; "
            f"IFNAME stands for the endpoint's own interface"
        )


def _moved(draft: Draft, recorded: Endpoint, endpoint: Endpoint) -> bool:
    """Whether it is asked for in another namespace, its old one being gone (a container that was started anew)."""
    return not draft.same_place(recorded.netns, endpoint.netns)


def _check_not_moved(draft: Draft, recorded: Endpoint, wanted: EndpointOptions) -> None:
    if draft.same_place(recorded.netns, wanted.netns):
        return
    space = draft.space(recorded.netns)
    if space is None or find_recorded(draft, recorded) is None:
        return
    option = {"name": "netns", "path": "netns_path", "pid": "pid", "host": "netns"}[wanted.netns.kind]
    raise PlanError(
        f"{recorded.title}: {option}: it is in {recorded.netns.title} and cannot be moved to {wanted.netns.title} "
        f"in place; remove the endpoint first (state: absent)"
    )


def _check_neighbours(draft: Draft, endpoint: Endpoint, own: Link | None) -> None:
    """What may be there only once in a namespace: the interface name, a subnet, a default route of a family.

    :param own: its link, if there is one
    """
    for coming in draft.unforeseen.values():
        if coming.ifname == endpoint.ifname and draft.same_place(coming.netns, endpoint.netns):
            raise PlanError(f"{endpoint.title}: ifname {endpoint.ifname} belongs to {coming.title}{endpoint.netns.phrase}")
    for other in draft.endpoints_in(endpoint.netns):
        if other.ifname == endpoint.ifname:
            raise PlanError(f"{endpoint.title}: ifname {endpoint.ifname} belongs to {other.title}{endpoint.netns.phrase}")
        for mine in endpoint.addresses:
            for theirs in other.addresses:
                if ipam.block(mine).overlaps(ipam.block(theirs)):
                    raise PlanError(
                        f"{endpoint.title}: {mine} and {theirs} of {other.title} would be in one namespace with "
                        f"overlapping subnets, and the kernel would answer for the wrong one"
                    )
        _check_default_route(endpoint, other.gateway4, other.gateway6, other.title)
        _check_same_sysctls(endpoint, other)
    if draft.space(endpoint.netns) is None and endpoint.ifname == "lo":
        raise PlanError(f"{endpoint.title}: ifname lo is the loopback, which every namespace has")
    check_place(draft, endpoint, own)


def check_place(draft: Draft, endpoint: Endpoint, own: Link | None) -> None:
    """Refuse a namespace in which something foreign has the name or the default route of an endpoint, or without IPv6.

    :param own: its link, if there is one
    :raises PlanError: naming what is in the way
    """
    check_family(draft.kernel, endpoint)
    space = draft.space(endpoint.netns)
    if space is not None:
        _check_parent(draft, space, endpoint, own)
        _check_name_is_free(space, endpoint, own)
        if own is None or space.vrf_of(own) is None:
            _check_foreign_routes(draft, space, endpoint, own)
            _check_places_are_free(space, endpoint, own)


def _check_same_sysctls(endpoint: Endpoint, other: Endpoint) -> None:
    for key, value in endpoint.sysctls.items():
        if "IFNAME" not in key and other.sysctls.get(key, value) != value:
            raise PlanError(
                f"{endpoint.title}: sysctls: {key} is a setting of the whole namespace, and {other.title} in it "
                f"wants {other.sysctls[key]}, not {value}"
            )


def _check_default_route(endpoint: Endpoint, gateway4: str | None, gateway6: str | None, holder: str) -> None:
    for mine, theirs, family in ((endpoint.gateway4, gateway4, "IPv4"), (endpoint.gateway6, gateway6, "IPv6")):
        if mine and theirs:
            raise PlanError(
                f"{endpoint.title}: {holder} has the {family} default route{endpoint.netns.phrase} already; "
                f"use default_route: false"
            )


def _check_parent(draft: Draft, space: Space, endpoint: Endpoint, own: Link | None) -> None:
    """Another link may have got the name of the parent; which is the right one is not ours to tell."""
    elsewhere = None if own else find_link(space, endpoint, None)
    if elsewhere is not None:
        parent, below = draft.networks[endpoint.network].parent, draft.host.by_index(elsewhere.lower)
        raise PlanError(
            f"{endpoint.title}: {elsewhere.name}{endpoint.netns.phrase} is not on its parent {parent} but on "
            f"{below.name if below else 'a link elsewhere'}; give that its name back, or delete {elsewhere.name}"
        )


def _check_name_is_free(space: Space, endpoint: Endpoint, own: Link | None) -> None:
    link = space.links.get(endpoint.ifname)
    holder = space.with_altname(endpoint.ifname)
    # The kernel gives a link no name that it has as an alternative one, either (net/core/dev.c, netdev_name_in_use).
    if holder is not None and not (link is not None and link == own):
        raise PlanError(
            f"{endpoint.title}: ifname {endpoint.ifname} is taken{endpoint.netns.phrase}: it is an alternative name of "
            f"{holder.name}; use another ifname, or take that name away: {endpoint.netns.ip} link property del dev "
            f"{holder.name} altname {endpoint.ifname}"
        )
    if link is not None and link != own:
        what = f"{link.kind} link" if link.kind else "link"
        raise PlanError(
            f"{endpoint.title}: ifname {endpoint.ifname} is taken{endpoint.netns.phrase} by a {what} that is not ours"
        )


def _check_foreign_routes(draft: Draft, space: Space, endpoint: Endpoint, own: Link | None) -> None:
    for other in space.links.values():
        if other.ours or own is not None and other.index == own.index:
            continue
        defaults = {
            ipam.version_of(route.to): route.via or other.name
            for route in space.routes.get(other.index, ())
            if not ipam.prefix_length(route.to)
        }
        # A link of ours that lost its tag may have one from a program in the namespace, as those with a tag may.
        if defaults and any(find_recorded(draft, item) == other for item in draft.endpoints_in(endpoint.netns)):
            continue
        _check_default_route(endpoint, defaults.get(4), defaults.get(6), f"the foreign link {other.name}")


def _check_places_are_free(space: Space, endpoint: Endpoint, own: Link | None) -> None:
    """The kernel has one route of a metric to a destination; what others have put there is theirs."""
    taken = {route.place: f"a {route.kind} route" for route in space.odd_routes}
    for other in space.links.values():
        if own is None or other.index != own.index:
            taken.update((route.place, f"a route over {other.name}") for route in space.routes.get(other.index, ()))
    for route in endpoint.all_routes:
        if route.place in taken:
            metric = f" with metric {route.metric}" if route.metric else ""
            instead = "use default_route: false" if route not in endpoint.routes else "give this one another metric"
            raise PlanError(
                f"{endpoint.title}: there is {taken[route.place]} to {route.to}{metric}{endpoint.netns.phrase} already, "
                f"and the kernel takes no second; delete that, or {instead}"
            )


def check_passthru(draft: Draft, title: str, mode: str, parent: Link) -> None:
    """Refuse what the kernel lets nobody make beside a passthru link; links that were not made here count too.

    :param title: of the network, or of the endpoint whose link has to be made
    :raises PlanError: naming the link that is in the way
    """
    beside = [(other, "") for other in draft.host.above(parent)]
    beside += [
        (emigrant.link, f" in namespace {emigrant.netns.value}")
        for emigrant in draft.kernel.emigrants
        if emigrant.link.lower == parent.index and not emigrant.link.ours
    ]
    for other, where in beside:
        if other.kind not in ("macvlan", "macvtap") or _is_on(draft, parent, other.alias):
            continue
        if mode == "passthru":
            raise PlanError(f"{title}: passthru needs {parent.name} for itself, and {other.name}{where} is on it")
        if other.macvlan_mode == "passthru":
            raise PlanError(f"{title}: {parent.name} carries the passthru link {other.name}{where}, which shares it not")


def _is_on(draft: Draft, parent: Link, tag: str) -> bool:
    """Whether the link with a tag is that of an endpoint on this parent."""
    endpoint = draft.endpoint_of(tag) if tag else None
    return endpoint is not None and draft.networks[endpoint.network].parent == parent.name


# --- steps ----------------------------------------------------------------------------------------------------------


def _link_spec(endpoint: Endpoint, network: Network) -> LinkSpec:
    # A passthru link takes its parent's MAC over; setting one would rewrite the parent's.
    mac = None if network.mode == "passthru" else endpoint.mac
    return LinkSpec(endpoint.ifname, "macvlan", names.tag(endpoint.id), network.parent, mac, endpoint.mtu, network.mode)


def creation_steps(endpoint: Endpoint, network: Network, has_ipv6: bool) -> tuple[Step, ...]:
    """The steps that make the link of an endpoint in a namespace that is there.

    Settings come first, so that the kernel's autoconfiguration finds them when the link comes up; routes last,
    because they need a link that is up.

    :param has_ipv6: whether the kernel has IPv6
    """
    place = endpoint.netns, endpoint.ifname
    return (
        AddLink(endpoint.netns, _link_spec(endpoint, network)),
        SetSysctls(*place, settings(endpoint, has_ipv6)),
        *(AddAddress(*place, address) for address in endpoint.addresses),
        SetLink(*place, "up", False, True),
        *(AddRoute(*place, route) for route in endpoint.all_routes),
    )


def _create(draft: Draft, endpoint: Endpoint, network: Network) -> None:
    require_kind(draft, "macvlan", f"create macvlan link {endpoint.ifname} of {endpoint.title} on {network.parent}")
    check_passthru(draft, endpoint.title, network.mode, draft.host.links[network.parent])
    if draft.space(endpoint.netns) is None:
        _create_namespace(draft, endpoint)
    draft.do(*creation_steps(endpoint, network, draft.kernel.has_ipv6))


def _create_namespace(draft: Draft, endpoint: Endpoint) -> None:
    owned = draft.owned_namespace(endpoint.netns)
    name = owned.name if owned else endpoint.netns.value
    _check_not_dangling(draft, endpoint)
    identifier = owned.id if owned else names.netns_id(draft.kernel.host, name)
    draft.put_namespace(OwnedNetns(identifier, name))
    draft.do(CreateNetns(name, names.tag(identifier)))


def _check_not_dangling(draft: Draft, endpoint: Endpoint) -> None:
    if endpoint.netns.path in draft.kernel.dangling:
        raise PlanError(
            f"{endpoint.title}: netns: {endpoint.netns.path} is a symbolic link to a namespace that is gone; remove it"
        )


def realise(draft: Draft, endpoint: Endpoint, recorded: Endpoint, network: Network) -> None:
    """Bring an endpoint that is recorded to what it shall be, whatever happened to it in the kernel."""
    link = find_recorded(draft, recorded)
    if link is None:
        _create(draft, endpoint, network)
        return
    align_link(draft, endpoint, dataclasses.replace(recorded, ifname=link.name), network)


def follow_network(draft: Draft, recorded: Endpoint, network: Network, parent_mtu: int | None = None) -> None:
    """Take over what a change of its network or parent means for an endpoint: mtu, mode, gateways.

    An endpoint whose link is gone is changed in the record only; its own task makes the link again.

    :param parent_mtu: what the parent will have, None for what it has
    :raises PlanError: the new values cannot be had
    """
    parent = draft.host.links[network.parent]
    if parent_mtu is not None:
        parent = dataclasses.replace(parent, mtu=parent_mtu)
    mtu = mtu_of(recorded.title, recorded.own_mtu, network, parent, recorded.ipv6, recorded.sysctls)
    gateways = gateways_of(network, recorded.default_route, recorded.ipv4, recorded.ipv6)
    endpoint = recorded
    if (mtu, *gateways) != (recorded.mtu, recorded.gateway4, recorded.gateway6):
        endpoint = dataclasses.replace(recorded, mtu=mtu, gateway4=gateways[0], gateway6=gateways[1])
    space = draft.space(recorded.netns)
    link = find_recorded(draft, recorded)
    is_right = link is None or (link.macvlan_mode, link.mtu) == (network.mode, mtu)
    if endpoint == recorded and is_right and not (space and link and intruders(endpoint, network, space, link)):
        return
    check_routes(endpoint)
    check_vrf(draft, endpoint, recorded, link)
    in_table_of_its_own = space is not None and link is not None and space.vrf_of(link) is not None
    if space is not None and not in_table_of_its_own:
        _check_foreign_routes(draft, space, endpoint, link)
    draft.drop_endpoint(recorded.key)
    for other in draft.endpoints_in(endpoint.netns):
        _check_default_route(endpoint, other.gateway4, other.gateway6, other.title)
    if space is not None and not in_table_of_its_own:
        _check_places_are_free(space, endpoint, link)
    draft.put_endpoint(endpoint)
    steps = len(draft.steps)
    if link is not None:
        align_link(draft, endpoint, dataclasses.replace(recorded, ifname=link.name), network)
    if len(draft.steps) == steps:
        _note_change(draft, recorded, endpoint)


# --- absent ---------------------------------------------------------------------------------------------------------


def remove_endpoint(draft: Draft, endpoint: Endpoint) -> None:
    """Work an endpoint that shall be gone into the plan: its link, its settings, its namespace when that was made for it."""
    network = draft.networks[endpoint.network]
    space = draft.space(endpoint.netns)
    draft.do(Note(f"forget {endpoint.title}"))
    draft.drop_endpoint(endpoint.key)
    if space is not None:
        _remove_link(draft, endpoint, network, space)
    elif endpoint.netns.path in draft.kernel.no_namespaces:
        draft.warn(
            f"{endpoint.title}: {endpoint.netns.path} is not a network namespace, so nothing is taken away there"
        )
    _release_namespace(draft, endpoint.netns)


def _remove_link(draft: Draft, endpoint: Endpoint, network: Network, space: Space) -> None:
    link = find_link(space, endpoint, None)
    if link is None and endpoint.ifname not in space.links:
        return
    if link is None:
        draft.warn(
            f"{endpoint.title}: {endpoint.ifname}{endpoint.netns.phrase} does not carry its tag, so it is kept, "
            f"as a foreign link"
        )
        return
    endpoint = dataclasses.replace(endpoint, ifname=link.name)
    # While the link is there, so that an interrupted removal knows the namespace by it.
    _restore_sysctls(draft, endpoint)
    again = creation_steps(endpoint, network, draft.kernel.has_ipv6)
    draft.do(DeleteLink(endpoint.netns, _link_spec(endpoint, network), again))


def _restore_sysctls(draft: Draft, endpoint: Endpoint) -> None:
    back = tuple(dropped_sysctls(draft, dataclasses.replace(endpoint, sysctls={}), endpoint))
    if back:
        draft.do(SetSysctls(endpoint.netns, endpoint.ifname, back))


def _release_namespace(draft: Draft, netns: Netns) -> None:
    """The last endpoint takes a namespace that we made along, unless others have moved in."""
    owned = draft.owned_namespace(netns)
    if owned is None or draft.endpoints_in(netns) or draft.is_place_expected(netns):
        return
    name = owned.name
    draft.drop_namespace(name)
    space = draft.space(netns)
    if space is None:
        return
    lo = space.links.get("lo")
    if lo is None or lo.alias != names.tag(owned.id):
        draft.warn(f"namespace {name} is not the one that was made here, so it is kept")
        return
    tenants = [f"link {link.name}" for link in space.links.values() if link.name not in names.KERNEL_LINKS]
    tenants += [f"process {pid}" for pid in space.strangers]
    if tenants:
        draft.warn(f"namespace {name} holds {', '.join(tenants)}, so it is kept, and is no longer ours")
        draft.do(SetLink(netns, "lo", "alias", lo.alias, ""))
        return
    draft.do(DeleteNetns(name, names.tag(owned.id)))
