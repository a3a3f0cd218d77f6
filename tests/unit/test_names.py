# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names: what is taken apart, what is refused, what is computed."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.values import names

pytestmark = pytest.mark.engine

SEPARATOR_FREE = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=8)


@pytest.mark.parametrize(
    ("name", "base", "vlan_id"),
    [
        pytest.param("eth0.50", "eth0", 50, id="usual"),
        pytest.param("bond0.1", "bond0", 1, id="lowest-id"),
        pytest.param("eth0.4094", "eth0", 4094, id="highest-id"),
        pytest.param("eth0.10.20", "eth0.10", 20, id="the-last-dot-counts"),
        pytest.param("eth0.010", "eth0", 10, id="leading-zero-is-read"),
        pytest.param("a.b.7", "a.b", 7, id="dot-in-the-base"),
        pytest.param("..5", ".", 5, id="base-of-one-dot"),
    ],
)
def test_a_name_that_says_a_vlan_is_taken_apart(name, base, vlan_id):
    assert names.split_subinterface(name) == (base, vlan_id)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("eth0", id="no-dot"),
        pytest.param("eth0.", id="nothing-behind-the-dot"),
        pytest.param(".50", id="nothing-before-the-dot"),
        pytest.param("eth0.0", id="id-0-is-reserved"),
        pytest.param("eth0.4095", id="id-4095-is-reserved"),
        pytest.param("eth0.00010", id="five-digits"),
        pytest.param("eth0.-1", id="sign"),
        pytest.param("eth0.5a", id="letter"),
        pytest.param("eth0.\u0665", id="digit-of-another-script"),
        pytest.param("eth0.50\n", id="line-end"),
        pytest.param("", id="empty"),
    ],
)
def test_a_name_that_says_no_vlan_gives_nothing(name):
    assert names.split_subinterface(name) is None


@given(
    base=st.text(string.ascii_letters + string.digits + ".-_", min_size=1, max_size=10), vlan_id=st.integers(1, 4094)
)
def test_a_canonical_name_comes_apart_into_what_it_was_made_of(base, vlan_id):
    found = names.split_subinterface(f"{base}.{vlan_id}")
    assert found == (base, vlan_id)
    assert found.canonical == f"{base}.{vlan_id}"


def test_the_canonical_name_has_no_leading_zero():
    assert names.split_subinterface("eth0.0010").canonical == "eth0.10"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("", "cannot be empty", id="empty"),
        pytest.param("a" * 16, "longer than 15 bytes", id="16-bytes"),
        pytest.param("\u00e9" * 8, "longer than 15 bytes", id="bytes-count-not-characters"),
        pytest.param(".", "cannot be an interface name", id="dot"),
        pytest.param("..", "cannot be an interface name", id="two-dots"),
        pytest.param("eth/0", "contains '/'", id="slash"),
        pytest.param("eth0:1", "':'", id="colon"),
        pytest.param("eth 0", "white space", id="space"),
        pytest.param("eth0\n", "white space", id="line-end"),
        pytest.param("eth\t0", "white space", id="tab"),
        pytest.param("eth\u00a00", "white space", id="no-break-space"),
        pytest.param("eth\0", "a zero byte", id="zero-byte"),
        pytest.param("eth%d", "'%'", id="percent"),
    ],
)
def test_an_interface_name_that_the_kernel_refuses_is_refused_with_the_reason(name, words):
    assert words in names.interface_name_problem(name)


@pytest.mark.parametrize("name", ["eth0", "a" * 15, "...", "eth0.50", "br-lan_1", "\u00e9th0", "@"])
def test_an_interface_name_that_the_kernel_takes_is_taken(name):
    assert names.interface_name_problem(name) is None


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("a" * 65, id="65-characters"),
        pytest.param("-a", id="begins-with-a-dash"),
        pytest.param(".a", id="begins-with-a-dot"),
        pytest.param("_a", id="begins-with-an-underscore"),
        pytest.param("a b", id="space"),
        pytest.param("a/b", id="slash"),
        pytest.param("a\n", id="line-end"),
        pytest.param("\u00e4", id="umlaut"),
    ],
)
def test_an_object_name_outside_the_rule_is_refused_and_named(name):
    problem = names.object_name_problem("network name", name)
    assert problem.startswith(f"network name '{name}'")
    assert "1 to 64 characters" in problem


@pytest.mark.parametrize("name", ["a", "0", "a" * 64, "A.b-c_d", "9front"])
def test_an_object_name_inside_the_rule_is_taken(name):
    assert names.object_name_problem("endpoint name", name) is None


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param(".", id="dot"),
        pytest.param("..", id="two-dots"),
        pytest.param("a/b", id="slash"),
        pytest.param("a" * 256, id="256-bytes"),
        pytest.param("a b", id="space"),
        pytest.param("a\x07", id="unprintable"),
        pytest.param("a\0", id="zero-byte"),
    ],
)
def test_a_namespace_name_that_is_no_safe_file_name_is_refused(name):
    assert names.namespace_name_problem(name) is not None


@pytest.mark.parametrize("name", ["blue", "a" * 255, "...", "cni-1234", "-a", "gr\u00fcn"])
def test_a_namespace_name_that_is_a_safe_file_name_is_taken(name):
    assert names.namespace_name_problem(name) is None


@given(one=st.lists(SEPARATOR_FREE, min_size=1, max_size=4), other=st.lists(SEPARATOR_FREE, min_size=1, max_size=4))
def test_a_digest_tells_where_one_word_ends_and_the_next_begins(one, other):
    assert (names.digest(*one) == names.digest(*other)) == (one == other)


def test_a_digest_takes_names_that_are_not_utf8():
    assert len(names.digest("host", "\udcff")) == 32


