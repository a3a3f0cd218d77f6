# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A kernel that refuses a setting by netlink, as Linux 7.1 began to do: the same is written to /proc/sys."""

from __future__ import annotations

import errno
import itertools
import signal
import typing as t

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel import setting_files, write
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel.route_socket import RouteSocket
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.wire import (
    ask,
    attributes,
    constants,
    pack,
    parse,
)
from ansible_collections.fleetnet.macvlan.tests.support.faults import Death, StepFailure
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.tasks import endpoint, network, subnets

pytestmark = pytest.mark.engine

# What kernels answer to a message that they do not take.
CODES = (errno.EINVAL, errno.EOPNOTSUPP, errno.EAFNOSUPPORT, errno.ERANGE, errno.EPERM)
ARP_NOTIFY = "net/ipv4/conf/eth0/arp_notify"
QUIET = {"name": "a", "network": "net", "netns": "a", "announce": False, "mtu": 1400}


def refusing(code: int, *others: t.Callable[[], object]) -> t.Callable[[], None]:
    """A hook: the kernel refuses all settings by netlink, and nothing else.

    :param others: hooks beside it
    """

    def hook() -> None:
        exchange = RouteSocket.exchange

        def is_setting(request: ask.Packed) -> bool:
            return request.kind == constants.RTM_SETLINK and constants.IFLA_AF_SPEC in parse.link_attributes(request.body)

        def instead(sock: RouteSocket, requests: t.Sequence[ask.Packed]) -> list[attributes.Answer]:
            taken = iter(exchange(sock, [request for request in requests if not is_setting(request)]))
            return [attributes.Answer(code, "injected") if is_setting(request) else next(taken) for request in requests]

        RouteSocket.exchange = instead  # type: ignore[assignment, method-assign]
        for other in others:
            other()

    return hook


def announced_before_up() -> None:
    """A hook: a link that comes up has had its setting before, or neighbours would not be told."""
    put = pack.set_link

    def watched(index: int, **changes: t.Any) -> ask.Packed:
        if changes.get("up") and index > write.LOOPBACK_INDEX:
            with open(f"/proc/sys/{ARP_NOTIFY}", encoding="ascii") as file:
                assert file.read() == "1\n"
        return put(index, **changes)

    pack.set_link = watched  # type: ignore[assignment]


@pytest.fixture
def net(host: Host) -> Host:
    """A host with a network."""
    network(host, subnets=subnets("10.0.0.0/24", "fd00::/64"))
    return host


@pytest.mark.parametrize("code", CODES, ids=[errno.errorcode[code] for code in CODES])
def test_an_endpoint_is_made_and_announced_anyway(net: Host, code: int) -> None:
    params = {"name": "a", "network": "net", "netns": "a"}
    made = net.call("macvlan_endpoint", hook=refusing(code, announced_before_up), **params)
    assert made["changed"] and net.sysctl(ARP_NOTIFY, netns="a") == "1"
    assert not net.call("macvlan_endpoint", hook=refusing(code), **params)["changed"]
    assert net.call("macvlan_endpoint", hook=refusing(code), **QUIET)["changed"]
    assert net.sysctl(ARP_NOTIFY, netns="a") == "0"
    assert net.call("macvlan_info")["drift"] == []


def test_many_endpoints_are_made_and_restored_anyway(net: Host) -> None:
    names = [f"e{number}" for number in range(12)]
    wanted = [{"name": name, "network": "net", "netns": name} for name in names]
    wanted.append({"name": "h", "network": "net", "sysctls": {"net.ipv4.conf.IFNAME.promote_secondaries": 1}})
    net.call("macvlan_config", hook=refusing(errno.EINVAL), endpoints=wanted)
    before = net.snapshot()
    assert net.sysctl("net/ipv4/conf/mv-h/promote_secondaries") == "1"
    net.lose_all()
    assert net.spawn_command("restore", hook=refusing(errno.EINVAL)).said().code == 0
    assert net.snapshot() == before
    assert {net.sysctl(ARP_NOTIFY, netns=name) for name in names} == {"1"}
    assert net.call("macvlan_info")["drift"] == []


def test_a_setting_that_was_written_by_the_fallback_is_undone(net: Host) -> None:
    endpoint(net, "a")
    before = net.snapshot()
    steps = net.call("macvlan_endpoint", check=True, **QUIET)["steps"]
    assert len(steps) > 1
    for position in range(len(steps)):
        hook = refusing(errno.EINVAL, StepFailure(position))
        assert "injected" in net.call("macvlan_endpoint", hook=hook, fails=True, **QUIET)["msg"]
        assert (net.snapshot(), net.sysctl(ARP_NOTIFY, netns="a")) == (before, "1")


def test_a_death_during_the_fallback_is_cleared_up_by_the_next_run(net: Host) -> None:
    params = {"name": "a", "network": "net", "netns": "a"}
    net.call("macvlan_endpoint", **QUIET)
    after = net.snapshot(), "0"
    net.call("macvlan_endpoint", **params)
    before = net.snapshot(), "1"
    for position in itertools.count():
        death = Death(position)
        if net.spawn("macvlan_endpoint", hook=refusing(errno.EINVAL, death), **QUIET).wait() != -signal.SIGKILL:
            break
        assert net.spawn_command("restore", hook=refusing(errno.EINVAL)).said().code == 0
        found = net.snapshot(), net.sysctl(ARP_NOTIFY, netns="a")
        assert found == before or (found == after and death.place == "after record"), death.place
        net.call("macvlan_endpoint", hook=refusing(errno.EINVAL), **params)
    assert position > 5


def test_an_error_of_netlink_and_of_the_file_names_both_reasons(net: Host) -> None:
    def no_file() -> None:
        setting_files.sysctl_path = lambda _key: "/proc/sys/net"  # type: ignore[assignment]

    endpoint(net, "a")
    before = net.snapshot()
    hook = refusing(errno.EOPNOTSUPP, no_file)
    change = {"name": "a", "network": "net", "netns": "a", "sysctls": {"net.ipv4.conf.IFNAME.arp_notify": 0}}
    message = net.call("macvlan_endpoint", hook=hook, fails=True, **change)["msg"]
    assert "cannot set net.ipv4.conf.eth0.arp_notify to '0' in namespace a: Is a directory; by netlink: " in message
    assert "Operation not supported (injected)" in message
    net.call("macvlan_endpoint", name="a", network="net", netns="a")
    assert net.snapshot() == before


def test_a_link_that_is_gone_is_no_reason_for_the_fallback(net: Host) -> None:
    params = {"name": "a", "network": "net", "netns": "a"}
    message = net.call("macvlan_endpoint", hook=refusing(errno.ENODEV), fails=True, **params)["msg"]
    assert "No such device (injected)" in message and "by netlink" not in message
    assert net.namespaces() == []
