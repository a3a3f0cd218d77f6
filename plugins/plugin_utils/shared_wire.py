# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds conflicts between the hosts of a job on one wire: the same address, or the same MAC address.

Every host gives out addresses by itself. An address that two hosts can give out could be used by two endpoints at the
same time. Invalid values are left to the modules, which refuse them.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import typing as t

from ansible_collections.fleetnet.macvlan.plugins.plugin_utils.ordering import natural

Item = t.Mapping[str, t.Any]

# More names than these say no more.
SHOWN = 8
# The recorded parent of a network without a parent.
DUMMY = re.compile(r"dm-[0-9a-f]{12}")
FAMILIES = {"ipv4": 4, "ipv6": 6}
ISOLATED = "macvlan_job_isolated=true if these hosts do not share a wire"
NO_ANSWERS = "no answers could be read for this host, so no host is changed"
# Job → the variable that ranges are in, and what to do.
RANGES = {
    "network_create": (
        "macvlan_job_network_ip_ranges",
        (
            "give each host a range of its own: a variable of each host in the inventory, such as web_ranges, and "
            "macvlan_job_network_ip_ranges_from=web_ranges; or have macvlan_fleet give them slices, with macvlan_job_network_segment"
        ),
    ),
    "endpoint_attach": (
        "macvlan_job_network",
        "give the network a range of its own on each host first, with the job network_create and macvlan_job_network_ip_ranges_from",
    ),
    "site": (
        "macvlan_host_networks",
        (
            "give the networks of each host an ip_range of its own, which follows from a variable of the host, or a segment, of which "
            "macvlan_fleet gives it slices"
        ),
    ),
}
FIXED = {
    "endpoint_attach": ("macvlan_job_endpoint_", "leave it out, name one host in target_hosts"),
    "site": ("macvlan_host_endpoints: ", "give each host one of its own"),
}


@dataclasses.dataclass(frozen=True, order=True)
class Claim:
    """Addresses of one IP version that a host gives out, or requests."""

    version: int
    first: int
    last: int
    host: str
    text: str

    def meets(self, other: Claim) -> bool:
        """Whether another host can have the same address; for addresses of the same version."""
        return self.host != other.host and self.first <= other.last and other.first <= self.last


@dataclasses.dataclass(frozen=True)
class Share:
    """The addresses of one host on its wire."""

    host: str
    given_out: tuple[Claim, ...] = ()
    asked_for: tuple[tuple[str, Claim], ...] = ()
    macs: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    held: tuple[Claim, ...] = ()


def conflicts(job: str, hosts: t.Mapping[str, Item]) -> list[str]:
    """Why a job must not be done on these hosts together, one sentence for each reason.

    :param job: network_create, endpoint_attach or site
    :param hosts: of each host what is there: "answers", or nothing when they could not be read; "networks" and
        "endpoints", what is recorded or declared; a host alone is never in conflict
    """
    if len(hosts) < 2:
        return []
    # Only these two are jobs whose answers are all that is known.
    unread = [host for host, about in sorted(hosts.items()) if not about.get("answers") and job != "site"]
    if unread:
        return [f"{_names(unread)}: {NO_ANSWERS}"]
    shares = [_share(job, host, about) for host, about in hosts.items() if not _answers(about).get("isolated")]
    told = [*_unchosen(shares), *_same_ranges(job, shares)]
    if job in FIXED:
        told += [*_same_addresses(job, shares), *_same_macs(job, shares)]
    return told


# --- what a host has --------------------------------------------------------------------------------------------------


def _share(job: str, host: str, about: Item) -> Share:
    if job == "network_create":
        network = _asked(about, "network")
        return Share(host, given_out=_given_out(host, network), chosen=_chosen(network))
    if job == "endpoint_attach":
        return _share_of_endpoint(host, about)
    networks = _items(about, "networks")
    wired = {item.get("name") for item in networks if _has_wire(item)}
    asked: list[tuple[str, Claim]] = []
    macs: list[str] = []
    for endpoint in _items(about, "endpoints"):
        if endpoint.get("network") in wired:
            asked += _asked_for(host, endpoint)
            macs += _mac(endpoint)
    given_out = [claim for network in networks for claim in _given_out(host, network)]
    return Share(host, tuple(given_out), tuple(asked), tuple(macs))


