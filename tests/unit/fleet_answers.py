# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers of macvlan_info in few words, and reports of them."""

from __future__ import annotations

import html.parser
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.read import read_hosts, read_segments
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.build import build_report
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.compare import read_last_report
from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.report.model import Report

VOID = {"meta", "br", "hr", "img", "input", "link"}


def subnet(cidr: str, **more: t.Any) -> dict[str, t.Any]:
    return {"subnet": cidr, "gateway": None, "ip_ranges": [], "exclude": [], "aux_addresses": {}, "available": 9, **more}


def network(name: str = "lan", *subnets: str | dict[str, t.Any], parent: str = "eth0", **more: t.Any) -> dict[str, t.Any]:
    items = [subnet(item) if isinstance(item, str) else item for item in subnets]
    return {"id": "f" * 32, "name": name, "parent": parent, "driver": "macvlan", "mode": "bridge", "subnets": items, "host_access": None, **more}


def endpoint(name: str, *addresses: str, network: str = "lan", mac: str = "", **more: t.Any) -> dict[str, t.Any]:
    families = {f"ipv{6 if ':' in text else 4}": text for text in reversed(addresses)}
    further = [text for text in addresses if text not in families.values()]
    plain = {"name": name, "network": network, "ifname": "eth0", "netns": name, "mac": mac, "parent": "eth0", "foreign_addresses": []}
    return {"ipv4": None, "ipv6": None, **plain, **families, "addresses": further, **more}


def answer(*items: dict[str, t.Any], subs: t.Sequence[dict[str, t.Any]] = (), drift: t.Sequence[dict[str, t.Any]] = ()) -> dict[str, t.Any]:
    """What a host returns; endpoints are known by their interface."""
    return {
        "networks": [item for item in items if "ifname" not in item],
        "endpoints": [item for item in items if "ifname" in item],
        "vlan_subinterfaces": list(subs),
        "drift": list(drift),
    }


def report(answers: dict[str, t.Any], segments: t.Any = (), hosts: t.Any = None, previous: t.Any = None, **more: t.Any) -> Report:
    declared = read_segments(list(segments))
    return build_report(answers, segments=declared, fleet=read_hosts(hosts or {}, declared), last=read_last_report(previous), **more)


class Page(html.parser.HTMLParser):
    """A page, read back; it fails where an element is not closed by its own end.

    :ivar texts: (path of classes and tags, text) of all that is to be read
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[tuple[str, str]] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self._open: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append((tag, dict(attrs).get("class") or tag))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        opened, dummy = self._open.pop()
        assert opened == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(("/".join(name for dummy, name in self._open), data))

    def of(self, ending: str) -> list[str]:
        """The texts of all elements at a path."""
        return [text for path, text in self.texts if path.endswith(ending)]

    @property
    def all_text(self) -> str:
        return " ".join(text for path, text in self.texts if not path.endswith("style"))
