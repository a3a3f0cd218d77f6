# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The snippets of "After a reboot", run as they are written, and what it says of them."""

from __future__ import annotations

import pytest

from ansible_collections.fleetnet.macvlan.tests.support.hardware import Hardware
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.snippets import Section, install_command
from ansible_collections.fleetnet.macvlan.tests.support.tasks import endpoint, network, subnets

GUIDE = "docs/docsite/rst/guide_reboot.rst"


@pytest.fixture
def recorded(host: Host) -> Host:
    """A host with a network and an endpoint, and the command."""
    network(host, "pub_net", subnets=subnets("172.16.86.0/24"))
    endpoint(host, "web", "pub_net")
    install_command(host)
    return host


@pytest.mark.shows(GUIDE, "Looking at it")
def test_the_command_tells_what_is_missing_and_brings_it_back(recorded: Host, section: Section) -> None:
    before = recorded.snapshot()
    recorded.lose_all()
    assert section.run(recorded).stdout == section.text(1)
    section.run(recorded, 2)
    assert recorded.snapshot().without_state() == before.without_state()


@pytest.mark.shows(GUIDE, "After an update of the collection")
def test_the_command_tells_its_release(recorded: Host, section: Section) -> None:
    assert section.run(recorded).stdout.startswith("macvlan-host 2.")


@pytest.mark.shows(GUIDE, "When the record is lost")
@pytest.mark.parametrize("backup", [True, False])
def test_a_lost_record_is_made_again(recorded: Host, section: Section, backup: bool) -> None:
    params = {"name": "web", "network": "pub_net", "netns": "web"}
    before = recorded.call("macvlan_info")
    links = recorded.snapshot().without_state()
    recorded.path(recorded.state_dir / "state.db").unlink()
    if not backup:
        recorded.path(recorded.state_dir / "state.db.backup").unlink()
    assert "macvlan-host recover" in recorded.call("macvlan_endpoint", fails=True, **params)["msg"]
    section.run(recorded, check=backup)
    network(recorded, "pub_net", subnets=subnets("172.16.86.0/24"))
    endpoint(recorded, "web", "pub_net")
    assert recorded.call("macvlan_info") == before
    assert recorded.snapshot().without_state() == links


@pytest.mark.shows(GUIDE, "When a machine was copied")
def test_a_copy_is_told_apart(recorded: Host, section: Section) -> None:
    body = '{"uuid": "5c4b7aa2-31f7-8d6e-9a50-c2d84f0be1a7", "macs": ["52:54:00:12:34:01"]}'
    database = str(recorded.state_dir / "state.db")
    recorded.run(["sqlite3", database, f"UPDATE identity SET body = '{body}'"])
    said = recorded.run_command("identity", within=Hardware(eth0="52:54:00:12:34:02"))
    assert (said.code, said.lines) == (1, section.text(1).splitlines())
    assert "UUID of this host: 5c4b7aa2" in section.run(recorded).stdout
    assert "UUID of this host: 5c4b7aa2" in section.run(recorded, 3).stdout
    assert "endpoint pub_net/web (172.16.86.2/24)" in section.run(recorded, 2).stdout