@given(host=SEPARATOR_FREE, kind=SEPARATOR_FREE, name=SEPARATOR_FREE)
def test_an_id_is_32_hex_digits_and_always_the_same(host, kind, name):
    identifier = names.object_id(host, kind, name)
    assert len(identifier) == 32
    assert set(identifier) <= set("0123456789abcdef")
    assert identifier == names.object_id(host, kind, name)


def test_objects_of_other_kinds_hosts_and_names_have_other_ids():
    words = [("h", "network", "n"), ("h", "endpoint", "n"), ("g", "network", "n"), ("h", "network", "m")]
    assert len({names.object_id(*each) for each in words}) == len(words)


def test_the_tag_is_the_collection_and_the_id():
    assert names.tag("1f2e") == "fleetnet.macvlan:1f2e"


def test_a_dummy_parent_is_named_after_its_network_within_the_kernels_limit():
    name = names.dummy_name("0123456789abcdef" * 2)
    assert name == "dm-0123456789ab"
    assert names.interface_name_problem(name) is None


def test_a_link_is_born_under_a_name_of_its_own_within_the_kernels_limit():
    name = names.name_until_tagged("0123456789abcdef" * 2)
    assert name == "mv0123456789ab"
    assert names.interface_name_problem(name) is None


def test_an_interface_in_the_hosts_own_namespace_is_named_after_its_endpoint():
    assert (names.default_ifname("web", False), names.default_ifname("web", True)) == ("mv-web", "eth0")


@pytest.mark.parametrize(
    ("key", "ifname", "wanted"),
    [
        pytest.param("net.ipv4.conf.IFNAME.rp_filter", "eth0", "net.ipv4.conf.eth0.rp_filter", id="replaced"),
        pytest.param("net.ipv4.conf.IFNAME.rp_filter", "a.50", "net.ipv4.conf.a/50.rp_filter", id="dot-becomes-slash"),
        pytest.param("net.ipv4.ip_forward", "eth0", "net.ipv4.ip_forward", id="of-the-namespace"),
    ],
)
def test_a_sysctl_key_gets_the_name_of_the_interface(key, ifname, wanted):
    assert names.sysctl_key(key, ifname) == wanted


@pytest.mark.parametrize(
    ("release", "version"),
    [
        pytest.param("6.12.0", (6, 12), id="kernel.org"),
        pytest.param("6.12+", (6, 12), id="uncommitted-changes"),
        pytest.param("6.12.0+", (6, 12), id="uncommitted-changes-of-a-release"),
        pytest.param("7.1.0-rc3", (7, 1), id="release-candidate"),
        pytest.param("7.1-rc3", (7, 1), id="release-candidate-of-two-numbers"),
        pytest.param("7.1rc3", (7, 1), id="release-candidate-without-a-dash"),
        pytest.param("7.1.0-rc3-00123-gdeadbeef-dirty", (7, 1), id="built-from-git"),
        pytest.param("6.1.0-13-amd64", (6, 1), id="debian-12"),
        pytest.param("6.12.43+deb13-amd64", (6, 12), id="debian-13"),
        pytest.param("6.12.41+deb13-cloud-arm64", (6, 12), id="debian-13-cloud"),
        pytest.param("6.17.2+kali-amd64", (6, 17), id="kali"),
        pytest.param("6.8.0-1021-aws", (6, 8), id="ubuntu-aws"),
        pytest.param("5.15.0-119-generic", (5, 15), id="ubuntu"),
        pytest.param("4.18.0-553.el8_10.x86_64", (4, 18), id="red-hat-8"),
        pytest.param("5.14.0-427.13.1.el9_4.aarch64+64k", (5, 14), id="red-hat-9-64k"),
        pytest.param("4.19.0-0.bpo.19-amd64", (4, 19), id="debian-backports"),
        pytest.param("5.10.110-rockchip-rk3588", (5, 10), id="vendor"),
        pytest.param("6.6.51+rpt-rpi-v8", (6, 6), id="raspberry-pi"),
        pytest.param("5.15.153.1-microsoft-standard-WSL2", (5, 15), id="wsl"),
        pytest.param("6.15.9-arch1-1", (6, 15), id="arch"),
        pytest.param("6.9.6-200.fc40.x86_64", (6, 9), id="fedora"),
        pytest.param("6.4.0-150600.23.7-default", (6, 4), id="suse"),
        pytest.param("6.12.30_1", (6, 12), id="void"),
        pytest.param("5.4.0-kvm_hetzner", (5, 4), id="underscore"),
        pytest.param("7", (7, 0), id="one-number"),
        pytest.param("7.", (7, 0), id="dot-at-the-end"),
        pytest.param("7-next", (7, 0), id="one-number-and-a-word"),
        pytest.param("linux-6.15-custom", (6, 15), id="word-in-front"),
        pytest.param("10.0.1", (10, 0), id="two-digits"),
        pytest.param("custom", (0, 0), id="no-number"),
        pytest.param("", (0, 0), id="empty"),
        pytest.param("\u0667.\u0661", (0, 0), id="digits-of-another-script"),
    ],
)
def test_the_version_of_a_kernel_is_read_from_whatever_it_calls_itself(release, version):
    assert names.kernel_version(release) == version


@given(st.text(max_size=64))
def test_no_release_of_a_kernel_stops_a_module(release):
    assert names.kernel_version(release) >= (0, 0)


@given(major=st.integers(0, 99), minor=st.integers(0, 999), rest=st.sampled_from(("", "+", "-rc3", ".0", ".0-13-amd64", "_x", "~1")))
def test_what_stands_behind_the_numbers_of_a_release_does_not_count(major, minor, rest):
    assert names.kernel_version(f"{major}.{minor}{rest}") == (major, minor)
