# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a run: the objects before and after, the steps, the warnings. Pure: from the plan alone."""

from __future__ import annotations

import typing as t

from ..model.host_view import HostView
from ..model.ref import HOST_ACCESS, Ref
from ..request.endpoint import EndpointOptions
from ..steps.plan import Missing, Plan
from ..values.plain import plain
from .views import Lists, Object, View, by_ref

if t.TYPE_CHECKING:
    from ..request.host import AnyRequest, Request

Objects = dict[Ref, Object]


class Outcome(t.NamedTuple):
    """What a run did, or in check mode would do.

    :ivar shown: the object afterwards, ``{}`` when absent; of a configuration all that is recorded, list by list
    :ivar before: the object before, ``{}`` when absent; of a configuration only what differs
    :ivar after: the same afterwards
    :ivar steps: the steps, one sentence each
    :ivar missing: the objects that a restoration could not create
    :ivar created: whether the object is newly recorded
    :ivar probed: what neighbours were asked about addresses, and have answered; None if there was nothing to ask
    :ivar confirm_within: the seconds within which the change must be confirmed, 0 for a permanent change
    """

    changed: bool
    shown: Object
    before: Object
    after: Object
    steps: tuple[str, ...]
    warnings: tuple[str, ...]
    missing: tuple[Missing, ...] = ()
    created: bool = False
    confirm_within: int = 0
    probed: Object | None = None


def outcome_of(
    request: AnyRequest,
    worked_in: t.Sequence[Request],
    plan: Plan,
    before: HostView,
    warnings: tuple[str, ...],
    former: t.Mapping[Ref, Ref] | None = None,
) -> Outcome:
    """The outcome of a plan.

    :param worked_in: the single requests of the request
    :param before: record and kernel before the plan
    :param warnings: the warnings of the run itself, which come first
    :param former: new identity → former identity, of the objects that get a new name
    """
    # Drift of removed objects does not matter.
    drifted = _drifted(before, {item.subject for item in worked_in if item.subject is not None and item.declares}, plan.right)
    unforeseen = {
        (item.network, item.name): item
        for item in worked_in
        if isinstance(item, EndpointOptions) and (item.network, item.name) not in plan.after.endpoints
    }
    old, new = View(before), View(plan.outcome, plan.leases, unforeseen)
    subject = request.subject
    if subject is None:
        everything = new.everything(None, None)
        difference = _by_title(*_differences(old, everything, drifted, plan)) if plan.changed or drifted else ({}, {})
    else:
        everything = new.object(subject)
        difference = _with_drift(old.object((former or {}).get(subject, subject)), drifted.get(subject, [])), everything
        difference = _with_others(difference[0], plan, subject, difference[0] != everything), everything
    interrupted = {"interrupts": [ref.title for ref in plan.interrupted]} if plan.interrupted else {}
    return Outcome(
        changed=plan.changed,
        shown=everything,
        before={**difference[0], **interrupted},
        after=difference[1],
        steps=tuple(step.describe() for step in plan.steps),
        warnings=warnings + plan.warnings,
        missing=plan.missing,
        created=bool(unforeseen)
        or any(
            getattr(plan.after, kind).keys() - getattr(plan.before, kind).keys()
            for kind in ("networks", "links", "endpoints")
        ),
    )


def _drifted(before: HostView, described: set[Ref], right: t.Collection[Ref]) -> dict[Ref, list[Object]]:
    """What differs of the objects that a plan describes; nothing is compared for those that it has found right."""
    drifted: dict[Ref, list[Object]] = {}
    if not described.issubset(right):
        from .drift import drift_of

        for item in drift_of(before, described, right):
            drifted.setdefault(item.ref, []).append(item.shown_of_object)
    return drifted


def _with_drift(shown: Object, drifted: list[Object]) -> Object:
    """Show drift in the difference: the record may stay unchanged while the kernel is repaired."""
    return {**shown, "drift": drifted} if shown and drifted else shown


def _recorded_changes(plan: Plan) -> t.Iterator[tuple[Ref, str, t.Any, t.Any]]:
    """(object, field, old value, new value) of all changes of the record, for objects that stay."""
    for kind in ("links", "networks", "endpoints"):
        before, after = getattr(plan.before, kind), getattr(plan.after, kind)
        for key in before.keys() & after.keys() if before != after else ():
            old, new = before[key], after[key]
            if old != new:
                was, will = plain(old), plain(new)
                called = new.OPTIONS if kind == "endpoints" else {}
                # The routes of the host follow from the endpoints, which are told.
                hidden = ("parent_link", "routes") if old.ref.name == HOST_ACCESS else ("parent_link",)
                yield from (
                    (new.ref, called.get(field, field), was[field], will[field])
                    for field in will
                    if was[field] != will[field] and field not in hidden
                )


def _with_others(shown: Object, plan: Plan, ref: Ref, is_seen: bool) -> Object:
    """Show changes of the record of other objects too, and of fields of its own that results do not have.

    :param is_seen: whether the difference already shows the change of its own object
    """
    others = [
        {"object": changed.title, "field": field, "before": before, "after": after}
        for changed, field, before, after in sorted(_recorded_changes(plan), key=lambda item: (item[0].title, item[1]))
        if changed != ref or not is_seen
    ]
    return {**shown, "also_changes": others} if shown and others else shown


def _differences(old: View, everything: Lists, drifted: dict[Ref, list[Object]], plan: Plan) -> tuple[Objects, Objects]:
    """The differences, before and after; with changes of the record that results do not have."""
    before, after = by_ref(old.everything(None, None)), by_ref(everything)
    before = {ref: _with_drift(item, drifted.get(ref, [])) for ref, item in before.items()}
    was, will = _without_equals(before, after), _without_equals(after, before)
    seen = was.keys() | will.keys()
    for ref, field, old_value, new_value in _recorded_changes(plan):
        if ref not in seen:
            was[ref] = {**was.get(ref, {}), field: old_value}
            will[ref] = {**will.get(ref, {}), field: new_value}
    return was, will


def _without_equals(these: Objects, others: Objects) -> Objects:
    return {ref: item for ref, item in these.items() if others.get(ref) != item}


def _by_title(was: Objects, will: Objects) -> tuple[Object, Object]:
    """The same by titles instead of identities, for people."""
    return {ref.title: item for ref, item in was.items()}, {ref.title: item for ref, item in will.items()}
