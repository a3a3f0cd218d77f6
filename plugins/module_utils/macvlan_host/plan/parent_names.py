# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel's names of the links that a request names by others: alternative names, and names that parents had before."""

from __future__ import annotations

import dataclasses
import typing as t

from ..compare.followed import link_called
from ..compare.parent_links import on_links
from ..errors import PlanError
from ..model.kernel import Kernel, Space
from ..model.link_identity import former_names
from ..model.links import Link, SubInterface, stacked
from ..model.netns import HOST
from ..model.record import Record
from ..model.ref import ENDPOINT, NETWORK, SUBINTERFACE
from ..values import names

if t.TYPE_CHECKING:
    from ..model.network import Network
    from ..request.endpoint import EndpointOptions
    from ..request.host import AnyRequest, Config
    from ..request.network import NetworkOptions
    from ..request.subinterface import SubInterfaceOptions


def with_kernel_names(request: AnyRequest, record: Record, kernel: Kernel) -> AnyRequest:
    """A request in which links have the kernel's names, or those that are recorded; a name that no link has stays.

    :param record: with the names that links have now
    """
    known = _Names(record, kernel.spaces[HOST.path] or Space())
    if request.subject is None:
        return known.configuration(t.cast("Config", request)) if hasattr(request, "subinterfaces") else request
    if request.subject.kind == NETWORK and request.declares:
        return known.network(t.cast("NetworkOptions", request))
    if request.subject.kind == ENDPOINT and request.declares:
        return known.endpoint(t.cast("EndpointOptions", request))
    if request.subject.kind == SUBINTERFACE:
        sub = t.cast("SubInterfaceOptions", request)
        return known.subinterface(sub) if request.declares else _changed(sub, name=known.link(sub.name, sub.name))
    return request


def check_length(sub: SubInterface) -> None:
    """Refuse to create a VLAN link whose name is too long for the kernel; a name that is written may be an alternative one.

    :raises PlanError: naming the way out
    """
    problem = names.interface_name_problem(sub.name)
    if problem is not None:
        raise PlanError(
            f"cannot create VLAN link {sub.name}: {problem}; give it another name: declare a VLAN sub-interface with "
            f"parent: {sub.parent}, vlan_id: {sub.vlan_id} and a name"
        )


def words_of_former_name(item: Network | SubInterface, written: str) -> str | None:
    """Why a parent is not the recorded one any more: another link has its former name; None where it never had that name."""
    if written not in former_names(item.parent_link):
        return None
    word = "base" if isinstance(item, SubInterface) else "parent"
    return (
        f"{item.title}: parent: {written} is another link now; its {word} is called {item.parent} now; "
        f"write parent: {item.parent} to keep it"
    )


