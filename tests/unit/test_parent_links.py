# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is recorded of the links below our objects: enough to know them again, and never a change of an object."""

from __future__ import annotations

import dataclasses
import json

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.link_identity import LinkIdentity
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.links import link_from_plain
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.network import Network
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.base import Restoration
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.record_diff import apply_changes, changes_between
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.plain import plain
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.validators import UnknownError
from ansible_collections.fleetnet.macvlan.tests.unit.builders import (
    ETH0,
    ETH1,
    Host,
    changed_link,
    endpoint,
    kernel,
    network,
    subinterface,
)

pytestmark = pytest.mark.engine

HARDWARE = "52:54:00:aa:bb:02"


def identified_host():
    """A host whose eth0 has a MAC address of its hardware."""
    return Host(changed_link(kernel(), "eth0", permanent_mac=HARDWARE))


# --- recorded -------------------------------------------------------------------------------------------------------


def test_a_run_records_what_the_parent_and_the_base_are_known_by():
    host = identified_host()
    host.run(network(), endpoint(), network("other", ["10.0.0.0/24"], parent="eth1.7"), subinterface("eth1.7.8"))
    known = LinkIdentity(ETH0, "boot-1", "52:54:00:00:00:02", HARDWARE)
    assert host.record.networks["lan"].parent_link == known
    assert host.record.links["eth1.7"].parent_link == LinkIdentity(ETH1, "boot-1", "52:54:00:00:00:03")
    # Links of ours are known by their tags.
    assert host.record.networks["other"].parent_link is host.record.links["eth1.7.8"].parent_link is None


def test_what_a_link_is_known_by_is_no_change_and_is_stored_with_the_next():
    host = identified_host()
    host.run(network(), endpoint())
    host.kernel = dataclasses.replace(host.kernel, boot_id="boot-2")
    host.change("eth0", index=9)
    again = host.plan(network())
    assert not again.changed and again.knows_better
    (change,) = changes_between(again.before, again.after)
    assert (change.table, change.body["parent_link"]["index"]) == ("networks", 9)
    host.run(network())
    assert not host.plan(Restoration()).knows_better


def test_a_link_that_is_away_stays_known():
    host = identified_host()
    host.run(network())
    host.lose("eth0")
    host.run(Restoration())
    assert host.record.networks["lan"].parent_link == LinkIdentity(ETH0, "boot-1", "52:54:00:00:00:02", HARDWARE)


def test_results_and_sentences_do_not_show_it():
    host = identified_host()
    host.run(network())
    host.record.networks["lan"] = dataclasses.replace(host.record.networks["lan"], parent_link=None)
    assert host.sentences(network(mode="vepa"))[0] == "change mode of network lan"


# --- stored ---------------------------------------------------------------------------------------------------------


def stored_and_read(recorded):
    changes = changes_between(type(recorded)(), recorded)
    return apply_changes(type(recorded)(), [change._replace(body=json.loads(json.dumps(change.body))) for change in changes])


def test_what_a_link_is_known_by_survives_the_database():
    host = identified_host()
    host.run(network(), network("other", ["10.0.0.0/24"], parent="eth1.7"))
    former = dataclasses.replace(host.record.networks["lan"].parent_link, former=("lan0", "eth7"))
    host.record.networks["lan"] = dataclasses.replace(host.record.networks["lan"], parent_link=former)
    back = stored_and_read(host.record)
    assert back.networks["lan"].parent_link == former
    assert back.links["eth1.7"].parent_link == host.record.links["eth1.7"].parent_link


def test_rows_of_an_older_release_say_nothing_of_links():
    host = identified_host()
    host.run(network(parent="eth0.50"))
    rows = plain(host.record.networks["lan"]), plain(host.record.links["eth0.50"])
    for row, read in zip(rows, (Network.from_plain, link_from_plain), strict=True):
        del row["parent_link"]
        assert read(row).parent_link is None


@pytest.mark.parametrize(
    "wrong",
    ["text", [], {"index": 0, "boot_id": "b"}, {"index": 2, "boot_id": "b", "permanent_mac": "x"}, {"index": 2, "boot_id": "b", "former": ["a/b"]},
     {"index": 2, "boot_id": "b", "former": "eth0"}],
)
def test_a_damaged_identity_is_refused(wrong):
    with pytest.raises(ValueError, match="link"):
        LinkIdentity.from_plain(wrong)


def test_an_identity_of_a_newer_release_is_called_newer():
    with pytest.raises(UnknownError):
        LinkIdentity.from_plain({"index": 2, "boot_id": "b", "pci_slot": "0000:00:1f.6"})
