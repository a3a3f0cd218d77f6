# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every misspelt variable of the role for whole hosts is found, and the right one is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.fleetnet.macvlan.plugins.filter.unknown_variables import FilterModule

ROLE = "fleetnet.macvlan.macvlan_host"
SPECS = yaml.safe_load((Path(__file__).parents[2] / "roles/macvlan_host/meta/argument_specs.yml").read_text())
KNOWN = list(SPECS["argument_specs"]["main"]["options"])


def found(*names):
    return FilterModule().filters()["unknown_variables"](names, KNOWN, ROLE)


@pytest.mark.parametrize("name", KNOWN)
def test_a_letter_that_is_missing_anywhere_is_found_and_the_right_name_told(name):
    for place in range(len("macvlan_host_"), len(name)):
        wrong = name[:place] + name[place + 1 :]
        assert found(wrong) == [f"{wrong}: {ROLE} has no variable of this name; did you mean {name}?"]


def test_what_is_like_nothing_is_said_where_to_look_up():
    (problem,) = found("macvlan_host_colour_of_the_sky")
    assert problem.endswith(f"ansible-doc -t role {ROLE} lists its variables")


def test_all_that_are_unknown_are_told_and_none_that_is_known():
    told = found("macvlan_host_endpoint", *KNOWN, "macvlan_host_network")
    assert [text.partition(":")[0] for text in told] == ["macvlan_host_endpoint", "macvlan_host_network"]
    assert found(*KNOWN) == []
