# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One operation of one way, in a process of its own inside the throw-away machine; prints what it took, as JSON."""

from __future__ import annotations

import importlib
import json
import sys

from .job import Job


def main() -> int:
    way, operation, path = sys.argv[1:]
    result = getattr(importlib.import_module(f".ways.{way}", __package__), operation)(Job.load(path))
    print(json.dumps(result or {}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
