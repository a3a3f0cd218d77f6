# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers of the kernel's netlink interface that neither Python nor the socket module has."""

from __future__ import annotations

KERNEL_PORT = 0  # the sender of what the kernel says (netlink(7))

NLMSG_ERROR, NLMSG_DONE = 2, 3
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK = 16, 17, 18, 19
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_GETNEIGH = 30
RTM_NEWNSID, RTM_GETNSID = 88, 90

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP_INTR = 0x1, 0x4, 0x10
NLM_F_DUMP = 0x300
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE = 0x100, 0x200, 0x400
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
NLMSGERR_ATTR_MSG = 1

IFF_UP, IFF_LOOPBACK = 0x1, 0x8
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_MASTER = 1, 3, 4, 5, 10
IFLA_LINKINFO, IFLA_IFALIAS, IFLA_AF_SPEC, IFLA_GROUP, IFLA_NET_NS_FD, IFLA_EXT_MASK = 18, 20, 26, 27, 28, 29
IFLA_LINK_NETNSID, IFLA_TARGET_NETNSID = 37, 46
IFLA_PROP_LIST, IFLA_ALT_IFNAME, IFLA_PERM_ADDRESS = 52, 53, 54
IFLA_INET_CONF, IFLA_INET6_CONF = 1, 2
IFLA_INFO_KIND, IFLA_INFO_DATA = 1, 2
IFLA_MACVLAN_MODE = 1
IFLA_VRF_TABLE = 1
IFLA_IPVLAN_MODE = 1
IFLA_VLAN_QOS_MAPPING = 1
IFLA_BR_VLAN_FILTERING, IFLA_BR_VLAN_PROTOCOL = 7, 8
IFLA_VLAN_ID, IFLA_VLAN_FLAGS, IFLA_VLAN_EGRESS_QOS, IFLA_VLAN_INGRESS_QOS, IFLA_VLAN_PROTOCOL = 1, 2, 3, 4, 5
RTEXT_FILTER_SKIP_STATS = 1 << 3

IFA_ADDRESS, IFA_LOCAL, IFA_CACHEINFO, IFA_FLAGS, IFA_PROTO = 1, 2, 6, 8, 11
IFA_F_TEMPORARY, IFA_F_NODAD, IFA_F_PERMANENT, IFA_F_MANAGETEMPADDR = 0x01, 0x02, 0x80, 0x100
IFAPROT_KERNEL_RA = 2
INFINITY_LIFE_TIME = 0xFFFFFFFF
RT_SCOPE_UNIVERSE, RT_SCOPE_LINK = 0, 253

RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC, RTA_MULTIPATH, RTA_TABLE, RTA_VIA = 1, 4, 5, 6, 7, 9, 15, 18
RT_TABLE_UNSPEC, RT_TABLE_COMPAT, RT_TABLE_MAIN, RTN_UNICAST = 0, 252, 254, 1
RTNH_F_ONLINK = 4
# RTN_*; a unicast route among them has several next hops, or one without a link.
ROUTE_KINDS = {
    RTN_UNICAST: "multipath",
    2: "local",
    3: "broadcast",
    4: "anycast",
    5: "multicast",
    6: "blackhole",
    7: "unreachable",
    8: "prohibit",
    9: "throw",
    10: "nat",
}
RTPROT_UNSPEC, RTPROT_KERNEL, RTPROT_STATIC = 0, 2, 4
NDA_LLADDR = 2
NETNSA_NSID, NETNSA_FD = 1, 3
ANY_NSID = -1
IPV6_DEFAULT_METRIC = 1024  # IP6_RT_PRIO_USER, include/net/ip6_route.h

IPV6_SETTINGS = {"accept_ra": 3, "autoconf": 5, "disable_ipv6": 26, "ndisc_notify": 29}

MACVLAN_MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8, "source": 16}
IPVLAN_MODES = {"l2": 0, "l3": 1, "l3s": 2}
VLAN_FLAGS = {"reorder_hdr": 0x1, "gvrp": 0x2, "loose_binding": 0x4, "mvrp": 0x8}
VLAN_PROTOCOLS = {"802.1q": 0x8100, "802.1ad": 0x88A8}
