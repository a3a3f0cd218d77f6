# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the answers of a survey: one line of text for each option that the modules take as a list or dictionary.

Nothing of ansible.errors in here: it would make every module that is run in the same process think it is a controller.
"""

from __future__ import annotations

import collections
import ipaddress
import re
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult
from ansible.module_utils.common.validation import check_type_bool

PREFIX = "macvlan_job_"
SUBNETS = f"{PREFIX}network_subnets"
GATEWAYS = f"{PREFIX}network_gateways"
RANGES = f"{PREFIX}network_ip_ranges"
AUX = f"{PREFIX}network_aux_addresses"
EXCLUDE = f"{PREFIX}network_exclude"
# Names the variable of the inventory that has RANGES of a host; the role has looked it up.
RANGES_FROM = f"{RANGES}_from"
# Texts about subnets, which are in the items of the subnets afterwards.
PARTS = (GATEWAYS, RANGES, AUX, EXCLUDE)
DNS = f"{PREFIX}endpoint_dns"
IN_HOST = f"{PREFIX}endpoint_in_host"
NAMESPACES = tuple(f"{PREFIX}endpoint_{name}" for name in ("netns", "netns_path", "pid"))
HINTS = {
    f"{PREFIX}endpoint_pid": "the name of a container or service is no process id: look it up first, "
    "with docker inspect, podman inspect or systemctl show --property MainPID"
}

Item = dict[str, t.Any]
# Variable → what is wrong with it.
Problems = collections.defaultdict[str, list[str]]


class ItemError(ValueError):
    """The problem of one item of a text."""


def read_answers(
    variables: t.Mapping[str, t.Any], specification: t.Mapping[str, t.Any], inventory: t.Mapping[str, t.Any] | None = None
) -> Item:
    """Return the answers, under "answers", and a sentence for each missing or invalid one, under "problems".

    :param variables: the given variables; blank texts count as left out
    :param specification: the options of an entry point, as in an argument specification
    :param inventory: what the variables of the inventory hold that answers name, None for what cannot be read
    """
    given = {name: _stripped(variables[name]) for name in specification if not _is_blank(variables.get(name))}
    problems: Problems = collections.defaultdict(list)
    source = _take_ranges(given, inventory or {}, problems) if RANGES_FROM in given else ""
    for name, value in given.items():
        problems[name] += _misfits(name, value, specification[name]["type"])
    fitting = {name: value for name, value in given.items() if not problems[name]}
    validated = _validate(fitting, specification, set(given))
    texts = {name: str(value) for name, value in fitting.items() if name in {*LISTS, *DICTIONARIES, *PARTS, DNS}}
    read = {name: _read(name, text, problems) for name, text in texts.items() if name not in PARTS}
    if not problems[SUBNETS]:
        _match(read.get(SUBNETS, []), texts, problems)
    # Problems of ranges from the inventory are reported under the variable that names them.
    titles = {RANGES: f"{RANGES_FROM} ({source})"} if source else {}
    told = [f"{titles.get(name, name)}: {problem}" for name, sentences in problems.items() for problem in sentences]
    told += validated.error_messages
    if IN_HOST in specification:
        told += _unplaced(given, bool(validated.validated_parameters.get(IN_HOST)))
    others = {name: value for name, value in validated.validated_parameters.items() if value is not None}
    answers = {name[len(PREFIX) :]: read.get(name, value) for name, value in others.items() if name not in PARTS}
    return {"answers": {} if told else answers, "problems": told}


def _take_ranges(given: Item, inventory: t.Mapping[str, t.Any], problems: Problems) -> str:
    """Replace the answer by the inventory's value for this host; return the name of the variable, or an empty text."""
    source = str(given.pop(RANGES_FROM))
    wanted = "a variable that each host has in the inventory, such as web_ranges with the value 192.168.50.32/27"
    if RANGES in given:
        problems[RANGES_FROM].append(f"{RANGES} gives ranges too; leave one of the two out")
    elif source not in inventory:
        problems[RANGES_FROM].append(f"this host has no variable '{source}'; name {wanted}")
    elif _is_blank(inventory[source]):
        problems[RANGES_FROM].append(
            f"the variable '{source}' of this host is blank, or uses a variable that this host does not have; it must be "
            f"{wanted}"
        )
    else:
        given[RANGES] = _stripped(inventory[source])
        return source
    return ""


def _unplaced(given: Item, in_host: bool) -> t.Iterator[str]:
    """An endpoint in the host's own namespace changes the host itself, so a forgotten answer must not mean that namespace."""
    named = [name for name in NAMESPACES if name in given]
    if in_host and named:
        yield f"{IN_HOST}: true means the host's own namespace, and {' and '.join(named)} names another; leave one of them out"
    if not in_host and not named and IN_HOST not in given:
        yield (
            f"{NAMESPACES[0]}: no namespace is given; name one, which is created if it is missing, or give {NAMESPACES[1]} or "
            f"{NAMESPACES[2]}, or {IN_HOST}=true for the host's own namespace"
        )
    if not in_host and not named and IN_HOST in given:
        yield f"{IN_HOST}: it is not true, and no namespace is given; give {NAMESPACES[0]}, {NAMESPACES[1]} or {NAMESPACES[2]}"


