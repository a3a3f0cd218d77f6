# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what a survey has asked for: one line of text for whatever the modules take as a list or dictionary."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

DOCUMENTATION = r"""
name: job_answers
short_description: Answers of a survey as options of the modules
version_added: 1.0.0
description:
  - Reads the variables of a job of the role P(fleetnet.macvlan.macvlan_job#role), which a survey asks for.
  - One that is empty, or blank, counts as left out. The others are validated against the argument specification of the
    job, and texts that stand for a list or a dictionary are taken apart.
  - Values are not looked at beyond that; whether they make sense is up to the modules.
author:
  - The fleetnet.macvlan authors (@fleetnet)
positional: _input, specification
options:
  _input:
    description:
      - The variables with their values. Those that the specification does not name are ignored.
    type: dict
    required: true
  specification:
    description:
      - The options of an entry point, as a role has them in C(meta/argument_specs.yml).
    type: dict
    required: true
seealso:
  - plugin: fleetnet.macvlan.macvlan_job
    plugin_type: role
"""

EXAMPLES = r"""
- name: See what becomes of a text
  ansible.builtin.debug:
    msg: "{{ {'macvlan_job_endpoint_routes': '10.0.0.0/8 via 192.0.2.9'} | fleetnet.macvlan.job_answers(options) }}"
  vars:
    options:
      macvlan_job_endpoint_routes:
        type: str
"""

RETURN = r"""
_value:
  description: What was understood, and what was not.
  type: dict
  contains:
    answers:
      description:
        - Variables that were given or have a default, without the prefix C(macvlan_job_), and their values as the
          modules take them.
        - The texts that say something about subnets are in the items of C(network_subnets).
      type: dict
      returned: always
    problems:
      description: One sentence for each thing that is missing or cannot be understood.
      type: list
      elements: str
      returned: always
  sample:
    answers:
      endpoint_routes:
        - to: 10.0.0.0/8
          via: 192.0.2.9
    problems: []
"""

PREFIX = "macvlan_job_"
SUBNETS = f"{PREFIX}network_subnets"
GATEWAYS = f"{PREFIX}network_gateways"
RANGES = f"{PREFIX}network_ip_ranges"
AUX = f"{PREFIX}network_aux_addresses"

Item = dict[str, t.Any]


class ItemError(ValueError):
    """What is wrong with one item of a text."""


def job_answers(variables: t.Any, specification: t.Any) -> Item:
    """See DOCUMENTATION."""
    for value in (variables, specification):
        if not isinstance(value, t.Mapping):
            raise AnsibleFilterError(f"job_answers takes dictionaries, not {type(value).__name__}")
    given = {name: variables[name] for name in specification if not _is_blank(variables.get(name))}
    validated = ArgumentSpecValidator(specification).validate(given)
    problems = list(validated.error_messages)
    if problems:
        return {"answers": {}, "problems": problems}
    texts = {name: value for name, value in validated.validated_parameters.items() if value is not None}
    answers = {name: _read(name, text, problems) for name, text in texts.items() if name not in (GATEWAYS, RANGES, AUX)}
    if not problems:
        _match(answers.get(SUBNETS, []), texts, problems)
    return {"answers": {name[len(PREFIX) :]: value for name, value in answers.items()}, "problems": problems}


def _is_blank(value: t.Any) -> bool:
    return value is None or isinstance(value, str) and not value.strip()


def _read(name: str, text: t.Any, problems: list[str]) -> t.Any:
    """The value of a variable; most are neither a list nor a dictionary."""
    if name in LISTS:
        return list(_each(name, text, LISTS[name], problems))
    if name in DICTIONARIES:
        return _joined(name, _each(name, text, _pair, problems), problems)
    return text.strip() if isinstance(text, str) else text


def _each(name: str, text: str, reader: t.Callable[[str], t.Any], problems: list[str]) -> t.Iterator[t.Any]:
    """What the items of a text say, for those that can be understood."""
    for item in filter(None, map(str.strip, text.split(","))):
        try:
            yield reader(item)
        except ValueError as problem:
            problems.append(f"{name}: {problem}")


