# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The job templates, loaded by the module that AWX's collection has for them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import yaml

from ansible_collections.fleetnet.macvlan.tests.support.controller import Controller
from ansible_collections.fleetnet.macvlan.tests.support.host import Host
from ansible_collections.fleetnet.macvlan.tests.support.job import run_job
from ansible_collections.fleetnet.macvlan.tests.support.playbook import COLLECTION
from ansible_collections.fleetnet.macvlan.tests.support.snippets import Section

README = "README.md"
SECTION = "AWX and Automation Controller"
TEMPLATES = yaml.safe_load((COLLECTION / "playbooks/awx/job_templates.yml").read_text())["macvlan_awx_job_templates"]
# Where the session has unpacked the collection awx.awx; without it the tests fail.
AWX = "MACVLAN_AWX_COLLECTIONS"


@pytest.fixture
def controller(host: Host) -> Iterator[Controller]:
    """One that listens inside the host."""
    with Controller(host) as running:
        yield running


@pytest.fixture
def settings(controller: Controller) -> dict[str, str]:
    """How the module finds it."""
    path = os.pathsep.join((str(COLLECTION.parents[2]), os.environ[AWX]))
    return {
        "ANSIBLE_COLLECTIONS_PATH": path,
        "CONTROLLER_HOST": controller.url,
        "CONTROLLER_OAUTH_TOKEN": "token",
    }


@pytest.mark.shows(README, SECTION, 1)
def test_every_job_becomes_a_template_with_its_survey(
    host: Host, controller: Controller, settings: dict[str, str], section: Section
) -> None:
    section.run(host, 1, **settings)
    loaded = controller.templates
    assert {name: item["survey_spec"] for name, item in loaded.items()} == {
        item["name"]: item["survey_spec"] for item in TEMPLATES
    }
    for item in TEMPLATES:
        template = loaded[item["name"]]
        assert template["playbook"] == f"playbooks/{item['playbook']}"
        assert (COLLECTION / template["playbook"]).is_file()
        assert template["survey_enabled"] is True
        assert template["project"] == controller.number("projects", "macvlan")
        assert template["inventory"] == controller.number("inventories", "fleet")
        assert template["execution_environment"] == controller.number("execution_environments", "macvlan")
        assert template["ask_job_type_on_launch"] and template["ask_diff_mode_on_launch"]
        assert not template["ask_inventory_on_launch"]
    said = section.run(host, 1, **settings).stdout
    assert "changed=0" in said


def test_what_is_not_said_is_asked_at_launch_and_what_is_said_is_looked_up(
    host: Host, controller: Controller, settings: dict[str, str]
) -> None:
    answers = {
        "macvlan_awx_project": "macvlan",
        "macvlan_awx_organization": "networking",
        "macvlan_awx_credentials": "ssh, vault of the fleet",
        "macvlan_awx_inventory": "",
        "macvlan_awx_playbooks": "collections/macvlan/playbooks",
    }
    job = run_job({"edge1": host}, "awx.load", answers, settings=settings)
    assert job.status == "successful", job.stdout
    assert all("inventory" not in item and "execution_environment" not in item for item in controller.templates.values())
    assert {item["organization"] for item in controller.templates.values()} == {controller.number("organizations", "networking")}
    folders = {item["playbook"].rpartition("/")[0] for item in controller.templates.values()}
    assert folders == {"collections/macvlan/playbooks"}
    assert all(item["ask_inventory_on_launch"] for item in controller.templates.values())
    credentials = [controller.number("credentials", name) for name in ("ssh", "vault of the fleet")]
    assert controller.linked == {
        (item["id"], "credentials", number) for item in controller.templates.values() for number in credentials
    }


@pytest.mark.parametrize(("project", "word"), [("", "macvlan_awx_project"), ("theirs", "theirs")])
def test_a_project_that_is_not_there_is_named(
    host: Host, controller: Controller, settings: dict[str, str], project: str, word: str
) -> None:
    job = run_job({"edge1": host}, "awx.load", {"macvlan_awx_project": project}, settings=settings)
    assert job.status == "failed"
    assert any(word in message for message in job.messages), job.messages
    assert controller.templates == {}


@pytest.mark.shows(README, SECTION, 0, 2)
def test_the_jobs_of_a_workflow_from_the_command_line(host: Host, section: Section) -> None:
    section.run(host, 0)
    address = host.addresses("eth0", netns="web1")[0]
    assert address == "192.168.50.32/24"
    answers = {"macvlan_job_network": "web", "macvlan_job_endpoint": "web1", "macvlan_job_endpoint_netns": "web1"}
    artifacts = run_job({"edge1": host}, "endpoint_attach", answers).artifacts
    (told,) = section.play(host, 2, extra_vars=artifacts).tasks
    assert told.result["msg"] == address
