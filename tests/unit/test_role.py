# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role says what the modules and the engine say, where it has to say it again."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils import _argspecs
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.kernel import installation
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names

ROLE = Path(__file__).parents[2] / "roles/macvlan_host"
PREFIX = "macvlan_host_"


def read(name):
    return yaml.safe_load((ROLE / name).read_text())


DOCUMENTED = read("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
DEFAULTS = read("defaults/main.yml")
INTERNAL = read("vars/main.yml")
FILES = INTERNAL["_macvlan_host_common_files"] + INTERNAL["_macvlan_host_own_files"] + INTERNAL["_macvlan_host_networkd_files"]
FILES += INTERNAL["_macvlan_host_metrics_files"]


def test_every_variable_is_documented_with_its_default():
    assert {name: about["default"] for name, about in DOCUMENTED.items() if "default" in about} == DEFAULTS
    assert all(about["description"] for about in DOCUMENTED.values())


@pytest.mark.parametrize("option", sorted(_argspecs.config_argspec()))
def test_what_the_role_passes_on_is_what_the_module_takes(option):
    about, taken = DOCUMENTED[PREFIX + option], _argspecs.config_argspec()[option]
    for key in ("type", "elements"):
        assert about.get(key) == taken.get(key)
    assert about.get("default") == taken.get("default")


def test_every_variable_that_is_used_is_there():
    texts = [path.read_text() for path in ROLE.rglob("*") if path.suffix in (".yml", ".j2")]
    used = {name for text in texts for name in re.findall(r"\b_?macvlan_host_\w+", text)}
    found_out = {"_macvlan_host_found"}
    registered = {f"_macvlan_host_{name}" for name in ("environment", "installed", "probed", "removed")} | {"macvlan_host_config"}
    labels = {"macvlan_host_end"}
    assert used - registered - found_out - labels == {*DOCUMENTED, *INTERNAL}


def test_the_command_is_where_its_module_puts_it():
    command = _argspecs.command_argspec()
    assert INTERNAL["_macvlan_host_engine"] == command["path"]["default"]
    assert INTERNAL["_macvlan_host_command"] == command["command"]["default"]


def test_the_unit_is_the_one_that_modules_look_for():
    unit = (ROLE / "templates" / f"{installation.UNIT}.j2").read_text()
    assert f"/etc/systemd/system/{installation.UNIT}" in {item["path"] for item in FILES}
    assert "WantedBy=multi-user.target" in unit and "multi-user.target.wants" in installation.ENABLED


@given(st.text("0123456789abcdef", min_size=32, max_size=32))
def test_the_udev_rule_knows_a_link_by_its_group_and_by_its_tag(identifier):
    rules = (ROLE / "templates/udev.rules.j2").read_text()
    (group,) = re.findall(r'ATTR\{netdev_group\}=="([^"]*)"', rules)
    (tag,) = re.findall(r'ATTR\{ifalias\}=="([^"]*)"', rules)
    assert fnmatch.fnmatchcase(str(names.group_until_tagged(identifier)), group)
    assert fnmatch.fnmatchcase(names.tag(identifier), tag)
    assert not fnmatch.fnmatchcase("0", group)


def test_every_file_that_is_put_on_a_host_says_who_manages_it():
    sources = [re.search(r"template', '(.*)'\)", item["content"])[1] for item in FILES]
    for source in sources:
        assert (ROLE / "templates" / source).read_text().startswith("# Ansible manages this file: ")
    included = {"sandbox.j2"}
    assert {path.name for path in (ROLE / "templates").iterdir()} == included.union(sources)
