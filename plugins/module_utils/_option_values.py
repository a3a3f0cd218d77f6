# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Report wrong values of options, even if other options have wrong types."""

from __future__ import annotations

import typing as t

from ansible.module_utils import errors
from ansible.module_utils.common import arg_spec

from ansible_collections.fleetnet.macvlan.plugins.module_utils._argspecs import config_items, config_lists
from ansible_collections.fleetnet.macvlan.plugins.module_utils._option_messages import messages_of
from ansible_collections.fleetnet.macvlan.plugins.module_utils._option_types import Params, read_types
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import MissingLibraryError, OptionsError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.endpoint import endpoint_options
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.host import Config, config_options, item_title
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.network import network_options
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.subinterface import subinterface_options

ReadOptions = t.Callable[[t.Mapping[str, t.Any]], object]


def config_request(params: Params) -> Config:
    """The request of a macvlan_config task.

    :raises OptionsError: options are wrong; all of them are named
    """
    return config_options(config_params(params))


def config_params(params: Params) -> dict[str, t.Any]:
    """The parameters of macvlan_config, with items as the modules of single objects get them.

    :raises OptionsError: an item has an unknown or missing option, or one of a wrong type; all of them are named, and what is
        wrong with the values of other options
    """
    validated = dict(params)
    mistyped = read_types(config_lists(), params)[1]
    for option in config_items():
        # A list that is left out stays None, which purge distinguishes from an empty one.
        if isinstance(params.get(option), list):
            read = [_read_item(option, item) for item in params[option] if isinstance(item, dict)]
            validated[option] = [item for item, dummy in read]
            mistyped += [problem for dummy, type_problems in read for problem in type_problems]
    if mistyped:
        check_config(params)
    return validated


def check_config(params: Params) -> None:
    """Check the lists of macvlan_config, as far as each item can be checked by itself.

    :raises OptionsError: naming what is wrong with types and values, in the order of the lists
    """
    problems = read_types(config_lists(), params)[1]
    for option, (spec, dummy) in config_items().items():
        for position, item in enumerate(params[option] if isinstance(params.get(option), list) else ()):
            if not isinstance(item, dict):
                continue
            dummy, type_problems = _read_item(option, item)
            # A name of a wrong type does not identify the item, and has its own sentence.
            named = isinstance(item.get("name"), str)
            title = item_title(option, position, item if named else {})
            problems += [f"{title}: {problem}" for problem in (*type_problems, *value_problems(spec, item))]
    if problems:
        raise OptionsError([*problems, *_advice_for_results(params)])


# Fields of results that no option has.
_OF_RESULTS = frozenset(("id", "used_by"))


def _advice_for_results(params: Params) -> t.Iterator[str]:
    """Yield what to give instead, if items are results of a module."""
    lists = [option for option in config_items() if isinstance(params.get(option), list)]
    given = [option for option in lists if any(isinstance(item, dict) and _OF_RESULTS & item.keys() for item in params[option])]
    if given:
        yield (
            f"{', '.join(given)}: results of a module are not its options; macvlan_info returns the same objects as options under "
            f"config, such as config.{given[0]}"
        )


def _read_item(option: str, item: Params) -> tuple[dict[str, t.Any], list[str]]:
    """Read an item of a list of macvlan_config as the module of its object gets it; return it and the problems of its types."""
    spec, rules = config_items()[option]
    read, problems = read_types(spec, item)
    result = arg_spec.ArgumentSpecValidator(spec, **rules).validate(read)
    return result.validated_parameters, [*problems, *messages_of(result.errors, spec, item)]


def value_problems(spec: Params, params: Params) -> list[str]:
    """Return the problems of the values of all options that have right types.

    Options that depend on each other are all left out if one of them is wrong, so that no problem is reported
    that another value of that one would solve.
    """
    wrong = {option for option in params if option in spec and _is_wrong(option, spec[option], params[option])}
    sound = {option: params[option] for option in params if option in spec and option not in wrong and params[option] is not None}
    if "vlan_id" in spec:
        read: ReadOptions = subinterface_options
        if wrong & {"name", "parent", "vlan_id"} or not _says_which_link(sound):
            sound = {**_without(sound, "parent", "vlan_id"), "name": "eth0.1"}
    elif "netns" in spec:
        read = endpoint_options
        namespace_options = ("netns", "netns_path", "pid")
        if wrong & set(namespace_options) or sum(option in sound for option in namespace_options) > 1:
            sound = {**_without(sound, *namespace_options), "netns": "x"}
        sound = {**({"ifname": "x"} if "ifname" in wrong else {}), "name": "x", "network": "x", **sound}
    else:
        read = network_options
        # Without an inferred gateway, fewer problems are possible.
        sound = {**({"internal": True} if wrong & {"internal", "parent"} else {}), "name": "x", **sound}
    try:
        read(arg_spec.ArgumentSpecValidator(spec).validate(sound).validated_parameters)
    except OptionsError as exc:
        return list(exc.problems)
    except MissingLibraryError:
        pass
    return []


def _without(params: Params, *names: str) -> dict[str, t.Any]:
    return {option: value for option, value in params.items() if option not in names}


def _says_which_link(params: Params) -> bool:
    """Whether the given options identify a sub-interface."""
    return "vlan_id" in params if "parent" in params else "name" in params and "vlan_id" not in params


def _is_wrong(option: str, about: t.Mapping[str, t.Any], value: t.Any) -> bool:
    """Whether a value cannot be checked because its type is wrong; unknown options in it do not matter."""
    if read_types({option: about}, {option: value})[1]:
        return True
    type_problems = arg_spec.ArgumentSpecValidator({option: about}).validate({option: value}).errors
    return not all(isinstance(error, errors.UnsupportedError) for error in type_problems)


def check_object(spec: Params, params: Params) -> None:
    """Check the values of a single-object module whose types or options are wrong already.

    :raises OptionsError: naming what is wrong with them
    """
    # For state=absent only the name matters.
    problems = value_problems(spec, params) if params.get("state", "present") == "present" else []
    if problems:
        raise OptionsError(problems)
