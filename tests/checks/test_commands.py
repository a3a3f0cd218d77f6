# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands and places that the documents name are there, where nothing runs them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from ansible_collections.fleetnet.macvlan.tests.support.documents import documents

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MODULES = sorted((ROOT / "plugins/modules").glob("*.py"))


def sessions():
    """Name → whether make test has it; those of older releases of ansible-core have their names from the constraints."""
    releases = re.findall(r'extra == "(core-[\d.]+)"', (ROOT / "tests/checks/constraints.txt").read_text(encoding="utf-8"))
    found = dict.fromkeys(releases, True)
    for function in ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8")).body:
        if isinstance(function, ast.FunctionDef):
            marks = [ast.unparse(mark) for mark in function.decorator_list]
            if any(mark.startswith("nox.session") for mark in marks):
                # A name has dashes where that of a function cannot.
                found[function.name.replace("_", "-")] = "nox.session(default=False)" not in marks
    return found


def listed_sessions():
    return re.search(r"^SESSIONS := (.*)", MAKEFILE, re.MULTILINE)[1].split()


def targets():
    named = re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.MULTILINE)
    return {*named, *listed_sessions()}


def named_in_documents(pattern):
    return {(file, name) for file in documents() for name in re.findall(pattern, (ROOT / file).read_text(encoding="utf-8"))}


def section(title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", CONTRIBUTING, re.MULTILINE | re.DOTALL)[1]


def places(text):
    """What stands between backquotes and is a path from the root on."""
    return sorted(set(re.findall(r"`((?:changelogs|docs|extensions|playbooks|plugins|roles|tests)/[\w./-]+)`", text)))


def test_every_target_of_make_that_a_document_names_is_there():
    named = named_in_documents(r"`(?:sudo )?make ([\w.-]+)")
    assert {name for dummy, name in named} >= {"demo", "test", "molecule", "core-2.17"}
    assert {(file, name) for file, name in named if name not in targets()} == set()


def test_every_session_of_nox_that_a_document_names_is_there():
    named = named_in_documents(r"\bnox (?:-s|--session) ([\w.-]+)")
    assert {(file, name) for file, name in named if name not in sessions()} == set()


def test_every_session_is_a_target_of_make():
    assert set(listed_sessions()) <= set(sessions())
    assert set(sessions()) - targets() == set()


def test_make_test_runs_every_session_once():
    script = (ROOT / "tests/checks/run_sessions").read_text(encoding="utf-8")
    ran = [name for group in re.findall(r"^(?:beside|others)=\((.*)\)", script, re.MULTILINE) for name in group.split()]
    assert sorted(ran) == sorted(name for name, is_tested in sessions().items() if is_tested)


def test_every_scenario_of_molecule_is_named():
    there = {file.parent.name for file in ROOT.glob("extensions/molecule/*/molecule.yml")} - {"default"}
    (row,) = re.findall(r"one of its scenarios: (.*) \|", CONTRIBUTING)
    assert set(re.findall(r"`(\w+)`", row)) == there


def test_every_place_that_is_named_for_contributors_is_there():
    named = places(CONTRIBUTING)
    assert len(named) > 30
    assert [place for place in named if not (ROOT / place).exists()] == []


def test_every_file_that_is_named_in_short_for_contributors_is_there():
    """Those of the modules' side by their names, those of the engine with their folders."""
    utilities = ROOT / "plugins/module_utils"
    folders = "|".join(path.name for path in (utilities / "macvlan_host").iterdir() if path.is_dir())
    short = re.findall(rf"`(_\w+\.py|(?:{folders})/\w+\.py)`", CONTRIBUTING)
    assert {"_option_messages.py", "steps/steps.py"} <= set(short)
    assert [name for name in short if not any((base / name).exists() for base in (utilities, utilities / "macvlan_host"))] == []


STATIONS = section("How an option is added").partition("An option that decides more")


@pytest.mark.parametrize(
    ("option", "file"),
    [
        (option, place)
        for option, text in (("bcqueuelen", STATIONS[0]), ("mtu", STATIONS[2]))
        for place in places(text)
        if Path(place).suffix
    ],
)
def test_the_option_that_is_shown_is_in_every_place_that_it_is_said_to_be_in(option, file):
    """Or the table is, of which all declared options are taken."""
    table = r"|\bLINK_OPTIONS\b" if option == "bcqueuelen" else ""
    assert re.search(rf"(?:\b|_){option}\b{table}", (ROOT / file).read_text(encoding="utf-8"))


def test_a_link_option_has_six_stations():
    assert re.findall(r"^(\d)\. ", STATIONS[0], re.MULTILINE) == ["1", "2", "3", "4", "5", "6"]


def test_every_module_has_a_target_of_the_integration_tests():
    targets_there = {file.parent.name for file in ROOT.glob("tests/integration/targets/*/aliases")}
    assert targets_there == {file.stem for file in MODULES}


def test_nothing_is_newer_than_the_collection():
    release = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    files = [*ROOT.glob("plugins/*/*.py"), *ROOT.glob("roles/*/meta/argument_specs.yml")]
    added = {
        (file.name, tuple(map(int, version.split("."))))
        for file in files
        for version in re.findall(r"version_added: [\"']?([\d.]+)", file.read_text(encoding="utf-8"))
    }
    assert {name for name, dummy in added} >= {file.name for file in (*MODULES, *ROOT.glob("plugins/filter/*.py"))}
    assert {item for item in added if item[1] > tuple(map(int, release.split(".")))} == set()


def test_every_python_is_said_to_test_the_releases_that_it_has():
    wanted = (ROOT / "tests/checks/constraints.txt").read_text(encoding="utf-8").splitlines()
    cores = [Requirement(line) for line in wanted if line.startswith("ansible-core")]
    extras = ["", *(name for name, dummy in sessions().items() if name.startswith("core-"))]
    rows = re.findall(r"^\| (3\.[\d., ]*) \| (.*) \|$", section("Releases of ansible-core"), re.MULTILINE)
    told = {python: releases.split(", ") for pythons, releases in rows for python in pythons.split(", ")}
    assert len(told) >= 4
    for python, releases in told.items():
        places = [{"python_version": python, "extra": extra} for extra in extras]
        had = {core.specifier for core in cores for place in places if core.marker.evaluate(place)}
        assert sorted(re.search(r"\d+\.\d+", str(specifier))[0] for specifier in had) == releases, python


def test_the_execution_environment_has_the_artifact_of_this_version():
    about = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    artifact = f"{about['namespace']}-{about['name']}-{about['version']}.tar.gz"
    wanted = yaml.safe_load((ROOT / "docs/execution-environment.yml").read_text(encoding="utf-8"))
    (collection,), (file,) = wanted["dependencies"]["galaxy"]["collections"], wanted["additional_build_files"]
    assert (file["src"], collection["name"]) == (artifact, f"{file['dest']}/{artifact}")
