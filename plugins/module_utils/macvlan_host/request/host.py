# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The declared state of a whole host: one request for many objects, in an order in which they can be planned."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass

from ..errors import MissingLibraryError, OptionsError, PlanError
from ..model.link_identity import former_names
from ..model.links import SubInterface, by_depth
from ..model.record import Record
from ..model.ref import ENDPOINT, HOST_ACCESS, LISTS, NETWORK, Ref
from ..values import names
from ..values.addresses import without_prefix
from .base import BaseRequest, Restoration
from .endpoint import EndpointOptions, EndpointRemoval, endpoint_options
from .network import NetworkOptions, NetworkRemoval, network_options
from .problems import refuse
from .subinterface import SubInterfaceOptions, SubInterfaceRemoval, SubInterfaceRetraction, subinterface_options


@dataclass(frozen=True)
class Config(BaseRequest):
    """The declared objects; a list that was left out is None, and does not affect recorded objects.

    :ivar purge: whether to remove other recorded objects of the kinds whose lists are given
    :ivar replace: whether links may be created again, and endpoints may get other addresses
    :ivar probe: how neighbours are asked about addresses in this run, where networks and endpoints do not say it
    """

    subinterfaces: tuple[SubInterfaceOptions, ...] | None = None
    networks: tuple[NetworkOptions, ...] | None = None
    endpoints: tuple[EndpointOptions, ...] | None = None
    purge: bool = False
    replace: bool = False
    probe: str | None = None
    title: t.ClassVar[str] = "the configuration of this host"

    def single_requests(self, recorded: Record, /) -> tuple[Request, ...]:
        """Removals from the top down, then declared objects from the bottom up."""
        return (
            *(_purged(self, recorded) if self.purge else ()),
            *by_depth({item.name: item for item in (*_no_longer_declared(self, recorded), *(self.subinterfaces or ()))}),
            *(request for network in self.networks or () for request in network.single_requests(recorded)),
            *_releasing_first(self.endpoints or (), recorded),
        )

    @property
    def default_probe(self) -> str | None:
        return self.probe

    @property
    def new_names(self) -> tuple[tuple[Ref, Ref], ...]:
        items: tuple[NetworkOptions | EndpointOptions, ...] = (*(self.networks or ()), *(self.endpoints or ()))
        return tuple(pair for item in items for pair in item.new_names)

    def check_against(self, recorded: Record, /) -> None:
        check_omission(self, recorded)
        check_new_names(self, recorded)
        for network in self.networks or ():
            network.check_against(recorded)


Item = t.TypeVar("Item", SubInterfaceOptions, NetworkOptions, EndpointOptions)
Params = t.Mapping[str, t.Any]


def config_options(params: Params) -> Config:
    """The declared state from a module's parameters.

    :raises OptionsError: naming every problem of every item
    :raises MissingLibraryError: no problem is visible without a library, and the library is missing
    """
    problems: list[str] = []
    missing: list[MissingLibraryError] = []
    config = Config(
        subinterfaces=_items(params, "vlan_subinterfaces", subinterface_options, problems, missing),
        networks=_items(_with_exclusive(params), "networks", network_options, problems, missing),
        endpoints=_items(params, "endpoints", endpoint_options, problems, missing),
        purge=bool(params.get("purge")),
        replace=bool(params.get("replace")),
        probe=params.get("probe"),
    )
    problems += [*_contradictions(params), *_impossible_names(params)]
    refuse(problems, missing[0] if missing else None)
    return config


def _with_exclusive(params: Params) -> Params:
    """The parameters, with the ``exclusive`` of the task in all networks that leave it out and have addresses."""
    if params.get("exclusive") is None or params.get("networks") is None:
        return params
    default = {"exclusive": params["exclusive"]}
    says_nothing = [item.get("exclusive") is None and item.get("ipam") != "none" for item in params["networks"]]
    networks = [{**item, **default} if bare else item for item, bare in zip(params["networks"], says_nothing)]
    return {**params, "networks": networks}