class _Names:
    """The links that a task may mean by a name."""

    def __init__(self, record: Record, host: Space) -> None:
        self._record = record
        self._host = host
        self._vlans: dict[tuple[str, int, str], str] = {}
        self._no_longer_declared: set[str] = set()
        self._replaced: dict[str, str] = {}
        self._listed: set[str] = set()
        self._replaces = False
        self._former: dict[str, set[str]] = {}
        for link in record.links.values():
            if isinstance(link, SubInterface) and not _is_misnamed(link):
                self._vlans.setdefault((link.parent, link.vlan_id, link.protocol), link.name)
        for item in on_links(record):
            for name in former_names(item.parent_link):
                self._former.setdefault(name, set()).add(item.parent)

    def configuration(self, config: Config) -> Config:
        """A configuration whose sub-interfaces and networks are so named.

        :raises PlanError: a sub-interface is listed twice, by different names
        """
        subs = None if config.subinterfaces is None else tuple(map(self.subinterface, config.subinterfaces))
        if subs is not None and config.purge:
            recorded = {link.name for link in self._record.links.values() if isinstance(link, SubInterface) and link.declared}
            self._no_longer_declared = recorded - {sub.name for sub in subs}
        written: dict[str, str] = {}
        for before, after in zip(config.subinterfaces or (), subs or ()):
            if written.setdefault(after.name, before.name) != before.name:
                raise PlanError(f"vlan_subinterfaces: {written[after.name]} and {before.name} are the same link, {after.name}; list it once")
        self._listed = {sub.name for sub in subs or ()}
        # What is listed counts, not what was recorded under its name.
        self._vlans = {vlan: name for vlan, name in self._vlans.items() if name not in self._listed}
        self._vlans.update({(sub.parent, sub.vlan_id, sub.protocol): sub.name for sub in subs or ()})
        self._replaces = config.replace
        if config.replace:
            self._replaced = self._replaced_by(subs or ())
        networks = None if config.networks is None else tuple(map(self.network, config.networks))
        endpoints = None if config.endpoints is None else tuple(map(self.endpoint, config.endpoints))
        return _changed(config, subinterfaces=subs, networks=networks, endpoints=endpoints)

    def _replaced_by(self, subs: t.Sequence[SubInterfaceOptions]) -> dict[str, str]:
        """Recorded sub-interface that is not listed → the listed one with the VLAN that its name means; there is only one of a VLAN."""
        listed = {(sub.parent, sub.vlan_id, sub.protocol): sub.name for sub in subs}
        replaced: dict[str, str] = {}
        for link in stacked(self._record.links.values()):
            if link.name in self._listed or link.declared and link.name not in self._no_longer_declared:
                continue
            parts = names.split_subinterface(link.name)
            if parts is None:
                continue
            base = link.parent if parts.base in former_names(link.parent_link) else parts.base
            name = listed.get((base, parts.vlan_id, "802.1q"))
            if name is None and link.parent in replaced:
                # It was named after its base, and is named after the other one now.
                name = names.SubInterfaceName(replaced[link.parent], link.vlan_id).canonical
            if name is not None:
                replaced[link.name] = name
        return replaced

    def network(self, wanted: NetworkOptions) -> NetworkOptions:
        """A network on the link that its parent means."""
        if wanted.parent is None:
            return wanted
        recorded = self._record.networks.get(wanted.name)
        return _changed(wanted, parent=self.link(wanted.parent, recorded.parent if recorded is not None else None))

    def endpoint(self, wanted: EndpointOptions) -> EndpointOptions:
        """An endpoint in the VRF that its name means."""
        holder = link_called(wanted.vrf, self._host)
        return _changed(wanted, vrf=holder.name) if holder is not None else wanted

    def subinterface(self, wanted: SubInterfaceOptions) -> SubInterfaceOptions:
        """A sub-interface on the link that its parent means, under the name that it has already."""
        recorded = self._record.links.get(wanted.name)
        parent = self.link(wanted.parent, recorded.parent if isinstance(recorded, SubInterface) else None)
        return _changed(wanted, name=self._name_of(wanted, parent), parent=parent)

    def _name_of(self, wanted: SubInterfaceOptions, parent: str) -> str:
        if wanted.name in self._record.links or wanted.name in self._host.links:
            return wanted.name
        holder = self._host.with_altname(wanted.name)
        if holder is not None:
            return holder.name if holder.vlan is not None and _can_be_named(holder) else wanted.name
        if wanted.name != names.SubInterfaceName(wanted.parent, wanted.vlan_id).canonical:
            return wanted.name
        canonical = names.SubInterfaceName(parent, wanted.vlan_id).canonical
        ours = self._vlans.get((parent, wanted.vlan_id, wanted.protocol), canonical)
        return ours if self._has_former_name(ours) else canonical

    def _has_former_name(self, name: str) -> bool:
        """Whether a sub-interface of ours is named after its base as that was called before."""
        sub, parts = self._record.links.get(name), names.split_subinterface(name)
        if not isinstance(sub, SubInterface) or parts is None:
            return False
        return parts.base in former_names(sub.parent_link) and parts.vlan_id == sub.vlan_id

    def link(self, name: str, present: str | None = None) -> str:
        """The name of the link that is meant by any of its names.

        :param present: the name that the link of the object has by the record
        """
        if name in self._replaced:
            return self._replaced[name]
        if name in self._listed:
            return name
        if name in self._record.links or name in self._host.links:
            return name
        holder = self._host.with_altname(name)
        if holder is not None:
            return holder.name if _can_be_named(holder) else name
        former = self._former.get(name, set())
        if present is not None and present in former:
            return present
        former &= self._host.links.keys()
        if len(former) == 1:
            return next(iter(former))
        parts = names.split_subinterface(name)
        return name if parts is None or parts.canonical != name else self._vlan(parts, present)

    def _vlan(self, parts: names.SubInterfaceName, present: str | None) -> str:
        """The link of a VLAN that is named by its base: one of ours under any name, else as its base is called now.

        One that no task declares any more is only meant by an object that is on it and must not be created again.
        """
        base = self.link(parts.base)
        ours = self._vlans.get((base, parts.vlan_id, "802.1q")) or self._of_provider(base, parts.vlan_id)
        if ours is None or ours in self._no_longer_declared and (ours != present or self._replaces):
            return names.SubInterfaceName(base, parts.vlan_id).canonical
        return ours

    def _of_provider(self, base: str, vlan_id: int) -> str | None:
        """A VLAN of ours with a service tag, if the former name of its base is in its name."""
        ours = self._vlans.get((base, vlan_id, "802.1ad"))
        return ours if ours is not None and self._has_former_name(ours) else None


def _is_misnamed(sub: SubInterface) -> bool:
    """Whether the name of a sub-interface is that of another VLAN, or of a VLAN of another link."""
    parts = names.split_subinterface(sub.name)
    bases = {sub.parent, *former_names(sub.parent_link)}
    return parts is not None and (parts.vlan_id != sub.vlan_id or parts.base not in bases)


def _can_be_named(link: Link) -> bool:
    """Whether a record can hold the name of a link, which other programs may have set to any bytes."""
    return names.interface_name_problem(link.name) is None


Request = t.TypeVar("Request")


def _changed(request: Request, **values: t.Any) -> Request:
    """A request with other values; the same one, if it has them already."""
    if all(getattr(request, name) == value for name, value in values.items()):
        return request
    return dataclasses.replace(t.cast(t.Any, request), **values)
