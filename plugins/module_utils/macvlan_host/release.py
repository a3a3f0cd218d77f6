# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which release of the collection this engine is of: a copy of it on a host has no galaxy.yml to look at."""

from __future__ import annotations

# As in galaxy.yml. An engine that is installed on a host is asked for it by a look at the text of this file.
VERSION = "2.0.0"
