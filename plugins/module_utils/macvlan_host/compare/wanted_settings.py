# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sysctls that an endpoint must have, in the order in which they are set."""

from __future__ import annotations

import functools
import typing as t

from ..model.endpoint import Endpoint
from ..model.sysctl import Sysctl
from ..values import names

IPV6_KEYS = "net.ipv6.conf.IFNAME."
IPV4_KEYS = "net.ipv4.conf.IFNAME."
# The sysctls that settings() sets without a request.
OURS = (
    f"{IPV6_KEYS}accept_ra",
    f"{IPV6_KEYS}autoconf",
    f"{IPV6_KEYS}ndisc_notify",
    f"{IPV6_KEYS}disable_ipv6",
    f"{IPV4_KEYS}arp_notify",
)
# Those of them that an interface without IPv6 has as a new one has them.
WITH_IPV6 = OURS[:3]
# Whether an address can be deleted without the other addresses of its subnet; read only if one must be deleted.
PROMOTION = f"{IPV4_KEYS}promote_secondaries"


def settings(endpoint: Endpoint, has_ipv6: bool = True) -> tuple[Sysctl, ...]:
    """The sysctls of an endpoint, in the order to set them: ours, then the task's, which win.

    :param has_ipv6: whether the kernel has IPv6; if not, settings that only switch IPv6 off are left out

    Autoconfiguration is off before the link comes up, or the kernel would add addresses of its own; where IPv6 is
    off there is none. Announcing is left to the kernel (Documentation/networking/ip-sysctl.rst, arp_notify and
    ndisc_notify).
    """
    if endpoint.sysctls:
        return _settings(endpoint.announce, endpoint.ipv6 is not None, has_ipv6, endpoint.sysctls, endpoint.sysctls_before)
    return _settings_without_request(endpoint.announce, endpoint.ipv6 is not None, has_ipv6)


@functools.cache
def _settings_without_request(announce: bool, has_address: bool, has_ipv6: bool) -> tuple[Sysctl, ...]:
    """Those of most endpoints: a few sets for thousands of them."""
    return _settings(announce, has_address, has_ipv6, {}, {})


def _settings(
    announce: bool, has_address: bool, has_ipv6: bool, sysctls: t.Mapping[str, str], before: t.Mapping[str, str]
) -> tuple[Sysctl, ...]:
    """The settings of an endpoint.

    :param has_address: whether it has an address of IPv6
    """
    announced, disabled = "1" if announce else "0", "0" if has_address else "1"
    values = dict(zip(OURS, ("0", "0", announced, disabled, announced)))
    if sysctls.get(f"{IPV6_KEYS}disable_ipv6", disabled) == "1":
        values = {key: values[key] for key in OURS if key not in WITH_IPV6}
    # A kernel without IPv6 has none of its settings, which matters only to endpoints that need it.
    ours = tuple(
        Sysctl(key, None, value, optional=key.startswith(IPV6_KEYS) and not has_address)
        for key, value in values.items()
        if key not in sysctls
    )
    asked = tuple(
        Sysctl(key, before.get(key), value, optional=switches_ipv6_off(key, value) and not has_address) for key, value in sysctls.items()
    )
    return tuple(item for item in (*ours, *asked) if has_ipv6 or not (item.optional and item.key.startswith("net.ipv6.")))


def needs_ipv6(key: str) -> bool:
    """Whether a setting exists only while the endpoint's interface has IPv6."""
    return key.startswith("net.ipv6.") and "IFNAME" in key


def switches_ipv6_off(key: str, value: str) -> bool:
    """Whether a setting switches IPv6 off on the endpoint's interface."""
    return key == f"{IPV6_KEYS}disable_ipv6" and value == "1"


def setting_keys(endpoint: Endpoint) -> frozenset[str]:
    """The keys to read for :func:`settings`, with the interface's name in them."""
    usual = _usual_keys(endpoint.ifname)
    if not endpoint.sysctls and not endpoint.sysctls_before:
        return usual
    asked = {*endpoint.sysctls, *endpoint.sysctls_before, *map(default_key, endpoint.sysctls)}
    return usual.union(names.sysctl_key(key, endpoint.ifname) for key in asked)


@functools.lru_cache(maxsize=4096)
def _usual_keys(ifname: str) -> frozenset[str]:
    """The keys that are read of every endpoint; most have the same name of their interface."""
    return frozenset(names.sysctl_key(key, ifname) for key in (*OURS, PROMOTION))


def defaults_of_ipv6() -> frozenset[str]:
    """The keys to read for an interface that loses IPv6."""
    return frozenset(map(default_key, WITH_IPV6))


def default_key(key: str) -> str:
    """The setting from which a new interface takes its value."""
    return key.replace("IFNAME", "default")
