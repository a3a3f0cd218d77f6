# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The identity of a host: which hosts have the same one, what is recorded of it, and what a copy of a machine is told."""

from __future__ import annotations

import dataclasses
import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.compare.host_identity import (
    identity_now,
    is_copy,
    warnings_of_copy,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.ipam.mac import mac_of_names
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_identity import HostIdentity
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.netns import HOST
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.record import Record
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.probing import probing_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.base import Restoration
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.decide import decide
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.identity import identify
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.observe import Observation
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.run.tools import Tools
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.record_diff import apply_changes, changes_between
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.store.database import State
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.names import uuid_of
from ansible_collections.fleetnet.macvlan.tests.unit.builders import Host, endpoint, hardware, kernel, link, network, no_network
from ansible_collections.fleetnet.macvlan.tests.unit.test_probing import THEIRS, Attempt, Neighbours

pytestmark = pytest.mark.engine

# DHCP has its endpoint's MAC address from the identity, and LAN has not.
DHCP = network("dhcp", [], parent="eth1", ipam="none"), endpoint("kiosk", "dhcp", netns="kiosk")
LAN = network(), endpoint(netns="web"), endpoint("db", netns="db")


def host_with(*requests, cards=(0, 1)):
    """A host whose links eth0 and eth1 are the cards of these numbers."""
    host = Host()
    put_in(host, *cards)
    if requests:
        host.run(*requests)
    return host


def put_in(host, *cards):
    for number, name in zip(cards, ("eth0", "eth1"), strict=False):
        host.change(name, permanent_mac=hardware(number))


def copied(host):
    """The host as a copy of its machine finds it when it boots."""
    host.reboot()
    put_in(host, 7, 8)
    return host


def warnings(host, *requests):
    seen = Observation(host.record, host.kernel, ())
    return decide(requests[0], seen, None, Tools()).outcome.warnings


# --- a first identity ----------------------------------------------------------------------------------------------------


@given(st.lists(st.text(max_size=5), max_size=4))
def test_a_uuid_is_one_of_a_custom_version(words):
    text = uuid_of(*words)
    assert str(uuid.UUID(text)) == text
    assert (uuid.UUID(text).version, uuid.UUID(text).variant) == (8, uuid.RFC_4122)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda dummy: {"host": "another"}, id="machine-id"),
        pytest.param(lambda dummy: {"boot_id": "another"}, id="boot, of a copy without hardware of its own"),
        pytest.param(lambda host: {"identities": {**host.kernel.identities, HOST.path: (4, 1)}}, id="container on the same kernel"),
    ],
)
def test_hosts_that_differ_in_one_thing_have_other_mac_addresses(change):
    one, two = Host(), Host()
    two.kernel = dataclasses.replace(two.kernel, **change(two))
    for host in (one, two):
        host.run(*DHCP)
    assert one.record.identity.uuid != two.record.identity.uuid
    assert len({host.record.endpoints["dhcp", "kiosk"].mac for host in (one, two)}) == 2


def test_copies_that_were_made_before_the_first_run_have_other_prefixes():
    subnets = set()
    for card in (1, 2):
        host = host_with(cards=(card,))
        host.run(network("u", [], ipv6=True))
        subnets.add(host.record.networks["u"].subnets[-1].subnet)
    assert len(subnets) == 2


def test_the_first_change_records_it_and_later_boots_keep_it():
    host = host_with()
    assert host.plan(no_network("absent")).after.identity == host.plan(*DHCP).after.identity
    host.run(*DHCP)
    first, mac = host.record.identity, host.record.endpoints["dhcp", "kiosk"].mac
    assert first.macs == (hardware(0), hardware(1)) and mac == mac_of_names(first.uuid, "dhcp", "kiosk")
    host.reboot()
    put_in(host, 0, 1)
    host.run(Restoration())
    host.kernel = dataclasses.replace(host.kernel, host="regenerated machine-id")
    host.run(endpoint("other", "dhcp", netns="other"))
    assert host.record.identity == first
    assert host.record.endpoints["dhcp", "other"].mac == mac_of_names(first.uuid, "dhcp", "other")


def test_a_run_that_changes_nothing_records_none():
    host = Host()
    host.run(*LAN)
    host.record = dataclasses.replace(host.record, identity=None)
    again = host.plan(*LAN)
    assert not again.changed
    assert host.plan(Restoration()).knows_better
    assert not Host().plan(Restoration()).knows_better


def test_a_mac_address_that_was_recorded_without_an_identity_stays():
    host = Host()
    host.run(*DHCP)
    old = "02:42:01:02:03:04"
    (key,) = host.record.endpoints
    host.record = Record(
        host.record.networks, {}, host.record.namespaces, {key: dataclasses.replace(host.record.endpoints[key], mac=old)}
    )
    assert host.plan(*DHCP).after.endpoints[key].mac == old


