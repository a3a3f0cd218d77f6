# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A link option is declared once, and is then read, recorded, compared, set and shown: those that there are, and two that no kernel has."""

from __future__ import annotations

import dataclasses
import json

import pytest

from ansible_collections.fleetnet.macvlan.plugins.module_utils import _argspecs, _option_types
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.compare.needs import needs_of_everything
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError, PlanError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.host_view import HostView
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.link_options import LINK_OPTIONS
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.model.network import Network
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.plan.needs import needs_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.host import Restoration
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.subinterface import (
    SubInterfaceRetraction,
)
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.drift import drift_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.result.views import View
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.steps import AddLink
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.steps.stored import from_plain, to_plain
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import validators
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values.plain import plain
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.wire import ask, pack, parse
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.wire.kinds import MACVLAN, MACVTAP, Details
from ansible_collections.fleetnet.macvlan.tests.unit.builders import (
    BLUE_PATH,
    INVENTED,
    INVENTED_OF_PARENT,
    Host,
    configuration,
    endpoint,
    invented_link_options,
    network,
    no_endpoint,
    no_network,
    no_subinterface,
    said,
    subinterface,
)

pytestmark = pytest.mark.engine

OPTIONS = {**LINK_OPTIONS, INVENTED.name: INVENTED, INVENTED_OF_PARENT.name: INVENTED_OF_PARENT}
OF_PARENT = [name for name, option in OPTIONS.items() if option.of_parent]
OF_LINK = [name for name in OPTIONS if name not in OF_PARENT]
every_option = pytest.mark.parametrize("name", OPTIONS)
of_parent = pytest.mark.parametrize("name", OF_PARENT)
WHERE = "eth0 in namespace blue"


@pytest.fixture(autouse=True, scope="module")
def _invented():
    with invented_link_options():
        yield


def wanted(name):
    """A value that no link has by itself."""
    return OPTIONS[name].highest - 1


def prepared(*requests):
    host = Host()
    for request in requests:
        host.run(request)
    return host


def refused(host, *requests):
    with pytest.raises(PlanError) as caught:
        host.plan(*requests)
    return str(caught.value)


def drift(host):
    return [(item.ref.title, item.field, item.recorded, item.actual) for item in drift_of(HostView(host.record, host.kernel))]


def options_of_link(host):
    return host.link("eth0", BLUE_PATH).link_options


def lacks(host, *names):
    """From now on the kernel does not have these."""
    host.kernel = dataclasses.replace(host.kernel, missing_link_options=frozenset(names))


# --- as an option ---------------------------------------------------------------------------------------------------


@every_option
def test_it_is_an_option_of_networks_and_a_wrong_type_is_told_with_a_right_value(name):
    for spec in (_argspecs.network_argspec(), _argspecs.config_items()["networks"][0]):
        assert spec[name] == {"type": "int"}
        dummy, (problem,) = _option_types.read_types({name: spec[name]}, {name: "many"})
        assert problem.startswith(f"{name}: 'many' is text") and f"such as {name}: {OPTIONS[name].default}" in problem


@every_option
def test_its_lowest_and_highest_values_are_read_and_those_beyond_are_refused(name):
    option = OPTIONS[name]
    for value in (option.lowest, option.highest, option.default):
        assert network(**{name: value}).link_options == {name: value}
    assert network().link_options == network(**{name: None}).link_options == {}
    for value in (option.lowest - 1, option.highest + 1):
        with pytest.raises(OptionsError, match=f"{name} must be from {option.lowest} to {option.highest}, not {value}"):
            network(**{name: value})


def test_no_two_have_a_name_or_an_attribute_in_common():
    assert {name: option.name for name, option in OPTIONS.items()} == {name: name for name in OPTIONS}
    assert len({option.attribute for option in OPTIONS.values()}) == len(OPTIONS)
    assert all(option.lowest <= option.default <= option.highest for option in OPTIONS.values())


# --- as a record ----------------------------------------------------------------------------------------------------


@every_option
def test_it_is_recorded_and_read_again(name):
    stored = json.loads(json.dumps(plain(prepared(network(**{name: wanted(name)})).record.networks["lan"])))
    assert Network.from_plain(stored).link_options == {name: wanted(name)}
    for value in (OPTIONS[name].highest + 1, OPTIONS[name].lowest - 1, "5", None, True, 1.5):
        with pytest.raises(ValueError, match="link_options"):
            Network.from_plain({**stored, "link_options": {name: value}})


