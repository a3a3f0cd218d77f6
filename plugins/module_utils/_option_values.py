# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with options beside their types, each looked at although others are wrong."""

from __future__ import annotations

import typing as t

from ansible.module_utils import errors
from ansible.module_utils.common import arg_spec

from ansible_collections.fleetnet.macvlan.plugins.module_utils._argspecs import config_items, config_lists
from ansible_collections.fleetnet.macvlan.plugins.module_utils._option_types import Params, messages_of, read_types
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import MissingLibraryError, OptionsError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.endpoint import endpoint_options
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.host import Config, config_options, item_title
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.network import network_options
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.subinterface import subinterface_options

ReadOptions = t.Callable[[t.Mapping[str, t.Any]], object]


def config_request(params: Params) -> Config:
    """What macvlan_config is asked for.

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
        # A list that is left out is none, which purge does not take for an empty one.
        if isinstance(params.get(option), list):
            read = [_read_item(option, item) for item in params[option] if isinstance(item, dict)]
            validated[option] = [item for item, dummy in read]
            mistyped += [problem for dummy, type_problems in read for problem in type_problems]
    if mistyped:
        check_config(params)
    return validated


def check_config(params: Params) -> None:
    """Look at all that can be seen of the lists of macvlan_config, as far as single items go.

    :raises OptionsError: naming what is wrong with types and values, in the order of the lists
    """
    problems = read_types(config_lists(), params)[1]
    for option, (spec, dummy) in config_items().items():
        for position, item in enumerate(params[option] if isinstance(params.get(option), list) else ()):
            if not isinstance(item, dict):
                continue
            dummy, type_problems = _read_item(option, item)
            # A name of a wrong type says nothing about the item, and stands in a sentence of its own.
            named = isinstance(item.get("name"), str)
            title = item_title(option, position, item if named else {})
            problems += [f"{title}: {problem}" for problem in (*type_problems, *value_problems(spec, item))]
    if problems:
        raise OptionsError(problems)


def _read_item(option: str, item: Params) -> tuple[dict[str, t.Any], list[str]]:
    """An item of a list of macvlan_config as the module of its object gets it, and what is wrong with its types."""
    spec, rules = config_items()[option]
    read, problems = read_types(spec, item)
    result = arg_spec.ArgumentSpecValidator(spec, **rules).validate(read)
    return result.validated_parameters, [*problems, *messages_of(result.errors, spec, item)]


def value_problems(spec: Params, params: Params) -> list[str]:
    """What is wrong with the values of those options that have right types, whatever is wrong with others.

    Options that say something together are all left out as soon as one of them is wrong, so that nothing is told
    which another value of that one would make right.
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
        # Without a gateway that is inferred, less can be wrong.
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
    """Whether the options of a sub-interface that name it are those that name it together."""
    return "vlan_id" in params if "parent" in params else "name" in params and "vlan_id" not in params


def _is_wrong(option: str, about: t.Mapping[str, t.Any], value: t.Any) -> bool:
    """Whether a value is none that could be looked at; unknown options in it do not matter."""
    if read_types({option: about}, {option: value})[1]:
        return True
    type_problems = arg_spec.ArgumentSpecValidator({option: about}).validate({option: value}).errors
    return not all(isinstance(error, errors.UnsupportedError) for error in type_problems)


def check_object(spec: t.Callable[[], dict[str, t.Any]]) -> t.Callable[[Params], None]:
    """What looks at the values of the module of a single object, with which something is wrong already."""

    def check_values(params: Params) -> None:
        # Of what shall be gone only the name matters.
        problems = value_problems(spec(), params) if params.get("state", "present") == "present" else []
        if problems:
            raise OptionsError(problems)

    return check_values
