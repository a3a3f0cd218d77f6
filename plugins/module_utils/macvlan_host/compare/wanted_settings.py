# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sysctls that an endpoint must have, in the order in which they are set."""

from __future__ import annotations

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
# Whether an address can be deleted without the other addresses of its subnet; read only if one must be deleted.
PROMOTION = f"{IPV4_KEYS}promote_secondaries"


def settings(endpoint: Endpoint, has_ipv6: bool = True) -> tuple[Sysctl, ...]:
    """The sysctls of an endpoint, in the order to set them: ours, then the task's, which win.

    :param has_ipv6: whether the kernel has IPv6; if not, settings that only switch IPv6 off are left out

    Autoconfiguration is off before the link comes up, or the kernel would add addresses of its own; where IPv6 is
    off there is none. Announcing is left to the kernel (Documentation/networking/ip-sysctl.rst, arp_notify and
    ndisc_notify).
    """
    announce = "1" if endpoint.announce else "0"
    disabled = "0" if endpoint.ipv6 else "1"
    values = dict(zip(OURS, ("0", "0", announce, disabled, announce)))
    if endpoint.sysctls.get(f"{IPV6_KEYS}disable_ipv6", disabled) == "1":
        values = {key: values[key] for key in OURS[3:]}
    # A kernel without IPv6 has none of its settings, which matters only to endpoints that need it.
    ours = tuple(
        Sysctl(key, None, value, optional=key.startswith(IPV6_KEYS) and not endpoint.ipv6)
        for key, value in values.items()
        if key not in endpoint.sysctls
    )
    asked = tuple(
        Sysctl(key, endpoint.sysctls_before.get(key), value, optional=switches_ipv6_off(key, value) and not endpoint.ipv6)
        for key, value in endpoint.sysctls.items()
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
    keys = {*OURS, PROMOTION, *endpoint.sysctls, *endpoint.sysctls_before}
    keys |= {default_key(key) for key in endpoint.sysctls}
    return frozenset(names.sysctl_key(key, endpoint.ifname) for key in keys)


def default_key(key: str) -> str:
    """The setting from which a new interface takes its value."""
    return key.replace("IFNAME", "default")