def _share_of_endpoint(host: str, about: Item) -> Share:
    """The addresses that an endpoint requests, or that it can get from the recorded network."""
    wanted = _asked(about, "endpoint")
    networks = [item for item in _items(about, "networks") if item.get("name") == wanted.get("network")]
    if networks and not _has_wire(networks[0]):
        return Share(host)
    asked = _asked_for(host, wanted)
    recorded = _items(about, "endpoints")
    fixed = {claim.version for option, claim in asked if option in FAMILIES}
    fixed |= {version for family, version in FAMILIES.items() if str(wanted.get(family) or "").lower() == "none"}
    got: list[Claim] = []
    for network in networks:
        own = [item for item in recorded if item.get("name") == wanted.get("name")]
        kept = {version for item in own for version in (claim.version for dummy, claim in _asked_for(host, item))}
        got += [
            claim
            for claim in _given_out(host, network, wanted.get("subnet"))
            if claim.version not in fixed and claim.version not in kept
        ]
        got += [claim for item in own for dummy, claim in _asked_for(host, item) if claim.version not in fixed]
    held = [claim for item in recorded for dummy, claim in _asked_for(host, item) if item.get("name") != wanted.get("name")]
    return Share(host, tuple(got), tuple(asked), tuple(_mac(wanted)), held=tuple(held))


def _has_wire(network: Item) -> bool:
    """Whether endpoints of the network are on a link of the host; otherwise they only reach each other."""
    parent = network.get("parent")
    return bool(parent) and not DUMMY.fullmatch(str(parent))


def _given_out(host: str, network: Item, subnet: str | None = None) -> tuple[Claim, ...]:
    """The addresses that endpoints of the network can get without a request; in the family of a named subnet, only from that subnet."""
    if not _has_wire(network) or network.get("ipam") == "none":
        return ()
    only = _claim(host, subnet)
    claims: list[Claim] = []
    for item in _items(network, "subnets"):
        whole = _claim(host, item.get("subnet"))
        if whole is None:
            continue
        if only is None or only.version != whole.version or (only.first, only.last) == (whole.first, whole.last):
            parts = [part for text in _ranges(item) if (part := _claim(host, text)) is not None]
            claims += parts if network.get("segment") is None else _inside(parts, _slices(host, network))
    return tuple(claims)


def _slices(host: str, network: Item) -> list[Claim]:
    """The slices of the host in the segment of a network; without any, it has those that it has recorded or is given later."""
    owned = [item.get("slice") for item in _items(network, "slices") if not item.get("lost_to")]
    return [claim for text in owned if (claim := _claim(host, text)) is not None]


def _inside(parts: t.Iterable[Claim], slices: t.Sequence[Claim]) -> t.Iterator[Claim]:
    """Yield what the slices have of the parts, whole slices and whole parts under their own texts."""
    for part in parts:
        for item in slices:
            first, last = max(part.first, item.first), min(part.last, item.last)
            if part.version == item.version and first <= last:
                shown = part if (first, last) == (part.first, part.last) else item
                yield dataclasses.replace(shown, first=first, last=last)


def _ranges(subnet: Item) -> list[str]:
    """The texts of the parts that addresses are chosen from: of a result, or of an option, which is a text or a list."""
    given = subnet.get("ip_ranges") or subnet.get("ip_range") or subnet.get("subnet")
    listed = list(given) if isinstance(given, (list, tuple)) else str(given).split(",")
    return [str(item).strip() for item in listed]


def _chosen(network: Item) -> tuple[str, ...]:
    """The name of a network that chooses its subnet by itself."""
    chooses = _has_wire(network) and network.get("ipam") != "none" and not network.get("subnets") and network.get("segment") is None
    return (str(network.get("name")),) if chooses else ()


def _asked_for(host: str, endpoint: Item) -> list[tuple[str, Claim]]:
    asked = [(family, endpoint.get(family), FAMILIES[family]) for family in FAMILIES]
    further = endpoint.get("addresses")
    asked += [("addresses", text, 0) for text in (further if isinstance(further, (list, tuple)) else ())]
    claims = [(option, _claim(host, str(text or "").partition("/")[0]), version) for option, text, version in asked]
    return [(option, claim) for option, claim, version in claims if claim and version in (0, claim.version)]


def _mac(endpoint: Item) -> list[str]:
    return [str(endpoint["mac"]).lower().replace("-", ":")] if endpoint.get("mac") else []


def _claim(host: str, text: t.Any) -> Claim | None:
    """A block, a range FIRST-LAST or an address."""
    text = str(text or "").replace(" ", "")
    first, dash, last = text.partition("-")
    try:
        if dash:
            begin, end = ipaddress.ip_address(first), ipaddress.ip_address(last)
        else:
            block = ipaddress.ip_network(text, strict=False)
            begin, end = block[0], block[-1]
    except ValueError:
        return None
    if begin.version != end.version:
        return None
    # Two ways to write one address are the same address.
    shown = text if dash else str(begin) if begin == end else str(block)
    return Claim(begin.version, int(begin), int(end), host, shown)