def _joined(name: str, pairs: t.Iterable[tuple[str, str]], problems: list[str]) -> dict[str, str]:
    """A dictionary of pairs, none of whose keys is there twice."""
    result: dict[str, str] = {}
    for key, value in pairs:
        if key in result:
            problems.append(f"{name}: {key} is there twice")
        result[key] = value
    return result


# --- items ----------------------------------------------------------------------------------------------------------


def _pair(item: str) -> tuple[str, str]:
    key, sign, value = (part.strip() for part in item.partition("="))
    if not key or not sign or not value:
        raise ItemError(f"'{item}' is not NAME=VALUE")
    return key, value


def _route(item: str) -> Item:
    to, *words = item.split()
    form = "TO via GATEWAY metric NUMBER, of which only TO has to be there"
    return {"to": to, **_words(item, words, form, via=str, metric=int)}


def _pool(item: str) -> Item:
    base, *words = item.split()
    form = "BASE size LENGTH"
    found = _words(item, words, form, size=int)
    if not found:
        raise ItemError(f"'{item}' is not {form}")
    return {"base": base, **found}


def _words(item: str, words: list[str], form: str, **kinds: t.Callable[[str], t.Any]) -> Item:
    """Words that go in pairs, each pair at most once."""
    found: Item = {}
    for key, value in zip(words[::2], words[1::2]):
        if key in kinds and key not in found:
            try:
                found[key] = kinds[key](value)
            except ValueError:
                raise ItemError(f"'{item}': {key} {value} is not a whole number") from None
    if len(words) != 2 * len(found):
        raise ItemError(f"'{item}' is not {form}")
    return found


def _subnet(item: str) -> Item:
    _block(item)
    return {"subnet": item}


LISTS: dict[str, t.Callable[[str], t.Any]] = {
    SUBNETS: _subnet,
    f"{PREFIX}network_address_pools": _pool,
    f"{PREFIX}endpoint_routes": _route,
}
DICTIONARIES = [f"{PREFIX}{name}" for name in ("network_labels", "endpoint_sysctls", "endpoint_labels")]

# --- what belongs to which subnet -----------------------------------------------------------------------------------


def _match(subnets: list[Item], texts: Item, problems: list[str]) -> None:
    """Put gateways, ranges and aux addresses where they belong, which is the subnet that has them inside."""

    def place(name: str, item: str, address: str) -> Item | None:
        try:
            return _subnet_of(subnets, address)
        except ValueError as problem:
            problems.append(f"{name}: '{item}' {problem}")
            return None

    gateways = list(_each(GATEWAYS, texts.get(GATEWAYS, ""), str, problems))
    for name, option, items in (
        (GATEWAYS, "gateway", [item for item in gateways if item.lower() != "none"]),
        (RANGES, "ip_range", list(_each(RANGES, texts.get(RANGES, ""), str, problems))),
    ):
        for item in items:
            # A range is where its first address is.
            first = item.partition("-")[0].partition("/")[0].strip() if name == RANGES else item
            subnet = place(name, item, first)
            if subnet is not None and option in subnet:
                problems.append(f"{name}: '{subnet[option]}' and '{item}' are both in {subnet['subnet']}")
            elif subnet is not None:
                subnet[option] = item
    if any(item.lower() == "none" for item in gateways):
        for subnet in subnets:
            subnet.setdefault("gateway", "none")
    for key, address in _each(AUX, texts.get(AUX, ""), _pair, problems):
        subnet = place(AUX, f"{key}={address}", address)
        if subnet is not None and key in subnet.setdefault("aux_addresses", {}):
            problems.append(f"{AUX}: {key} is there twice in {subnet['subnet']}")
        elif subnet is not None:
            subnet["aux_addresses"][key] = address


def _subnet_of(subnets: list[Item], text: str) -> Item:
    """The subnet that an address is in.

    :raises ValueError: it is none, or is in none of them
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise ItemError("is not an IP address") from None
    for subnet in subnets:
        if address in _block(subnet["subnet"]):
            return subnet
    raise ItemError(f"is in none of the subnets of {SUBNETS}")


def _block(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """A subnet; host bits are the module's to clear, which it does with a warning."""
    try:
        if "/" in text:
            return ipaddress.ip_network(text, strict=False)
    except ValueError:
        pass
    raise ItemError(f"'{text}' is not a subnet such as 192.0.2.0/24")


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"job_answers": job_answers}
