# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names: of sub-interfaces, interfaces, networks and endpoints, and the tag that marks what is ours."""

from __future__ import annotations

import functools
import hashlib
import re
import typing as t

# include/uapi/linux/if.h: IFNAMSIZ is 16, the last byte is the terminating zero.
MAX_INTERFACE_NAME = 15
# include/uapi/linux/if.h: ALTIFNAMSIZ is 128, and so is its last byte.
MAX_ALTERNATIVE_NAME = 127
# include/uapi/linux/if.h: IFALIASZ is 256, and so is its last byte.
MAX_ALIAS = 255
MIN_VLAN_ID = 1
MAX_VLAN_ID = 4094
TAG_PREFIX = "fleetnet.macvlan:"

_KERNEL_RELEASE = re.compile(r"\D*([0-9]{1,9})(?:\.([0-9]{1,9}))?")
_DOMAIN = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?\Z")
_OBJECT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")
_SUBINTERFACE = re.compile(r"(?P<base>.+)\.(?P<vlan_id>[0-9]{1,4})\Z")


class SubInterfaceName(t.NamedTuple):
    """A name of the form ``base.vlan_id``, taken apart."""

    base: str
    vlan_id: int

    @property
    def canonical(self) -> str:
        """Its canonical spelling: ``eth0.10``, never ``eth0.010``."""
        return f"{self.base}.{self.vlan_id}"


def split_subinterface(name: str) -> SubInterfaceName | None:
    """Take ``eth0.50`` apart into base link and VLAN id; None if the name contains no VLAN.

    The last dot counts, so ``eth0.10.20`` is VLAN 20 on ``eth0.10``.
    Ids outside 1-4094 (IEEE 802.1Q, 0 and 4095 are reserved) are not VLANs.
    """
    match = _SUBINTERFACE.match(name)
    if match is None:
        return None
    vlan_id = int(match["vlan_id"])
    if not MIN_VLAN_ID <= vlan_id <= MAX_VLAN_ID:
        return None
    return SubInterfaceName(match["base"], vlan_id)


def why_not_created(name: str) -> str:
    """The end of a sentence about a missing link: that its name has no VLAN id at its end, but another number; else empty."""
    number = name.rpartition(".")[2]
    if not number.isdecimal() or split_subinterface(name) is not None:
        return ""
    return f", and none is created, because {number} is no VLAN id: an id is from {MIN_VLAN_ID} to {MAX_VLAN_ID}"


def and_below(name: str) -> t.Iterator[str]:
    """A link and, as far as its name shows, those below it."""
    yield name
    parts = split_subinterface(name)
    if parts is not None:
        yield from and_below(parts.base)


