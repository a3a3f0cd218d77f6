# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Booleans that are given as text, as -e name=false gives them: the words are not true just because they are there."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import pytest
import yaml
from ansible.module_utils.parsing.convert_bool import BOOLEANS, boolean

ROOT = Path(__file__).parents[2]
SPECS = [
    options["options"]
    for role in ("macvlan_host", "macvlan_job")
    for options in yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text())["argument_specs"].values()
]
NAMES = sorted({name for options in SPECS for name, about in options.items() if about["type"] == "bool"})
ANSWERS = [f"_macvlan_job_asked.answers.{name.removeprefix('macvlan_job_')}" for name in NAMES if name.startswith("macvlan_job_")]
# A boolean, not one whose name merely begins or ends like it.
USED = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, [*NAMES, *ANSWERS]))})(?!\w)")
CONVERTED = re.compile(r"( \| default\([^)]*\))? \| (bool\b|string \| trim \| lower in )")
CONDITIONS = ("when", "that", "failed_when", "changed_when", "until")
FILES = sorted(
    file
    for folder in ("roles/macvlan_host", "roles/macvlan_job", "playbooks")
    for file in (ROOT / folder).rglob("*.yml")
    if "meta" not in file.parts
)


def conditions(node, is_condition=False):
    """Whatever is true or false: conditions, and templates that ask something before they are a value."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from conditions(value, is_condition or key in CONDITIONS)
    elif isinstance(node, list):
        for value in node:
            yield from conditions(value, is_condition)
    elif isinstance(node, str) and (is_condition or re.search(r"\b(if|and|or|not|ternary|in|select|selectattr)\b", node)):
        yield node


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_whatever_asks_for_a_boolean_takes_it_as_text_too(file):
    for text in conditions(yaml.safe_load(file.read_text())):
        found = [text[match.start() :] for match in USED.finditer(text) if not CONVERTED.match(text, match.end())]
        # As a name in quotes, or in a sentence, it is no question.
        assert [rest for rest in found if not re.match(r"\w+('| is true|=| out\b)", rest)] == [], text


def test_there_are_booleans_to_look_at():
    asked = [text for file in FILES for text in conditions(yaml.safe_load(file.read_text())) if USED.search(text)]
    assert len(NAMES) > 5 and len(asked) > 3


@pytest.mark.parametrize("given", [*sorted(BOOLEANS, key=repr), "True", "FALSE", " yes", True, False], ids=repr)
def test_whether_to_purge_is_read_as_the_module_reads_it(given):
    template = yaml.safe_load((ROOT / "roles/macvlan_host/vars/main.yml").read_text())["_macvlan_host_purges"]
    assert jinja2.Environment().from_string(template).render(macvlan_host_purge=given) == str(boolean(given))
