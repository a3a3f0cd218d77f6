# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kernels, records and requests in few words, and a host that exists in the simulation only."""

from __future__ import annotations

import contextlib
import dataclasses

from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.compare.host_identity import identity_now
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.lease_book import held_by, reservations
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.endpoint import Endpoint
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.kernel import Kernel, Space
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.link_options import LINK_OPTIONS, LinkOption
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.links import (
    Link,
    SubInterface,
    VlanFacts,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST, Netns, OwnedNetns
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.network import Network, Subnet
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.record import Record
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.route import Route
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.parent_names import with_kernel_names
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.plan import plan
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.base import requests_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.endpoint import (
    EndpointOptions,
    EndpointRemoval,
    endpoint_options,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.host import Config
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.network import (
    NetworkOptions,
    NetworkRemoval,
    network_options,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.subinterface import (
    SubInterfaceOptions,
    SubInterfaceRemoval,
    subinterface_options,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.renamed_links import planned_with, with_present_names
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.simulate import kernel_after
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import DeleteLink
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.wire.kinds import KINDS
from ansible_collections.fleetnet.macvlan.tests.unit import strategies as draws

ETH0, ETH1 = 2, 3
BLUE = Netns("name", "blue")
BLUE_PATH = BLUE.path

# Link options that no kernel has.
INVENTED = LinkOption("invented", 0, 2**32 - 1, 9, attribute=60, since=(9, 9))
INVENTED_OF_PARENT = LinkOption("invented_of_parent", -(2**31), 2**31 - 1, -9, attribute=61, since=(10, 0), of_parent=True)


@contextlib.contextmanager
def invented_link_options():
    """As if these were declared."""
    invented = {option.name: option for option in (INVENTED, INVENTED_OF_PARENT)}
    LINK_OPTIONS.update(invented)
    try:
        yield
    finally:
        for name in invented:
            del LINK_OPTIONS[name]


# --- kernels --------------------------------------------------------------------------------------------------------


def link(name, index, **values):
    """A link that is up and has a MAC address of its own."""
    return Link(**{"index": index, "name": name, "mac": f"52:54:00:00:00:{index:02x}", "up": True, **values})


def loopback(**values):
    return link("lo", 1, **{"hardware": 772, "mac": "00:00:00:00:00:00", "mtu": 65536, "loopback": True, **values})


def vlan_link(name, index, base, vlan_id, **values):
    facts = VlanFacts(vlan_id, **values.pop("facts", {}))
    return link(name, index, **{"kind": "vlan", "lower": base, "vlan": facts, **values})


def space(*links, **values):
    return Space(links={item.name: item for item in (loopback(), *links)}, **values)


def host_links():
    return link("eth0", ETH0), link("eth1", ETH1)


def kernel(*links, bare=False, spaces=None, missing_kinds=(), **host):
    """A host with the Ethernet links eth0 and eth1 and whatever else is given.

    :param bare: without eth0 and eth1
    :param spaces: path → namespace, besides the host's own
    """
    own = space(*(() if bare else host_links()), *links, **host)
    return identified(
        Kernel("host", "boot-1", {HOST.path: own, **(spaces or {})}, missing_kinds=frozenset(missing_kinds))
    )


def hardware(number):
    """A permanent MAC address."""
    return f"52:54:00:aa:bb:{number:02x}"


def uuid_of_host(found=None):
    """The UUID that the first change on a host records."""
    return identity_now(None, found or kernel()).uuid


def identified(found):
    """With an identity for every namespace that is there."""
    known = dict(found.identities)
    for path, one in found.spaces.items():
        if one is None:
            known.pop(path, None)
        else:
            known.setdefault(path, (4, 4026531840 + sum(path.encode())))
    return dataclasses.replace(found, identities=known)


def with_link(found, changed, path=HOST.path):
    """The kernel with a link put there or changed."""
    one = found.spaces[path]
    return with_space(found, dataclasses.replace(one, links={**one.links, changed.name: changed}), path)


def without_link(found, name, path=HOST.path):
    one = found.spaces[path]
    return with_space(found, dataclasses.replace(one, links={k: v for k, v in one.links.items() if k != name}), path)


def with_routes_of(addresses, routes=()):
    """The routes that the kernel makes for addresses, and others."""
    made = {Route.connected(address): None for address in addresses}
    return (*(route for route in made if route is not None), *routes)


def with_space(found, one, path):
    return identified(dataclasses.replace(found, spaces={**found.spaces, path: one}))


def as_read(found, needs):
    """The kernel as far as a plan asks for it; what it does not ask for is not there."""
    keys = {}
    for netns, names_of_settings in needs.spaces.items():
        keys.setdefault(netns.path, set()).update(names_of_settings)
    spaces = {path: _with_settings(found.spaces.get(path), asked) for path, asked in keys.items()}
    if not needs.host_routes:
        spaces[HOST.path] = dataclasses.replace(spaces[HOST.path], routes={})
    known = {netns.path for netns in needs.identities} | set(spaces)
    identities = {path: one for path, one in found.identities.items() if path in known}
    resolvers = {name: one for name, one in found.resolvers.items() if name in needs.resolvers}
    return dataclasses.replace(found, spaces=spaces, identities=identities, resolvers=resolvers)


def _with_settings(one, asked):
    return one and dataclasses.replace(one, sysctls={key: one.sysctls[key] for key in asked if key in one.sysctls})


def changed_link(found, name, path=HOST.path, **values):
    return with_link(found, dataclasses.replace(found.spaces[path].links[name], **values), path)


def shape(found):
    """What a kernel looks like to somebody who does not see its numbers.

    Without the order of addresses and routes, which says nothing, and without namespaces that are not there.
    """
    found = settled(found)
    below = {link.index: link.name for link in found.spaces[HOST.path].links.values()}
    return {
        path: None if one is None else _shape_of_space(one, below)
        for path, one in found.spaces.items()
        if one or not path
    }


def _shape_of_space(one, below):
    shown = {}
    for link in one.links.values():
        item = dataclasses.asdict(link)
        del item["index"]
        item["lower"] = below.get(link.lower)
        item["addresses"] = sorted(one.addresses.get(link.index, ()))
        item["routes"] = sorted(str(route) for route in one.routes.get(link.index, ()))
        shown[link.name] = item
    return shown, one.sysctls


# --- requests -------------------------------------------------------------------------------------------------------


def network(name="lan", subnets=("192.168.1.0/24",), **params):
    """A network as a task asks for it, on eth0; subnets may be texts."""
    items = [{"subnet": item} if isinstance(item, str) else item for item in subnets]
    return network_options({"name": name, "parent": "eth0", "subnets": items, **params})


def no_network(name="lan", force=False):
    return NetworkRemoval(name, force)


def endpoint(name="web", network="lan", **params):
    """An endpoint as a task asks for it; in namespace blue when nothing else is said."""
    place = {} if {"netns", "netns_path", "pid"} & set(params) else {"netns": "blue"}
    return endpoint_options({"name": name, "network": network, **place, **params})


def no_endpoint(name="web", network="lan"):
    return EndpointRemoval(name, network)


def subinterface(name="eth0.50", **params):
    return subinterface_options({"name": name, **params})


def no_subinterface(name="eth0.50", force=False):
    return SubInterfaceRemoval(name, force)


def configuration(*requests, purge=False):
    """A whole host as a task asks for it."""
    lists = {SubInterfaceOptions: [], NetworkOptions: [], EndpointOptions: []}
    for request in requests:
        lists[type(request)].append(request)
    return Config(*(tuple(found) for found in lists.values()), purge=purge)


# --- a host ---------------------------------------------------------------------------------------------------------


def settled(found):
    """With what a kernel does to settings by itself: new interfaces have the defaults, gone ones have none."""
    spaces = {path: one and dataclasses.replace(one, sysctls=_settings(one, found.has_ipv6)) for path, one in found.spaces.items()}
    return identified(dataclasses.replace(found, spaces=spaces))


# Those that plans look at, and what a new interface has in them.
FRESH_SETTINGS = (
    ("ipv4", "arp_notify", "0"),
    ("ipv4", "promote_secondaries", "0"),
    ("ipv4", "rp_filter", "0"),
    ("ipv6", "accept_ra", "1"),
    ("ipv6", "autoconf", "1"),
    ("ipv6", "disable_ipv6", "0"),
    ("ipv6", "ndisc_notify", "0"),
)


def _settings(one, has_ipv6):
    here = {"default", *(name.replace(".", "/") for name in one.links)}
    kept = {key: value for key, value in one.sysctls.items() if ".conf." not in key or key.split(".")[3] in here}
    fresh = {
        f"net.{family}.conf.{name}.{setting}": value
        for name in here
        for family, setting, value in FRESH_SETTINGS
        if has_ipv6 or family != "ipv6"
    }
    return {**fresh, **kept}


def followed(found, done):
    """The kernel after steps; a link has none of the settings of one that had its name before."""
    begun = 0
    for end, step in enumerate(done, start=1):
        if isinstance(step, DeleteLink):
            found, begun = settled(kernel_after(found, done[begun:end])), end
    return settled(kernel_after(found, done[begun:]))


class Host:
    """A host on which every run does what it plans, in the simulation."""

    def __init__(self, found=None, recorded=None):
        self.kernel = settled(found or kernel())
        self.record = recorded or Record()

    def plan(self, *requests):
        """What a run would do."""
        present, renamed = with_present_names(self.record, self.kernel)
        return planned_with(plan(self.worked_in(*requests), present, self.kernel), self.record, renamed)

    def worked_in(self, *requests):
        """The requests, by the names that links have, and those that configurations among them stand for."""
        present, dummy = with_present_names(self.record, self.kernel)
        named = [with_kernel_names(request, present, self.kernel) for request in requests]
        for request in named:
            request.check_against(present)
        return [single for request in named for single in requests_of(request, present)]

    def run(self, *requests):
        """The plan of a run, after it was done."""
        made = self.plan(*requests)
        self.kernel = followed(self.kernel, made.steps)
        self.record = made.after
        return made

    def sentences(self, *requests):
        return said(self.run(*requests))

    def change(self, name, path=HOST.path, **values):
        """Somebody else changes a link."""
        self.kernel = changed_link(self.kernel, name, path, **values)

    def lose(self, name, path=HOST.path):
        """Somebody else removes a link."""
        self.kernel = without_link(self.kernel, name, path)

    def gain(self, found, path=HOST.path):
        """Somebody else makes a link."""
        self.kernel = with_link(self.kernel, found, path)

    def link(self, name, path=HOST.path):
        return self.kernel.spaces[path].links.get(name)

    def reboot(self):
        """Links that hardware does not have are gone, and so are namespaces."""
        own = self.kernel.spaces[HOST.path]
        left = {link.name: dataclasses.replace(link, alias="") for link in own.links.values() if not link.kind}
        spaces = {**dict.fromkeys(self.kernel.spaces), HOST.path: Space(links=left)}
        self.kernel = identified(dataclasses.replace(self.kernel, spaces=spaces, boot_id="boot-2"))


def prepared(*requests, found=None):
    """A host on which these were run, one after the other."""
    host = Host(found)
    for request in requests:
        host.run(request)
    return host


def said(made):
    """The sentences of a plan."""
    return [step.describe() for step in made.steps]


# --- records --------------------------------------------------------------------------------------------------------


def some_network(name, number=1, **values):
    subnet = Subnet(f"10.{number}.0.0/24", f"10.{number}.0.1", True, aux_addresses={"printer": f"10.{number}.0.250"})
    identifier = names.object_id("host", "network", name)
    return Network(**{"id": identifier, "name": name, "parent": f"eth0.{number}", "subnets": (subnet,), **values})


def some_endpoint(network, name, number=1, last=2, **values):
    return Endpoint(
        **{
            "id": names.object_id("host", "endpoint", network, name),
            "name": name,
            "network": network,
            "netns": Netns("name", f"ns-{number}"),
            "ifname": "eth0",
            "mac": f"02:42:0a:{number:02x}:00:{last:02x}",
            "mtu": 1500,
            "ipv4": f"10.{number}.0.{last}/24",
            "gateway4": f"10.{number}.0.1",
            **values,
        }
    )


def some_record(*networks):
    """Networks, each with its sub-interface, an endpoint and the endpoint's namespace."""
    record = Record()
    for number, name in enumerate(networks, start=1):
        record.networks[name] = some_network(name, number)
        record.links[f"eth0.{number}"] = SubInterface(names.object_id("host", "vlan", str(number)), f"eth0.{number}", "eth0", number)
        record.namespaces[f"ns-{number}"] = OwnedNetns(names.object_id("host", "netns", str(number)), f"ns-{number}")
        found = some_endpoint(name, name, number)
        record.endpoints[found.key] = found
    return record


@st.composite
def records(draw):
    """A record that could be one: every endpoint has its network, no address and no MAC is there twice."""
    record = Record()
    for number in draw(st.sets(st.integers(1, 4), max_size=3)):
        name = f"net{number}"
        record.networks[name] = some_network(
            name,
            number,
            mode=draw(st.sampled_from(("bridge", "private"))),
            mtu=draw(st.none() | st.integers(1280, 1500)),
            labels=draw(draws.labels),
            link_options=draw(draws.link_options()),
        )
        if draw(st.booleans()):
            record.links[f"eth0.{number}"] = SubInterface(
                names.object_id("host", "vlan", str(number)),
                f"eth0.{number}",
                "eth0",
                number,
                egress_qos_map=draw(draws.priorities),
            )
        for last in draw(st.sets(st.integers(2, 6), max_size=3)):
            found = some_endpoint(
                name,
                f"e{draw(st.integers(0, 2))}",
                number,
                last,
                netns=draw(draws.netnses),
                routes=tuple(draw(st.lists(draws.routes(), max_size=2))),
                sysctls=draw(draws.settings),
            )
            record.endpoints[found.key] = found
    for name in sorted(draw(st.sets(draws.object_names, max_size=2))):
        record.namespaces[name] = OwnedNetns(names.object_id("host", "netns", name), name)
    return record


def assert_sound(record):
    """No address is held twice, but for gateways that networks share; every object has what it stands on."""
    held = {}
    for item in record.networks.values():
        for lease in reservations(item):
            assert held.setdefault((lease.pool, lease.address), lease.holder) == lease.holder
    macs = set()
    for item in record.endpoints.values():
        on = record.networks[item.network]
        for lease in held_by(item, on):
            assert (lease.pool, lease.address) not in held
            held[lease.pool, lease.address] = lease.holder
        if not KINDS[on.driver].follows_parent:
            assert (on.parent, item.mac) not in macs
            macs.add((on.parent, item.mac))


def leases_of(record):
    """All leases of a host; a gateway that networks share is one."""
    found = [lease for network in record.networks.values() for lease in reservations(network)]
    for endpoint in record.endpoints.values():
        found += held_by(endpoint, record.networks[endpoint.network])
    return tuple(dict.fromkeys(found))
