# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The object that a step of a plan is about. Pure."""

from __future__ import annotations

import typing as t

from ..model.links import SubInterface
from ..model.netns import HOST, Netns
from ..model.record import Record
from ..model.ref import Ref, shown_object
from ..values import names
from .steps import AddLink, InterfaceStep, LinkStep, NamespaceStep, SetLink, Step, WriteResolver

LOOPBACK = "lo"


def owner_of(step: Step, steps: t.Iterable[Step], before: Record, after: Record) -> Ref | None:
    """The object of a step, None if the step is about no recorded object.

    :param steps: all of the plan; the earlier ones can create or rename the interface of the step
    """
    owners = _Owners(before, after)
    for earlier in steps:
        if earlier is step:
            break
        owners.follow(earlier)
    return owners.of(step)


class _Owners:
    """The objects, by everything that a step may name: a tag, an interface in a namespace, a namespace."""

    def __init__(self, before: Record, after: Record) -> None:
        self._by_tag: dict[str, Ref] = {}
        self._by_interface: dict[tuple[str, str], Ref] = {}
        self._by_namespace: dict[str, Ref] = {}
        for record in (before, after):
            self._note_links(record)
            for endpoint in record.endpoints.values():
                ref = shown_object(endpoint.ref)
                self._by_tag[names.tag(endpoint.id)] = ref
                self._by_interface.setdefault((endpoint.netns.path, endpoint.ifname), ref)
        for record in (after, before):
            for endpoint in record.endpoints.values():
                self._by_namespace.setdefault(endpoint.netns.path, endpoint.ref)

    def _note_links(self, record: Record) -> None:
        for network in record.networks.values():
            self._by_tag[names.tag(network.id)] = network.ref
            self._by_interface.setdefault((HOST.path, names.dummy_name(network.id)), network.ref)
        for link in record.links.values():
            if isinstance(link, SubInterface):
                self._by_tag[names.tag(link.id)] = link.ref
                self._by_interface.setdefault((HOST.path, link.name), link.ref)

    def follow(self, step: Step) -> None:
        """Note the object of an interface after a step."""
        if isinstance(step, AddLink) and step.link.tag in self._by_tag:
            self._by_interface[step.netns.path, step.link.name] = self._by_tag[step.link.tag]
        elif isinstance(step, SetLink) and step.attribute == "name":
            ref = self._by_interface.get((step.netns.path, step.old)) or self._by_interface.get((step.netns.path, step.new))
            if ref is not None:
                self._by_interface[step.netns.path, step.new] = ref

    def of(self, step: Step) -> Ref | None:
        if isinstance(step, (NamespaceStep, WriteResolver)):
            return self._by_namespace.get(Netns("name", step.name).path)
        if isinstance(step, LinkStep):
            interface = step.netns.path, step.link.name
            return self._by_tag.get(step.link.tag or "") or self._by_interface.get(interface)
        return self._of_interface(step) if isinstance(step, InterfaceStep) else None

    def _of_interface(self, step: InterfaceStep) -> Ref | None:
        ref = self._by_interface.get((step.netns.path, step.ifname))
        if ref is None and isinstance(step, SetLink) and step.attribute == "name":
            ref = self._by_interface.get((step.netns.path, step.new))
        if ref is None and step.ifname == LOOPBACK:
            ref = self._by_namespace.get(step.netns.path)
        return ref