# Links that the kernel itself puts into every namespace once the tunnel modules are loaded.
KERNEL_LINKS = frozenset(
    ("lo", "tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "sit0", "ip6tnl0", "ip6gre0")
)

# The bytes that the kernel's isspace() treats as white space, byte by byte (lib/ctype.c).
_SPACES = frozenset(b" \t\n\v\f\r\xa0")


def is_encodable(text: str) -> bool:
    """Whether a text can be written as bytes; JSON can carry halves of characters that cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def interface_name_problem(name: str) -> str | None:
    """Why the kernel would refuse an interface name, or None (net/core/dev.c, dev_valid_name)."""
    if not name:
        return "an interface name cannot be empty"
    if not is_encodable(name):
        return f"{name!r} cannot be an interface name"
    if len(name.encode()) > MAX_INTERFACE_NAME:
        return f"interface name '{name}' is longer than {MAX_INTERFACE_NAME} bytes"
    if name in (".", ".."):
        return f"'{name}' cannot be an interface name"
    if any(char in "/:\0" or char.isspace() for char in name) or _SPACES & set(name.encode()):
        return f"interface name '{name}' contains '/', ':', a zero byte or white space"
    if "%" in name:
        return f"interface name '{name}' contains '%', which the kernel replaces by a number"
    return None


def written_name_problem(name: str) -> str | None:
    """Why a name cannot be one of a link that exists: its own, or an alternative one, which may be longer and have ``:`` and ``%``."""
    if name in ("", ".", "..") or not is_encodable(name):
        return interface_name_problem(name)
    if len(name.encode()) > MAX_ALTERNATIVE_NAME:
        return f"interface name '{name}' is longer than {MAX_ALTERNATIVE_NAME} bytes, the most that an alternative name can have"
    if any(char in "/\0" or char.isspace() for char in name):
        return f"interface name '{name}' contains '/', a zero byte or white space"
    return None


def is_link_name(name: str) -> bool:
    """Whether the kernel accepts a link name, which another program may have set to any bytes."""
    raw = _raw(name)
    return 0 < len(raw) <= MAX_INTERFACE_NAME and name not in (".", "..") and not (_SPACES | set(b"/:\0")) & set(raw)


def is_link_alias(alias: str) -> bool:
    """Whether the kernel accepts a link alias."""
    raw = _raw(alias)
    return (bool(raw) or not alias) and len(raw) <= MAX_ALIAS and b"\0" not in raw


def _raw(text: str) -> bytes:
    """The bytes of a text that the kernel gave or gets; empty for a text that cannot come from the kernel."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return b""


def object_name_problem(what: str, name: str) -> str | None:
    """Why a network's or endpoint's name is refused, or None."""
    if _OBJECT_NAME.match(name):
        return None
    return f"{what} '{name}' must be 1 to 64 characters of A-Z a-z 0-9 _ . - and begin with a letter or digit"


# Inventory names have no length of their own; no name in DNS is longer.
LONGEST_INVENTORY_NAME = 255


def inventory_name_problem(name: str) -> str | None:
    """Why a text is not the name of a host in an inventory, or None."""
    if 0 < len(name) <= LONGEST_INVENTORY_NAME and name.isprintable() and not any(char.isspace() for char in name):
        return None
    return f"{name[:80]!r} is no inventory name, which has 1 to {LONGEST_INVENTORY_NAME} printable characters and no white space"


def namespace_name_problem(name: str) -> str | None:
    """Why a name under /run/netns is refused, or None: it must be one safe path component."""
    if not name or name in (".", "..") or not is_encodable(name) or len(name.encode()) > 255:
        return f"{name!r} cannot be the name of a network namespace"
    if any(char == "/" or char.isspace() or not char.isprintable() for char in name):
        return f"namespace name '{name}' contains '/', white space or an unprintable character"
    return None


def digest(*words: str) -> bytes:
    """32 bytes that depend on every word and on where one ends and the next begins."""
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogateescape")).digest()


def object_id(host: str, kind: str, *names: str) -> str:
    """The id of an object: 32 hex digits, the same for the same names on the same host.

    It is computed, so it is known before the object exists, and check mode can show it.
    """
    return digest(host, kind, *names).hex()[:32]


def uuid_of(*words: str) -> str:
    """A UUID that depends on every word: version 8 of RFC 9562, section 5.8."""
    value = int.from_bytes(digest("uuid", *words)[:16], "big")
    value = value & ~(0xF << 76 | 0x3 << 62) | 0x8 << 76 | 0x2 << 62
    text = f"{value:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def is_domain(value: t.Any) -> bool:
    """Whether a value is the name of a domain, as resolv.conf(5) takes it in its search list.

    No domain ends with a number (RFC 3696, section 2), but a mistyped address does.
    """
    return isinstance(value, str) and _DOMAIN.match(value) is not None and not value.rstrip(".").rpartition(".")[2].isdigit()


def endpoint_id(host: str, network: str, name: str) -> str:
    """The id of an endpoint."""
    return object_id(host, "endpoint", network, name)


def netns_id(host: str, name: str) -> str:
    """The id of a namespace that the collection creates."""
    return object_id(host, "netns", name)


def subinterface_id(host: str, name: str) -> str:
    """The id of a sub-interface."""
    return object_id(host, "vlan_subinterface", name)


def tag(identifier: str) -> str:
    """The alias that marks a link, or the loopback of a namespace, as ours."""
    return TAG_PREFIX + identifier


def identifier_of(tag: str | None) -> str | None:
    """The id in a tag of ours."""
    return tag[len(TAG_PREFIX) :] if tag and tag.startswith(TAG_PREFIX) else None


def group_until_tagged(identifier: str) -> int:
    """The group of a new link: it marks the link as ours until the tag is set.

    Ten decimal digits that begin with 183, so that a udev rule can recognise such a group.
    """
    return 1_830_000_000 + int(identifier[:6], 16) % 10_000_000


def name_until_tagged(identifier: str) -> str:
    """The first name of a link in a namespace, before it is renamed: ``mv`` and 12 hex digits."""
    return f"mv{identifier[:12]}"


def dummy_name(network_id: str) -> str:
    """The dummy parent of a network without a parent: ``dm-`` and 12 hex digits of its id."""
    return f"dm-{network_id[:12]}"


def dummy_mac(network_id: str) -> str:
    """The MAC address of a dummy parent; without it the kernel would choose another one at each boot."""
    return ":".join(("02:42", *(network_id[start : start + 2] for start in (0, 2, 4, 6))))


# The interface of an endpoint in a namespace of its own, when none is given.
IFNAME_IN_NAMESPACE = "eth0"


def default_ifname(endpoint: str, in_namespace: bool) -> str:
    """The interface of an endpoint, when none is given.

    :param in_namespace: whether it is in another namespace than the host's own
    """
    return IFNAME_IN_NAMESPACE if in_namespace else f"mv-{endpoint}"


def host_access_interface(network: str) -> str:
    """The interface that gives the host access to a network, when no name is given: it tells networks with long names apart."""
    name = f"mv-{network}"
    return name if len(name) <= MAX_INTERFACE_NAME else f"mv-{network[:7]}-{digest('host access', network).hex()[:4]}"


@functools.lru_cache(maxsize=1024)
def sysctl_key(key: str, ifname: str) -> str:
    """The key with ``IFNAME`` replaced; a dot of the interface's name is written ``/``, as in sysctl.d(5)."""
    return key.replace("IFNAME", ifname.replace(".", "/"))


def renamed_sysctl_key(key: str, old: str, new: str) -> str:
    """The key of a setting after an interface was renamed; keys of other interfaces stay."""
    component, replacement = (name.replace(".", "/") for name in (old, new))
    parts = key.split(".")
    # net.FAMILY.conf.INTERFACE.SETTING, and the same with neigh.
    return ".".join((*parts[:3], replacement, *parts[4:])) if parts[3:4] == [component] else key


def kernel_version(release: str) -> tuple[int, int]:
    """The first two numbers of the output of ``uname -r``; a release without numbers counts as the oldest.

    The builder of a kernel can choose its release, in particular the part after the numbers: ``6.12+``, ``7.1-rc3``.
    """
    match = _KERNEL_RELEASE.match(release)
    return (int(match[1]), int(match[2] or 0)) if match else (0, 0)
