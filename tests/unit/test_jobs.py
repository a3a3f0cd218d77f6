# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked for in a survey is what its job takes, and what a job takes is what its module takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.fleetnet.macvlan.plugins.module_utils import _argspecs, _reading_argspecs, _runner
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.link_options import LINK_OPTIONS
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.problems import MAX_MTU, MIN_MTU
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils import answers

ROOT = Path(__file__).parents[2]
ROLE = ROOT / "roles/macvlan_job"
PREFIX = "macvlan_job_"


def load(path):
    return yaml.safe_load((ROOT / path).read_text())


SPECS = {
    name: spec["options"] for name, spec in load("roles/macvlan_job/meta/argument_specs.yml")["argument_specs"].items()
}
TEMPLATES = {
    template["playbook"].removesuffix(".yml"): template
    for template in load("playbooks/awx/job_templates.yml")["macvlan_awx_job_templates"]
}
HOST = load("roles/macvlan_host/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
# Job → its module, the options of it, and the object that options are about which have no variable of their own name.
MODULES = {
    "network_create": ("macvlan_network", _argspecs.network_argspec(), "network"),
    "network_remove": ("macvlan_network", _argspecs.network_argspec(), "network"),
    "endpoint_attach": ("macvlan_endpoint", _argspecs.endpoint_argspec(), "endpoint"),
    "endpoint_detach": ("macvlan_endpoint", _argspecs.endpoint_argspec(), "endpoint"),
    "info": ("macvlan_info", _reading_argspecs.info_argspec(), ""),
}
JOBS = ("site", "teardown", "fleet_report", "fleet_plan", "fleet_check", "fleet_reclaim", *MODULES)
MTU = (MIN_MTU, MAX_MTU)
# What surveys ask for in numbers; the kernel counts processes up to PID_MAX_LIMIT (include/linux/threads.h).
LIMITS = {
    f"{PREFIX}confirm_timeout": (0, _runner.MAX_CONFIRM_TIMEOUT),
    f"{PREFIX}restore_timeout": (0, 86400),
    f"{PREFIX}network_mtu": MTU,
    f"{PREFIX}endpoint_mtu": MTU,
    f"{PREFIX}endpoint_pid": (1, 4194304),
    **{f"{PREFIX}network_{name}": (option.lowest, option.highest) for name, option in LINK_OPTIONS.items()},
}
# Parts of the items of subnets, which have texts of their own.
PARTS = {f"{PREFIX}network_{name}" for name in ("gateways", "ip_ranges", "ip_ranges_from", "aux_addresses", "exclude")}
# What jobs ask for that no module does.
OF_JOBS = {f"{PREFIX}{name}" for name in ("isolated", "fail_on_drift", "endpoint_in_host")}

every_job = pytest.mark.parametrize("job", JOBS)
every_task = pytest.mark.parametrize("job", MODULES)


def task_of(job):
    """The arguments that a job gives to its module."""
    module = f"fleetnet.macvlan.{MODULES[job][0]}"
    tasks = [inner for task in load(f"roles/macvlan_job/tasks/{job}.yml") for inner in task.get("block", [task])]
    (arguments,) = (task[module] for task in tasks if module in task)
    return arguments


def variable_of(text):
    if text == "{{ _macvlan_job_state_dir }}":
        return f"{PREFIX}state_dir"
    return PREFIX + re.fullmatch(r"\{\{ _macvlan_job_asked\.answers\.(\w+)( \| default\(omit\))? \}\}", text)[1]


def options_of(job):
    """Option of the module → variable, of those that are passed on."""
    return {option: variable_of(text) for option, text in task_of(job).items() if option != "state"}


def plain(text):
    """A sentence without the marks of the documentation."""
    return re.sub(r"[A-Z]+\(([^)]*)\)", r"\1", text)


def test_every_job_is_a_playbook_an_entry_point_and_a_template():
    assert {*JOBS, "main"} == set(SPECS)
    assert set(TEMPLATES) == set(JOBS)
    assert all((ROOT / "playbooks" / template["playbook"]).is_file() for template in TEMPLATES.values())
    assert {path.stem for path in (ROLE / "tasks").iterdir()} == {*SPECS, "answers", "conflicts", "fleet", "host"}


@every_job
def test_a_playbook_refuses_to_run_without_hosts_and_does_its_job(job):
    first, second = load(f"playbooks/{job}.yml")
    assert first["ansible.builtin.import_playbook"] == "shared/target_hosts.yml"
    (task,) = second["tasks"]
    assert task["ansible.builtin.include_role"]["tasks_from"] == job
    assert second["become"] is True


@every_job
def test_a_template_is_described_as_its_job(job):
    spec = load("roles/macvlan_job/meta/argument_specs.yml")["argument_specs"][job]
    assert TEMPLATES[job]["description"] == spec["short_description"]


def variables_of(tasks):
    """What plays, tasks and blocks set for themselves."""
    for task in tasks:
        yield from task.get("vars", {})
        yield from variables_of(task.get("tasks", ()))


@pytest.mark.parametrize("file", [*ROLE.glob("tasks/*.yml"), *ROOT.glob("playbooks/awx/load.yml")], ids=lambda file: file.stem)
def test_no_answer_can_be_taken_for_a_variable_of_a_task(file):
    found = set(variables_of(yaml.safe_load(file.read_text())))
    assert {name for name in found if not name.startswith(("_macvlan_", "macvlan_host_"))} == set()


@every_job
def test_a_survey_asks_for_what_its_job_takes(job):
    taken = {**SPECS["main"], **SPECS[job]}
    questions = {question["variable"]: question for question in TEMPLATES[job]["survey_spec"]["spec"]}
    assert list(questions) == list(taken)
    assert len({question["question_name"] for question in questions.values()}) == len(questions)
    for name, about in taken.items():
        question = questions[name]
        choices = ["true", "false"] if about["type"] == "bool" else about.get("choices")
        assert question["required"] == about.get("required", False), name
        assert question.get("choices") == choices, name
        default = about.get("default", "")
        assert question["default"] == (str(default).lower() if isinstance(default, bool) else default), name
        kind = "multiplechoice" if choices else "integer" if about["type"] == "int" else "text"
        assert question["type"] == kind, name
        assert question["question_description"] == plain(about["description"][0]), name
        assert (question.get("min"), question.get("max")) == (LIMITS[name] if kind == "integer" else (None, None)), name


@every_task
def test_every_option_of_a_module_is_a_variable_of_its_job(job):
    dummy, argspec, subject = MODULES[job]
    given = options_of(job)
    removal = task_of(job).get("state") == "absent"
    wanted = ["name", *([] if subject == "network" else ["network"]), "force", "state_dir"] if removal else [*argspec]
    assert set(given) == {*wanted} - {"state"}
    assert set(SPECS[job]) - OF_JOBS - PARTS == set(given.values())


@every_task
def test_variables_are_named_after_what_they_are_about(job):
    subject = MODULES[job][2]
    shared = {"force", "replace", "state_dir"} | ({"network", "endpoint"} if subject != "network" else set())
    for option, variable in options_of(job).items():
        name = subject if option == "name" else option if option in shared or not subject else f"{subject}_{option}"
        assert variable == PREFIX + name


@every_task
def test_variables_are_like_the_options_that_they_stand_for(job):
    for option, variable in options_of(job).items():
        taken, about = MODULES[job][1][option], SPECS[job][variable]
        is_text = taken["type"] in ("list", "dict")
        # What is true or a dictionary is true or false in a survey.
        assert about["type"] == ("str" if is_text else "bool" if taken["type"] == "raw" else taken["type"]), variable
        assert about.get("choices") == taken.get("choices"), variable
        # Of the state directory the inventory is asked first.
        assert about.get("default") == (None if option == "state_dir" else taken.get("default")), variable
        assert about.get("required", False) == taken.get("required", False), variable
        assert (variable in {*answers.LISTS, *answers.DICTIONARIES, answers.DNS}) == is_text, variable


@every_task
def test_what_has_no_default_is_left_out(job):
    for option, text in task_of(job).items():
        if option not in ("state", "state_dir"):
            about = SPECS[job][variable_of(text)]
            assert ("default(omit)" in text) == ("default" not in about and not about.get("required")), option


@pytest.mark.parametrize("job", ["site", "teardown"])
def test_answers_about_whole_hosts_are_variables_of_their_role(job):
    for variable, about in SPECS[job].items():
        if variable in OF_JOBS:
            continue
        taken = HOST["macvlan_host_" + variable.removeprefix(PREFIX)]
        assert (about["type"], about.get("choices")) == (taken["type"], taken.get("choices")), variable
        assert "default" not in about, "the inventory says it"
