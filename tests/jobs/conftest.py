# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tests here run the playbooks as jobs of AWX, on throw-away hosts."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.fleetnet.macvlan.tests.support.fixtures import (
    host,
    make_host,
    pytest_assertrepr_compare,
    pytest_configure,
    pytest_make_collect_report,
    pytest_runtest_makereport,
    pytest_runtest_setup,
    section,
)

SPECS = yaml.safe_load((Path(__file__).parents[2] / "roles/macvlan_job/meta/argument_specs.yml").read_text())


@pytest.fixture
def survey() -> t.Callable[[str], list[str]]:
    """The variables of a job."""
    return lambda playbook: list(SPECS["argument_specs"][playbook]["options"])


__all__ = [
    "host",
    "make_host",
    "pytest_assertrepr_compare",
    "pytest_configure",
    "pytest_make_collect_report",
    "pytest_runtest_makereport",
    "pytest_runtest_setup",
    "section",
    "survey",
]