def _answers(about: Item) -> Item:
    answers = about.get("answers")
    return answers if isinstance(answers, t.Mapping) else {}


def _asked(about: Item, subject: str) -> Item:
    """The object that the answers describe, under the names of the module's options."""
    start = f"{subject}_"
    answers = _answers(about)
    options = {name[len(start) :]: value for name, value in answers.items() if name.startswith(start)}
    return {**options, "name": answers.get(subject), "network": answers.get("network")}


def _items(about: Item, name: str) -> list[Item]:
    items = about.get(name)
    if not isinstance(items, (list, tuple)):
        return []
    return [item for item in items if isinstance(item, t.Mapping)]


# --- what two hosts have ----------------------------------------------------------------------------------------------


def _unchosen(shares: list[Share]) -> t.Iterator[str]:
    hosts = [share.host for share in shares if share.chosen]
    if len(hosts) > 1:
        yield (
            f"macvlan_job_network_subnets: it is left out, so each of {_names(hosts)} would choose a subnet by itself, and "
            f"they could choose the same one; give the subnets, with a range for each host, or set {ISOLATED}"
        )


def _same_ranges(job: str, shares: list[Share]) -> t.Iterator[str]:
    """Yield overlaps of the addresses that a host gives out with those that another host gives out or requests."""
    variable, advice = RANGES[job]
    given_out = [claim for share in shares for claim in share.given_out]
    pools = set(given_out)
    claims = sorted({*given_out, *(claim for share in shares for dummy, claim in share.asked_for)})
    for cluster in _clusters(claims):
        # Requested addresses are reported under their own variable.
        meeting = [claim for claim in cluster if _meets_any(claim, cluster, pools)]
        if meeting:
            hosts = sorted({claim.host for claim in meeting}, key=natural)
            yield (
                f"{variable}: {_names(hosts)} would give out the same addresses, {_by_text(meeting)}; "
                f"{advice}, or set {ISOLATED}"
            )


def _clusters(claims: list[Claim]) -> t.Iterator[list[Claim]]:
    """Sorted claims in groups that overlap."""
    cluster: list[Claim] = []
    end = (0, 0)
    for claim in claims:
        if cluster and (claim.version, claim.first) > end:
            yield cluster
            cluster = []
        end = max(end, (claim.version, claim.last)) if cluster else (claim.version, claim.last)
        cluster.append(claim)
    if cluster:
        yield cluster


def _meets_any(claim: Claim, cluster: list[Claim], pools: set[Claim]) -> bool:
    if claim in pools:
        return any(claim.meets(other) for other in cluster)
    return any(claim.meets(other) for other in cluster if other in pools)


def _same_addresses(job: str, shares: list[Share]) -> t.Iterator[str]:
    start, advice = FIXED[job]
    asking: dict[str, list[str]] = {}
    options: dict[str, str] = {}
    for share in shares:
        for option, claim in share.asked_for:
            asking.setdefault(claim.text, []).append(share.host)
            options.setdefault(claim.text, option)
    holding: dict[str, list[str]] = {}
    for share in shares:
        for claim in share.held:
            holding.setdefault(claim.text, []).append(share.host)
    for text, hosts in asking.items():
        option = f"{start}{options[text]}"
        if len(set(hosts)) > 1:
            yield f"{option}: {text} would be on {_names(hosts)}; {advice}, or set {ISOLATED}"
        holders = [host for host in holding.get(text, []) if host not in hosts]
        if holders:
            yield f"{option}: {text} of {_names(hosts)} is on {_names(holders)} already; {advice}, or set {ISOLATED}"


def _same_macs(job: str, shares: list[Share]) -> t.Iterator[str]:
    start, advice = FIXED[job]
    having: dict[str, list[str]] = {}
    for share in shares:
        for mac in share.macs:
            having.setdefault(mac, []).append(share.host)
    for mac, hosts in having.items():
        if len(set(hosts)) > 1:
            yield f"{start}mac: {mac} would be on {_names(hosts)}; {advice}, or set {ISOLATED}"


# --- sentences --------------------------------------------------------------------------------------------------------


def _by_text(claims: list[Claim]) -> str:
    """Each range with its hosts, or the range alone when all hosts have the same."""
    hosts: dict[str, list[str]] = {}
    for claim in claims:
        hosts.setdefault(claim.text, []).append(claim.host)
    if len(hosts) == 1:
        return f"all of {next(iter(hosts))}"
    return " and ".join(f"{text} ({_names(names)})" for text, names in hosts.items())


def _names(hosts: t.Iterable[str]) -> str:
    names = sorted(set(hosts), key=natural)
    if len(names) > SHOWN:
        names = [*names[:SHOWN], f"{len(names) - SHOWN} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