# --- the same machine ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cards", "known"),
    [
        pytest.param((0, 1), (0, 1), id="the same"),
        pytest.param((1,), (0, 1), id="one is gone"),
        pytest.param((0, 5), (0, 1, 5), id="one is new"),
        pytest.param((), (0, 1), id="no hardware at all, or an older kernel"),
    ],
)
def test_known_hardware_is_the_same_machine(cards, known):
    host = host_with(*LAN)
    host.reboot()
    for name in ("eth0", "eth1"):
        host.change(name, permanent_mac="")
    put_in(host, *cards)
    assert identity_now(host.record.identity, host.kernel).macs == tuple(map(hardware, known))
    assert not is_copy(host.record.identity, host.kernel)
    assert not warnings(host, Restoration())


def test_what_sits_on_other_links_is_no_hardware():
    host = Host()
    host.gain(link("bond0", 9, kind="bond", permanent_mac=hardware(3)))
    host.gain(link("v", 10, kind="macvlan", lower=2, permanent_mac=hardware(4)))
    host.gain(link("ip6tnl0", 11, kind="ip6tnl", hardware=769, permanent_mac="36:89:24:58:f8:d1:00:00:00:00:00:00:00:00:00:00"))
    host.gain(link("tunl0", 12, kind="ipip", hardware=768, permanent_mac="0a:00:00:01"))
    assert identity_now(None, host.kernel).macs == ()


def test_a_host_without_hardware_is_no_copy_when_it_gets_some():
    host = Host()
    host.run(*LAN)
    assert host.record.identity.macs == ()
    put_in(host, 3)
    assert not warnings(host, Restoration())
    assert identity_now(host.record.identity, host.kernel).macs == (hardware(3),)


# --- a copy ------------------------------------------------------------------------------------------------------------------


def test_every_run_on_a_copy_says_so_and_it_stays_one():
    host = copied(host_with(*LAN))
    known = host.record.identity
    for request in (Restoration(), network(), endpoint("new", netns="new"), no_network("absent")):
        (text,) = warnings(host, request)
        for words in ("another machine", hardware(0), hardware(7), "macvlan-host identity --new", "macvlan-host identity --keep"):
            assert words in text
    host.run(endpoint("new", netns="new"))
    assert host.record.identity == known and is_copy(known, host.kernel)


def test_a_warning_names_few_of_many_mac_addresses():
    known = HostIdentity(uuid_of("a"), tuple(map(hardware, range(100, 110))))
    (text,) = warnings_of_copy(known, copied(Host()).kernel)
    assert len(re.findall("52:54", text)) == 5 and "and 7 more" in text


def asked(made):
    return sorted(item.address for segment in probing_of(made, None).segments for item in segment.questions)


def test_a_restoration_asks_for_all_addresses_on_a_copy_only():
    host = host_with(*LAN)
    host.reboot()
    put_in(host, 0, 1)
    assert asked(host.plan(Restoration())) == []
    put_in(host, 7, 8)
    assert asked(host.plan(Restoration())) == ["192.168.1.2", "192.168.1.3"]
    host.record = dataclasses.replace(host.record, identity=HostIdentity(uuid_of("new"), (hardware(7),), ("192.168.1.2", "192.168.1.9")))
    assert asked(host.plan(Restoration())) == ["192.168.1.2"]
    host.run(endpoint("db", netns="db", labels={"a": "b"}))
    assert host.record.identity.doubted == ("192.168.1.2",)
    host.run(endpoint(netns="web", ipv4="192.168.1.77"))
    assert host.record.identity.doubted == ()
    assert asked(host.plan(Restoration())) == []


def test_a_network_without_probing_is_not_asked_on_by_a_copy_either():
    host = copied(host_with(network(probe="none"), endpoint(netns="web")))
    assert asked(host.plan(Restoration())) == []


def test_a_restoration_leaves_out_what_the_original_has_and_restores_the_rest():
    host = copied(host_with(*LAN))
    attempt = Attempt(host, Neighbours({"192.168.1.2": THEIRS}), Restoration())
    (missing,) = attempt.plan.missing
    assert missing.ref.title == "endpoint lan/web" and not missing.awaits
    assert "192.168.1.2 is in use on eth0" in missing.reason and THEIRS in missing.reason
    assert attempt.plan.after == host.record
    assert {step.netns.value for step in attempt.plan.steps if hasattr(step, "address")} == {"db"}


