# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for get-pip where ansible-test looks for it: like that, it has pip install itself from where it is packed.

ansible-test does so once for each of ten environments; Python's ensurepip first, and an upgrade then, takes twice as long.
"""

from __future__ import annotations

import ensurepip
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

# Distributions keep the wheels of ensurepip elsewhere.
folders = [Path(ensurepip.__file__).parent / "_bundled", Path(sysconfig.get_config_var("WHEEL_PKG_DIR") or os.devnull)]
wheel = next(wheel for folder in folders for wheel in folder.glob("pip-*.whl"))
wanted = [arg for arg in sys.argv[1:] if arg not in ("--no-setuptools", "--no-wheel")]
command = [sys.executable, "-m", "pip", "install", "--no-compile", *wanted]
sys.exit(subprocess.call(command, env={**os.environ, "PYTHONPATH": str(wheel)}))
