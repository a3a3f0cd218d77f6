# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a wrong option is told with: its name, what was written, and what would be right."""

from __future__ import annotations

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError, PlanError
from ansible_collections.fleetnet.macvlan.tests.unit import builders


def messages_of(make, **params):
    with pytest.raises(OptionsError) as caught:
        make(**params)
    return caught.value.problems


@pytest.mark.parametrize("address", ["192.168.1.0", "192.168.1.255"])
def test_an_aux_address_that_is_never_given_out_is_refused(address):
    subnet = {"subnet": "192.168.1.0/24", "aux_addresses": {"nas": address}}
    (message,) = messages_of(builders.network, subnets=[subnet])
    assert message.startswith(f"subnets[0].aux_addresses.nas: {address} is the network or broadcast address")


@pytest.mark.parametrize("subnet", ["192.168.1.0/31", "192.168.1.0/32"])
def test_an_aux_address_may_be_any_of_a_subnet_without_broadcast_address(subnet):
    builders.network(subnets=[{"subnet": subnet, "aux_addresses": {"nas": "192.168.1.0"}}])


NEVER = ["0.0.0.0", "0.1.2.3", "127.0.0.1", "169.254.1.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"]
NEVER6 = ["::", "::1", "ff02::1", "fe80::1"]


@pytest.mark.parametrize(("option", "address"), [*(("ipv4", item) for item in NEVER), *(("ipv6", item) for item in NEVER6)])
def test_an_address_that_can_never_be_right_is_reported_with_its_option(option, address):
    (message,) = messages_of(builders.endpoint, **{option: address})
    assert message.startswith(f"{option}: {address} ")


@pytest.mark.parametrize("via", ["0.0.0.0", "224.0.0.1", "255.255.255.255", "127.0.0.1"])
def test_a_next_hop_that_can_never_be_right_is_reported_with_its_option(via):
    (message,) = messages_of(builders.endpoint, routes=[{"to": "10.0.0.0/8", "via": via}])
    assert message.startswith(f"routes[0].via: {via} ")


@pytest.mark.parametrize("text", ["/24", "10.0.0/24", "10.0.0.300/24", "eth0/24", "10.0.0.0/33", "10.0.0.0/", "/", "::g/64"])
def test_a_subnet_that_cannot_be_read_is_reported_as_it_was_written(text):
    for option, message in (
        ("subnets[0].subnet", messages_of(builders.network, subnets=[text])[0]),
        ("subnet", messages_of(builders.endpoint, subnet=text)[0]),
        ("routes[0].to", messages_of(builders.endpoint, routes=[{"to": text, "via": "10.0.0.1"}])[0]),
    ):
        assert message.startswith(f"{option}: '{text}' ")


@pytest.mark.parametrize("text", ["-", "10.0.0.1-", "-10.0.0.9", "10.0.0.1-10.0.0.300", "10.0.0.9-10.0.0.1", "a-b"])
def test_a_range_that_cannot_be_read_is_reported_as_it_was_written(text):
    (message,) = messages_of(builders.network, subnets=[{"subnet": "10.0.0.0/24", "ip_range": text}])
    assert message.startswith(f"subnets[0].ip_range: '{text}' ")


@pytest.mark.parametrize("text", ["False", "no", "", "off", "eth0", "10.0.0.1/24"])
def test_what_is_no_gateway_is_reported_with_the_way_to_have_none(text):
    (message,) = messages_of(builders.network, subnets=[{"subnet": "10.0.0.0/24", "gateway": text}])
    assert message.startswith(f"subnets[0].gateway: '{text}' ") and "gateway: none" in message


@pytest.mark.parametrize(
    ("subnet", "used", "shown"),
    [
        ({"subnet": "10.0.0.0/29"}, 5, "10.0.0.0/29 (5 of 5 in use)"),
        ({"subnet": "10.0.0.0/24", "ip_range": "10.0.0.8/31"}, 2, "10.0.0.0/24 (ip_range 10.0.0.8/31, 2 of 2 in use)"),
        ({"subnet": "10.0.0.0/24", "ip_range": "10.0.0.1/32"}, 0, "10.0.0.0/24 (ip_range 10.0.0.1/32, 0 of 0 in use)"),
    ],
)
def test_a_full_subnet_is_reported_with_its_count(subnet, used, shown):
    host = builders.Host()
    host.run(builders.network(subnets=[subnet]), *(builders.endpoint(f"e{n}", netns=f"n{n}") for n in range(used)))
    with pytest.raises(PlanError) as caught:
        host.run(builders.endpoint("last"))
    assert str(caught.value) == f"endpoint lan/last: no IPv4 address is left in {shown} of network lan"
