# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hardware for a throw-away host: links of namespaces have no permanent MAC address, and no kernel gives them one."""

from __future__ import annotations

import dataclasses
import typing as t
import unittest.mock

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.links import Link
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.wire import parse


class Hardware:
    """A run in the block sees links as hardware, with these permanent MAC addresses; it travels to a process that stays."""

    def __init__(self, **macs: str) -> None:
        self._macs = macs
        self._patch: t.Any = None

    def __enter__(self) -> None:
        parse_link = parse.parse_link

        def as_hardware(*args: t.Any) -> Link:
            link = parse_link(*args)
            if link.kind != "veth" or link.name not in self._macs:
                return link
            # Hardware is on no other link; a veth names its other end.
            return dataclasses.replace(link, permanent_mac=self._macs[link.name], lower=None, lower_netns=None)

        self._patch = unittest.mock.patch.object(parse, "parse_link", as_hardware)
        self._patch.start()

    def __exit__(self, *_exc_info: object) -> None:
        self._patch.stop()
        self._patch = None