def _validate(values: Item, specification: t.Mapping[str, t.Any], given: set[str]) -> ValidationResult:
    """Validate values with Ansible; a given value is not reported as missing, even if it is wrong."""
    options = {name: dict(about) for name, about in specification.items()}
    for name, about in options.items():
        about["required"] = about.get("required", False) and name not in given
        # A path is the target's, so only the module may expand it.
        about["type"] = "str" if about["type"] == "path" else about["type"]
    return ArgumentSpecValidator(options).validate(values)


def _is_blank(value: t.Any) -> bool:
    return value is None or isinstance(value, str) and not value.strip()


def _stripped(value: t.Any) -> t.Any:
    return value.strip() if isinstance(value, str) else value


def _misfits(name: str, value: t.Any, kind: str) -> t.Iterator[str]:
    """Yield problems of values that Ansible would convert to an unintended text or number, or refuse in its own terms."""
    if kind == "int" and (isinstance(value, bool) or not isinstance(value, int) and not _is_number(str(value))):
        hint = f"; {HINTS[name]}" if name in HINTS else ""
        yield f"{_shown(value)} is not a whole number{hint}"
    if kind == "bool" and not _is_boolean(value):
        yield f"{_shown(value)} is neither true nor false; write one of the two"
    if kind in ("str", "path") and isinstance(value, bool):
        yield f"{_shown(value)} is not text; a word that YAML takes for true or false, such as no, is text in quotes"
    elif kind in ("str", "path") and not isinstance(value, (str, int, float)):
        yield f"must be a text, with commas between the items if there are several, not {value}"


