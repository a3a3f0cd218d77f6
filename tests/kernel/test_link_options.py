# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Link options on real links: what the kernel shows of them, read and written without the engine."""

from __future__ import annotations

import json
import os
import sys
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel import available_kinds
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.link_options import LINK_OPTIONS
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.tasks import converge, endpoint, refuse, subnets

pytestmark = pytest.mark.engine

NETWORK = {"name": "net", "parent": "eth0", "subnets": subnets("192.168.216.0/24")}
BESIDE = {"name": "beside", "parent": "eth0", "subnets": subnets("10.9.0.0/24"), "allow_shared_parent": True}
WANTED = {"bcqueuelen": 3000, "bclim": 5}
OTHER = {"bcqueuelen": 4000, "bclim": -1}
RELEASE = names.kernel_version(os.uname().release)
# What is not among these is refused, and that is tested below.
THERE = [name for name, option in LINK_OPTIONS.items() if option.since <= RELEASE]
# The number of an attribute that no kernel has.
UNKNOWN = 200

# Prints the number of an attribute in the data of a macvlan link, or sets it when one is given: ip-link(8) knows it later than the kernel.
PROGRAM = """
import socket, struct, sys
name, number, *values = sys.argv[1:]
index, number = socket.if_nametoindex(name), int(number)
def attr(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)
def attrs(data):
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        found[kind & 0x3FFF] = data[4:length]
        data = data[(length + 3) & ~3:]
    return found
data = b"".join(attr(number, struct.pack("=q", int(value))[:4]) for value in values)
info = attr(18 | 0x8000, attr(1, b"macvlan") + attr(2 | 0x8000, data)) if values else b""
body = struct.pack("=BxHiII", 0, 0, index, 0, 0) + info
sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
sock.send(struct.pack("=IHHII", 16 + len(body), 16 if values else 18, 5 if values else 1, 1, 0) + body)
answer = sock.recv(65536)
if struct.unpack_from("=H", answer, 4)[0] == 2:
    sys.exit(struct.unpack_from("=i", answer, 16)[0] != 0)
raw = attrs(attrs(attrs(answer[32:])[18])[2]).get(number)
print("null" if raw is None else struct.unpack("=i", raw)[0])
"""

every_option = pytest.mark.parametrize("name", LINK_OPTIONS)
there = pytest.mark.parametrize("name", THERE)


def of_link(host: Host, name: str, netns: str = "a") -> int:
    """The value that the kernel shows."""
    option = LINK_OPTIONS[name]
    shown = host.run([sys.executable, "-c", PROGRAM, "eth0", str(option.attribute)], netns).stdout
    value = json.loads(shown)
    return option.default if value is None else t.cast(int, value)


def set_on_link(host: Host, name: str, value: int, netns: str = "a") -> None:
    """Another program sets it."""
    host.run([sys.executable, "-c", PROGRAM, "eth0", str(LINK_OPTIONS[name].attribute), str(value)], netns)


def drift(host: Host) -> list[tuple[str, t.Any, t.Any]]:
    return [(item["field"], item["recorded"], item["actual"]) for item in host.call("macvlan_info")["drift"]]


@there
def test_it_comes_with_a_new_link_changes_in_place_and_ends_with_the_default_of_the_kernel(host: Host, name: str) -> None:
    made = converge(host, "macvlan_network", **NETWORK, **{name: WANTED[name]})
    assert made["network"][name] == WANTED[name]
    endpoint(host, "a")
    index = host.links("a")["eth0"]["ifindex"]
    assert of_link(host, name) == WANTED[name]
    for value, params in ((OTHER[name], {name: OTHER[name]}), (LINK_OPTIONS[name].default, {})):
        old = of_link(host, name)
        done = converge(host, "macvlan_network", **NETWORK, **params)
        assert done["steps"] == [f"change {name} of network net", f"change {name} of eth0 in namespace a from {old} to {value}"]
        assert done["network"][name] == params.get(name)
        assert of_link(host, name) == value
    assert host.links("a")["eth0"]["ifindex"] == index
    assert drift(host) == []


@there
def test_what_another_program_sets_is_drift_where_a_task_asks_for_a_value(host: Host, name: str) -> None:
    converge(host, "macvlan_network", **NETWORK, **{name: WANTED[name]})
    endpoint(host, "a")
    set_on_link(host, name, OTHER[name])
    assert drift(host) == [(name, WANTED[name], OTHER[name])]
    done = converge(host, "macvlan_endpoint", name="a", network="net", netns="a")
    assert done["steps"] == [f"change {name} of eth0 in namespace a from {OTHER[name]} to {WANTED[name]}"]
    assert drift(host) == []
    converge(host, "macvlan_network", **NETWORK)
    set_on_link(host, name, OTHER[name])
    assert drift(host) == []
    assert not host.call("macvlan_network", **NETWORK)["changed"]


