# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The name servers of namespaces: one file for each, which follows from the endpoints in it. Pure.

The files are brought up to date once, after all requests of a plan.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..errors import PlanError
from ..model.netns import Netns
from ..model.resolver import Dns, ResolverFile, is_our_resolver, resolver_content, resolver_path, shown_resolver
from ..steps.plan import Missing
from ..steps.steps import WriteResolver
from ..values import names
from .mistakes import Mistakes

if t.TYPE_CHECKING:
    from ..model.endpoint import Endpoint
    from ..request.endpoint import EndpointOptions
    from .builder import PlanBuilder


def decided_dns(builder: PlanBuilder, wanted: EndpointOptions, recorded: Endpoint | None) -> Dns | None:
    """The name servers of an endpoint, with whether the folder of their file is ours."""
    if wanted.dns is None:
        return None
    known = [recorded] if recorded is not None and recorded.netns == wanted.netns else []
    known += builder.endpoints_in(wanted.netns)
    recorded_dns = [item.dns for item in known if item.dns is not None]
    present = builder.resolver(wanted.netns.value)
    # A file of ours that no record knows is left of one that was lost; so is its folder, which goes only when it is empty.
    is_ours = any(dns.owns_folder for dns in recorded_dns) if recorded_dns else _is_ours(present)
    return dataclasses.replace(wanted.dns, owns_folder=is_ours or not present.has_folder)


def _is_ours(present: ResolverFile) -> bool:
    return present.content is not None and is_our_resolver(present.content)


def check_dns(builder: PlanBuilder, endpoint: Endpoint) -> None:
    """Refuse name servers beside others for the same namespace, and a file that is not ours.

    :raises PlanError: naming the other endpoint, or the file
    """
    if endpoint.dns is None:
        return
    for other in builder.endpoints_in(endpoint.netns):
        # One that is planned later has by then what its request says.
        theirs = getattr(builder.pending.get(other.ref, other), "dns", None)
        if theirs is not None and theirs.asked != endpoint.dns.asked:
            raise PlanError(
                f"{endpoint.title}: dns: {other.title} has others ({shown_resolver(chr(10).join(theirs.lines))}){endpoint.netns.phrase}, which has "
                f"one file for them, {resolver_path(endpoint.netns.value)}; give both the same, or leave dns out of one of them"
            )
    _check_file(f"{endpoint.title}: dns", endpoint.netns.value, builder.resolver(endpoint.netns.value))


def _check_file(title: str, name: str, present: ResolverFile) -> None:
    path = resolver_path(name)
    if present.content is not None and not is_our_resolver(present.content):
        raise PlanError(
            f"{title}: {path} is there already, and the collection has not written it ({shown_resolver(present.content)}); move it away, "
            f"or leave dns out"
        )


def settle_resolvers(builder: PlanBuilder) -> None:
    """Plan to write or delete the files of the namespaces whose endpoints were planned.

    In a restoration the problem of one does not stop the others.

    :raises PlanError: naming every file that cannot be written
    """
    mistakes = Mistakes("this host")
    for name, endpoint in builder.resolvers_to_settle.items():
        if endpoint.ref in builder.missing:
            continue
        with mistakes:
            try:
                _settle(builder, name, endpoint)
            except PlanError as exc:
                if builder.adopts:
                    raise
                builder.missing[endpoint.ref] = Missing(endpoint.ref, str(exc), None)
    mistakes.check()


def _settle(builder: PlanBuilder, name: str, endpoint: Endpoint) -> None:
    present = builder.resolver(name)
    in_it = [item for item in builder.endpoints_in(Netns("name", name)) if item.netns == Netns("name", name)]
    wanted = next((item.dns for item in in_it if item.dns is not None), None)
    if wanted is None:
        before = [dns for item in builder.recorded.endpoints.values() if item.netns == Netns("name", name) and (dns := item.dns) is not None]
        # A file that no record knows may be that of an endpoint which is not recorded again yet.
        if _is_ours(present) and (before or not in_it):
            _check_writable(f"{endpoint.title}: dns", f"delete {resolver_path(name)}", present)
            with_folder = any(dns.owns_folder for dns in before) or not before
            builder.do(WriteResolver(name, present.content, None, with_folder))
        return
    content = resolver_content(wanted, _tag(builder, name))
    is_foreign = present.content is not None and not is_our_resolver(present.content)
    if content != present.content and not (is_foreign and _gives_up(builder, name, endpoint)):
        _check_file(f"{endpoint.title}: dns", name, present)
        _check_writable(f"{endpoint.title}: dns", f"write {resolver_path(name)}", present)
        builder.do(WriteResolver(name, present.content, content, not present.has_folder))


def _gives_up(builder: PlanBuilder, name: str, endpoint: Endpoint) -> bool:
    """Whether an endpoint wants no name servers in a namespace any more, so that a foreign file there is in the way of others only."""
    after = builder.endpoints.get(endpoint.key)
    return after is None or after.dns is None or after.netns != Netns("name", name)


def _check_writable(title: str, what: str, present: ResolverFile) -> None:
    if present.read_only:
        raise PlanError(
            f"{title}: cannot {what}: {present.read_only} is mounted read-only; make it writable: mount -o remount,rw {present.read_only}, "
            f"or leave dns out"
        )


def _tag(builder: PlanBuilder, name: str) -> str:
    return names.tag(names.netns_id(builder.kernel.host, name))