def _shown(value: t.Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"'{value}'"


def _is_boolean(value: t.Any) -> bool:
    try:
        check_type_bool(value)
    except TypeError:
        return False
    return True


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _read(name: str, text: str, problems: Problems) -> t.Any:
    """The list or the dictionary that a text stands for."""
    if name == DNS:
        return _name_servers(_items(text))
    if name in LISTS:
        return list(_each(name, text, LISTS[name], problems))
    return _joined(name, _each(name, text, _pair, problems), problems)


def _name_servers(items: list[str]) -> Item:
    """What is an address is a server, and all else a domain."""
    return {"servers": [item for item in items if _is_address(item)], "search": [item for item in items if not _is_address(item)]}


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _each(name: str, text: str, reader: t.Callable[[str], t.Any], problems: Problems) -> t.Iterator[t.Any]:
    """What the items of a text say, for those that can be understood."""
    for item in _items(text):
        try:
            yield reader(item)
        except ValueError as problem:
            problems[name].append(f"{problem}")


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _joined(name: str, pairs: t.Iterable[tuple[str, str]], problems: Problems) -> dict[str, str]:
    """A dictionary of pairs, none of whose keys is given twice."""
    result: dict[str, str] = {}
    for key, value in pairs:
        if key in result:
            problems[name].append(f"{key} is given twice")
        result[key] = value
    return result


# --- items ----------------------------------------------------------------------------------------------------------


def _pair(item: str, form: str = "NAME=VALUE") -> tuple[str, str]:
    key, sign, value = (part.strip() for part in item.partition("="))
    if not key or not sign or not value:
        raise ItemError(f"'{item}' is not {form}")
    return key, value


def _aux_address(item: str) -> tuple[str, str]:
    return _pair(item, "NAME=ADDRESS")


def _number(text: str) -> int:
    if not _is_number(text):
        raise ItemError
    return int(text)


def _route(item: str) -> Item:
    to, *words = item.split()
    form = "TO via GATEWAY metric NUMBER onlink, of which only TO is required"
    onlink = {"onlink": True} if words[-1:] == ["onlink"] else {}
    return {"to": to, **_words(item, words[: len(words) - len(onlink)], form, via=str, metric=_number), **onlink}


def _pool(item: str) -> Item:
    base, *words = item.split()
    form = "BASE size LENGTH"
    fields = _words(item, words, form, size=_number)
    if not fields:
        raise ItemError(f"'{item}' is not {form}")
    return {"base": base, **fields}


def _words(item: str, words: list[str], form: str, **kinds: t.Callable[[str], t.Any]) -> Item:
    """Words that go in pairs, each pair at most once."""
    pairs: Item = {}
    for key, value in zip(words[::2], words[1::2]):
        if key in kinds and key not in pairs:
            try:
                pairs[key] = kinds[key](value)
            except ValueError:
                raise ItemError(f"'{item}': {key} {value} is not a whole number") from None
    if len(words) != 2 * len(pairs):
        raise ItemError(f"'{item}' is not {form}")
    return pairs


def _subnet(item: str) -> Item:
    _block(item)
    return {"subnet": item}


def _slice(item: str) -> Item:
    _block(item)
    return {"slice": item}


LISTS: dict[str, t.Callable[[str], t.Any]] = {
    SUBNETS: _subnet,
    f"{PREFIX}network_slices": _slice,
    f"{PREFIX}network_address_pools": _pool,
    f"{PREFIX}endpoint_routes": _route,
    f"{PREFIX}endpoint_addresses": str,
    f"{PREFIX}gone": str,
}
DICTIONARIES = [f"{PREFIX}{name}" for name in ("network_labels", "endpoint_sysctls", "endpoint_labels")]

# --- what belongs to which subnet -----------------------------------------------------------------------------------


def _match(subnets: list[Item], texts: Item, problems: Problems) -> None:
    """Put gateways, ranges and aux addresses where they belong, which is the subnet that has them inside."""
    asked = _items(texts.get(GATEWAYS, ""))
    gateways = [item for item in asked if item.lower() != "none"]
    _assign(subnets, GATEWAYS, "gateway", {item: item for item in gateways if " for " not in item}, problems)
    for item in gateways:
        if " for " in item:
            _assign_outside(subnets, item, problems)
    if gateways != asked:
        _have_no_gateway([subnet for subnet in subnets if "gateway" not in subnet], problems)
    # A range is where its first address is.
    ranges = {item: re.split("[-/]", item)[0].strip() for item in _items(texts.get(RANGES, ""))}
    _collect(subnets, RANGES, "ip_range", ranges, problems)
    excluded = {item: re.split("[-/]", item)[0].strip() for item in _items(texts.get(EXCLUDE, ""))}
    _collect(subnets, EXCLUDE, "exclude", excluded, problems)
    for key, address in _each(AUX, texts.get(AUX, ""), _aux_address, problems):
        subnet = _subnet_of(subnets, AUX, address, problems)
        taken = subnet.setdefault("aux_addresses", {})
        if key in taken:
            problems[AUX].append(f"{key} is given twice in {subnet['subnet']}")
        taken[key] = address


def _assign(subnets: list[Item], name: str, option: str, items: dict[str, str], problems: Problems) -> None:
    """Set the gateway of each subnet; each item comes with the address that selects its subnet."""
    for item, address in items.items():
        subnet = _subnet_of(subnets, name, address, problems)
        if option in subnet:
            problems[name].append(f"'{subnet[option]}' and '{item}' are both in {subnet['subnet']}")
        subnet[option] = item


def _collect(subnets: list[Item], name: str, option: str, items: dict[str, str], problems: Problems) -> None:
    """Add ranges or exclusions to their subnets; each item comes with the address that selects its subnet."""
    for item, address in items.items():
        _subnet_of(subnets, name, address, problems).setdefault(option, []).append(item)


def _assign_outside(subnets: list[Item], item: str, problems: Problems) -> None:
    """Set a gateway that comes with its subnet, and may be outside of it."""
    gateway, dummy, cidr = (part.strip() for part in item.partition(" for "))
    try:
        address, block = ipaddress.ip_address(gateway), _block(cidr)
    except ValueError:
        problems[GATEWAYS].append(f"'{item}' is not ADDRESS or ADDRESS for SUBNET, such as 198.51.100.1 for 203.0.113.7/32")
        return
    subnet = next((subnet for subnet in subnets if _block(subnet["subnet"]) == block), None)
    if subnet is None:
        problems[GATEWAYS].append(f"'{item}': {cidr} is none of the subnets of {SUBNETS}")
    elif "gateway" in subnet:
        problems[GATEWAYS].append(f"'{subnet['gateway']}' and '{item}' are both for {subnet['subnet']}")
    else:
        subnet["gateway"] = gateway
        if address not in block and not (address.version == 6 and address.is_link_local):
            subnet["gateway_onlink"] = True


def _have_no_gateway(subnets: list[Item], problems: Problems) -> None:
    if not subnets:
        problems[GATEWAYS].append(f"'none' is for subnets of {SUBNETS} that have no other gateway, but every subnet has one")
    for subnet in subnets:
        subnet["gateway"] = "none"


def _subnet_of(subnets: list[Item], name: str, text: str, problems: Problems) -> Item:
    """The subnet that an address is in, the narrowest of them; if there is none, an item that is not used."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        problems[name].append(f"'{text}' is not an IP address")
        return {}
    around = [subnet for subnet in subnets if address in _block(subnet["subnet"])]
    if around:
        return max(around, key=lambda subnet: _block(subnet["subnet"]).prefixlen)
    problems[name].append(f"'{text}' is in none of the subnets of {SUBNETS}")
    return {}


def _block(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """A subnet; host bits are the module's to clear, which it does with a warning."""
    try:
        if re.fullmatch(r"[^/%]+/[0-9]+", text):
            return ipaddress.ip_network(text, strict=False)
    except ValueError:
        pass
    raise ItemError(f"'{text}' is not a subnet such as 192.0.2.0/24")