def _items(
    params: Params, option: str, read: t.Callable[[Params], Item], problems: list[str], missing: list[MissingLibraryError]
) -> tuple[Item, ...] | None:
    """The requests of one list, if it is given; their problems are added to the problems, each with its item.

    Missing libraries, without which an item cannot be read, are added to ``missing``.
    """
    if params.get(option) is None:
        return None
    requests: dict[Ref, Item] = {}
    for position, item in enumerate(params[option]):
        title = item_title(option, position, item)
        try:
            request = read(item)
        except OptionsError as exc:
            problems += [f"{title}: {problem}" for problem in exc.problems]
            missing += [exc.missing] if exc.missing is not None else []
            continue
        except MissingLibraryError as exc:
            missing.append(exc)
            continue
        if request.ref in requests:
            problems.append(f"{title}: {request.title} is in the list already")
        notes = tuple(f"{title}: {note}" for note in request.notes)
        requests[request.ref] = dataclasses.replace(request, notes=notes, replace=bool(params.get("replace")))
    return tuple(requests.values())


def item_title(option: str, position: int, item: Params) -> str:
    """The title of an item of a list in messages: its position, and its name if it has one."""
    return f"{option}[{position}]" + (f" ({item['name']})" if item.get("name") else "")


def _contradictions(params: Params) -> t.Iterator[str]:
    """Yield the problems of purge: no list at all, or listed endpoints on networks that are not listed."""
    if not params.get("purge"):
        return
    if all(params.get(option) is None for option in LISTS):
        yield (
            f"purge: true removes what is recorded and not listed, and no list is given; give at least one of "
            f"{', '.join(LISTS)} (an empty one, [], removes all that are recorded of its kind), or leave purge out"
        )
    if params.get("networks") is None:
        return
    # A network that is listed, but wrong, would not be removed.
    listed = {item["name"] for item in params["networks"]}
    for position, item in enumerate(params.get("endpoints") or ()):
        if item["network"] not in listed:
            yield (
                f"{item_title('endpoints', position, item)}: network {item['network']} is not in networks, and "
                f"purge: true removes what is not listed; list it there, correct the name, or leave purge out"
            )


def _impossible_names(params: Params) -> t.Iterator[str]:
    """Yield the problems of new names: objects that would exchange names, and two that would come from one."""
    for option in ("networks", "endpoints"):
        former: dict[tuple[str, str], tuple[str, str]] = {}
        sources: dict[tuple[str, str], str] = {}
        for position, item in enumerate(params.get(option) or ()):
            old, network = item.get("renamed_from"), item.get("network") or ""
            title = item_title(option, position, item)
            if old is None:
                continue
            if (network, old) in sources:
                yield f"{title}: renamed_from: {old} is given in {sources[network, old]} too; one object cannot become two"
            sources.setdefault((network, old), title)
            former[network, item["name"]] = (network, old)
        for name in former:
            seen, at = {name}, former[name]
            while at in former and at not in seen:
                seen.add(at)
                at = former[at]
            if at == name and name == min(seen):
                circle = ", ".join(sorted(f"{one[1]} from {former[one][1]}" for one in seen))
                yield f"{option}: renamed_from goes round in a circle ({circle}); names cannot be exchanged; use a third name in a run of its own first"


def _purged(config: Config, recorded: Record) -> t.Iterator[Request]:
    """Removals of all recorded objects that are not listed, of the kinds whose lists are given."""
    if config.endpoints is not None:
        endpoints = {(item.network, item.name) for item in config.endpoints}
        for key in sorted(key for key in recorded.endpoints.keys() - endpoints if key[1] != HOST_ACCESS):
            yield EndpointRemoval(key[1], key[0])
    if config.networks is not None:
        for name in _unlisted_networks(config, recorded):
            yield NetworkRemoval(name)
    if config.subinterfaces is not None:
        links = recorded.links.values()
        declared = {item.name: item for item in links if isinstance(item, SubInterface) and item.declared}
        kept = {item.name for item in (*config.subinterfaces, *_no_longer_declared(config, recorded))}
        for sub in reversed(by_depth(declared)):
            if sub.name not in kept:
                yield SubInterfaceRetraction(sub.name)


