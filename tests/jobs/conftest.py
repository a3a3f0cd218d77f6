# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What jobs ask for."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml

SPECS = yaml.safe_load((Path(__file__).parents[2] / "roles/macvlan_job/meta/argument_specs.yml").read_text())


@pytest.fixture
def survey() -> t.Callable[[str], list[str]]:
    """The variables of a job."""
    return lambda playbook: list(SPECS["argument_specs"][playbook]["options"])
