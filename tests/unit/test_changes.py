# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of changes has every option, and the guide "Day 2" shows the table as it is."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils import _argspecs
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model import changes

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]
ARGSPECS = {
    "network": _argspecs.network_argspec(),
    "endpoint": _argspecs.endpoint_argspec(),
    "vlan_subinterface": _argspecs.subinterface_argspec(),
}
# They say how a task is done, not what an object is.
OF_TASKS = {"state", "state_dir", "force", "replace"}

spec = importlib.util.spec_from_file_location("changes_table", ROOT / "docs/site/changes_table.py")
changes_table = importlib.util.module_from_spec(spec)
spec.loader.exec_module(changes_table)


def named(argspec, before=""):
    """The names of options as the table has them, those of the items of lists with a dot."""
    for option, about in argspec.items():
        yield before + option
        yield from named(about.get("options", {}), f"{before}{option}.")


@pytest.mark.parametrize("kind", ARGSPECS)
def test_the_table_has_every_option(kind):
    rows = {row.option.split(".")[0] for row in changes.CHANGES[kind]}
    assert rows == set(ARGSPECS[kind]) - OF_TASKS


@pytest.mark.parametrize("kind", ARGSPECS)
def test_every_row_is_about_an_option_and_can_be_read(kind):
    for row in changes.CHANGES[kind]:
        assert row.option in set(named(ARGSPECS[kind]))
        assert row.effect in (changes.UNDER_TRAFFIC, changes.MOVED, changes.REPLACED, changes.REFUSED)
        assert row.result and not row.result.endswith(".")
    assert len(set(changes.CHANGES[kind])) == len(changes.CHANGES[kind])


@pytest.mark.parametrize("kind", ARGSPECS)
def test_an_option_with_more_than_one_row_says_when_each_applies(kind):
    for option in {row.option for row in changes.CHANGES[kind]}:
        rows = changes.effects_of(kind, option)
        assert len(rows) == 1 or all(row.when for row in rows), option
        assert len({row.when for row in rows}) == len(rows), option


def test_the_guide_shows_the_table():
    guide = changes_table.GUIDE.read_text(encoding="utf-8")
    wanted = changes_table.with_tables(guide, changes.CHANGES)
    assert guide == wanted, "the tables of the guide are old; run: python docs/site/changes_table.py"


def test_a_guide_without_the_lines_around_the_tables_is_refused():
    with pytest.raises(ValueError, match="missing"):
        changes_table.with_tables("Day 2\n=====\n", changes.CHANGES)