def _no_longer_declared(config: Config, recorded: Record) -> list[SubInterfaceOptions]:
    """The sub-interfaces that networks still need, as networks create them: what a task had declared of them has no effect any more.

    Without ``replace`` they stay as they were declared.
    """
    if not config.purge or not config.replace or config.subinterfaces is None:
        return []
    listed = {item.name for item in config.subinterfaces}
    networks: t.Iterable[str | None] = [item.parent for item in (recorded.networks.values() if config.networks is None else config.networks)]
    needed = {name for parent in networks if parent is not None for name in names.and_below(parent)} - listed
    needed |= {name for item in config.subinterfaces for name in names.and_below(item.parent)} - listed
    return [
        SubInterfaceOptions(name, _present_base(link, parts.base), parts.vlan_id, replace=True, declared=False)
        for name, link in recorded.links.items()
        if name in needed and isinstance(link, SubInterface) and link.declared and (parts := names.split_subinterface(name)) is not None
    ]


def _present_base(sub: SubInterface, base: str) -> str:
    """The name that the base of a sub-interface has now, if it had another one when the sub-interface was named after it."""
    return sub.parent if base in former_names(sub.parent_link) else base


def _unlisted_networks(config: Config, recorded: Record) -> list[str]:
    return sorted(recorded.networks.keys() - {item.name for item in config.networks or ()})


def check_omission(request: Config, recorded: Record) -> None:
    """Refuse to remove networks whose endpoints are in no list; all of them are named.

    :raises PlanError: a network would go and its endpoints stay
    """
    if not request.purge or request.networks is None or request.endpoints is not None:
        return
    unlisted = _unlisted_networks(request, recorded)
    endpoints_of: dict[str, list[str]] = {}
    for network, name in sorted(recorded.endpoints):
        if network in unlisted and name != HOST_ACCESS:
            endpoints_of.setdefault(network, []).append(name)
    if endpoints_of:
        shown = "; ".join(f"network {network} has the endpoints {', '.join(names_of)}" for network, names_of in endpoints_of.items())
        raise PlanError(
            f"purge: true cannot remove what is not in networks, because endpoints is left out and no endpoint is "
            f"removed then: {shown}; list the networks, or give endpoints (an empty list, [], removes all endpoints)"
        )


def check_new_names(request: Config, recorded: Record) -> None:
    """Refuse to remove an object that is named as the former one of another, which is recorded too.

    :raises PlanError: it would be removed because it is not listed
    """
    listed = {item.ref for item in (*(request.networks or ()), *(request.endpoints or ()))}
    lists = {NETWORK: request.networks, ENDPOINT: request.endpoints}
    known = {*(item.ref for item in recorded.networks.values()), *(item.ref for item in recorded.endpoints.values())}
    for old, new in request.new_names if request.purge else ():
        if old in known and new in known and old not in listed and lists[old.kind] is not None:
            raise PlanError(
                f"{new.title}: renamed_from: {old.title} and {new.title} are both recorded, so the name is not changed, and purge: true "
                f"would remove {old.title}; list {old.title} too, or leave renamed_from out to have it removed"
            )


def _releasing_first(
    endpoints: t.Sequence[EndpointOptions], recorded: Record
) -> list[EndpointOptions]:
    """The endpoints, in an order in which an address is released before it is requested."""
    wanted = {(item.network, item.name): item for item in endpoints}
    holders = {
        (key[0], without_prefix(address)): key
        for key in wanted.keys() & recorded.endpoints.keys()
        for address in recorded.endpoints[key].addresses
    }
    ordered: dict[tuple[str, str], EndpointOptions] = {}
    for first in wanted:
        # Depth first: an endpoint comes after the one that releases its address; cycles keep the order of the list.
        waiting = {first: None}
        while waiting:
            key = next(reversed(waiting))
            asked = [holders.get((key[0], address)) for address in wanted[key].requested]
            waits_for = next((holder for holder in asked if holder and holder not in ordered and holder not in waiting), None)
            if waits_for is not None:
                waiting[waits_for] = None
                continue
            ordered[key] = wanted[key]
            del waiting[key]
    return list(ordered.values())


ObjectRequest = t.Union[
    NetworkOptions,
    NetworkRemoval,
    SubInterfaceOptions,
    SubInterfaceRemoval,
    SubInterfaceRetraction,
    EndpointOptions,
    EndpointRemoval,
]
Request = t.Union[ObjectRequest, Restoration]
AnyRequest = t.Union[Request, Config]