def test_a_record_of_an_older_release_has_none_and_one_of_a_newer_is_known_as_such():
    stored = plain(prepared(network()).record.networks["lan"])
    del stored["link_options"]
    assert Network.from_plain(stored).link_options == {}
    with pytest.raises(validators.UnknownError):
        Network.from_plain({**stored, "link_options": {"of_tomorrow": 5}})
    with pytest.raises(ValueError, match="link_options"):
        Network.from_plain({**stored, "link_options": []})


@every_option
def test_its_steps_are_stored_in_the_journal_and_read_again(name):
    host = prepared(network(**{name: wanted(name)}))
    (made,) = [step for step in host.run(endpoint()).steps if isinstance(step, AddLink)]
    (changed,) = host.plan(network(**{name: OPTIONS[name].lowest})).steps[1:]
    for step in (made, changed, *changed.inverse()):
        assert from_plain(json.loads(json.dumps(to_plain(step)))) == step
    other = {**to_plain(changed), "old": -(2**31) if OPTIONS[name].is_signed else 2**32 - 1}
    assert to_plain(from_plain(json.loads(json.dumps(other)))) == other
    with pytest.raises(ValueError, match=f"changes {name}"):
        from_plain({**to_plain(changed), "new": 2**32})


# --- on the wire ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [MACVLAN, MACVTAP], ids=lambda kind: kind.name)
@every_option
def test_it_is_packed_and_parsed(name, kind):
    packed_alike = dataclasses.replace(kind, pack=MACVLAN.pack)
    for value in (OPTIONS[name].lowest, OPTIONS[name].highest, OPTIONS[name].default):
        made = parse.parse_link(pack.add_link(packed_alike, "eth0", 2, Details("bridge", link_options={name: value})).body)
        assert (made.mode, made.link_options) == ("bridge", {name: value})
        with_name = ask.get_link("eth0").body[16:28]
        changed = parse.parse_link(pack.set_link_option(packed_alike, 7, name, value).body + with_name)
        assert (changed.index, changed.mode, changed.link_options) == (7, None, {name: value})


# --- on a host ------------------------------------------------------------------------------------------------------


@every_option
def test_a_new_link_has_it_from_the_first(name):
    host = prepared(network(**{name: wanted(name)}))
    assert not [step for step in host.sentences(endpoint()) if name in step]
    assert options_of_link(host) == {name: wanted(name)}
    assert drift(host) == []
    assert not host.plan(network(**{name: wanted(name)}), endpoint()).changed


@every_option
def test_it_changes_in_place(name):
    host = prepared(network(), endpoint())
    change = [f"change {name} of network lan", f"change {name} of {WHERE} from {OPTIONS[name].default} to {wanted(name)}"]
    assert host.sentences(network(**{name: wanted(name)})) == change
    assert options_of_link(host)[name] == wanted(name)
    assert not host.plan(network(**{name: wanted(name)})).changed


@every_option
def test_without_it_a_link_keeps_what_it_has_and_that_is_no_drift(name):
    host = prepared(network(), endpoint())
    host.change("eth0", BLUE_PATH, link_options={name: wanted(name)})
    assert drift(host) == []
    assert not host.plan(network(), endpoint(), Restoration()).changed


@every_option
def test_when_it_is_taken_from_a_task_the_default_of_the_kernel_comes_back_once(name):
    host = prepared(network(**{name: wanted(name)}), endpoint())
    back = f"change {name} of {WHERE} from {wanted(name)} to {OPTIONS[name].default}"
    assert host.sentences(network()) == [f"change {name} of network lan", back]
    host.change("eth0", BLUE_PATH, link_options={name: wanted(name)})
    assert not host.plan(network(), endpoint(), Restoration()).changed


@pytest.mark.parametrize("request_", ["network", "endpoint", "restoration"])
@every_option
def test_what_another_program_made_of_it_is_drift_that_each_request_repairs(name, request_):
    host = prepared(network(**{name: wanted(name)}), endpoint())
    host.change("eth0", BLUE_PATH, link_options={})
    default = OPTIONS[name].default
    assert drift(host) == [("endpoint lan/web", name, wanted(name), default)]
    repair = {"network": network(**{name: wanted(name)}), "endpoint": endpoint(), "restoration": Restoration()}[request_]
    assert host.sentences(repair) == [f"change {name} of {WHERE} from {default} to {wanted(name)}"]
    assert drift(host) == []


@every_option
def test_a_removal_that_is_undone_makes_the_link_with_it(name):
    host = prepared(network(**{name: wanted(name)}), endpoint())
    restored = [back for step in host.plan(no_endpoint()).steps for back in step.inverse() if isinstance(back, AddLink)]
    assert [step.link.link_options for step in restored] == [{name: wanted(name)}]