def test_a_restoration_leaves_out_all_that_one_machine_answers_for():
    names = [f"e{number}" for number in range(9)]
    host = copied(host_with(network(), *(endpoint(name, netns=name) for name in names)))
    attempt = Attempt(host, Neighbours({}, everything=THEIRS), Restoration())
    assert len(attempt.plan.missing) == len(names) and not any(hasattr(step, "address") for step in attempt.plan.steps)


# --- the command -----------------------------------------------------------------------------------------------------------


class Reader:
    def __init__(self, found):
        self.found = found

    def read_kernel(self, _needs, host, boot_id):
        return dataclasses.replace(self.found, host=host, boot_id=boot_id)

    def tagged_spaces(self, _host):
        return {}


@pytest.fixture
def machine(tmp_path):
    """A copy, with its database on disk: the host, what the command says, and what is recorded then."""
    host = copied(host_with(*LAN, *DHCP, network("u", [], parent="eth1", ipv6=True, allow_shared_parent=True)))
    tools = Tools(reader=Reader(host.kernel), host_id=lambda: "host", boot_id=lambda: "boot-2")
    state = State(str(tmp_path / "state"))
    with state.locked("a test") as session:
        session.record(changes_between(Record(), host.record))

    def command(settling=None):
        said = identify(state_dir=state.folder, settling=settling, tools=tools)
        return said, state.read().record

    return host, command


def test_the_command_shows_a_copy_and_changes_nothing(machine):
    host, command = machine
    said, record = command()
    assert said.is_copy and record.identity == host.record.identity
    text = "\n".join(said.lines)
    for words in (host.record.identity.uuid, hardware(0), hardware(7), "--new", "--keep"):
        assert words in text


def test_a_copy_gets_an_identity_of_its_own(machine):
    host, command = machine
    said, record = command("new")
    assert not said.is_copy and not is_copy(record.identity, host.kernel)
    assert record.identity.uuid != host.record.identity.uuid and set(record.identity.doubted) == {"192.168.1.2", "192.168.1.3"}
    assert record.identity.macs == (hardware(7), hardware(8))
    kiosk = record.endpoints["dhcp", "kiosk"]
    assert kiosk.mac == mac_of_names(record.identity.uuid, "dhcp", "kiosk") != host.record.endpoints["dhcp", "kiosk"].mac
    assert {key: item for key, item in record.endpoints.items() if key != kiosk.key} == {
        key: item for key, item in host.record.endpoints.items() if key != kiosk.key
    }
    text = "\n".join(said.lines)
    for words in ("endpoint dhcp/kiosk: a new MAC address", "endpoint lan/web (192.168.1.2/24)", "network u (fd"):
        assert words in text
    assert not command()[0].is_copy


def test_two_copies_get_different_identities(machine):
    command = machine[1]
    assert command("new")[1].identity.uuid != command("new")[1].identity.uuid


def test_the_same_machine_with_other_cards_keeps_everything(machine):
    host, command = machine
    said, record = command("keep")
    assert not said.is_copy and record == host.record
    assert record.identity == dataclasses.replace(host.record.identity, macs=tuple(map(hardware, (0, 1, 7, 8))))
    assert command("keep")[1].identity == record.identity
    assert command("new")[1].identity.doubted and not command("keep")[1].identity.doubted


@pytest.mark.parametrize("settling", [None, "new", "keep"])
def test_a_host_without_a_record_has_no_identity_to_show(tmp_path, settling):
    tools = Tools(reader=Reader(kernel()), host_id=lambda: "host", boot_id=lambda: "boot-2")
    said = identify(state_dir=str(tmp_path / "none"), settling=settling, tools=tools)
    assert not said.is_copy and "no identity yet" in said.lines[0] and not (tmp_path / "none").exists()


# --- the row ---------------------------------------------------------------------------------------------------------------


def test_a_change_of_it_is_a_change_of_one_row():
    host = host_with(*LAN)
    before = dataclasses.replace(host.record, identity=None)
    (change,) = changes_between(before, host.record)
    assert (change.table, change.key, change.existed) == ("identity", ["host"], False)
    assert apply_changes(before, [change]).identity == host.record.identity
    assert apply_changes(host.record, []).identity == host.record.identity


@pytest.mark.parametrize(
    "stored", [{}, {"uuid": "x"}, {"uuid": uuid_of("a"), "macs": "x"}, {"uuid": uuid_of("a"), "macs": ["x"]}, {"uuid": uuid_of("a"), "doubted": ["x"]}, []]
)
def test_what_is_no_identity_is_not_read_as_one(stored):
    with pytest.raises((TypeError, ValueError)):
        HostIdentity.from_plain(stored)