@there
def test_a_restoration_brings_it_back(host: Host, name: str) -> None:
    converge(host, "macvlan_network", **NETWORK, **{name: WANTED[name]})
    endpoint(host, "a")
    host.lose_all()
    host.restore()
    assert of_link(host, name) == WANTED[name]
    assert drift(host) == []


@pytest.mark.parametrize("mode", ["bridge", "private", "vepa", "passthru"])
@there
def test_every_mode_has_it(host: Host, name: str, mode: str) -> None:
    converge(host, "macvlan_network", **NETWORK, mode=mode, **{name: WANTED[name]})
    endpoint(host, "a")
    assert of_link(host, name) == WANTED[name]


@there
def test_many_new_links_have_it_at_once(host: Host, name: str) -> None:
    items = [{"name": f"e{number}", "network": "net", "netns": f"e{number}"} for number in range(10)]
    converge(host, "macvlan_config", networks=[{**NETWORK, name: WANTED[name]}], endpoints=items)
    assert [of_link(host, name, item["netns"]) for item in items] == [WANTED[name]] * 10


@pytest.mark.parametrize("name", [name for name, option in LINK_OPTIONS.items() if option.of_parent])
def test_what_the_kernel_has_once_for_a_parent_two_networks_cannot_have_twice(host: Host, name: str) -> None:
    if name not in THERE:
        refuse(host, "macvlan_network", name, "or newer is needed", **NETWORK, **{name: WANTED[name]})
        return
    converge(host, "macvlan_network", **NETWORK, **{name: WANTED[name]})
    refuse(host, "macvlan_network", "network net", "eth0", f"{name} {WANTED[name]}", **BESIDE, **{name: OTHER[name]})
    converge(host, "macvlan_network", **BESIDE)
    endpoint(host, "a")
    endpoint(host, "b", "beside")
    assert of_link(host, name, "b") == WANTED[name]
    both = [{**NETWORK, name: OTHER[name]}, {**BESIDE, name: OTHER[name]}]
    converge(host, "macvlan_config", networks=both)
    assert [of_link(host, name, netns) for netns in "ab"] == [OTHER[name]] * 2


def test_the_kernel_tells_what_it_has(host: Host) -> None:
    """Asked with a link that cannot be; the release that the declaration names does not decide."""
    converge(host, "macvlan_network", **NETWORK)
    endpoint(host, "a")  # and so the module is loaded
    for name, option in LINK_OPTIONS.items():
        assert available_kinds.has_link_option(option._replace(since=(99, 0))) is (name in THERE)
        assert not available_kinds.has_link_option(option._replace(attribute=UNKNOWN, since=(0, 0)))


def without(name: str) -> t.Callable[[], None]:
    """The module runs on a kernel that does not have the option."""

    def take_away() -> None:
        available_kinds.missing_link_options = lambda asked, dummy: frozenset(asked) & {name}

    return take_away


@every_option
def test_a_kernel_without_it_refuses_it(host: Host, name: str) -> None:
    release = ".".join(map(str, LINK_OPTIONS[name].since))
    for hook in [without(name)] if name in THERE else [None, without(name)]:
        for check in (True, False):
            params = {**NETWORK, name: WANTED[name]}
            message = host.call("macvlan_network", check=check, fails=True, hook=hook, **params)["msg"]
            assert name in message and f"Linux {release} or newer is needed" in message
    converge(host, "macvlan_network", **NETWORK, **{name: LINK_OPTIONS[name].default})
    endpoint(host, "a")
    assert of_link(host, name) == LINK_OPTIONS[name].default


@there
def test_after_a_boot_with_an_older_kernel_the_endpoints_come_back_all_the_same(host: Host, name: str) -> None:
    converge(host, "macvlan_network", **NETWORK, **{name: WANTED[name]})
    endpoint(host, "a")
    host.lose_all()
    task: dict[str, t.Any] = {"name": "a", "network": "net", "netns": "a"}
    assert host.call("macvlan_endpoint", hook=without(name), **task)["changed"]
    set_on_link(host, name, LINK_OPTIONS[name].default)  # as such a kernel leaves it
    assert not host.call("macvlan_endpoint", hook=without(name), **task)["changed"]
    assert host.call("macvlan_endpoint", **task)["changed"]