@every_option
def test_results_show_it(name):
    host = prepared(network(), network("other", parent="eth1", subnets=["10.9.0.0/24"], **{name: wanted(name)}))
    view = View(HostView(host.record, host.kernel))
    assert (view.network("lan")[name], view.network("other")[name]) == (None, wanted(name))
    assert "link_options" not in view.network("lan")


# --- a kernel without it --------------------------------------------------------------------------------------------


@every_option
def test_a_kernel_that_does_not_have_it_refuses_it_with_the_release_that_does(name):
    host = Host()
    lacks(host, name)
    release = ".".join(map(str, OPTIONS[name].since))
    assert refused(host, network(**{name: wanted(name)})) == (
        f"network lan: {name} cannot be set to {wanted(name)}: this kernel does not have that option of macvlan links; "
        f"Linux {release} or newer is needed; boot such a kernel, or leave {name} out of the task"
    )


@every_option
def test_what_is_recorded_from_a_newer_kernel_is_neither_drift_nor_set(name):
    """After a boot with an older kernel the endpoints come back all the same."""
    host = prepared(network(**{name: wanted(name)}), endpoint())
    host.change("eth0", BLUE_PATH, link_options={})
    lacks(host, name)
    assert drift(host) == []
    assert not host.plan(endpoint(), Restoration()).changed


@every_option
def test_only_values_that_are_not_the_default_ask_for_a_kernel_that_has_it(name):
    for value, asked in ((wanted(name), {name}), (OPTIONS[name].default, set())):
        request = network(**{name: value})
        host = prepared(request)
        assert needs_of([request], Host().record).link_options == asked
        assert needs_of([endpoint()], host.record).link_options == asked
        assert needs_of([endpoint(network="another")], host.record).link_options == set()
        # No link has the options of a network without endpoints.
        assert needs_of([Restoration()], host.record).link_options == set()
        assert needs_of_everything(host.record).link_options == set()
        host.run(endpoint())
        assert needs_of([subinterface("eth0.50")], host.record).link_options == asked
        for removal in (no_endpoint(), no_network(), no_subinterface("eth0.50"), SubInterfaceRetraction("eth0.50")):
            assert needs_of([removal], host.record).link_options == set()
        assert needs_of([Restoration()], host.record).link_options == asked
        assert needs_of_everything(host.record).link_options == asked


# --- what the kernel has once for a parent --------------------------------------------------------------------------

BESIDE = {"name": "other", "subnets": ["10.9.0.0/24"], "allow_shared_parent": True}


@of_parent
def test_two_networks_on_a_parent_have_one_value(name):
    host = prepared(network(**{name: 5}))
    message = refused(host, network(**BESIDE, **{name: 6}))
    assert message.startswith(f"network other: {name} cannot be set to 6: network lan is on eth0 too and has {name} 5, ")
    assert host.plan(network(**BESIDE, **{name: 5})).changed
    assert host.plan(network(**BESIDE)).changed


@of_parent
def test_both_can_change_it_in_one_task(name):
    host = prepared(network(**{name: 5}), network(**BESIDE, **{name: 5}))
    assert "has" in refused(host, network(**{name: 6}))
    host.run(configuration(network(**{name: 6}), network(**BESIDE, **{name: 6})))
    assert [item.link_options for item in host.record.networks.values()] == [{name: 6}, {name: 6}]
    host.run(configuration(network(**{name: 7}), network(**BESIDE)))
    assert [item.link_options for item in host.record.networks.values()] == [{name: 7}, {}]


@of_parent
def test_one_that_no_longer_asks_leaves_it_to_the_other(name):
    host = prepared(network(**{name: 5}), network(**BESIDE, **{name: 5}), endpoint())
    assert host.sentences(network()) == [f"change {name} of network lan"]
    host.run(no_network("other"))
    host.run(network(**{name: 5}))
    assert f"change {name} of {WHERE} from 5 to {OPTIONS[name].default}" in host.sentences(network())


@pytest.mark.parametrize("name", OF_LINK)
def test_of_what_each_link_has_for_itself_networks_on_a_parent_have_values_of_their_own(name):
    host = prepared(network(**{name: 5}))
    assert host.plan(network(**BESIDE, **{name: 6})).changed


def test_several_are_independent_of_each_other():
    names = list(OPTIONS)[:2]
    host = prepared(network(**{names[0]: 5, names[1]: 6}), endpoint())
    assert said(host.plan(network(**{names[1]: 7}))) == [
        f"change {names[0]}, {names[1]} of network lan",
        f"change {names[0]} of {WHERE} from 5 to {OPTIONS[names[0]].default}",
        f"change {names[1]} of {WHERE} from 6 to 7",
    ]
